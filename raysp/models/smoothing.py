"""The classical baseline: held-in counts smoothed, held-out units by Poisson regression on the logarithm of them.

Width, offset and penalty are those that predict training trials best which were not fitted: a baseline that is too weak
makes every network look good. The benchmark's own, with the settings that its authors published, is an option.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.signal.windows import gaussian
from torch import nn

from raysp.config.ranges import Positive
from raysp.data.splits.batch import Batch
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.errors import present
from raysp.models import base
from raysp.models.means import expected_counts, mean_counts
from raysp.models.prediction import Prediction
from raysp.objectives.held_trials import Chosen, best_penalty, climbed, drawn, folds
from raysp.objectives.poisson import rates
from raysp.objectives.poisson_regression import SILENT, poisson_regression
from raysp.objectives.sureness import believed, weighed

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
PUBLISHED_OFFSET = 1e-4

WITHOUT_TRIALS = (50.0, 0.1, 1000.0)
"""Sigma, offset, and penalty on the summed log-likelihood, where held-out units choose nothing."""

MEAN_RATES = "held-out units get their mean rates"

SHARES = np.linspace(0.0, 1.0, 11)


@dataclass(frozen=True)
class Config(base.Config):
    """The width of the kernel, the offset of the logarithm, and the penalty of the regression.

    Attributes:
        sigma_ms: standard deviation of the Gaussian kernel, ms; None for what training trials choose.
        alpha: ridge penalty of the regression, on the mean log-likelihood of a bin; None likewise.
        offset: added to the smoothed counts before their logarithm is taken, spikes per bin; None likewise.
        published: the benchmark's baseline as its authors published it: beyond a trial's ends there is nothing,
            held-in rates are the smoothed counts as they are, and what is None above is theirs: sigma and alpha of its
            recordings, 50 and 0.01 elsewhere, offset 1e-4.
    """

    sigma_ms: Positive | None = None
    alpha: Positive | None = None
    offset: Positive | None = None
    published: bool = False


@dataclass(frozen=True)
class Settings:
    """What a fit uses: the kernel's width (ms), the offset (spikes per bin), and the penalty of so many bins.

    The weight is how far it is believed against the mean rates.
    """

    sigma_ms: float
    offset: float
    alpha: float
    weight: float = 1.0


class Model(nn.Module):
    """Smoothing over the trial, then log-linear rates; forward bins get each unit's mean.

    A held-in unit's rate is its smoothed count, drawn towards its mean as far as that foretells a bin from the others.
    The benchmark's baseline predicts no forward bins. A unit's mean count in the training trials' forward bins is
    the best constant, and the smoothed counts say little 200 ms ahead.
    """

    reads = PopulationSplit
    kernel: torch.Tensor
    share: torch.Tensor
    offset: torch.Tensor
    weights: torch.Tensor
    intercepts: torch.Tensor
    most: torch.Tensor
    mean: torch.Tensor
    mean_forward: torch.Tensor

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        self.config, self.sizes = config, sizes
        shapes = {"kernel": (sizes.bins, sizes.bins), "share": (sizes.heldin,), "offset": (1,)}
        shapes |= {"weights": (sizes.heldin, sizes.heldout)}
        shapes |= dict.fromkeys(("intercepts", "most"), (sizes.heldout,))
        for name, shape in (shapes | {"mean": (sizes.units,), "mean_forward": (sizes.units,)}).items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    def fit(self, trials: TrialArrays, stages: base.Stages) -> None:
        """Choose what is not given, and regress held-out counts on the log of smoothed held-in ones.

        Raises:
            BadInput: the split has held-out units, and these trials no counts of them.
        """
        observed, forward = (mean_counts if self.config.published else expected_counts)(trials, self.sizes)
        self._take({"mean": observed, "mean_forward": forward})
        words = f"regressing {self.sizes.heldout} units on {self.sizes.heldin}" if self.sizes.heldout else "smoothing"
        stages.report({"phase": words})
        found = stages.once("regression", lambda: self._fitted(trials, stages))
        self._take(found)

    def _take(self, found: dict[str, np.ndarray] | dict[str, torch.Tensor]) -> None:
        for name, values in found.items():
            getattr(self, name).copy_(torch.as_tensor(values))

    def _fitted(self, trials: TrialArrays, stages: base.Stages) -> dict[str, torch.Tensor]:
        counts = _filled(trials.heldin.astype(np.float64), self.mean[: self.sizes.heldin].cpu().numpy())
        chosen, published = self._settings(trials, counts, stages), self.config.published
        stages.report({"log": f"sigma {chosen.sigma_ms:.3g} ms, offset {chosen.offset:.3g}, alpha {chosen.alpha:.3g}"})
        kernel = (smoothing_matrix if published else reflecting_matrix)(
            self.sizes.bins, chosen.sigma_ms, self.sizes.bin_ms
        )
        found = {"kernel": kernel, "offset": np.full(1, chosen.offset)}
        found["share"] = np.ones(self.sizes.heldin) if published else shares(counts, kernel)[0]
        if self.sizes.heldout and not chosen.weight:
            found["weights"] = np.zeros((self.sizes.heldin, self.sizes.heldout))
            found["intercepts"] = np.log(self.mean[self.sizes.heldin :].cpu().numpy())
            found["most"] = found["intercepts"]
        elif self.sizes.heldout:
            inputs = np.log(kernel @ counts + chosen.offset).reshape(-1, self.sizes.heldin)
            heldout = present(trials.heldout).reshape(-1, self.sizes.heldout)
            fit = poisson_regression(inputs, heldout, chosen.alpha)
            found["weights"], intercepts = drawn(inputs, heldout, fit, chosen.weight)
            never = np.log(self.mean[self.sizes.heldin :].cpu().numpy() + SILENT)
            found["intercepts"] = np.where(intercepts == np.log(SILENT), never, intercepts)
            found["most"] = (inputs @ found["weights"] + found["intercepts"]).max(axis=0)
        return {name: torch.as_tensor(values) for name, values in found.items()}

    def _settings(self, trials: TrialArrays, counts: np.ndarray, stages: base.Stages) -> Settings:
        config, rows = self.config, trials.heldin[..., 0].size
        if config.published:
            sigma_ms, alpha = BENCHMARK.get(self.sizes.dataset.removeprefix("standin-"), ELSEWHERE)
            return Settings(config.sigma_ms or sigma_ms, config.offset or PUBLISHED_OFFSET, config.alpha or alpha)
        usual_sigma, usual_offset, usual_penalty = WITHOUT_TRIALS
        fold = folds(len(counts), trials.ids)
        if not self.sizes.heldout:
            sigma = config.sigma_ms or self._width(lambda sigma: shares(counts, self._kernel(sigma))[1])
            return Settings(sigma, config.offset or usual_offset, config.alpha or usual_penalty / rows)
        if fold.max() == 0:
            told = "one training trial: none can be set aside to choose the baseline's settings by"
            stages.report({"warning": f"{told}; {MEAN_RATES}" if config.alpha is None else told})
            weight, alpha = (0.0, math.inf) if config.alpha is None else (1.0, config.alpha)
            return Settings(config.sigma_ms or usual_sigma, config.offset or usual_offset, alpha, weight)

        @functools.cache
        def tried(sigma: float, offset: float) -> Chosen:
            found = np.log(self._kernel(sigma) @ counts + offset)
            return best_penalty(found, present(trials.heldout), fold)

        start = config.offset or usual_offset
        sigma = config.sigma_ms or self._width(lambda sigma: tried(sigma, start).loss)
        offset = config.offset or climbed(lambda offset: tried(sigma, offset).loss, start, 10**0.5, 1e-3, 10.0)
        chosen = tried(sigma, offset)
        if config.alpha is not None:
            return Settings(sigma, offset, config.alpha)
        if chosen.weight < 1.0:
            stages.report({"log": weighed(chosen.weight)})
        return Settings(sigma, offset, chosen.penalty / rows, chosen.weight)

    def _width(self, loss: Callable[[float], float]) -> float:
        least, most = self.sizes.bin_ms / 2, max(self.sizes.bin_ms / 2, self.sizes.bins * self.sizes.bin_ms)
        return climbed(loss, min(max(WITHOUT_TRIALS[0], least), most), 1.5, least, most)

    def _kernel(self, sigma_ms: float) -> np.ndarray:
        return reflecting_matrix(self.sizes.bins, sigma_ms, self.sizes.bin_ms)

    def predict(self, batch: Batch) -> Prediction[torch.Tensor]:
        """Return (trials, bins, units) rates, and the units' means in the forward bins."""
        sizes, mean = self.sizes, self.mean[: self.sizes.heldin]
        counts = batch.heldin.to(torch.float64)
        smoothed = torch.matmul(self.kernel, torch.where(torch.isnan(counts), mean, counts))
        log_rates = torch.log(smoothed + self.offset) @ self.weights + self.intercepts
        heldout = rates(log_rates if self.config.published else held(log_rates, self.most))
        forward = self.mean_forward.float().expand(len(batch), sizes.forward, sizes.units) if sizes.forward else None
        return Prediction(torch.cat([torch.lerp(mean, smoothed, self.share).float(), heldout], dim=2), forward)


def held(log_rates: torch.Tensor, most: torch.Tensor) -> torch.Tensor:
    """Return log rates of which those above the most of training go on as the logarithm of their rate's tangent.

    They are linear in what is seen: a trial that lies far from the few that were fitted would get any rate at all.

    Args:
        log_rates: (..., units).
        most: (units,) the largest of the training trials.
    """
    return torch.minimum(log_rates, most) + torch.log1p((log_rates - most).clamp(min=0.0))


def _filled(counts: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return counts in which an unobserved bin counts as the unit's mean."""
    return np.where(np.isnan(counts), mean, counts)


def shares(counts: np.ndarray, kernel: np.ndarray) -> tuple[np.ndarray, float]:
    """Return how far each unit's smoothed counts are to be believed, and the mean Poisson loss of bins so predicted.

    A bin is predicted from the others: by its smoothed count without its own, drawn towards the mean, and all units as
    far again as that is surely better than the mean, see `believed`.

    Args:
        counts: (trials, bins, units) float64, no NaN.
        kernel: (bins, bins), rows that sum to 1.

    Returns:
        (units,) shares from 0, the mean alone, to 1; nats per entry.
    """
    own = np.diag(kernel)[:, None]
    others, mean = kernel @ counts - own * counts, counts.mean(axis=(0, 1))
    alone = own > 1.0 - 1e-9
    foretold = np.where(alone, mean, others / np.where(alone, 1.0, 1.0 - own))
    losses = np.stack([_losses(mean + share * (foretold - mean), counts) for share in SHARES])
    best = losses.mean(axis=1).argmin(axis=0)
    moved = SHARES[best] * (foretold - mean)

    def differences(weight: float) -> tuple[np.ndarray, float]:
        return (_losses(mean + weight * moved, counts) - losses[0]).sum(axis=1), 0.0

    return SHARES[best] * believed(differences), float(losses[best, :, np.arange(len(best))].mean())


def _losses(predicted: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the mean Poisson loss of each trial and unit, (trials, units)."""
    return (predicted - counts * np.log(np.maximum(predicted, SILENT))).mean(axis=1)


def reflecting_matrix(bins: int, sigma_ms: float, bin_ms: float) -> np.ndarray:
    """Return (bins, bins) weights of a Gaussian kernel; beyond its ends, the trial goes on as its mirror image.

    Rows and columns sum to 1, whatever the kernel's width: no spike is lost, and a wide one gives the trial's mean.
    """
    return gaussian_filter1d(np.eye(bins), sigma_ms / bin_ms, axis=0, mode="reflect")


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
