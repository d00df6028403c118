"""Averages of stored rates: judged on validation trials, written as one trial's own; one member is held at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from raysp.config.experiment import Training, Trial
from raysp.data.splits.population import Answers, PopulationSplit, TrialArrays
from raysp.errors import BadInput, present
from raysp.evaluation import mixture
from raysp.evaluation.mixture import Evidence
from raysp.evaluation.nlb import forward_counts
from raysp.io import files
from raysp.kinds.population.rates_file import VALIDATION, read_rates, write_predictions
from raysp.models.prediction import Prediction
from raysp.runs.folder import TrialFolder
from raysp.training.validation import validation_mask

MOST = 1 << 25
"""Rates that are kept of all members together, about 500 MB while weights are sought; of more, some trials judge."""
AT_ONCE = 64
"""Trials; changes memory, not results."""


def evidence(by: str, trials: Sequence[Trial], split: PopulationSplit, paths: Sequence[str]) -> Evidence:
    """Return what counts of held-out units ("co-bps") or forward bins ("fp-bps") say; see `Kind.evidence`."""
    training = next((trial.training for trial in trials if trial.training is not None), Training())
    aside = validation_mask(split.train, training)
    counts = _counts(by, split.train.take(aside), split)
    judging = _few_enough(counts, len(paths))
    mine = np.flatnonzero(aside)[judging]

    def of(path: str) -> np.ndarray:
        before = TrialFolder(path.rpartition("/")[0]).judged
        if files.exists(before):
            chosen, (rates, forward) = judging, _read(before, VALIDATION, split, int(aside.sum()))
        else:
            chosen, (rates, forward) = mine, _read(path, "train", split, len(split.train))
        if by == "co-bps":
            return rates[chosen][..., split.sizes.heldin :]
        if forward is None:
            raise BadInput(f"{path} has no rates of the bins after the observed ones, and {by} judges those")
        return forward[chosen]

    return mixture.evidence(map(of, paths), counts[judging])


def average(
    trial: Trial,
    split: PopulationSplit,
    paths: Sequence[str],
    weights: Sequence[float],
    into: str,
    given: Answers | None = None,
) -> None:
    """Write the weighted mean of rates; see `Kind.average`. Members without weight are not read."""
    weighed = [(path, weight) for path, weight in zip(paths, weights, strict=True) if weight > 0]
    sizes = {"train": len(split.train), "eval": len(present(split.eval))}
    parts = {part: _mean(weighed, part, split, count) for part, count in sizes.items()}
    if given is not None:
        parts = _over_conditions(parts, split, given)
    write_predictions(into, trial, split.sizes, parts, split)


def _over_conditions(
    parts: Mapping[str, Prediction[np.ndarray]], split: PopulationSplit, given: Answers
) -> dict[str, Prediction[np.ndarray]]:
    """Return for each trial the mean over all trials of its condition, of both parts; one without keeps its own."""
    trials = {"train": split.train, "eval": given.trials}
    known = [trials[part] for part in parts]
    if any(one.condition is None for one in known):
        raise BadInput(f"{split.name} expected conditions of training and evaluation trials to average over, got none")
    whole = np.concatenate([present(one.condition) for one in known])

    def shared(arrays: list[np.ndarray], counts: list[np.ndarray | None]) -> list[np.ndarray]:
        rates = np.concatenate(arrays)
        # What was predicted beyond a shorter trial's end is of nothing.
        there = np.concatenate(
            [
                np.ones(own.shape[:2], bool) if one is None else ~np.isnan(one).all(axis=2)
                for own, one in zip(arrays, counts, strict=True)
            ]
        )
        for one in np.unique(whole[whole >= 0]):
            own, seen = rates[whole == one], there[whole == one]
            means = own.mean(axis=0, dtype=np.float64, where=(seen | ~seen.any(axis=0))[..., None])
            rates[whole == one] = means.astype(rates.dtype)
        return np.split(rates, np.cumsum([len(one) for one in arrays])[:-1])

    rates = shared([one.rates for one in parts.values()], [one.heldin for one in known])
    ahead = [one.rates_forward for one in parts.values() if one.rates_forward is not None]
    forward: Sequence[np.ndarray | None] = [None] * len(parts)
    if len(ahead) == len(parts):
        forward = shared(ahead, [forward_counts(one, split.sizes.heldout) for one in known])
    return {part: Prediction(*both) for part, both in zip(parts, zip(rates, forward, strict=True), strict=True)}


def _mean(
    weighed: Sequence[tuple[str, float]], part: str, split: PopulationSplit, count: int
) -> Prediction[np.ndarray]:
    total = np.zeros((count, split.sizes.bins, split.sizes.units))
    ahead: np.ndarray | None = np.zeros((count, split.sizes.forward, split.sizes.units))
    for path, weight in weighed:
        rates, forward = _read(path, part, split, count)
        # Where one member predicts no forward bins, an average has none.
        ahead = None if forward is None else ahead
        for first in range(0, count, AT_ONCE):
            some = slice(first, first + AT_ONCE)
            total[some] += weight * rates[some]
            if ahead is not None and forward is not None:
                ahead[some] += weight * forward[some]
    return Prediction(total.astype(np.float32), None if ahead is None else ahead.astype(np.float32))


def _read(path: str, part: str, split: PopulationSplit, count: int) -> tuple[np.ndarray, np.ndarray | None]:
    rates, forward = read_rates(path, part)
    expected = (count, split.sizes.bins, split.sizes.units)
    if rates.shape != expected:
        raise BadInput(
            f"{path} expected rates of {expected} {part} trials, bins and units, as {split.name} has, got {rates.shape}"
        )
    return rates, forward


def _counts(by: str, aside: TrialArrays, split: PopulationSplit) -> np.ndarray:
    counts = aside.heldout if by == "co-bps" else forward_counts(aside, split.sizes.heldout)
    if counts is None or not counts.size:
        what = "held-out units" if by == "co-bps" else "bins after the observed ones"
        raise BadInput(f"{by} on validation trials expected {what} to judge averages by; {split.name} has none")
    return counts


def _few_enough(counts: np.ndarray, members: int) -> np.ndarray:
    """Return the trials that judge, ascending: all, or of too many as many, drawn, as `MOST` leaves room for."""
    drawn = np.random.default_rng(0).permutation(len(counts))
    events = np.cumsum((np.nan_to_num(counts[drawn]) > 0).sum(axis=(1, 2)))
    return np.sort(drawn[: max(1, int((events * members <= MOST).sum()))])
