"""A floor for comparing activation functions: one of four shapes, fitted to what the first bins of steps give.

The published comparison: each cell's points are divided 80 to 20, gamma is given, and Adam minimises the sum of
m - y log(m + 1e-8) over the training points, m = g dt'. The published starts are not known: here a line through the
first point with spikes and the highest one gives all four.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import nn

from raysp.config.ranges import Count, Natural, Positive, Share
from raysp.data.splits.current_clamp import CurrentClampSizes, CurrentClampSplit
from raysp.errors import BadInput, present
from raysp.models import base
from raysp.models.cell_fit import CellFit
from raysp.models.gfr.activation import LIT, LOG_EPS

WHERE = "model clamp_activation"


@dataclass(frozen=True)
class Config(base.Config):
    """Settings, as published.

    Attributes:
        shape: "polynomial", gamma relu(tanh(sum of a_k^2 ((z - b) / sigma)^k)) of degree 2; "relu", relu((a z - b) /
            sigma); "sigmoid", gamma sigmoid((a z - b) / sigma); "softplus", log(1 + exp((a z - b) / sigma)).
        activation_bin_ms: of each step the first so many are a point.
        held_out: share of the points that is not fitted.
        epochs: of Adam.
        learning_rate: of Adam.
        seed: of the division, the same for every cell.
    """

    shape: Literal["polynomial", "relu", "sigmoid", "softplus"] = "polynomial"
    activation_bin_ms: Count = 20
    held_out: Share = 0.2
    epochs: Count = 1000
    learning_rate: Positive = 0.05
    seed: Natural = 42


class Model(nn.Module):
    """One activation per unit, and no memory: the rate is that of the current of the very bin."""

    reads = CurrentClampSplit
    theta: torch.Tensor
    scale: torch.Tensor
    losses: torch.Tensor

    def __init__(self, config: Config, sizes: CurrentClampSizes) -> None:
        super().__init__()
        self.config, self.sizes, self._ids = config, sizes, np.zeros(0, np.int64)
        if config.activation_bin_ms % sizes.bin_ms:
            raise BadInput(
                f"{WHERE}, activation_bin_ms expected a multiple of the data's bins of {sizes.bin_ms} ms, got "
                f"{config.activation_bin_ms}"
            )
        count = 4 if config.shape == "polynomial" else 2
        for name, shape in (("theta", (sizes.units, count)), ("scale", (sizes.units, 2)), ("losses", (sizes.units, 2))):
            self.register_buffer(name, torch.full(shape, torch.nan, dtype=torch.float64))

    def fit(self, split: CurrentClampSplit, stages: base.Stages) -> None:
        """Fit each unit by itself; where it stands among others changes no bit of its numbers."""
        found = stages.once("activations", lambda: self._fitted(split))
        self._ids = split.unit_ids
        for name, values in found.items():
            getattr(self, name).copy_(values)

    def rates(self, split: CurrentClampSplit) -> np.ndarray:
        """Return (bins of all currents,) float64 spikes/ms, NaN of a unit that could not be fitted."""
        owner = np.zeros(len(split.current_ptr) - 1, np.int64)
        owner[split.sweep_current] = split.sweep_unit
        rows = torch.from_numpy(np.repeat(owner, np.diff(split.current_ptr)))
        current = torch.from_numpy(split.current.astype(np.float64))[:, None]
        theta, scale = self.theta.cpu()[rows], self.scale.cpu()[rows]
        return rate(self.config.shape, current, theta, scale)[:, 0].numpy()

    def rows(self) -> list[CellFit]:
        """Return what parameters.parquet says of each unit; losses are sums over points."""
        return [self._row(place, int(unit)) for place, unit in enumerate(self._ids)]

    def _row(self, place: int, unit: int) -> CellFit:
        theta, (sigma, gamma) = self.theta[place].tolist(), self.scale[place].tolist()
        fitted = bool(torch.isfinite(self.theta[place]).all())
        polynomial = self.config.shape == "polynomial"
        train, held = self.losses[place].tolist()
        return {
            "unit": unit,
            "candidate": 0,
            "chosen": fitted,
            "status": "fitted" if fitted else "failed",
            "reason": "" if fitted else "has no step, no highest rate, or no two currents that differ",
            "protocol": f"activation {self.config.shape}",
            "activation_bin_ms": self.config.activation_bin_ms,
            "sigma": sigma,
            "gamma": gamma,
            "threshold": theta[-1],
            "poly_coeff": theta[:-1] if polynomial else [theta[0]],
            "train_loss": train,
            "validation_loss": held,
            "evaluations": self.config.epochs,
        }

    def _fitted(self, split: CurrentClampSplit) -> dict[str, torch.Tensor]:
        current, counts, held = self._points(split)
        scale = torch.stack([current.abs().amax(1), torch.from_numpy(split.gamma)], dim=1)
        theta = self._started(current, counts, held, scale)
        theta = self._descended(theta, current, counts, held, scale)
        losses = [_over_points(self._loss(theta, current, counts, scale) * part) for part in (held == 0, held == 1)]
        found = torch.cat([theta, torch.stack(losses, 1)], 1)
        lost = ~torch.isfinite(found).all(1, keepdim=True) | (held == 0).sum(1, keepdim=True).eq(0)
        return {
            "theta": theta.masked_fill(lost, torch.nan),
            "scale": scale.masked_fill(lost, torch.nan),
            "losses": torch.stack(losses, 1).masked_fill(lost, torch.nan),
        }

    def _points(self, split: CurrentClampSplit) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return currents, counts and what is held out (1; -1 where there is no point), (units, points) each."""
        points = split.first_bins(self.config.activation_bin_ms)
        numbers = np.bincount(points.unit, minlength=split.sizes.units)
        place = np.arange(len(points.unit)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
        # A power of two, so that sums over more points than there are add nothing but zeros.
        width = 1 << int(max(numbers.max(), 1) - 1).bit_length()
        current, counts = (torch.zeros((split.sizes.units, width), dtype=torch.float64) for _ in range(2))
        current[points.unit, place] = torch.from_numpy(points.current)
        counts[points.unit, place] = torch.from_numpy(points.rate * self.config.activation_bin_ms)
        held = torch.full((split.sizes.units, width), -1)
        for unit, number in enumerate(numbers.tolist()):
            order = torch.randperm(number, generator=torch.Generator().manual_seed(self.config.seed))
            trained = int((1 - self.config.held_out) * number)
            held[unit, order[:trained]], held[unit, order[trained:]] = 0, 1
        return current, counts, held

    def _started(
        self, current: torch.Tensor, counts: torch.Tensor, held: torch.Tensor, scale: torch.Tensor
    ) -> torch.Tensor:
        """Return (units, parameters) from a line through a point before the first with spikes and the highest one."""
        theta = torch.zeros_like(self.theta)
        for unit in range(len(theta)):
            mine = held[unit] == 0
            x, order = current[unit, mine].sort(stable=True)
            y = counts[unit, mine][order] / self.config.activation_bin_ms
            if not len(x):
                continue
            lit = torch.nonzero(y > LIT)[:, 0]
            first = max(int(lit[0]) - 1, 0) if len(lit) else 0
            last = int(y.argmax()) if len(lit) else len(x) - 1
            rise = (y[last] - y[first]) / (x[last] - x[first])
            if last <= first:
                # The published start divides by 0 here; the whole range of currents stands in.
                first, last, rise = 0, len(x) - 1, y.max() / (x[-1] - x[0])
            theta[unit] = _line(self.config.shape, x[first], x[last], rise, *scale[unit])
        return theta

    def _descended(
        self, theta: torch.Tensor, current: torch.Tensor, counts: torch.Tensor, held: torch.Tensor, scale: torch.Tensor
    ) -> torch.Tensor:
        theta = theta.clone().requires_grad_()
        adam = torch.optim.Adam([theta], lr=self.config.learning_rate)
        for _ in range(self.config.epochs):
            adam.zero_grad()
            # Units do not meet: the gradient of the sum is each one's own.
            _over_points(self._loss(theta, current, counts, scale) * (held == 0)).sum().backward()
            present(theta.grad).nan_to_num_(0.0, 0.0, 0.0)
            adam.step()
        return theta.detach()

    def _loss(
        self, theta: torch.Tensor, current: torch.Tensor, counts: torch.Tensor, scale: torch.Tensor
    ) -> torch.Tensor:
        mean = rate(self.config.shape, current, theta, scale) * self.config.activation_bin_ms
        return mean - counts * torch.log(mean + LOG_EPS)


def rate(shape: str, current: torch.Tensor, theta: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Return rates, spikes/ms.

    Args:
        shape: as of `Config`.
        current: (units, points) pA.
        theta: (units, parameters) of "polynomial" the roots of three coefficients and b, pA; else a, and b, pA.
        scale: (units, 2) sigma, pA, and gamma, spikes/ms.
    """
    sigma, gamma = scale[:, :1], scale[:, 1:]
    if shape == "polynomial":
        x = (current - theta[:, 3:]) / sigma
        return gamma * torch.relu(torch.tanh(theta[:, :1] ** 2 + theta[:, 1:2] ** 2 * x + theta[:, 2:3] ** 2 * x**2))
    x = (theta[:, :1] * current - theta[:, 1:]) / sigma
    if shape == "sigmoid":
        return gamma * torch.sigmoid(x)
    return torch.relu(x) if shape == "relu" else nn.functional.softplus(x)


def _line(
    shape: str, first: torch.Tensor, last: torch.Tensor, rise: torch.Tensor, sigma: torch.Tensor, gamma: torch.Tensor
) -> torch.Tensor:
    """Return the parameters of a shape that rises so much, spikes/ms per pA, between two currents, pA."""
    if shape == "polynomial":
        return torch.stack([torch.full_like(rise, 0.1), (rise * sigma / gamma).abs().sqrt(), rise * 0 + 0.1, first])
    if shape == "sigmoid":
        slope = 4 * rise * sigma / gamma
        return torch.stack([slope, slope * (first + last) / 2])
    return torch.stack([rise * sigma, rise * sigma * first])


def _over_points(values: torch.Tensor) -> torch.Tensor:
    """Sum (units, points) over points pair by pair: the same to the bit however many zeros stand behind."""
    while values.shape[1] > 1:
        values = values[:, ::2] + values[:, 1::2]
    return values[:, 0]
