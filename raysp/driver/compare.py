"""The comparisons of a run, made of its scores by each kind of data, as one table that reports read."""

from __future__ import annotations

import contextlib

from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.kinds import catalog as kinds
from raysp.runs.comparison_table import COLUMNS, made_from, path_of, write_comparison
from raysp.runs.folder import RunFolder


def compare(run: RunFolder, root: str | None = None) -> None:
    """Write comparison.parquet, unless it was made of the same scores, trials, floor and ceiling.

    There is none without scores, nor of scores that cannot be read, which reports tell.

    Raises:
        NotReady: nothing was ever run there.
        BadInput: the run's record is damaged.
    """
    trials = run.trials()
    states = run.states(trials)
    done = [trial for trial in trials if states[trial.id] == "done"]
    bounds = {kind: kind.bounds(run.record()) for kind in dict.fromkeys(kinds.of_run(run, root).values())}
    scores = files.stamp(run.metrics) if files.exists(run.metrics) else {}
    ends = {kind.name: list(names) for kind, names in bounds.items()}
    now = {"metrics": scores, "trials": files.digest([one.id for one in done]), "ends": ends, "columns": list(COLUMNS)}
    if scores and made_from(run) == now:
        return
    files.remove(path_of(run))
    with contextlib.suppress(BadInput, NotReady):
        rows = [row for kind, names in bounds.items() for row in kind.compare(run, done, names)]
        write_comparison(run, rows, now)
