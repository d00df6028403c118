"""The cells of a run as one table: parameters of every fit, what each came to, and which is the best of its kind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from raysp.config.experiment import STANDIN, Trial
from raysp.errors import BadInput, NotReady, unknown
from raysp.io import files, tables
from raysp.kinds.current_clamp.analyses import NAME as ANALYSES
from raysp.kinds.current_clamp.analyses import write_analyses
from raysp.kinds.current_clamp.metrics import CEILING, CEILING_LEAST, EVR, LEAVE_ONE_OUT, LOSS, QUANTISED, WIDE
from raysp.kinds.current_clamp.parameters_file import FORMAT, KIND, read_parameters
from raysp.models.cell_fit import CellFit
from raysp.runs.folder import RunFolder
from raysp.runs.jobs import Jobs, in_turn
from raysp.runs.metrics_table import read_metrics

if TYPE_CHECKING:
    import polars

NAME = "parameters.parquet"
SCORES = {
    "test_evr": EVR,
    "test_evr_leave_one_out": LEAVE_ONE_OUT,
    "test_evr_quantised": QUANTISED,
    "test_evr_100_ms": WIDE,
    "ceiling": CEILING,
    "ceiling_least": CEILING_LEAST,
    "test_loss_per_bin": LOSS,
}
"""Columns that scoring adds to those of fits, beside `best` and `standin`."""


class Cell(CellFit, total=False):
    """A row of a run's table of fits."""

    test_evr: float | None
    test_evr_leave_one_out: float | None
    test_evr_quantised: float | None
    test_evr_100_ms: float | None
    ceiling: float | None
    ceiling_least: float | None
    test_loss_per_bin: float | None
    standin: bool
    best: bool


ONE_FIT = ("split", "protocol", "bin_ms", "activation_bin_ms", "unit")
"""What fits must have in common to be candidates of each other."""

PUBLISHED_EVR, PUBLISHED_LOSS = 0.5, 0.45
PREFERRED = "clean"


def write_cells(run: RunFolder, jobs: Jobs = in_turn) -> None:
    """Write `parameters.parquet` of a run beside its metrics; nothing where no trial has parameters.

    Of fits to one unit at one width of bins and of activation bins by one protocol, whatever else differs, `best`
    marks that of the largest explained variance on validation data, as published; a fit without one wins alone.
    """
    path = files.join(run.path, NAME)
    trials = _with_parameters(run)
    if not trials:
        for name in (NAME, ANALYSES):
            files.remove(files.join(run.path, name))
        return
    scores = _scores(run, [trial.id for trial in trials])
    found = [_of_trial(run, trial, scores) for trial in trials]
    cells = marked(_joined(found))
    tables.write_table(path, cells, {"format": FORMAT, "kind": KIND})
    write_analyses(run, cells, jobs)


def marked(table: polars.DataFrame) -> polars.DataFrame:
    """Return a table of fits with the column `best`."""
    import polars
    from polars import col

    usable = col("chosen") & (col("status") == "fitted")
    value = polars.when(usable).then(col("validation_evr").fill_null(-math.inf).fill_nan(-math.inf))
    # Of equal ones the first in the table.
    place = polars.int_range(polars.len()).over(ONE_FIT)
    first = value.arg_max().over(ONE_FIT)
    return table.with_columns(best=(value.is_not_null() & (place == first)).fill_null(False))


def read_cells(source: str) -> polars.DataFrame:
    """Return the table of a run folder, or of a file of that layout, as a polars frame.

    Raises:
        NotReady: nothing was scored there.
        BadInput: the table is damaged, or another.
    """
    if source.endswith(".parquet"):
        return read_parameters(source)
    run, path = RunFolder(source), files.join(source, NAME)
    if not files.exists(path):
        run.record()
        raise NotReady(
            f"{source} expected {NAME}, found none: no model of it has parameters of cells, or none was scored; run: "
            f"raysp evaluate {source}"
        )
    return read_parameters(path)


def best_cells(
    source: str, protocol: str = "", *, split: str = "", published: bool = False, plain: bool = False
) -> polars.DataFrame:
    """Return the best fit of each cell at each width of bins, as a polars frame; each cell once at each.

    Args:
        source: a run folder, or a table that was taken in.
        protocol: "clean" or "paper"; by default clean where it is there, else the only one.
        split: its cells alone, or those of what stands in for it; by default those of all.
        published: those alone that the published table would hold: explained-variance ratio on validation data above
            0.5, and a last training loss below 0.45.
        plain: of candidates without bent inputs alone, which is what published forms hold; one that was not chosen has
            no score on test currents.

    Raises:
        NotReady: nothing was scored there.
        BadInput: there is no such protocol or split; or two recordings have a cell of one number.
    """
    from polars import col

    table = read_cells(source)
    if split:
        names = {split, STANDIN + split}
        if names.isdisjoint(splits := table["split"].unique().sort().to_list()):
            raise unknown(f"split of {source}", split, splits)
        table = table.filter(col("split").is_in(names))
    there = table.filter(col("best"))["protocol"].unique().sort().to_list()
    if plain:
        bent = col("bent").list.len().fill_null(0) > 0
        freed = (col("chosen") & bent).any().over("run_trial", "unit")
        table = marked(table.with_columns(chosen=col("chosen") | freed).filter(~bent))
    # Where the activation was fitted with all else, its bins are those of the data.
    table = table.filter(col("best")).with_columns(col("activation_bin_ms").fill_null(col("bin_ms")))
    protocol = protocol or (PREFERRED if PREFERRED in there or not there else there[0])
    if protocol not in there:
        raise BadInput(
            f"{source} expected fits by protocol {' or '.join(there) or '(none was fitted)'}, got {protocol}"
        )
    table = table.filter(col("protocol") == protocol)
    if published:
        table = table.filter((col("validation_evr") > PUBLISHED_EVR) & (col("train_loss") < PUBLISHED_LOSS))
    twice = table.filter(table.select("bin_ms", "activation_bin_ms", "unit").is_duplicated())
    if not twice.is_empty():
        both = " and ".join(twice["split"].unique().sort())
        raise BadInput(f"{source}: expected each cell once, got cell {twice['unit'][0]} in {both}; choose one split's")
    return table.sort("bin_ms", "activation_bin_ms", "unit")


def _with_parameters(run: RunFolder) -> list[Trial]:
    trials = run.trials()
    states, lost = run.states(trials), {trial.id for trial in run.lost(trials)}
    there = files.listings(files.join(run.path, "trials"))
    done = [trial for trial in trials if states[trial.id] == "done" and trial.id not in lost]
    return [trial for trial in done if NAME in there.get(trial.id, ())]


def _of_trial(run: RunFolder, trial: Trial, scores: polars.DataFrame) -> polars.DataFrame:
    table = read_parameters(files.join(run.trial(trial.id).path, NAME))
    return table.join(scores, on=["run_trial", "unit"], how="left").pipe(_of_chosen, trial)


def _scores(run: RunFolder, trials: Sequence[str]) -> polars.DataFrame:
    from polars import col

    rows = read_metrics(run, col("run_trial").is_in(list(trials)) & col("unit").is_not_null())
    place = ["run_trial", "unit"]
    found = rows.select(place).unique(maintain_order=True)
    for column, metric in SCORES.items():
        own = rows.filter(col("metric") == metric).select(*place, col("value").alias(column))
        found = found.join(own, on=place, how="left")
    return found


def _of_chosen(table: polars.DataFrame, trial: Trial) -> polars.DataFrame:
    """Leave scores to the fits that predicted, and take the last logged test loss where there is one."""
    import polars
    from polars import col

    scored = [polars.when(col("chosen")).then(col(name)).alias(name) for name in SCORES]
    loss = polars.coalesce(col("test_losses").list.last(), col("test_loss"), col("test_loss_per_bin"))
    return table.with_columns(scored).with_columns(
        test_loss=polars.when(col("chosen")).then(loss), standin=polars.lit(trial.standin)
    )


def _joined(found: Sequence[polars.DataFrame]) -> polars.DataFrame:
    import polars

    return polars.concat(list(found), how="vertical_relaxed")
