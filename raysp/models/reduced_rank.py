"""A second classical baseline: reduced-rank Poisson regression on lagged counts.

The log rate of a unit is linear in the counts of all held-in units in five windows around a bin, and the units' log
rates move together in few dimensions. Windows, penalty and rank are those that predict training trials best which were
not fitted.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from raysp.config.ranges import Count, Positive
from raysp.data.splits.batch import Batch
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.errors import present
from raysp.models import base
from raysp.models.means import expected_counts
from raysp.models.prediction import Prediction
from raysp.models.smoothing import held
from raysp.objectives.held_trials import Chosen, Fit, best_penalty, climbed, drawn, folds, spread
from raysp.objectives.poisson import rates
from raysp.objectives.poisson_regression import poisson_path
from raysp.objectives.sureness import weighed

WINDOWS = 5
RANKS = (1, 2, 3, 4, 6, 8, 12)
ENTRIES = 1e7
"""Inputs times bins that are fitted to, at most; of more, trials from the first to the last: memory and seconds."""

USUAL_MS = 40.0
WITHOUT_TRIALS = Chosen(np.inf, 1000.0, 2)
"""Penalty and form where no trial can be set aside."""


@dataclass(frozen=True)
class Config(base.Config):
    """Windows, penalty and rank; None for what training trials choose.

    Attributes:
        window_ms: width of each of five windows of counts, one beside the other, the third around the bin, ms.
        penalty: on half the sum of squared weights, beside the log-likelihood of all bins.
        rank: dimensions of the units' log rates.
    """

    window_ms: Positive | None = None
    penalty: Positive | None = None
    rank: Count | None = None


class Model(nn.Module):
    """Held-out units from all held-in counts around a bin, held-in units likewise but from other bins alone.

    Forward bins get each unit's mean. Beyond a trial's ends, and where a unit was not observed, it counts as its mean.
    """

    reads = PopulationSplit
    boxes: torch.Tensor
    weights: torch.Tensor
    weights_heldin: torch.Tensor
    intercepts: torch.Tensor
    most: torch.Tensor
    mean: torch.Tensor
    mean_forward: torch.Tensor

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        self.config, self.sizes, inputs = config, sizes, WINDOWS * sizes.heldin
        shapes: dict[str, tuple[int, ...]] = {"boxes": (WINDOWS, sizes.bins, sizes.bins)}
        shapes |= {"weights": (inputs, sizes.heldout), "weights_heldin": (inputs, sizes.heldin)}
        shapes |= dict.fromkeys(("intercepts", "most", "mean", "mean_forward"), (sizes.units,))
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    def fit(self, trials: TrialArrays, stages: base.Stages) -> None:
        """Choose what is not given, and regress. Raises BadInput for held-out units without counts."""
        observed, forward = expected_counts(trials, self.sizes)
        self._take({"mean": torch.as_tensor(observed), "mean_forward": torch.as_tensor(forward)})
        stages.report({"phase": f"regressing {self.sizes.units} units on {self.sizes.heldin}"})
        self._take(stages.once("regression", lambda: self._fitted(trials, stages)))

    def _take(self, found: dict[str, torch.Tensor]) -> None:
        for name, values in found.items():
            getattr(self, name).copy_(values)

    def _fitted(self, trials: TrialArrays, stages: base.Stages) -> dict[str, torch.Tensor]:
        sizes, config, mean = self.sizes, self.config, self.mean.cpu().numpy()
        trials = trials.take(spread(np.arange(len(trials)), int(ENTRIES / (sizes.bins * WINDOWS * sizes.heldin)) + 8))
        counts = np.where(np.isnan(trials.heldin), mean[: sizes.heldin], trials.heldin.astype(np.float64))
        shown, apart = _scaled(counts, mean[: sizes.heldin]), not sizes.heldout
        asked = trials.heldin if apart else present(trials.heldout)
        fold = folds(len(counts), trials.ids)

        @functools.cache
        def tried(window_ms: float) -> Chosen:
            inputs = _inputs(shown, boxes(sizes.bins, window_ms / sizes.bin_ms, apart))
            found = best_penalty(inputs, asked, fold, _of_all_ranks)
            return found if np.isfinite(found.loss) else WITHOUT_TRIALS

        least, most = sizes.bin_ms, max(sizes.bin_ms, sizes.bins * sizes.bin_ms / 2)
        start = min(max(USUAL_MS, least), most)
        window_ms = config.window_ms or climbed(lambda width: tried(width).loss, start, 2.0, least, most)
        chosen = tried(window_ms)
        weight = chosen.weight if config.penalty is None else 1.0
        if weight < 1.0:
            alone = "one training trial: none can be set aside; all units get their mean rates"
            stages.report({"log": weighed(weight) if fold.max() else alone})
        if not weight:
            means = {"boxes": boxes(sizes.bins, window_ms / sizes.bin_ms, False), "intercepts": np.log(mean)}
            means["most"] = means["intercepts"]
            return {name: torch.as_tensor(values) for name, values in means.items()}
        penalty, rank = config.penalty or chosen.penalty, config.rank or (*RANKS, sizes.units)[chosen.form]
        stages.report({"log": f"windows of {window_ms:.3g} ms, penalty {penalty:.3g}, rank {rank}"})

        def regressed(counts: np.ndarray, mean: np.ndarray, apart: bool) -> tuple[np.ndarray, ...]:
            inputs = _inputs(shown, boxes(sizes.bins, window_ms / sizes.bin_ms, apart))
            inputs, counts = inputs.reshape(-1, inputs.shape[2]), counts.reshape(-1, counts.shape[2])
            (fit,) = poisson_path(inputs, counts, [penalty / len(inputs)], tolerance=1e-4)
            weights, intercepts = drawn(inputs, counts, _of_rank(inputs, counts, fit, (rank,))[0], weight)
            intercepts = np.where(np.nansum(counts, axis=0) > 0, intercepts, np.log(mean))
            return weights, intercepts, (inputs @ weights + intercepts).max(axis=0)

        parts = [regressed(trials.heldin, mean[: sizes.heldin], True)]
        if sizes.heldout:
            parts.append(regressed(asked, mean[sizes.heldin :], False))
        weights, *others = zip(*parts, strict=True)
        found = {"boxes": boxes(sizes.bins, window_ms / sizes.bin_ms, False)}
        found |= dict(zip(("weights_heldin", "weights"), weights, strict=False))
        found |= {name: np.concatenate(each) for name, each in zip(("intercepts", "most"), others, strict=True)}
        return {name: torch.as_tensor(values) for name, values in found.items()}

    def predict(self, batch: Batch) -> Prediction[torch.Tensor]:
        """Return (trials, bins, units) rates, and the units' means in the forward bins."""
        sizes, mean = self.sizes, self.mean[: self.sizes.heldin]
        counts = batch.heldin.to(torch.float64)
        shown = (torch.where(torch.isnan(counts), mean, counts) - mean) / mean.sqrt()
        others = self.boxes * (1.0 - torch.eye(sizes.bins, dtype=torch.float64, device=mean.device))
        parts = ((others, self.weights_heldin), (self.boxes, self.weights))
        found = [
            torch.cat([torch.matmul(box, shown) for box in windows], dim=2) @ weights for windows, weights in parts
        ]
        forward = self.mean_forward.float().expand(len(batch), sizes.forward, sizes.units) if sizes.forward else None
        log_rates = torch.cat(found, dim=2) + self.intercepts
        return Prediction(rates(held(log_rates, self.most)), forward)


def boxes(bins: int, width: float, apart: bool) -> np.ndarray:
    """Return (windows, bins, bins) weights that sum counts in windows around each bin, the bin itself if not `apart`.

    Args:
        bins: of a trial.
        width: of a window, bins.
        apart: leave the bin itself out.
    """
    lag = np.arange(bins)[None, :] - np.arange(bins)[:, None]
    which = np.round(lag / width) + WINDOWS // 2
    found = np.stack([which == window for window in range(WINDOWS)]) / np.sqrt(max(width, 1.0))
    return found * (1.0 - np.eye(bins)) if apart else found


def _scaled(counts: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return counts around their mean, in units of what a Poisson count varies by."""
    return (counts - mean) / np.sqrt(mean)


def _inputs(shown: np.ndarray, windows: np.ndarray) -> np.ndarray:
    return np.concatenate([window @ shown for window in windows], axis=2)


def _of_all_ranks(inputs: np.ndarray, counts: np.ndarray, fit: Fit) -> list[Fit]:
    return _of_rank(inputs, counts, fit, (*RANKS, counts.shape[1]))


def _of_rank(inputs: np.ndarray, counts: np.ndarray, fit: Fit, ranks: tuple[int, ...]) -> list[Fit]:
    """Return a fit whose log rates vary in the dimensions in which they vary most, for each number of these.

    Each output keeps as many spikes as it had.
    """
    weights, intercepts = fit
    moved = inputs @ weights
    moved -= moved.mean(axis=0)
    axes = np.linalg.eigh(moved.T @ moved)[1][:, ::-1]
    known = ~np.isnan(counts)
    total, found = np.nansum(counts, axis=0), []
    for rank in ranks:
        kept = weights @ axes[:, :rank] @ axes[:, :rank].T
        expected = np.exp(np.minimum(inputs @ kept, 50.0)).sum(axis=0, where=known)
        with np.errstate(divide="ignore"):
            found.append((kept, np.where(total > 0, np.log(total / expected), intercepts)))
    return found
