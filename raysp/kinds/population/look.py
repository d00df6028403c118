"""A recording of a population at a glance: rates, lengths, autocorrelation, what drifts, and three figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from raysp.data.formats.plausibility import ODD_RATE_HZ
from raysp.data.splits.population import Answers, PopulationSplit, TrialArrays
from raysp.io.words import LISTED, counted, listed, number
from raysp.kinds.looked import Looked
from raysp.kinds.population.page.rasters import ordinary_trials
from raysp.report.style import GREY, INK, UNKNOWN, Picture, canvas, png

LAGS = 30
DRIFT, LEAST_SPIKES = 5.0, 50
"""Standard errors (of Poisson counts) between the first and last third of the trials, and a factor of 1.5, from which a
unit drifts; units with fewer spikes tell nothing."""

FACTOR = 1.5

ENOUGH = 1 << 22
"""Counts that tell how alike neighbouring bins are."""

BLOCK = 1 << 19
"""Counts that are worked on at a time."""


@dataclass(frozen=True)
class _Counts:
    """All trials of a split in the recording's order, held-in units first.

    Attributes:
        counts: (trials, bins, units), NaN where unobserved.
        units: (units,) the recording's own numbers.
        bin_ms: width of a bin.
        condition: (trials,), -1 for none; None where nobody knows.
        ids: (trials,) the recording's own numbers; None where nobody knows.
    """

    counts: np.ndarray
    units: np.ndarray
    bin_ms: float
    condition: np.ndarray | None
    ids: np.ndarray | None

    @property
    def rates_hz(self) -> np.ndarray:
        """(units,) spikes/s."""
        return np.concatenate([np.nanmean(one, axis=(0, 1)) for one in _parts(self.counts)]) * 1000.0 / self.bin_ms


def _parts(counts: np.ndarray) -> Iterator[np.ndarray]:
    """Yield counts (trials, bins, units), some units at a time: what is made of all takes many times as much."""
    step = max(1, BLOCK // max(counts.shape[0] * counts.shape[1], 1))
    yield from (counts[:, :, first : first + step] for first in range(0, counts.shape[2], step))


def look(split: PopulationSplit, answers: Answers | None) -> Looked:
    """Return what a split looks like; held-out units of evaluation trials only where the answers are given."""
    found = _whole(split, answers)
    return Looked(
        tuple(_lines(split, found)),
        tuple(_doubts(found)),
        (_trials(found), _rates(found), _time(found)),
    )


def _whole(split: PopulationSplit, answers: Answers | None) -> _Counts:
    parts = [(split.train, split.train)]
    conditions, ids = [split.train.condition], [split.train.ids]
    if split.eval is not None and answers is not None:
        parts.append((split.eval, answers.trials))
        conditions.append(split.eval.condition if split.eval.condition is not None else answers.trials.condition)
        ids.append(split.eval.ids if split.eval.ids is not None else answers.trials.ids)
    known_ids = [one for one in ids if one is not None]
    total = sum(len(whole) for _, whole in parts)
    ordered = len(known_ids) == len(parts)
    order = np.argsort(np.concatenate(known_ids), kind="stable") if ordered else np.arange(total)
    known = [one for one in conditions if one is not None]
    units = np.arange(split.sizes.units) if split.units is None else split.units
    condition = np.concatenate(known)[order] if len(known) == len(parts) else None
    own = np.concatenate(known_ids)[order] if ordered else None
    return _Counts(_joined(parts, np.argsort(order)), units, split.sizes.bin_ms, condition, own)


def _joined(parts: Sequence[tuple[TrialArrays, TrialArrays]], places: np.ndarray) -> np.ndarray:
    """Return the counts of all parts, each trial in its place, (trials, bins, units)."""
    blocks = [[shown.heldin, *([] if whole.heldout is None else [whole.heldout])] for shown, whole in parts]
    widths = [sum(one.shape[2] for one in each) for each in blocks]
    counts = np.empty((len(places), blocks[0][0].shape[1], widths[0]), dtype=blocks[0][0].dtype)
    first = 0
    for each in blocks:
        rows, column = places[first : first + len(each[0])], 0
        for one in each:
            counts[rows, :, column : column + one.shape[2]] = one
            column += one.shape[2]
        first += len(rows)
    return counts


def _lines(split: PopulationSplit, found: _Counts) -> Iterator[str]:
    trials, bins, units = found.counts.shape
    evaluation = 0 if split.eval is None else len(split.eval)
    yield f"trials: {len(split.train)} to train on, {evaluation} to evaluate, of {bins} bins of {found.bin_ms:g} ms"
    yield f"units: {units}, of which {split.sizes.heldout} are held out"
    rates = found.rates_hz
    low, middle, high = np.percentile(rates, [5, 50, 95])
    yield f"rates: median {middle:.3g} spikes/s, 5 to 95 % {low:.3g} to {high:.3g}, highest {rates.max():.3g}"
    lasting = np.array([(~np.isnan(trial).all(axis=1)).sum() for trial in found.counts])
    if lasting.min() < lasting.max():
        yield f"lengths: trials last {lasting.min()} to {lasting.max()} bins, median {np.median(lasting):g}"
    most = np.fmax.reduce(found.counts, axis=None)
    fired = sum(int((one > 0).sum()) for one in _parts(found.counts))
    seen = sum(int((~np.isnan(one)).sum()) for one in _parts(found.counts))
    yield f"counts: at most {most:g} in a bin, {fired / max(seen, 1):.1%} of bins have a spike"
    lags = [lag for lag in (1, 2, 5, 10) if lag < bins - 2]
    found_at = ", ".join(f"{number(_autocorrelation(found.counts, lag), 'brief')} at {lag}" for lag in lags)
    yield f"autocorrelation of counts, mean over units, so many bins apart: {found_at}" if lags else "one bin a trial"
    if found.condition is not None and (found.condition >= 0).any():
        _, sizes = np.unique(found.condition[found.condition >= 0], return_counts=True)
        yield f"conditions: {len(sizes)}, of {sizes.min()} to {sizes.max()} trials"
    if split.train.behavior is not None:
        known = ~np.isnan(split.train.behavior)
        named = [f"{name} ({unit})" if unit else name for name, unit in split.provenance.behavior]
        first = f" ({', '.join(named[:LISTED])}{' …' if len(named) > LISTED else ''})" if named else ""
        yield f"behaviour: {counted(range(split.sizes.behavior), 'variable')}{first}, known in {known.mean():.1%}"
    if trials < 20:
        yield f"{trials} trials are few: expect scores that move from seed to seed"


def _autocorrelation(counts: np.ndarray, lag: int) -> float:
    """Return the correlation of counts so many bins apart, of each unit, over trials and bins; mean over units.

    Of many counts, those of some trials, evenly spread, tell as much.
    """
    counts = counts[:: max(1, counts.size // ENOUGH)]
    each = np.concatenate([_correlations(one, lag) for one in _parts(counts)])
    return float(np.nanmean(each)) if np.isfinite(each).any() else 0.0


def _correlations(counts: np.ndarray, lag: int) -> np.ndarray:
    """Return `_autocorrelation` of each unit; NaN of one whose counts are all alike."""
    first, second = counts[:, :-lag].reshape(-1, counts.shape[2]), counts[:, lag:].reshape(-1, counts.shape[2])
    known = ~np.isnan(first) & ~np.isnan(second)
    total = np.maximum(known.sum(axis=0), 1)
    left, right = (np.where(known, one, 0.0) for one in (first, second))
    left, right = (np.where(known, one - one.sum(axis=0) / total, 0.0) for one in (left, right))
    power = np.sqrt((left**2).sum(axis=0) * (right**2).sum(axis=0))
    return np.divide((left * right).sum(axis=0), power, out=np.full(len(power), np.nan), where=power > 0)


def _doubts(found: _Counts) -> Iterator[str]:
    rates = found.rates_hz
    if (fast := rates > ODD_RATE_HZ).any():
        yield f"units {listed(found.units[fast])} fire more than {ODD_RATE_HZ:g} spikes/s: are they single units?"
    silent = int((rates == 0).sum())
    if silent:
        yield f"{silent} of {len(rates)} units have no spike; min_rate_hz leaves such units out"
    if len(drifting := _drifting(found)):
        told = f"{len(drifting)} of {len(rates)} units drift (first against last third of the trials)"
        yield f"{told}: {listed(found.units[drifting])}{' the most' if len(drifting) > LISTED else ''}"
    lag = _autocorrelation(found.counts, 1) if found.counts.shape[1] > 3 else 0.0
    if lag > 0.45:
        yield f"neighbouring bins are alike ({lag:.2f}): were these counts smoothed, or do their windows overlap?"


def _drifting(found: _Counts) -> np.ndarray:
    """Return the units whose rate changed between the first and the last third, those that changed most first."""
    third = len(found.counts) // 3
    if third < 3:
        return np.empty(0, dtype=int)
    parts = found.counts[:third], found.counts[-third:]
    spikes, bins = (
        np.stack([np.concatenate([measure(some) for some in _parts(one)]) for one in parts])
        for measure in (lambda one: np.nansum(one, axis=(0, 1)), lambda one: (~np.isnan(one)).sum(axis=(0, 1)))
    )
    rates = spikes / np.maximum(bins, 1)
    error = np.sqrt((spikes / np.maximum(bins, 1) ** 2).sum(axis=0))
    apart = np.abs(rates[0] - rates[1]) / np.maximum(error, 1e-12)
    ratio = rates.max(axis=0) / np.maximum(rates.min(axis=0), 1e-12)
    chosen = np.flatnonzero((spikes.sum(axis=0) >= LEAST_SPIKES) & (apart > DRIFT) & (ratio > FACTOR))
    return chosen[np.argsort(-apart[chosen], kind="stable")]


def _trials(found: _Counts) -> Picture:
    """Draw the counts of three ordinary trials."""
    chosen = ordinary_trials(found.counts, 3)
    end_ms, units = found.counts.shape[1] * found.bin_ms, found.counts.shape[2]
    most = max(1.0, *(float(np.fmax.reduce(found.counts[trial], axis=None)) for trial in chosen))
    with canvas(9.6, 3.6) as figure:
        (grid,) = figure.subplots(1, len(chosen), squeeze=False, sharey=True)
        for axes, trial in zip(grid, chosen, strict=True):
            axes.set_facecolor(UNKNOWN)
            shown = np.ma.masked_invalid(found.counts[trial].T)
            within = (0, end_ms, 0, units)
            axes.imshow(shown, origin="lower", aspect="auto", extent=within, cmap="Greys", vmin=0, vmax=most)
            name = f"{trial} (by position)" if found.ids is None else f"{found.ids[trial]}"
            axes.set(title=f"counts of trial {name}", xlabel="time in window (ms)")
        grid[0].set_ylabel(f"unit, by position (black: {most:g} in a bin)")
        return Picture("counts", "Counts of three ordinary trials", "", png(figure))


def _rates(found: _Counts) -> Picture:
    """Draw each unit's rate, and how all rates change over the trials."""
    with canvas(9.6, 3.6) as figure:
        left, right = figure.subplots(1, 2)
        left.bar(np.arange(len(found.units)), np.sort(found.rates_hz)[::-1], color=GREY, width=1.0)
        left.set(title="rate of each unit", xlabel="unit, by rank", ylabel="rate (spikes/s)")
        each = np.concatenate([np.nanmean(one, axis=1) for one in _parts(found.counts)], axis=1).T
        each = each * 1000.0 / found.bin_ms
        image = right.imshow(each, aspect="auto", origin="lower", cmap="viridis", interpolation="nearest")
        right.set(title="over the trials, in the recording's order", xlabel="trial", ylabel="unit, by position")
        figure.colorbar(image, ax=right, label="rate (spikes/s)")
        return Picture("rates", "Rates of units", "", png(figure))


def _time(found: _Counts) -> Picture:
    """Draw the average over trials, and over units, along the window, and the autocorrelation of counts."""
    bins = found.counts.shape[1]
    with canvas(9.6, 3.6) as figure:
        left, right = figure.subplots(1, 2)
        time = (np.arange(bins) + 0.5) * found.bin_ms
        left.plot(time, _psth(found.counts) * 1000.0 / found.bin_ms, color=INK, linewidth=2)
        for index in np.unique(found.condition[found.condition >= 0])[:8] if found.condition is not None else ():
            some = _psth(found.counts, np.flatnonzero(found.condition == index))
            left.plot(time, some * 1000.0 / found.bin_ms, color=GREY, linewidth=0.8)
        left.set(title="PSTH: mean over units (grey: conditions)", xlabel="time in window (ms)", ylabel="spikes/s")
        lags = np.arange(1, min(LAGS, max(bins - 2, 1)) + 1)
        if bins > 3:
            right.plot(lags * found.bin_ms, [_autocorrelation(found.counts, int(lag)) for lag in lags], color=INK)
        right.axhline(0, color=GREY, linewidth=0.8)
        right.set(title="autocorrelation of counts, mean over units", xlabel="lag (ms)", ylabel="correlation")
        return Picture("time", "PSTH and autocorrelation", "", png(figure))


def _psth(counts: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return the mean over some trials, and over units, (bins,); NaN where nothing was observed."""
    total, known = np.zeros(counts.shape[1]), np.zeros(counts.shape[1])
    for row in range(len(counts)) if rows is None else rows:
        total += np.nansum(counts[row], axis=1)
        known += (~np.isnan(counts[row])).sum(axis=1)
    return np.divide(total, known, out=np.full(len(total), np.nan), where=known > 0)
