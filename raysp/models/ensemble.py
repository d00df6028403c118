"""Several models of one kind, trained side by side from different starts; the prediction is the mean of their rates."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from raysp.config.ranges import Count
from raysp.config.settings import Plain
from raysp.data.splits.batch import Batch
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.errors import BadInput
from raysp.models import base
from raysp.models.prediction import Prediction
from raysp.objectives.loss import Loss


@dataclass(frozen=True)
class Config(base.Config):
    """What the ensemble is made of.

    Attributes:
        member: the model's name; one that gradient descent fits.
        members: how many.
        hyperparameters: of each member.
    """

    member: str = "masked_gru"
    members: Count = 3
    hyperparameters: Mapping[str, Plain] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from raysp.models import catalog

        super().__post_init__()
        if self.member == "ensemble" or catalog.fits_itself(self.member):
            raise BadInput(
                f"model ensemble, member expected a model that gradient descent fits, got {self.member}; an ensemble "
                "of ensembles is a larger ensemble"
            )
        catalog.config(self.member, dict(self.hyperparameters))


class Model(nn.Module):
    """The members; each draws masks and dropout of its own."""

    reads = PopulationSplit
    candidate = False
    members: Any

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        from raysp.models import catalog

        made = (catalog.build(config.member, dict(config.hyperparameters), sizes) for _ in range(config.members))
        self.members = nn.ModuleList(made)

    @staticmethod
    def usual(config: Config) -> Mapping[str, Plain]:
        """Return how a member is trained alone."""
        from raysp.models import catalog

        own = getattr(catalog.module(config.member).Model, "usual", None)
        return {} if own is None else own(catalog.config(config.member, dict(config.hyperparameters)))

    def start(self, trials: TrialArrays) -> None:
        """Let each member take what it needs of the training trials."""
        for member in self.members:
            if hasattr(member, "start"):
                member.start(trials)

    def begin_epoch(self, epoch: int) -> None:
        """Tell each member the epoch."""
        for member in self.members:
            if hasattr(member, "begin_epoch"):
                member.begin_epoch(epoch)

    def begin_training(self, steps: int) -> None:
        """Tell each member how many steps there are."""
        for member in self.members:
            if hasattr(member, "begin_training"):
                member.begin_training(steps)

    def end_training(self) -> None:
        """Tell each member that its weights are final."""
        for member in self.members:
            if hasattr(member, "end_training"):
                member.end_training()

    @property
    def settled(self) -> bool:
        """Whether all members minimise what they will minimise to the end."""
        return all(getattr(member, "settled", True) for member in self.members)

    def loss(self, batch: Batch) -> Loss:
        """Return the sum of the members' losses in training, so that each learns as it would alone; else their mean."""
        found = [member.loss(batch) for member in self.members]
        total = functools.reduce(torch.add, [one.total for one in found])
        total = total if self.training else total / len(found)
        return Loss(total, total[None], found[0].known)

    def predict(self, batch: Batch) -> Prediction[torch.Tensor]:
        """Return the mean of the members' rates; latents of the first."""
        found = [member.predict(batch) for member in self.members]
        forward = None
        if found[0].rates_forward is not None:
            forward = torch.stack([one.rates_forward for one in found]).mean(dim=0)
        return Prediction(torch.stack([one.rates for one in found]).mean(dim=0), forward, found[0].latents)
