"""A small run on made-up sequences: really trained, predicted and scored, without Ray."""

from __future__ import annotations

from dataclasses import dataclass

from raysp.config.experiment import Experiment, ModelChoice, Training, Trial
from raysp.data.splits import store
from raysp.data.splits.labelled_sequences import LabelledSequencesSplit
from raysp.driver.compare import compare
from raysp.driver.evaluate import evaluate_trial
from raysp.driver.plan import make_plan
from raysp.io.yaml_files import write_yaml
from raysp.kinds.labelled_sequences.made_up import made_up
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.metrics_table import write_metrics
from raysp.runs.trial_log import Setting
from raysp.trials.run_trial import run_trial
from tests.data.sequence_answers import answers_of

NAME = "standin-waves"
TRAINING = Training(epochs=8, batch_size=8, learning_rate=1e-2, weight_decay=0.0, measure_every=1, clip_norm=5.0)
MODELS = (
    ModelChoice("majority_class"),
    ModelChoice("rnn_classifier", {"hidden": 12, "readouts": 3}),
    ModelChoice("gfr_network", {"hidden": 12, "readouts": 3}, {"refit": True}),
)


@dataclass(frozen=True)
class MadeRun:
    """A run folder, its data root, its split and its trials."""

    run: RunFolder
    root: str
    split: LabelledSequencesSplit
    trials: list[Trial]

    def of(self, model: str) -> Trial:
        return next(trial for trial in self.trials if trial.shown == model)


def make_run(folder, models=MODELS, seeds=(0, 1), training=TRAINING) -> MadeRun:
    """Train, predict and score models on made-up sequences."""
    root, run = str(folder / "data"), RunFolder(str(folder / "runs" / "made-up"))
    split = made_up(samples=30, name=NAME)
    store.save(split, answers_of(split), root, {"made": "up"})
    experiment = Experiment("made-up", models, splits=(NAME,), seeds=seeds, training=training)
    trials = list(make_plan(experiment, [NAME], root).trials)
    write_yaml(
        run.experiment,
        {
            "name": run.name,
            "root": root,
            "experiment": {"floor": "", "ceiling": ""},
            "submissions": [{"time": "2026-01-05T10:00:00", "command": "raysp run mine.py", "commit": "c0ffee" * 6}],
            "data": {NAME: {"kind": "labelled_sequences", "fingerprint": split.fingerprint()}},
            "trials": [trial_to(trial) for trial in trials],
        },
    )
    for trial in trials:
        run_trial(trial, Setting(run.path, root))
    write_metrics(run, [row for trial in trials for row in evaluate_trial(run.path, root, trial_to(trial))])
    compare(run, root)
    return MadeRun(run, root, split, trials)
