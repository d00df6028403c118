"""The comparisons of a run, made of its scores by each kind of data, as one table that reports read."""

from __future__ import annotations

import contextlib

from raysp.config.experiment import Experiment
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.runs.comparison_table import made_from, path_of, write_comparison
from raysp.runs.folder import RunFolder


def compare(run: RunFolder) -> None:
    """Write comparison.parquet, unless it was made of the same scores, trials, floor and ceiling.

    There is none without scores, nor of scores that cannot be read, which reports tell.

    Raises:
        NotReady: nothing was ever run there.
        BadInput: the run's record is damaged.
    """
    from raysp.kinds.stimulus.compare import compare as of_recordings

    trials = run.trials()
    states = run.states(trials)
    done = [trial for trial in trials if states[trial.id] == "done"]
    experiment = run.record().get("experiment", {})
    ends = experiment.get("floor", Experiment.floor), experiment.get("ceiling", Experiment.ceiling)
    scores = files.stamp(run.metrics) if files.exists(run.metrics) else {}
    now = {"metrics": scores, "trials": files.digest([one.id for one in done]), "ends": list(ends)}
    if scores and made_from(run) == now:
        return
    files.remove(path_of(run))
    with contextlib.suppress(BadInput, NotReady):
        write_comparison(run, of_recordings(run, done, *ends), now)
