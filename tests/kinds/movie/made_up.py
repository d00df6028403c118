"""A small run on a made-up movie: really fitted, predicted and scored, without Ray."""

from __future__ import annotations

from dataclasses import dataclass

from raysp.config.experiment import Experiment, ModelChoice, Trial
from raysp.data.splits import store
from raysp.data.splits.movie import MovieAnswers, MovieSplit
from raysp.driver.compare import compare
from raysp.driver.evaluate import evaluate_trial
from raysp.driver.plan import make_plan
from raysp.io.yaml_files import write_yaml
from raysp.kinds.movie.made_up import made_up
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.metrics_table import write_metrics
from raysp.runs.trial_log import Setting
from raysp.trials.run_trial import run_trial

NAME = "standin-clips"
MODELS = (ModelChoice("movie_mean_rate"), ModelChoice("movie_psth"))


@dataclass(frozen=True)
class MadeRun:
    """A run folder, its data root, its split with answers, and its trials."""

    run: RunFolder
    root: str
    split: MovieSplit
    answers: MovieAnswers
    trials: list[Trial]

    def of(self, model: str) -> Trial:
        return next(trial for trial in self.trials if trial.shown == model)


def make_run(folder, models=MODELS, seeds=(0, 1), built=None) -> MadeRun:
    """Fit, predict and score models on a made-up movie, or another one."""
    root, run = str(folder / "data"), RunFolder(str(folder / "runs" / "made-up"))
    split, answers = built or made_up(new=1, repeats=30, frames=120, name=NAME)
    store.save(split, answers, root, {"made": "up"})
    experiment = Experiment("made-up", models, splits=(split.name,), seeds=seeds)
    trials = list(make_plan(experiment, [split.name], root).trials)
    write_yaml(
        run.experiment,
        {
            "name": run.name,
            "root": root,
            "experiment": {"floor": "", "ceiling": ""},
            "submissions": [{"time": "2026-01-05T10:00:00", "command": "raysp run mine.py", "commit": "c0ffee" * 6}],
            "data": {split.name: {"kind": "movie", "fingerprint": split.fingerprint()}},
            "trials": [trial_to(trial) for trial in trials],
        },
    )
    for trial in trials:
        run_trial(trial, Setting(run.path, root))
    write_metrics(run, [row for trial in trials for row in evaluate_trial(run.path, root, trial_to(trial))])
    compare(run, root)
    return MadeRun(run, root, split, answers, trials)
