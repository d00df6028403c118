"""A run's numbers as lines of text, by kind of data, and what else must be known of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars
from polars import col

from raysp.config.experiment import Trial
from raysp.data.splits.split import Split
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.terminal import Terminal, table
from raysp.kinds import catalog as kinds
from raysp.kinds.kind import Kind
from raysp.kinds.metric import Metric
from raysp.kinds.scores import Row, Score, Scores, further, with_ceilings
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import read_metrics
from raysp.runs.records import Done

ARROWS = {"max": "↑", "min": "↓"}
WHOLE = 3
"""So many splits are shown with all their metrics; of more, each has one line with the first of them."""


def lines(
    run: RunFolder, phase: str | None, root: str | None = None, terminal: Terminal | None = None, *, whole: bool = True,
    every: bool = False,
) -> Iterator[str]:  # fmt: skip
    """Yield the scores of a run, then what else must be known of them.

    Args:
        run: the run folder, evaluated.
        phase: "val" or "test"; None for both.
        root: the data root; None for the recorded one.
        terminal: where they are printed.
        whole: every split, each with a table of its own, and the remarks; else, where there are many
            splits, a line for each.
        every: those metrics, too, that stand in no table otherwise, such as a network's weight.

    Raises:
        BadInput: the table of metrics is damaged.
    """
    terminal, record = terminal or Terminal(), run.record()
    for kind, rows in _by_kind(run, phase, root):
        found = [with_ceilings(one, ceilings_of(run)) for one in kind.scores(rows, kind.bounds(record))]
        for one in found if whole or len(found) <= WHOLE else _together(found):
            yield ""
            yield from table_of(one, terminal)
        columns = {name for one in found for name, _ in one.columns}
        for one in further(rows, kind.metrics, kind.bounds(record), columns) if every else ():
            yield ""
            yield from table_of(with_ceilings(one, ceilings_of(run)), terminal)
    if whole and (notes := remarks_of(run, phase, root)):
        yield ""
        yield from (f"note: {note}" for note in notes)


def ceilings_of(run: RunFolder) -> set[str]:
    """Return what models of a run are called whose role is a ceiling's, be they the run's own ceiling or not."""
    known = run.record().get("models", {})
    return {trial.shown for trial in run.trials() if known.get(trial.model, {}).get("role") == "ceiling"}


def remarks_of(run: RunFolder, phase: str | None = None, root: str | None = None) -> list[str]:
    """Return the remarks on a run's scores, of one phase or of both. Raises BadInput where the table is damaged."""
    trials, record, found = run.trials(), run.record(), []
    for kind, rows in _by_kind(run, phase, root):
        scored = set(rows["run_trial"])
        mine = [trial for trial in trials if trial.id in scored]
        done = {trial.id: known for trial in mine if (known := _done(run, trial)) is not None}
        found += kind.remarks(rows, kind.bounds(record)[0], mine, done)
    return found


def table_of(scores: Scores, terminal: Terminal) -> Iterator[str]:
    """Yield a table's lines, its title first."""
    yield scores.split + (f", {scores.what}" if scores.what else "")
    rows = [(row.label, [(one.text, one.best) for one in row.scores]) for row in scores.rows]
    yield from table([_heading(name, metric) for name, metric in scores.columns], rows, terminal)


def _heading(name: str, metric: Metric | None) -> str:
    return f"{name} {ARROWS[metric.better]}" if metric is not None and metric.ranked else name


def _together(found: Sequence[Scores]) -> Iterator[Scores]:
    """Yield a table for each first metric of some splits: splits by models, floor and ceiling in their places."""
    by: dict[tuple[str, Metric | None], list[Scores]] = {}
    for one in found:
        by.setdefault(one.columns[0], []).append(one)
    for (name, metric), several in by.items():
        roles = {row.label: row.role for one in several for row in one.rows}
        labels = sorted(roles, key=lambda label: (roles[label] == "ceiling") - (roles[label] == "floor"))
        cells = {one.split: {row.label: row.scores[0] for row in one.rows} for one in several}
        rows = [Row(split, tuple(mine.get(label, Score("-")) for label in labels)) for split, mine in cells.items()]
        whats = {one.what for one in several}
        what = whats.pop() if len(whats) == 1 else ""
        columns = tuple((label, None) for label in labels)
        yield Scores(f"{_heading(name, metric)} of {len(several)} splits", columns, tuple(rows), what)


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
