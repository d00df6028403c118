"""What models of injected currents are judged on: for each current of a part, its repeats and one predicted rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.kinds.current_clamp.metrics import WIDE_MS
from raysp.objectives.explained_variance import ExplainedVariance, against_repeats, ceilings, published_ratio

LOG_EPS = 1e-8
"""Within the logarithm of the loss, as published."""


@dataclass(frozen=True)
class Repeats:
    """One current of a part of the data, what was recorded in each of its sweeps, and what a model predicts.

    Attributes:
        unit: the recording's own number of the cell.
        stimulus: name.
        first_bin: bin of the sweep at which the part begins.
        current: (bins,) float32 pA.
        counts: (repeats, bins) spikes per bin.
        rates: (bins,) float32 spikes/ms; NaN where the unit has no fit.
    """

    unit: int
    stimulus: str
    first_bin: int
    current: np.ndarray
    counts: np.ndarray
    rates: np.ndarray


@dataclass(frozen=True)
class Measures:
    """How a unit's rates fare, NaN where that is undefined.

    Attributes:
        ratio: explained-variance ratio as published.
        leave_one_out: over what the mean of the other repeats explains.
        quantised: as published, of rates in whole spikes per bin.
        wide: as published, in bins of 100 ms.
        least: what a perfect model comes to in the published ratio, at least.
        estimate: likewise, about.
        loss: mean Poisson loss per bin, nats, without ln(counts!).
        dead: the rate is 0 throughout, in spite of spikes.
    """

    ratio: float
    leave_one_out: float
    quantised: float
    wide: float
    least: float
    estimate: float
    loss: float
    dead: bool


def repeats_of(split: CurrentClampSplit, rates: np.ndarray, part: str) -> Iterator[Repeats]:
    """Yield the repeats of each current of a part, unit by unit.

    Args:
        split: the recording.
        rates: flat as `split.current`, spikes/ms.
        part: "train", "validation" or "test".
    """
    first, last = split.edges(part)
    together: dict[tuple[int, int, int], list[int]] = {}
    for sweep in np.flatnonzero(last > first).tolist():
        where = (int(split.sweep_current[sweep]), int(first[sweep]), int(last[sweep]))
        together.setdefault(where, []).append(sweep)
    for (current, begin, end), sweeps in together.items():
        bins = slice(split.current_ptr[current] + begin, split.current_ptr[current] + end)
        yield Repeats(
            unit=int(split.unit_ids[split.sweep_unit[sweeps[0]]]),
            stimulus=split.stimuli[split.sweep_stimulus[sweeps[0]]],
            first_bin=begin,
            current=split.current[bins],
            counts=np.stack([split.counts_of(sweep)[begin:end] for sweep in sweeps]),
            rates=rates[bins].astype(np.float32),
        )


def measures(currents: Sequence[Repeats], bin_ms: float, *, sees_counts: bool = False) -> Measures:
    """Return how a unit's rates fare over its currents, each weighted by its repeats.

    Args:
        currents: of one unit.
        bin_ms: width of a bin, ms.
        sees_counts: the rates are the mean of the very repeats: each repeat is judged by the mean of the others.
    """
    weights = np.array([len(one.counts) for one in currents], dtype=np.float64)
    found = [_of_one(one, bin_ms, sees_counts) for one in currents]
    names = ("ratio", "leave_one_out", "quantised", "wide", "least", "estimate")
    means = {name: _mean([one[name] for one in found], weights) for name in names}
    bins = weights * [one.counts.shape[1] for one in currents]
    silent = not any(one.rates.any() for one in currents) and any(one.counts.any() for one in currents)
    return Measures(**means, loss=_mean([one["loss"] for one in found], bins), dead=silent)


def validated(model: object, split: CurrentClampSplit, rates: np.ndarray) -> dict[str, float]:
    """Return what a fitted model comes to on the validation part: means over the units that have a fit.

    Args:
        model: whose rates they are.
        split: the recording.
        rates: flat as `split.current`, spikes/ms.
    """
    own = [
        measures(list(found), split.sizes.bin_ms, sees_counts=getattr(model, "sees_counts", False))
        for _, found in groupby(repeats_of(split, rates, "validation"), lambda one: one.unit)
    ]
    values = {"unseen_loss": [one.loss for one in own], "validation EVR": [one.ratio for one in own]}
    known = {name: [value for value in found if np.isfinite(value)] for name, found in values.items()}
    return {name: float(np.mean(found)) for name, found in known.items() if found}


def _of_one(one: Repeats, bin_ms: float, sees_counts: bool) -> dict[str, float]:
    limits, rates = ceilings(one.counts, bin_ms), one.rates.astype(np.float64)
    own = {"least": limits.least, "estimate": limits.estimate}
    if sees_counts:
        alone = len(one.counts) < 2
        return {
            **own,
            "ratio": limits.least,
            "leave_one_out": np.nan if alone else 1.0,
            "quantised": np.nan,
            "wide": _wide(one, bin_ms, sees_counts=True),
            "loss": np.nan if alone else _loss(one.counts, _others(one.counts)),
        }
    found = against_repeats(one.counts, rates, bin_ms)
    wide = _wide(one, bin_ms, sees_counts=False)
    if np.ptp(rates) == 0 and np.isfinite(found.ratio):
        # Not what rounding leaves of it: a constant rate explains nothing.
        found, wide = ExplainedVariance(0.0, found.leave_one_out * 0.0, 0.0), wide * 0.0
    return {
        **own,
        "ratio": found.ratio,
        "leave_one_out": found.leave_one_out,
        "quantised": found.quantised,
        "wide": wide,
        "loss": _loss(one.counts, rates * bin_ms),
    }


def _wide(one: Repeats, bin_ms: float, *, sees_counts: bool) -> float:
    """Return the published ratio in bins as near to 100 ms as whole ones come; what is left of the last is dropped."""
    count = max(round(WIDE_MS / bin_ms), 1)
    whole = len(one.rates) // count
    if whole < 2:
        return float("nan")
    counts, rates = (
        each[..., : whole * count].reshape(-1, whole, count).sum(axis=-1)
        for each in (one.counts, one.rates.astype(np.float64) / count)
    )
    wide_ms = count * bin_ms
    return ceilings(counts, wide_ms).least if sees_counts else float(published_ratio(counts, rates[0], wide_ms))


def _others(counts: np.ndarray) -> np.ndarray:
    return (counts.sum(axis=0) - counts) / (len(counts) - 1)


def _loss(counts: np.ndarray, expected: np.ndarray) -> float:
    """Return the mean over (repeats, bins) of the loss of expected counts, nats, without ln(counts!)."""
    return float((expected - counts * np.log(expected + LOG_EPS)).mean())


def _mean(values: Sequence[float], weights: np.ndarray) -> float:
    found = np.array(values, dtype=np.float64)
    known = ~np.isnan(found)
    return float(np.average(found[known], weights=weights[known])) if known.any() else float("nan")
