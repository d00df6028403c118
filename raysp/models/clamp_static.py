"""A floor: an activation of the current of the very bin, g(I), and no memory at all."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from raysp.data.splits.current_clamp import CurrentClampSizes
from raysp.models.gfr import model as gfr
from raysp.models.gfr.clean import CleanConfig


@dataclass(frozen=True)
class Config(CleanConfig):
    """Settings, as `gfr` has them in its protocol "clean"."""


class Model(gfr.Model):
    """A neuron with one filter, which has no memory, and no feedback."""

    protocol = "static"
    parts = ("activation",)

    def __init__(self, config: Config, sizes: CurrentClampSizes) -> None:
        super().__init__(gfr.Config(**dataclasses.asdict(config), taus_ms=(), bends=()), sizes)
