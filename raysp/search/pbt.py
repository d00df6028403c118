"""A population (Jaderberg et al. 2017): one model trained many times at once, whose poor members copy good ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from raysp.config import settings
from raysp.config.experiment import Training, Trial
from raysp.config.ranges import Count, Natural
from raysp.config.settings import Plain
from raysp.errors import BadInput, expect
from raysp.io import files
from raysp.runs.folder import trial_from, trial_to
from raysp.search.objective import OWN_LOSS, UNSEEN_LOSS
from raysp.search.space import Space, Values
from raysp.search.space_check import build, flat
from raysp.search.space_file import parse_space, spell_space

FORMAT = 1
JUDGES = (UNSEEN_LOSS, OWN_LOSS)
"""What members can be judged by: each epoch has it, and less is better."""


@dataclass(frozen=True)
class Population:
    """What a population is: everything that changes its members. How many generations it lives is no part of it.

    Attributes:
        trial: the experiment's own settings, from its own seed, on its split.
        space: the settings that change from generation to generation.
        members: how many, two at least.
        epochs: of a generation.
        ramp: epochs that the first generation has beside these, while losses are still being ramped up.
        objective: what members are judged by, one of `JUDGES`.
        seed: of settings and meetings.
        lanes: members that are trained as one model, at most, with the same draws of order, masks and noise for all
            members; of 1, members train one after the other, each with draws of its own.
    """

    trial: Trial
    space: Space
    members: Count
    epochs: Count = 25
    ramp: Natural = 0
    objective: str = UNSEEN_LOSS
    seed: Natural = 0
    lanes: Count = 1

    def __post_init__(self) -> None:
        settings.check(self, "pbt")
        expect(
            self.members >= 2,
            f"a population of {self.members} has nobody to copy: expected --members of 2 or more; one network alone is "
            "trained with raysp run",
        )
        expect(
            1 <= self.lanes <= self.members,
            f"a population of {self.members} is trained as at most so many lanes, got {self.lanes}",
        )
        expect(self.objective in JUDGES, f"members are judged by {' or '.join(JUDGES)}, got {self.objective!r}")
        expect(
            self.trial.training is not None,
            f"model {self.trial.model} fits itself: a population is of a model that gradient descent fits",
        )
        expect(self.space.entries, f"a population of {self.trial.model} expected settings that vary, got none")

    @property
    def name(self) -> str:
        """The name of its folder: readable in front, the hash of what it is behind."""
        return f"{self.trial.front}_{files.digest(self.plain())[:10]}"

    @property
    def base(self) -> dict[str, Plain]:
        """Every setting as the experiment has it."""
        return flat(self.trial.hyperparameters, self.trial.training)

    def epochs_until(self, generation: int) -> int:
        """Return the epochs of all generations up to one."""
        return self.ramp + self.epochs * generation

    def trial_of(self, values: Values) -> Trial:
        """Return the trial of a member's settings. Raises BadInput where the model refuses them."""
        chosen, training = build(
            self.trial.model, self.space.complete(values, self.base), f"member of a population {dict(values)}"
        )
        return dataclasses.replace(self.trial, hyperparameters=chosen, training=training)

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, from which `of` makes it again."""
        numbers = {name: getattr(self, name) for name in ("members", "epochs", "ramp", "objective", "seed", "lanes")}
        found = {"format": FORMAT, "trial": trial_to(self.trial), "space": spell_space(self.space), **numbers}
        return {name: settings.plain(value) for name, value in found.items()}

    @staticmethod
    def of(plain: Mapping[str, Any]) -> Population:
        """Return a population from its plain form. Raises BadInput where that is of another version."""
        if plain.get("format") != FORMAT:
            raise BadInput(f"a population expected format {FORMAT}, got {plain.get('format')}; run its command again")
        rest = {name: value for name, value in plain.items() if name not in ("format", "trial", "space")}
        return Population(trial_from(plain["trial"]), parse_space(plain["space"], "pbt"), **rest)


def trained_by_turns(training: Training, epochs: int) -> tuple[Training, list[str]]:
    """Return how members are trained, and which of the experiment's settings that leaves out.

    Learning rates are what members find, and how long they train is the population's: schedules, patience and means
    over epochs of a training of known length have no meaning here.

    Args:
        training: the experiment's.
        epochs: of a generation.
    """
    none: dict[str, Plain] = {"schedule": "constant", "patience": 0, "average": "none", "refit": False}
    left_out = [f"training.{name} {getattr(training, name)}" for name in none if getattr(training, name) != none[name]]
    return dataclasses.replace(training, **none, epochs=epochs, measure_every=0), left_out  # type: ignore[arg-type]
