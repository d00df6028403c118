"""Generalised firing rate neurons, one per cell, by the published protocol ("paper") or a better one ("clean")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from raysp.config.ranges import Count, NonNegative, Positive, Several
from raysp.data.splits.current_clamp import CurrentClampSizes, CurrentClampSplit
from raysp.errors import BadInput, present
from raysp.models import base
from raysp.models.cell_fit import CellFit
from raysp.models.gfr import clean, paper
from raysp.models.gfr.outcome import Outcome
from raysp.models.gfr.parameters import FEEDBACK, TAUS_MS, Filters, Parameters, filters
from raysp.models.gfr.running import run

WHERE = "model gfr"
PROTOCOLS = {"paper": paper, "clean": clean}

ON_DEVICE = 1024
"""Units that an accelerator fits side by side, and between two places to resume from: as each bin is a step of its own,
more cost hardly more. They take some GB."""


@dataclass(frozen=True)
class Config(clean.CleanConfig):
    """Settings.

    Attributes:
        protocol: "clean" fits activation and filters together and validates on bins it was not trained on; "paper" is
            the published one, which trains on its validation sweeps.
        taus_ms: time constants of filters, ms; those shorter than a bin are not used.
        bends: clean: multiples of sigma; beside candidates as published there are those that also hear, through filters
            of their own, what the current has above each. Empty for none.
        bent_taus_ms: clean: time constants of those filters, ms, beside one without memory.
        feedback: factor of the neuron's own rate, spikes/ms.
        epochs: paper: of Adam.
        learning_rates: paper: each a candidate.
        lasso: paper: penalty on the sum of absolute alpha and beta.
        inert_penalty: paper: the published C, which counts parameters that are not zero; it has no gradient, and
            changes nothing. Different values are different trials.
        activation_bin_ms: paper: bins that the activation is fitted to.
        activation_epochs: paper: of Adam.
        activation_starts: paper: random starts, of which the best is kept.
        activation_second_order: paper: Levenberg-Marquardt instead of Adam for the activation.
    """

    protocol: Literal["clean", "paper"] = "clean"
    taus_ms: tuple[Positive, ...] = TAUS_MS
    bends: tuple[NonNegative, ...] = (0.2, 0.4)
    bent_taus_ms: tuple[Positive, ...] = (50.0, 200.0, 1000.0)
    feedback: Positive = FEEDBACK
    epochs: Count = 200
    learning_rates: Several[NonNegative] = (1e-2, 1e-3, 1e-4)
    lasso: NonNegative = 0.0
    inert_penalty: NonNegative = 0.0
    activation_bin_ms: Count = 20
    activation_epochs: Count = 1000
    activation_starts: Count = 3
    activation_second_order: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lasso and self.protocol == "clean":
            raise BadInput(f"{WHERE}, lasso expected 0 in protocol clean, got {self.lasso}; set ridges instead")


class Model(nn.Module):
    """One neuron per unit, of those that could be fitted.

    Attributes:
        parts: of the parameters that are fitted; empty for all.
        protocol: what rows call it; empty for the settings' own.
        logs_test: a loss of the test part is taken after each epoch, and only written down.
    """

    reads = CurrentClampSplit
    decay: torch.Tensor
    bend: torch.Tensor
    bent_decay: torch.Tensor
    theta: torch.Tensor
    sigma: torch.Tensor
    parts: tuple[str, ...] = ()
    protocol = ""

    def __init__(self, config: Config, sizes: CurrentClampSizes) -> None:
        super().__init__()
        self.config, self.sizes = config, sizes
        bends = config.bends if config.protocol == "clean" else ()
        heard = filters(sizes.bin_ms, config.taus_ms, bends, config.bent_taus_ms, config.feedback)
        if config.protocol == "paper" and config.activation_bin_ms % sizes.bin_ms:
            raise BadInput(
                f"{WHERE}, activation_bin_ms expected a multiple of the data's bins of {sizes.bin_ms} ms, got "
                f"{config.activation_bin_ms}"
            )
        for name in ("decay", "bend", "bent_decay"):
            self.register_buffer(name, torch.tensor(getattr(heard, name), dtype=torch.float64))
        size = len(heard.bend) + 2 * len(heard.decay) + config.degree + 3
        self.register_buffer("theta", torch.full((sizes.units, size), np.nan, dtype=torch.float64))
        self.register_buffer("sigma", torch.ones(sizes.units, dtype=torch.float64))
        self.logs_test = config.protocol == "paper"
        self.outcome: Outcome | None = None
        self.reasons: dict[int, str] = {}

    @property
    def filters(self) -> Filters:
        """What its neurons hear currents and their own rates through."""
        decay, bend, bent_decay = (one.cpu().numpy() for one in (self.decay, self.bend, self.bent_decay))
        return Filters(decay, bend, bent_decay, float(self.config.feedback))

    def fit(self, split: CurrentClampSplit, stages: base.Stages) -> None:
        """Fit each unit by itself; where it stands among others changes no bit of its numbers."""
        protocol = PROTOCOLS[self.config.protocol]
        seed = int(stages.once("seed", lambda: int(torch.randint(2**31 - 1, ()))))
        found = protocol.fit(split, self.config, self.filters, seed, stages, **self._ways())
        chosen = found.chosen
        where = torch.from_numpy(found.unit[chosen]).to(self.theta.device)
        self.theta[where] = torch.from_numpy(found.theta[chosen]).to(self.theta.device)
        self.sigma[where] = torch.from_numpy(found.sigma[chosen]).to(self.theta.device)
        without = np.setdiff1d(np.arange(split.sizes.units), found.unit[chosen])
        self.reasons = {int(unit): protocol.missing(split, int(unit), self.config) for unit in without}
        self.outcome, self._ids = found, split.unit_ids

    def rates(self, split: CurrentClampSplit) -> np.ndarray:
        """Return (bins of all currents,) float64 spikes/ms, one current after the other as `split.current` has them.

        A unit that could not be fitted has NaN.
        """
        rates, heard = np.full(len(split.current), np.nan), self.filters
        theta, sigma = self.theta.cpu().numpy(), self.sigma.cpu().numpy()
        owner = np.zeros(len(split.current_ptr) - 1, np.int64)
        owner[split.sweep_current] = split.sweep_unit
        for one, unit in enumerate(owner):
            if np.isfinite(theta[unit]).all():
                bins = slice(split.current_ptr[one], split.current_ptr[one + 1])
                current = split.current[bins].astype(np.float64)
                run(current, theta[unit], sigma[unit], heard, rates[bins])
        return rates

    def rows(self) -> list[CellFit]:
        """Return what parameters.parquet says of each unit and candidate; of a unit without one, why."""
        if self.outcome is None:
            return []
        shared: CellFit = {
            "protocol": self.protocol or self.config.protocol,
            "bin_ms": self.sizes.bin_ms,
            "activation_bin_ms": self.config.activation_bin_ms if self.config.protocol == "paper" else None,
            "feedback": self.config.feedback,
            "lambda": (1 - self.decay.cpu().numpy()).tolist(),
        }
        rows = [shared | self._row(row) for row in range(len(present(self.outcome).unit))]
        failed = [
            shared
            | {"unit": int(self._ids[unit]), "candidate": 0, "chosen": False, "status": "failed", "reason": reason}
            for unit, reason in self.reasons.items()
        ]
        return sorted([*rows, *failed], key=lambda row: (row["unit"], row["candidate"]))

    def _row(self, row: int) -> CellFit:
        found = present(self.outcome)
        one = Parameters.of(found.theta[row : row + 1], found.sigma[row : row + 1], self.filters)
        bent = np.flatnonzero(one.bent[0])
        finite = bool(np.isfinite(found.theta[row]).all() and np.isfinite(found.train_loss[row]))
        return {
            "unit": int(self._ids[found.unit[row]]),
            "candidate": int(found.candidate[row]),
            "chosen": bool(found.chosen[row]),
            "status": "fitted" if finite else "failed",
            "reason": "" if finite else "came to a loss that is no number",
            "sigma": float(one.sigma[0]),
            "gamma": float(one.gamma[0]),
            "threshold": float(one.threshold[0]),
            "poly_coeff": one.poly[0].tolist(),
            "alpha": one.alpha[0].tolist(),
            "beta": one.beta[0].tolist(),
            "bend": one.bend[0, bent].tolist(),
            "bent": one.bent[0, bent].tolist(),
            "bent_lambda": (1 - one.bent_decay[bent]).tolist(),
            "penalty": float(found.penalty[row]),
            "setting": float(found.setting[row]),
            "train_loss": float(found.train_loss[row]),
            "validation_loss": float(found.validation_loss[row]),
            "validation_evr": float(found.validation_evr[row]),
            "evaluations": int(found.evaluations[row]),
            "epochs": int(found.epochs[row]),
            "train_losses": _kept(found.losses[row]),
            "test_losses": _kept(found.held_losses[row]),
        }

    def _ways(self) -> dict[str, Any]:
        ways: dict[str, Any] = {"parts": self.parts} if self.parts else {}
        if self.theta.device.type != "cpu":
            from raysp.models.gfr import torch_descent, torch_second_order

            ways["train"] = torch_descent.on(self.theta.device)
            if self.config.protocol == "clean":
                ways |= {"descend": torch_second_order.on(self.theta.device), "together": ON_DEVICE}
        return ways


def _kept(losses: np.ndarray) -> list[float]:
    return losses[np.isfinite(losses)].tolist()
