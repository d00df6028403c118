"""A floor: an activation of the current of the very bin, g(I), and no memory at all."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from raysp.data.splits.current_clamp import CurrentClampSizes
from raysp.models.gfr import model as gfr


@dataclass(frozen=True)
class Config:
    """Settings, as `gfr` has them in its protocol "clean"."""

    degree: int = 1
    starts: int = 2
    warm_up: int = 0
    softness: tuple[float, ...] = (0.0, 0.1, 1.0)
    ridges: tuple[float, ...] = (1e-4, 1e-3)
    gamma_least: float = 0.5
    gamma_most: float = 10.0
    weigh: Literal["bins", "stimuli"] = "bins"
    chosen_by: Literal["evr", "loss"] = "evr"

    def __post_init__(self) -> None:
        gfr.Config(**dataclasses.asdict(self))


class Model(gfr.Model):
    """A neuron with one filter, which has no memory, and no feedback."""

    protocol = "static"
    parts = ("activation",)

    def __init__(self, config: Config, sizes: CurrentClampSizes) -> None:
        super().__init__(gfr.Config(**dataclasses.asdict(config), taus_ms=()), sizes)
