"""Signals of units over time, of which the last part is to be predicted step by step."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from raysp.data.splits.header import Provenance, Role, digest


@dataclass(frozen=True)
class Sizes:
    """How many units."""

    units: int


@dataclass(frozen=True)
class Split:
    """Values of the training and of the evaluation part, (bins, units) float32."""

    kind: ClassVar[str] = "signal"

    name: str
    sizes: Sizes
    train: np.ndarray
    eval: np.ndarray
    provenance: Provenance = field(default_factory=Provenance)
    role: Role = field(default_factory=Role)

    @property
    def standin(self):
        return self.provenance.standin

    def facts(self):
        return {
            "trials": {"train": len(self.train), "eval": len(self.eval)},
            "units": tuple(range(self.sizes.units)),
        }

    def fingerprint(self):
        return digest(dataclasses.asdict(self.sizes), sorted(self.arrays().items()))

    def arrays(self):
        return {"train": self.train, "eval": self.eval}

    @classmethod
    def of(cls, header, arrays):
        train = arrays["train"]
        unseen = arrays.get("eval", train[:0])
        return cls(header.name, header.sizes, train, unseen, header.provenance, header.role)

    def select(self, units):
        sizes = Sizes(len(units))
        return dataclasses.replace(self, sizes=sizes, train=self.train[:, units], eval=self.eval[:, units])

    @staticmethod
    def shown(header, name):
        return name == "train"

    def training(self):
        return dataclasses.replace(self, eval=self.eval[:0])


Answers = None
