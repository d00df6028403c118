"""Neurons that were fitted or trained elsewhere, from which a network draws its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from raysp.errors import BadInput, expect
from raysp.models.gfr.parameters import Parameters

COLUMNS = (
    "unit", "validation_evr", "test_evr", "sigma", "gamma", "threshold", "poly_coeff", "alpha", "beta", "lambda",
    "feedback",
)  # fmt: skip
"""Of a table of neurons, a row for each; of those that were trained in a network, the two of explained variance are not
there, and `LAYERS` are."""

LAYERS = ("inward", "inward_bias", "outward", "outward_bias")
"""Weights of what a neuron hears of each feature, and its own bias; what each class hears of it, and their biases."""


@dataclass(frozen=True)
class Pool:
    """Neurons of equal filters.

    Attributes:
        parameters: of all of them.
        units: (neurons,) their numbers.
        evr: (neurons,) explained-variance ratio of the cells that they were fitted to, NaN where it is not known; None
            of those that were trained in a network.
        layers: of those that were trained in a network, `LAYERS` -> (neurons, ...).
    """

    parameters: Parameters
    units: np.ndarray
    evr: np.ndarray | None
    layers: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]], part: str = "validation") -> Pool:
        """Return the neurons of a table.

        Args:
            columns: of `COLUMNS`, by name.
            part: of recordings, whose explained variance counts: "validation" or "test".

        Raises:
            BadInput: there are none; a column is missing, or holds what is no parameter; or their filters, or the
                factors of their own rates, are not the same.
        """
        _check(columns)
        for name, what in (("lambda", "filters"), ("feedback", "factors of their own rate")):
            first, *others = columns[name]
            for unit, other in zip(columns["unit"][1:], others, strict=True):
                expect(
                    np.array_equal(first, other),
                    f"expected neurons of equal {what}, got {name} {first} of unit {columns['unit'][0]} and {other} of "
                    f"unit {unit}; take those of one width of bins",
                )
        order = max(map(len, columns["poly_coeff"]))
        poly = [[*one, *[0.0] * (order - len(one))] for one in columns["poly_coeff"]]
        numbers = {
            name: np.array(columns[name], np.float64) for name in ("alpha", "beta", "threshold", "sigma", "gamma")
        }
        found = Parameters(
            **numbers, poly=np.array(poly), decay=1 - np.array(columns["lambda"][0]),
            feedback=float(columns["feedback"][0]),
        )  # fmt: skip
        evr = columns.get(f"{part}_evr")
        known = None if evr is None else np.array([np.nan if one is None else one for one in evr], np.float64)
        layers = {name: np.array(columns[name], np.float64) for name in LAYERS if name in columns}
        return cls(found, np.array(columns["unit"]), known, layers)

    def above(self, least: float | None) -> Pool:
        """Return the cells whose explained variance is above a threshold; all without one, or of a network."""
        if self.evr is None or least is None:
            return self
        rows = np.flatnonzero(self.evr > least)
        return Pool(self.parameters.select(rows), self.units[rows], self.evr[rows])

    def rows(self, count: int, seed: int, *, replacement: bool = False, in_order: bool = False) -> np.ndarray:
        """Return which neurons a network takes, (count,) indices.

        Args:
            count: how many.
            seed: of the draw.
            replacement: one may be drawn several times.
            in_order: the first ones, as they stand; nothing is drawn.

        Raises:
            BadInput: there are fewer than are wanted.
        """
        there = len(self.units)
        if there < count and not (replacement and there):
            enough, how = (1, "with") if replacement else (count, "without")
            raise BadInput(
                f"expected {enough} neurons or more to draw {count} {how} replacement, got {there} above least_evr; "
                "lower it, take fewer hidden ones, or set replacement"
            )
        if in_order:
            return np.arange(count)
        return np.random.default_rng([seed, 1]).choice(there, count, replace=replacement)


def _check(columns: Mapping[str, Sequence[Any]]) -> None:
    needed = [name for name in COLUMNS if not name.endswith("_evr")]
    missing = [name for name in needed if name not in columns]
    expect(not missing, f"expected neurons with columns {', '.join(needed)}, got none called {', '.join(missing)}")
    expect(len(columns["unit"]), "expected at least one neuron, got none")
    there = [*needed[1:], *(name for name in LAYERS if name in columns)]
    for unit, *values in zip(columns["unit"], *(columns[name] for name in there), strict=True):
        own = {name: np.ravel(np.array(one, np.float64)) for name, one in zip(there, values, strict=True)}
        odd = [name for name, one in own.items() if not (len(one) and np.isfinite(one).all())]
        terms = len(own["lambda"])
        odd += [name for name in ("alpha", "beta") if len(own[name]) != terms]
        odd += [name for name in ("sigma", "gamma", "lambda") if (own[name] <= 0).any()]
        expect(
            not odd and (own["lambda"] <= 1).all(),
            f"expected finite parameters, sigma, gamma and lambda above 0, and as many alpha and beta as lambda, got "
            f"another {', '.join(dict.fromkeys(odd)) or 'lambda'} of unit {unit}; fit it again, or leave it out",
        )
