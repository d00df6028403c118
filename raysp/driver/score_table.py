"""A run's numbers as lines of text, by kind of data, and what else must be known of them."""

from __future__ import annotations

from collections.abc import Iterator

import polars
from polars import col

from raysp.config.experiment import Trial
from raysp.data.splits.split import Split
from raysp.errors import BadInput
from raysp.io import files
from raysp.kinds import catalog as kinds
from raysp.kinds.kind import Kind
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import read_metrics
from raysp.runs.records import Done


def lines(run: RunFolder, phase: str, root: str | None = None) -> Iterator[str]:
    """Yield one block per split, models by metrics, then what else must be known of the scores.

    Args:
        run: the run folder, evaluated.
        phase: "val" or "test".
        root: the data root; None for the recorded one.

    Raises:
        BadInput: the table of metrics is damaged.
    """
    record = run.record()
    for kind, table in _by_kind(run, phase, root):
        yield from kind.lines(table, kind.bounds(record))
    if notes := remarks_of(run, phase, root):
        yield ""
        yield from (f"note: {note}" for note in notes)


def remarks_of(run: RunFolder, phase: str | None = None, root: str | None = None) -> list[str]:
    """Return the remarks on a run's scores, of one phase or of both. Raises BadInput where the table is damaged."""
    trials, record, found = run.trials(), run.record(), []
    for kind, table in _by_kind(run, phase, root):
        scored = set(table["run_trial"])
        mine = [trial for trial in trials if trial.id in scored]
        done = {trial.id: known for trial in mine if (known := _done(run, trial)) is not None}
        found += kind.remarks(table, kind.bounds(record)[0], mine, done)
    return found


def _by_kind(run: RunFolder, phase: str | None, root: str | None) -> Iterator[tuple[Kind[Split], polars.DataFrame]]:
    table = read_metrics(run, *([] if phase is None else [col("phase") == phase]))
    of_run = kinds.of_run(run, root)
    for kind in dict.fromkeys(of_run.values()):
        part = table.filter(col("split").is_in([split for split, one in of_run.items() if one is kind]))
        if not part.is_empty():
            yield kind, part


def _done(run: RunFolder, trial: Trial) -> Done | None:
    path = run.trial(trial.id)
    try:
        return path.read_done() if files.exists(path.done) else None
    except BadInput:
        # The report says so; the scores do not wait for it.
        return None
