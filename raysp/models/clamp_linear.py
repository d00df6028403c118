"""A floor: filters of the current and an activation, as `gfr` has them, and nothing of the cell's own rate."""

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
    taus_ms: tuple[float, ...] = gfr.TAUS_MS
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
    """A neuron without feedback: beta is 0."""

    protocol = "linear"
    parts = ("alpha", "activation")

    def __init__(self, config: Config, sizes: CurrentClampSizes) -> None:
        super().__init__(gfr.Config(**dataclasses.asdict(config)), sizes)
