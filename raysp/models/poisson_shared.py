"""Poisson counts with one network for all units, and a few numbers that tell it which unit it predicts."""

from __future__ import annotations

from dataclasses import dataclass

from raysp.models import poisson_counts
from raysp.models.shared_windows import SharedConfig, SharedModel


@dataclass(frozen=True)
class Config(SharedConfig, poisson_counts.Config):
    """Settings of the network, and of what each unit has of its own."""


class Model(SharedModel):
    """The network of Poisson counts, once."""

    alone = poisson_counts.Model
