"""Studies whose trials are never trained: a loss is written down for each, as its settings say."""

from __future__ import annotations

import math

from raysp.config.experiment import Training
from raysp.driver.plan import _hyperparameters
from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.search.active_study import ActiveStudy, Amount
from raysp.search.space_check import flat
from raysp.search.space_file import parse_space
from raysp.search.study import Definition, Study

SPACE = {
    "model.hidden": {"int": [16, 256], "log": True},
    "model.encoder_hidden": {"same": "model.hidden"},
    "model.latents": {"choice": [0, 8, 16]},
    "training.learning_rate": {"loguniform": [1e-4, 1e-1]},
    "training.schedule": {"choice": ["constant", "plateau"]},
    "training.plateau_patience": {"int": [5, 40], "when": {"training.schedule": "plateau"}},
}


def study(folder, *, space=SPACE, start=None, model="sae", split="split-val", **changes) -> Study:
    found = parse_space({"model": model, "space": space} | ({"start": start} if start else {}), "space")
    base = flat(_hyperparameters(model, {}), Training())
    made = Study(RunFolder(str(folder)), Definition(split, "0" * 64, base, found, **changes))
    made.write()
    return made


def active(made: Study, samples=20, *, retry=False, late=lambda: False, cut=lambda: False, **amount) -> ActiveStudy:
    return ActiveStudy(made, Amount(samples, **amount), retry=retry, late=late, cut=cut)


def loss_of(trial) -> float:
    """A bowl whose best is hidden 64, learning rate 1e-2; seeds differ a little, and subsets of units more."""
    hidden, rate = trial.hyperparameters["hidden"], trial.training.learning_rate
    own = 1e-3 * trial.seed + 0.1 * (trial.units[0] if trial.units else 0)
    return (math.log(hidden / 64)) ** 2 + (math.log10(rate / 1e-2)) ** 2 + own


def write_done(run: RunFolder, trial, **changes) -> None:
    loss = loss_of(trial)
    done = {"trial": trial.id, "validation": {"validation_loss": loss, "co-bps": -loss}, "stopped_at": None}
    done |= {"best_epoch": 3, "epochs": 5, "seconds": 0.1, "parameters": 7, "selected_on": "validation trials"}
    files.write_json(run.trial(trial.id).done, done | changes)


def write_failed(run: RunFolder, trial, text="Traceback ...\nValueError: no good\n") -> None:
    files.write_text(run.trial(trial.id).error, text)


def work(one: ActiveStudy, *, at_once=3, most=10**6, fails=lambda trial: False) -> list[str]:
    """Run a study's trials, so many at once, the newest first to end; return their names in the order they ran."""
    running, ran = [], []
    while len(ran) < most:
        while len(running) < at_once and (trial := one.next()) is not None:
            running.append(trial)
        if not running:
            assert one.over()
            break
        trial = running.pop()
        (write_failed if fails(trial) else write_done)(one.study.run, trial)
        one.settle(trial.id)
        ran.append(trial.id)
    return ran
