"""What analyses of cell types see of a cell: its filters, its activation and its highest rate, and what it is."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars

LEAST_EVR = 0.5
"""On test currents: fits below say little of their cells."""

LEAST_CELLS = 20
"""Of a line, more than which it needs."""

INHIBITORY = ("Pvalb", "Sst", "Vip", "Htr3a", "Ndnf")
EXCITATORY = ("Cux2", "Nr5a1", "Ntsr1", "Rorb", "Scnn1a", "Tlx3", "Rbp4")
"""Lines that are decoded."""


@dataclass(frozen=True)
class Features:
    """Cells as numbers and as labels.

    Attributes:
        names: of the features.
        values: (cells, features).
        line: (cells,) name of the line before the first "-"; empty for others than those that are decoded.
        species: (cells,) empty where unknown.
        dendrite: (cells,) likewise.
        evr: (cells,) on test currents.
    """

    names: tuple[str, ...]
    values: np.ndarray
    line: np.ndarray
    species: np.ndarray
    dendrite: np.ndarray
    evr: np.ndarray

    def select(self, cells: np.ndarray) -> Features:
        """Return those of these cells, (cells,) bool."""
        each = (self.values, self.line, self.species, self.dendrite, self.evr)
        return Features(self.names, *(values[cells] for values in each))

    @property
    def words(self) -> str:
        """How many features there are of each group, and those of the activation by name."""
        many = Counter(group for group in self.group_of.tolist() if group != "activation")
        alone = [name for name in self.names if "_" not in name]
        return ", ".join([*(f"{count} {group}" for group, count in many.items()), *alone])

    @property
    def group_of(self) -> np.ndarray:
        """(features,) "alpha", "beta", "bent" or "activation"."""
        return np.array([name.partition("_")[0] if "_" in name else "activation" for name in self.names])


def features_of(cells: polars.DataFrame, least_evr: float = LEAST_EVR) -> Features:
    """Return the features of the cells whose explained variance on test currents is large enough.

    They are alpha, beta, the gains of bent inputs where any cell has some ("bent_0.2_50": of what the current has
    above 0.2 sigma, by the filter of 50 ms; 0 of a cell whose fit has none), and of g = gamma tanh(c0 + c1 z) the
    coefficients c0, c1 and gamma; of a polynomial of a higher degree its first two, which is what they are near
    threshold.

    Args:
        cells: fits at one width of bins, rows of the run's parameters.parquet, each cell once.
        least_evr: on test currents.
    """
    from polars import col

    cells = cells.filter(col("test_evr") > least_evr).sort("unit")
    alpha, beta = (np.array(cells[name].to_list(), dtype=np.float64) for name in ("alpha", "beta"))
    if not len(cells):
        alpha = beta = np.zeros((0, 0))
    poly = np.array([one[:2] for one in cells["poly_coeff"].to_list()], dtype=np.float64).reshape(-1, 2)
    sigma, threshold = (cells[name].to_numpy().astype(np.float64) for name in ("sigma", "threshold"))
    # Written out, the polynomial is a_0^2 + a_1^2 (z - b) / sigma.
    c0, c1 = poly[:, 0] ** 2 - poly[:, 1] ** 2 * threshold / sigma, poly[:, 1] ** 2 / sigma
    terms = range(1, alpha.shape[1] + 1)
    heard, bent = _bent(cells)
    names = (*(f"alpha_{i}" for i in terms), *(f"beta_{i}" for i in terms), *heard, "c0", "c1", "gamma")
    values = np.column_stack([alpha, beta, bent, c0, c1, cells["gamma"].to_numpy()])
    species, dendrite = (np.array(cells[name].fill_null("").to_list(), dtype=str) for name in ("species", "dendrite"))
    lines = np.array([_line(text or "") for text in cells["line"].to_list()], dtype=str)
    return Features(names, values, lines, species, dendrite, cells["test_evr"].to_numpy())


def common_lines(found: Features, more_than: int = LEAST_CELLS) -> Features:
    """Return the cells of lines that have more than so many of them."""
    names, counts = np.unique(found.line, return_counts=True)
    return found.select(np.isin(found.line, names[(counts > more_than) & (names != "")]))


def _bent(cells: polars.DataFrame) -> tuple[list[str], np.ndarray]:
    """Return names and gains, (cells, inputs), of the bent inputs that any cell has, the lowest bend first."""
    gains = []
    for row in cells.select("bend", "bent", "bent_lambda", "sigma", "bin_ms").iter_rows(named=True):
        bends, own, lost = (row[name] or [] for name in ("bend", "bent", "bent_lambda"))
        inputs = [
            (round(bend / row["sigma"], 6), round(-row["bin_ms"] / math.log1p(-one), 3) if one < 1 else 0.0)
            for bend, one in zip(bends, lost, strict=True)
        ]
        gains.append(dict(zip(inputs, own, strict=True)))
    there = sorted({one for own in gains for one in own})
    values = np.array([[own.get(one, 0.0) for one in there] for own in gains]).reshape(len(cells), len(there))
    return [f"bent_{bend:g}_{tau:g}" for bend, tau in there], values


def _line(text: str) -> str:
    name = text.partition("-")[0]
    return name if "|" not in text and name in (*INHIBITORY, *EXCITATORY) else ""
