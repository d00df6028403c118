"""A trial small enough to train in a second, and how a process that will be killed trains it."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import torch

from raysp.config.experiment import Training, Trial
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.kinds.population import learner
from raysp.training.trial import Fitted, Job
from tests.models.made_up import made_up_split

SETTINGS = {"encoder_hidden": 6, "hidden": 5, "dropout": 0.3, "coordinated_dropout": 0.2}
FAST = Training(epochs=8, batch_size=4, learning_rate=1e-2, measure_every=0)


def made_up_trial(seed: int = 0, **training: Any) -> Trial:
    return Trial("sae", SETTINGS, dataclasses.replace(FAST, **training), "made_up", "0" * 64, seed)


def made_up_job(trial: Trial, checkpoint: str | None = None, **options: Any) -> Job:
    def path(stage: str) -> str | None:
        return checkpoint if checkpoint is None or stage == "fit" else f"{checkpoint}-{stage}"

    return Job(trial, **{"device": "cpu", "checkpoint": path, **options})


def fit(trial: Trial, split: PopulationSplit | None = None, targets: Answers | None = None, **options: Any) -> Fitted:
    return learner.fit(made_up_job(trial, **options), split or made_up_split(), targets)


def weights(fitted: Fitted) -> dict[str, torch.Tensor]:
    return fitted.model.state_dict()


def same_weights(one: Fitted, two: Fitted) -> bool:
    ours, theirs = weights(one), weights(two)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def without_seconds(curve: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in curve]


def train_slowly(checkpoint: str) -> None:
    """Train with a checkpoint after every epoch, saying each epoch on standard output, until killed."""
    from raysp.training import checkpoint as checkpoints

    checkpoints.SAVE_EVERY_S = 0.0
    torch.set_num_threads(1)

    def report(note: dict[str, Any]) -> None:
        print(note["epoch"], flush=True)
        time.sleep(0.05)

    fit(made_up_trial(epochs=40), checkpoint=checkpoint, report=report)


def smoothing_trial() -> Trial:
    return Trial("smoothing", {}, None, "made_up", "0" * 64)


def regress_slowly(checkpoint: str) -> None:
    """Fit a model that fits itself, its stages kept as they are done, until killed in the second one."""
    from raysp.models import smoothing
    from raysp.training import checkpoint as checkpoints

    checkpoints.SAVE_EVERY_S = 0.0
    torch.set_num_threads(1)
    regression, done = smoothing.poisson_regression, []

    def slowly(*args: Any) -> Any:
        if done:
            print("second", flush=True)
            time.sleep(60)
        done.append(1)
        return regression(*args)

    smoothing.poisson_regression = slowly
    fit(smoothing_trial(), checkpoint=checkpoint)
