"""The benchmark's classical baseline: held-in counts smoothed, held-out units by Poisson regression on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.signal.windows import gaussian
from torch import nn

from raysp.config.ranges import Positive
from raysp.data.splits.batch import Batch
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.errors import present
from raysp.models import base
from raysp.models.means import mean_counts
from raysp.models.prediction import Prediction
from raysp.objectives.poisson import rates
from raysp.objectives.poisson_regression import poisson_regression

BENCHMARK = {
    "mc_maze": (50.0, 0.01),
    "mc_rtt": (30.0, 0.1),
    "area2_bump": (30.0, 0.01),
    "dmfc_rsg": (60.0, 0.001),
    "mc_maze_large": (40.0, 0.1),
    "mc_maze_medium": (60.0, 0.1),
    "mc_maze_small": (60.0, 0.1),
}
"""Recording -> (sigma, ms; alpha), as the benchmark's authors selected them."""

ELSEWHERE = (50.0, 0.01)


@dataclass(frozen=True)
class Config(base.Config):
    """The width of the kernel and the penalty of the regression.

    Attributes:
        sigma_ms: standard deviation of the Gaussian kernel, ms; None takes the benchmark's for its recordings, 50
            elsewhere.
        alpha: ridge penalty of the regression; None takes the benchmark's for its recordings, 0.01 elsewhere.
        offset: added to the smoothed counts before their logarithm is taken, spikes per bin.
    """

    sigma_ms: Positive | None = None
    alpha: Positive | None = None
    offset: Positive = 1e-4

    def chosen(self, dataset: str) -> tuple[float, float]:
        """Return (sigma, ms; alpha) for a recording, or for what was generated to stand in for it."""
        sigma_ms, alpha = BENCHMARK.get(dataset.removeprefix("standin-"), ELSEWHERE)
        return self.sigma_ms or sigma_ms, self.alpha or alpha


class Model(nn.Module):
    """Smoothing over the trial, then log-linear rates; forward bins get each unit's mean.

    The benchmark's baseline predicts no forward bins. A unit's mean count in the training trials' forward bins is
    the best constant, and the smoothed counts say little 200 ms ahead.
    """

    reads = PopulationSplit
    kernel: torch.Tensor
    weights: torch.Tensor
    intercepts: torch.Tensor
    mean: torch.Tensor
    mean_forward: torch.Tensor

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        self.config, self.sizes = config, sizes
        self.sigma_ms, self.alpha = config.chosen(sizes.dataset)
        kernel = torch.as_tensor(smoothing_matrix(sizes.bins, self.sigma_ms, sizes.bin_ms))
        self.register_buffer("kernel", kernel, persistent=False)
        self.register_buffer("weights", torch.zeros(sizes.heldin, sizes.heldout, dtype=torch.float64))
        self.register_buffer("intercepts", torch.zeros(sizes.heldout, dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(sizes.units, dtype=torch.float64))
        self.register_buffer("mean_forward", torch.zeros(sizes.units, dtype=torch.float64))

    def fit(self, trials: TrialArrays, stages: base.Stages) -> None:
        """Regress held-out counts on the log of smoothed held-in counts. Raises BadInput without held-out ones."""
        observed, forward = mean_counts(trials, self.sizes)
        self.mean.copy_(torch.as_tensor(observed))
        self.mean_forward.copy_(torch.as_tensor(forward))
        if not self.sizes.heldout:
            return
        stages.report({"phase": f"regressing {self.sizes.heldout} units on {self.sizes.heldin}"})
        weights, intercepts = stages.once("regression", lambda: self._regressed(trials))
        self.weights.copy_(weights)
        self.intercepts.copy_(intercepts)

    def _regressed(self, trials: TrialArrays) -> tuple[torch.Tensor, ...]:
        smoothed = self._smooth(torch.as_tensor(trials.heldin, device=self.kernel.device))
        inputs = torch.log(smoothed + self.config.offset).flatten(0, 1).cpu().numpy()
        counts = present(trials.heldout).reshape(-1, self.sizes.heldout)
        return tuple(torch.as_tensor(found) for found in poisson_regression(inputs, counts, self.alpha))

    def predict(self, batch: Batch) -> Prediction[torch.Tensor]:
        """Return (trials, bins, units) rates, and the units' means in the forward bins."""
        sizes = self.sizes
        smoothed = self._smooth(batch.heldin)
        heldout = rates(torch.log(smoothed + self.config.offset) @ self.weights + self.intercepts)
        forward = self.mean_forward.float().expand(len(batch), sizes.forward, sizes.units) if sizes.forward else None
        return Prediction(torch.cat([smoothed.float(), heldout], dim=2), forward)

    def _smooth(self, heldin: torch.Tensor) -> torch.Tensor:
        """Return (trials, bins, heldin) float64; an unobserved bin counts as the unit's mean."""
        counts = heldin.to(torch.float64)
        filled = torch.where(torch.isnan(counts), self.mean[: self.sizes.heldin], counts)
        return torch.matmul(self.kernel, filled)


def smoothing_matrix(bins: int, sigma_ms: float, bin_ms: float) -> np.ndarray:
    """Return (bins, bins) weights that smooth as the benchmark does.

    A Gaussian window of int(6 sigma / bin) taps, at least one, that sums to 1, convolved with the trial and cut to its
    length ("same"); beyond the trial's ends there is nothing, so rates sink there.
    """
    taps = max(int(6 * sigma_ms / bin_ms), 1)
    window = gaussian(taps, sigma_ms / bin_ms)
    first = (taps - 1) // 2
    whole = np.stack([np.convolve(pulse, window / window.sum()) for pulse in np.eye(bins)], axis=1)
    return whole[first : first + bins]
