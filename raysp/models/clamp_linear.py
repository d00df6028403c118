"""A floor: filters of the current and an activation, as `gfr` has them, and nothing of the cell's own rate."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from raysp.config.ranges import Positive
from raysp.data.splits.current_clamp import CurrentClampSizes
from raysp.models.gfr import model as gfr
from raysp.models.gfr.clean import CleanConfig
from raysp.models.gfr.parameters import TAUS_MS


@dataclass(frozen=True)
class Config(CleanConfig):
    """Settings, as `gfr` has them in its protocol "clean".

    Attributes:
        taus_ms: time constants of filters, ms; those shorter than a bin are not used.
    """

    taus_ms: tuple[Positive, ...] = TAUS_MS


class Model(gfr.Model):
    """A neuron without feedback: beta is 0."""

    protocol = "linear"
    parts = ("alpha", "activation")

    def __init__(self, config: Config, sizes: CurrentClampSizes) -> None:
        super().__init__(gfr.Config(**dataclasses.asdict(config), bends=()), sizes)
