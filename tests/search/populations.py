"""A population small enough to train in seconds: a linear model of few settings, on a made-up split of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

from raysp.config.experiment import Training, Trial
from raysp.data.splits import store
from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.runs.genealogy import Genealogy
from raysp.runs.trial_log import Setting
from raysp.search.lanes import groups
from raysp.search.pbt import Population
from raysp.search.population_folder import ActivePopulation, PopulationFolder
from raysp.search.space_file import parse_space
from raysp.trials.member_trial import train_members
from tests.models.lfads.made_up import SMALL
from tests.models.made_up import made_up_split

SPACE = {
    "model": "sae",
    "space": {
        "model.dropout": {"uniform": [0.0, 0.6]},
        "training.learning_rate": {"loguniform": [1e-4, 1e-1]},
        "training.weight_decay": {"loguniform": [1e-4, 1.0], "explore": 0.8},
        "training.batch_size": {"int": [4, 12]},
        "training.optimizer": {"choice": ["adamw", "adam"]},
    },
    "start": [{"training.learning_rate": 0.02}],
}
TRAINING = Training(epochs=2, batch_size=8, learning_rate=1e-2, measure_every=0, precision="float32")


def population(members: int = 4, space: dict[str, Any] | None = None, seed: int = 0, **how: Any) -> Population:
    """Return a population of a tiny autoencoder."""
    trial = Trial("sae", {"encoder_hidden": 4, "hidden": 3}, TRAINING, "made_up", made_up_split().fingerprint(), seed)
    trial = dataclasses.replace(trial, hyperparameters={**_whole("sae"), **trial.hyperparameters})
    return Population(trial, parse_space(space or SPACE, "space"), members, **{"epochs": 2, **how})


def prepared(folder: Any) -> str:
    """Prepare the split; return the data root."""
    root = str(folder / "data")
    split = made_up_split()
    store.save(split, None, root, {})
    return root


def train(
    folder: Any, root: str, one: Population, generations: int, *, stop_after: int | None = None, patience: int = 0
) -> Genealogy:
    """Train a population in this process; after so many groups of members, leave it as a kill would."""
    run, trained = RunFolder(str(folder)), 0
    active = ActivePopulation(PopulationFolder(run, one), generations, patience, {})
    while rows := active.next():
        waiting = {row.member for row in rows}
        for group in groups(one, active.genealogy.generation(active.genealogy.last)):
            if waiting.isdisjoint(row.member for row in group):
                continue
            if trained == stop_after:
                return active.genealogy
            train_members(one, group, Setting(run.path, root, "cpu"))
            trained += 1
    return active.genealogy


def states(folder: Any, one: Population) -> list[str]:
    """Return the names of the members' files."""
    return sorted(files.listing(files.join(PopulationFolder(RunFolder(str(folder)), one).path, "members")))


def _whole(model: str) -> dict[str, Any]:
    from raysp.config import settings
    from raysp.models import catalog

    return settings.plain(catalog.config(model, {}))


def lfads_population(members: int = 4, lanes: int = 4, more: dict[str, Any] | None = None, **how: Any) -> Population:
    """Return a population of a tiny LFADS, whose members may be lanes of one model."""
    trial = dataclasses.replace(population().trial, model="lfads", hyperparameters={**_whole("lfads"), **SMALL})
    space = {
        "model.dropout": {"uniform": [0.0, 0.6]},
        "model.coordinated_dropout": {"uniform": [0.05, 0.7]},
        "model.beta_inputs": {"loguniform": [0.001, 10.0]},
        "training.learning_rate": {"loguniform": [1e-3, 3e-2]},
        "training.weight_decay": {"loguniform": [1e-4, 1.0]},
    }
    found = parse_space({"model": "lfads", "space": space | (more or {})}, "space")
    return Population(trial, found, members, **{"epochs": 2, "lanes": lanes, **how})
