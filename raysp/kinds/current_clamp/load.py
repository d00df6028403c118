"""One fitted cell of a run as a torch module, and all of them as a data frame: for notebooks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

import numpy as np

from raysp.errors import BadInput
from raysp.kinds.current_clamp.cells import Cell, best_cells
from raysp.models.gfr.parameters import Parameters

if TYPE_CHECKING:
    import polars

    from raysp.models.gfr.neuron import Neurons

USUAL_MS = 20


def load_cells(run: str, protocol: str = "", *, split: str = "", published: bool = False) -> polars.DataFrame:
    """Return the best fit of each cell of a run as a polars frame, a row per cell and width of bins.

    Args:
        run: the run folder, or a table that `raysp import` wrote.
        protocol: "clean" or "paper"; by default clean where it is there.
        split: its cells alone; by default those of all.
        published: only those that pass the published table's filter.

    Raises:
        NotReady: nothing was scored there.
        BadInput: there is no such protocol or split, or the table is damaged.
    """
    return best_cells(os.fspath(run), protocol, split=split, published=published)


def load_cell(
    run: str, cell_id: int, bin_ms: int | None = None, activation_bin_ms: int | None = None, protocol: str = ""
) -> Neurons:
    """Return a fitted cell as a torch module; `cell(current)` gives rates, spikes/ms, of (bins, 1) currents in pA.

    Args:
        run: the run folder, or a table that `raysp import` wrote.
        cell_id: the recording's own number of the cell.
        bin_ms: width of a bin, ms; by default 20, or the smallest that there is.
        activation_bin_ms: of the bins that the activation was fitted to, ms; likewise.
        protocol: "clean" or "paper"; by default clean where it is there.

    Raises:
        NotReady: nothing was scored there.
        BadInput: there is no such cell, or not by this protocol or at this width; the error says what there is.
    """
    from raysp.models.gfr.neuron import Neurons

    return Neurons(parameters_of(_row(os.fspath(run), cell_id, bin_ms, activation_bin_ms, protocol)))


def parameters_of(row: Cell) -> Parameters:
    """Return one row of a table of cells as parameters of one neuron."""
    lists, numbers = (row["alpha"], row["beta"], row["poly_coeff"]), (row["threshold"], row["sigma"], row["gamma"])
    alpha, beta, poly, threshold, sigma, gamma = (np.array([one], dtype=np.float64) for one in (*lists, *numbers))
    bend, bent, lost = (np.array(one or [], np.float64) for one in (row["bend"], row["bent"], row["bent_lambda"]))
    decay = 1 - np.array(row["lambda"], dtype=np.float64)
    return Parameters(
        alpha, beta, poly, threshold, sigma, gamma, decay, row["feedback"], bend[None], bent[None], 1 - lost
    )


def _row(run: str, cell_id: int, bin_ms: int | None, activation_bin_ms: int | None, protocol: str) -> Cell:
    from polars import col

    table = best_cells(run, protocol)
    found = table.filter(col("unit") == int(cell_id))
    if found.is_empty():
        raise _no_cell(run, cell_id, table["unit"].unique().sort().to_numpy())
    for name, wanted in (("bin_ms", bin_ms), ("activation_bin_ms", activation_bin_ms)):
        there = found[name].unique().sort().to_list()
        chosen = (USUAL_MS if USUAL_MS in there else there[0]) if wanted is None else wanted
        if chosen not in there:
            raise BadInput(
                f"cell {cell_id} of {run}, {name} expected {' or '.join(map(str, there))} ms, got {chosen} ms: rates "
                "of one width of bins are not those of another; fit at that width, or take one that is there"
            )
        found = found.filter(col(name) == chosen)
    return cast(Cell, found.row(0, named=True))


def _no_cell(run: str, cell_id: int, there: np.ndarray) -> BadInput:
    if not len(there):
        return BadInput(f"{run} has no fitted cell; parameters.parquet says of each why")
    nearest = int(there[np.argmin(np.abs(there - int(cell_id)))])
    return BadInput(
        f"{run} has no fitted cell {cell_id}: the nearest number is {nearest}; there are {len(there)}, from {there[0]} "
        f"to {there[-1]}"
    )
