"""A small run on made-up cells: really fitted, predicted and scored, without Ray."""

from __future__ import annotations

from dataclasses import dataclass

from raysp.config.experiment import Experiment, ModelChoice, Trial
from raysp.data.splits import store
from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.driver.compare import compare
from raysp.driver.evaluate import evaluate_trial
from raysp.driver.plan import make_plan
from raysp.io.yaml_files import write_yaml
from raysp.kinds.current_clamp.kind import KIND
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.metrics_table import write_metrics
from raysp.runs.trial_log import Setting
from raysp.trials.run_trial import run_trial
from tests.data.clamp_splits import made_up

NAME = "standin-cells"
CLEAN = ModelChoice("gfr", {"starts": 1, "softness": [0.3], "ridges": [0.001], "bends": []})
PAPER = ModelChoice(
    "gfr",
    {"protocol": "paper", "epochs": 4, "learning_rates": [0.01, 0.001], "activation_epochs": 20},
    label="gfr_paper",
)
MODELS = (ModelChoice("clamp_mean_rate"), PAPER, CLEAN, ModelChoice("clamp_psth"))


@dataclass(frozen=True)
class MadeRun:
    """A run folder, its data root, its recording and its trials."""

    run: RunFolder
    root: str
    split: CurrentClampSplit
    trials: list[Trial]

    def of(self, model: str, place: int = 0) -> Trial:
        return [trial for trial in self.trials if trial.shown == model][place]


def make_run(folder, models=MODELS, units=4, together=2, split=None) -> MadeRun:
    """Fit, predict and score models on made-up cells, so many to a trial."""
    root, run = str(folder / "data"), RunFolder(str(folder / "runs" / "made-up"))
    split = made_up(units, seed=3, timed=True, name=NAME, longest=60) if split is None else split
    store.save(split, None, root, {"made": "up"})
    experiment = Experiment("made-up", models, splits=(split.name,), units_per_trial=together)
    trials = list(make_plan(experiment, [split.name], root).trials)
    write_yaml(
        run.experiment,
        {
            "name": run.name,
            "root": root,
            "experiment": {"floor": "", "ceiling": ""},
            "submissions": [{"time": "2026-01-05T10:00:00", "command": "raysp run cells.py", "commit": "c0ffee" * 6}],
            "data": {split.name: {"kind": "current_clamp", "fingerprint": split.fingerprint()}},
            "trials": [trial_to(trial) for trial in trials],
        },
    )
    for trial in trials:
        run_trial(trial, Setting(run.path, root))
    made = MadeRun(run, root, split, trials)
    score(made)
    return made


def score(made: MadeRun) -> None:
    """Score a run anew."""
    write_metrics(
        made.run, [r for trial in made.trials for r in evaluate_trial(made.run.path, made.root, trial_to(trial))]
    )
    KIND.tables(made.run)
    compare(made.run, made.root)
