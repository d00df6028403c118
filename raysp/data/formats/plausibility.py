"""Whether counts can be what a person says they are: what is doubted, from which number on, and how it is told.

What no recording can be is refused, what is odd is a note. A person who means it names the doubt in the setting
`accept`; then it is a note that says so. The thresholds stand far from what is usual: each says what was measured on
real and generated recordings (motor cortex, retina, Lorenz systems, chaotic networks; bins of 1 to 50 ms).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal, get_args

import numpy as np

from raysp.data.formats.axis_order import (
    CAP,
    DIFFERENT,
    EXTREME,
    ORDERED,
    UNORDERED,
    grouped,
    is_time,
    likeness,
    variation,
)
from raysp.data.formats.tally import tally
from raysp.errors import BadInput, unknown

Name = Literal[
    "axes",
    "bin_ms",
    "rate",
    "scaled",
    "overlap",
    "truth",
    "conditions",
    "behavior",
    "twins",
    "constant",
    "silent",
    "times",
]
NAMES = get_args(Name)

SHORTEST_BIN_MS, LONGEST_BIN_MS = 0.1, 100.0
"""Bins of neural populations last 1 to 50 ms; a spike takes 1 ms. 0.02 is seconds for ms, 200 is often 0.2 or 20."""

LOW_RATE_HZ, ODD_RATE_HZ, LARGEST_RATE_HZ = 0.02, 200.0, 1000.0
"""Mean over all units. Measured: 2 to 15 Hz. No unit fires a spike per ms for long."""

HALF_CORRELATION, HALF_STEP, HALF_GROWTH = 0.49, 0.65, 1.65
"""The same for windows that share a half, which is a note: they have 0.50 to 0.75, about 0.5 (0.35 to 0.56 in most, up
to 3.4 where rates change within a bin) and 1.73 to 2.6; others at most 0.45, at least 0.71 and at most 1.58."""

FEWEST_COUNTS = 20
"""Bins with spikes from which on a common divisor of all counts is no accident. Measured: always 1."""

FEWEST_HZ = 10
"""A common divisor from which on counts are refused: that of rates in bins of 100 ms."""

OVERLAP_CORRELATION, OVERLAP_STEP, OVERLAP_GROWTH = 0.7, 0.4, 1.5
"""Lag-1 autocorrelation at least (measured: at most 0.45); step from bin to bin, as a share of what independent Poisson
counts would make, at most (measured: 0.71 or more; windows that share 90 % have 0.1); and the same over two bins, as a
multiple of that over one, at least: windows that share less change more, a unit that fires regularly does not."""

FEW = 8
"""On a shorter axis no order can be told from chance, so that what is doubted is a note."""

TRUTH_FACTOR, FEWEST_SPIKES = 1.5, 20
"""Spikes that true rates expect, as a multiple of those that were counted, or the inverse, where there are so many per
unit. Measured: 1.00 over all, 1.18 in one unit; seconds for ms give 1000."""

LEAST_ERRORS, LEAST_GAIN = 5.0, 1.0
"""Standard errors of Poisson counts, and nats, by which true rates explain the counts worse than their own averages do.
Measured: better by 22 errors or more; of shuffled trials or backwards in time, worse by 10 or more."""

STRAY_FACTOR, LEAST_STRAY, MOST_STRAYS = 4.0, 20.0, 10
"""A count of at least `LEAST_STRAY` and so many times all but `MOST_STRAYS` others is doubted. Measured: up to 2."""

ROUGHER = 2.0
"""Squared steps of behaviour from bin to bin, as a multiple of those from trial to trial, from which on it is doubted
that time is the second axis. Movements change little from bin to bin."""


@dataclass(frozen=True)
class Doubt:
    """What is doubted: its name in `accept`, the sentence, and whether it is refused."""

    name: Name
    sentence: str
    refused: bool = True


def settle(doubts: Sequence[Doubt], accept: Sequence[str], where: str) -> tuple[str, ...]:
    """Return the notes that follow from doubts.

    Args:
        doubts: what was found.
        accept: names of doubts that a person has looked at, and means.
        where: the beginning of the error's sentence.

    Raises:
        BadInput: a doubt is refused and not accepted.
    """
    for doubt in doubts:
        if doubt.refused and doubt.name not in accept:
            link = " If" if doubt.sentence.endswith("?") else "; if"
            begin = where if doubt.sentence.startswith("expected") else f"{where}:"
            raise BadInput(f"{begin} {doubt.sentence}{link} it is meant so, set accept: [{doubt.name}]")
    said = (f"{one.sentence}{' (accepted as meant)' if one.name in accept else ''}" for one in doubts)
    return tuple(said)


def check_accept(accept: Sequence[str], where: str) -> None:
    """Raise BadInput unless these are names of doubts."""
    for name in accept:
        if name not in NAMES:
            raise unknown(f"{where}, accept", name, NAMES)


def of_arrays(counts: np.ndarray, rates: np.ndarray | None, bin_ms: float, *, windows: bool = False) -> Iterator[Doubt]:
    """Doubt what others have binned: counts and true rates (trials, bins, units), expected spikes per bin.

    With `windows`, trials are windows that were cut here, which follow each other in time as bins do.
    """
    strays, usual = _strays(counts)
    yield from stray(strays, usual)
    if not windows:
        yield from axes(np.minimum(counts, usual) if len(strays) else counts)
    yield from width(bin_ms)
    yield from scaled(counts, bin_ms)
    yield from rate(counts, bin_ms)
    yield from overlap(counts)
    yield from truth(counts, rates)


def stray(strays: np.ndarray, usual: float) -> Iterator[Doubt]:
    """Doubt the few counts `strays`, descending, that lie far beyond all others, which are at most `usual`."""
    if len(strays):
        told = f"one count is {strays[0]:g}" if len(strays) == 1 else f"{len(strays)} counts are {strays[-1]:g} or more"
        yield Doubt("rate", f"{told}, the others at most {usual:g}: was it damaged?", False)


def _strays(counts: np.ndarray) -> tuple[np.ndarray, float]:
    most = min(MOST_STRAYS + 1, counts.size)
    top = np.sort(np.partition(counts, counts.size - most, axis=None)[-most:])[::-1]
    far = np.flatnonzero((top[:-1] >= LEAST_STRAY) & (top[:-1] >= STRAY_FACTOR * np.maximum(top[1:], 1)))
    first = int(far[0]) + 1 if len(far) else 0
    return top[:first], float(top[first])


def width(bin_ms: float) -> Iterator[Doubt]:
    """Doubt a width of bins (ms)."""
    if bin_ms < SHORTEST_BIN_MS:
        told = f"expected bins of at least {SHORTEST_BIN_MS:g} ms, got {bin_ms:g} ms; is bin_ms given in s? Then"
        yield Doubt("bin_ms", f"{told} {bin_ms * 1000:g} ms are meant")
    if bin_ms > LONGEST_BIN_MS:
        yield Doubt("bin_ms", f"bins of {bin_ms:g} ms are wider than {LONGEST_BIN_MS:g} ms: is bin_ms in ms?", False)


def rate(counts: np.ndarray, bin_ms: float) -> Iterator[Doubt]:
    """Doubt how much units fire: counts (trials, bins, units), NaN where unobserved, in bins of `bin_ms`."""
    seen, spikes = map(np.sum, tally(counts))
    mean_hz = float(spikes) / max(int(seen), 1) * (1000.0 / bin_ms)
    told = f"units fire {mean_hz:.4g} Hz on average in bins of {bin_ms:g} ms"
    if mean_hz == 0:
        yield Doubt("rate", "expected spikes, got none in any bin")
    elif mean_hz < LOW_RATE_HZ:
        yield Doubt("rate", f"{told}, less than {LOW_RATE_HZ:g} Hz: is bin_ms too large?", False)
    elif mean_hz > ODD_RATE_HZ:
        why = "are these rates in Hz instead of counts, or is bin_ms too small?"
        yield Doubt("rate", f"{told}, more than {ODD_RATE_HZ:g} Hz: {why}", mean_hz > LARGEST_RATE_HZ)


def scaled(counts: np.ndarray, bin_ms: float) -> Iterator[Doubt]:
    """Doubt counts that are all multiples of one number: counts (trials, bins, units) divided by a width in s."""
    common = seen = 0
    for trial in counts:
        spikes = trial[trial > 0].astype(np.int64)
        common, seen = int(np.gcd.reduce(spikes, initial=common)), seen + len(spikes)
        if common == 1:
            return
    if seen >= FEWEST_COUNTS:
        hertz, width_ms = common == round(1000.0 / bin_ms), 1000.0 / common
        then = f": these are rates in Hz; multiply them by {bin_ms / 1000:g} s" if hertz else "; were counts scaled?"
        if not hertz and common >= FEWEST_HZ:
            then = f", as of rates in Hz in bins of {width_ms:g} ms: divide them by it, and is bin_ms right?"
        yield Doubt("scaled", f"every count is a multiple of {common}{then}", hertz or common >= FEWEST_HZ)


def overlap(counts: np.ndarray) -> Iterator[Doubt]:
    """Doubt that bins follow each other without overlap: counts (trials, bins, units)."""
    if counts.shape[1] < 4 or not counts.any():
        return
    counts = counts[:CAP].astype(np.float64)
    centred = counts - counts.mean(axis=(0, 1))
    now, then = centred[:, :-1], centred[:, 1:]
    power = (now * now + then * then).sum() / 2
    correlation = (now * then).sum() / power if power > 0 else 0.0
    one, two = (_step(counts, lag) for lag in (1, 2))

    def reaches(least: float, most_step: float, growth: float) -> bool:
        return correlation >= least and one <= most_step and two >= growth * one > 0

    told = f"alike (correlation {correlation:.2f}, steps {one:.2f} times those of independent counts"
    if reaches(OVERLAP_CORRELATION, OVERLAP_STEP, OVERLAP_GROWTH):
        then = "their windows overlap; count each spike once"
        yield Doubt("overlap", f"counts of neighbouring bins are too much {told}): {then}")
    elif reaches(HALF_CORRELATION, HALF_STEP, HALF_GROWTH):
        then = "twice as large over two bins): do their windows overlap by half?"
        yield Doubt("overlap", f"counts of neighbouring bins are {told}, {then}", False)


def _step(counts: np.ndarray, lag: int) -> float:
    """Return the mean squared step over `lag` bins, as a share of what independent Poisson counts would make."""
    before, after = counts[:, :-lag], counts[:, lag:]
    return float(((after - before) ** 2).mean() / max((after + before).mean(), 1e-12))


def axes(counts: np.ndarray) -> Iterator[Doubt]:
    """Doubt the order of the axes of counts (trials, bins, units).

    Time is an axis on which neighbours are alike; units are in no order, and differ in how much they fire.
    """
    together = grouped(counts)
    order = [likeness(together, axis) for axis in range(3)]
    # Units differ, in no order; on an axis with an order that says nothing.
    spread = [variation(counts, axis) for axis in range(3)]
    differ = [one if order[axis] < UNORDERED else 0.0 for axis, one in enumerate(spread)]
    told = f"expected (trials, bins, units), but of shape {counts.shape} the"
    units = int(np.argmax(differ[:2]))
    which = ("first", "second")[units]
    if order[1] < UNORDERED and order[2] >= ORDERED and differ[units] >= DIFFERENT:
        then = f"and the third like time; use np.transpose(counts, {(1 - units, 2, units)})"
        yield Doubt("axes", f"{told} {which} axis looks like units {then}", counts.shape[1] >= FEW)
    elif order[2] < UNORDERED and differ[units] >= EXTREME * max(DIFFERENT, differ[2]):
        yield Doubt("axes", f"{told} {which} axis looks like units: are the axes in another order?", False)
    elif order[0] >= ORDERED and counts.shape[1] >= 2 * FEW and is_time(together, orderless=order[1] < UNORDERED):
        yield Doubt("axes", f"{told} first axis looks like time, or units drift: are the axes in another order?", False)
    elif order[0] < UNORDERED and order[2] >= ORDERED and differ[0] >= EXTREME * DIFFERENT:
        which = "the first axis looks like units and the third like time"
        yield Doubt("axes", f"{told.removesuffix(' the')} {which}: are the axes in another order?", False)
    elif differ[units] >= EXTREME * max(DIFFERENT, *(one for axis, one in enumerate(spread) if axis != units)):
        which = ("first", "second")[units]
        yield Doubt("axes", f"{told} {which} axis looks like units: are the axes in another order?", False)


def equal_axes(counts: np.ndarray) -> Iterator[Doubt]:
    """Doubt which of two axes of one length is which, of counts (trials, bins, units) that do not tell by themselves.

    They tell time where neighbours on its axis alone are alike, and units where these alone differ in their rates.
    """
    shape = counts.shape
    if len(set(shape)) == 3:
        return
    order = [likeness(counts, axis) for axis in range(3)]
    timed = order[1] >= ORDERED and max(order[0], order[2]) < UNORDERED
    trials, units = variation(counts, 0), variation(counts, 2)
    if (timed or shape[1] not in (shape[0], shape[2])) and (
        shape[0] != shape[2] or units >= EXTREME * max(DIFFERENT, trials)
    ):
        return
    told = f"axes of one length, {' x '.join(map(str, shape))}, are taken for (trials, bins, units), and the counts do"
    yield Doubt("axes", f"{told} not tell whether they lie so: axes: [...] names the order they lie in", False)


def truth(counts: np.ndarray, rates: np.ndarray | None) -> Iterator[Doubt]:
    """Doubt true rates (expected spikes per bin, of the counts' shape) from which the counts cannot have come."""
    if rates is None:
        return
    expected, counted = (array.sum(axis=(0, 1), dtype=np.float64) for array in (rates, counts))
    less, more = sorted((float(expected.sum()), float(counted.sum())))
    if more < FEWEST_SPIKES * len(counted):
        return
    told = f"the true rates expect {expected.sum():.4g} spikes where {counted.sum():.4g} were counted"
    if more > TRUTH_FACTOR * less:
        yield Doubt("truth", f"{told}: is their unit right?", False)
    elif np.abs(expected - counted).sum() > (TRUTH_FACTOR - 1) * more:
        yield Doubt("truth", f"{told}, but not of the same units: are both in one order of units?", False)
    elif _is_worse_than_averages(counts, rates):
        told = "the true rates explain the counts worse than their own averages do"
        yield Doubt("truth", f"{told}: are both in one order of trials and of bins?", False)


def _is_worse_than_averages(counts: np.ndarray, rates: np.ndarray) -> bool:
    averages = (rates.mean(axis=over, keepdims=True, dtype=np.float64) for over in ((0, 1), (0,), (1,)))
    gains = (_gain(counts, rates, np.broadcast_to(average, rates.shape)) for average in averages)
    return any(gain < -LEAST_ERRORS * np.sqrt(variance) - LEAST_GAIN for gain, variance in gains)


def _gain(counts: np.ndarray, rates: np.ndarray, averages: np.ndarray) -> tuple[float, float]:
    """Return the Poisson log-likelihood of counts under rates, beyond that under their averages, and its variance.

    An average has the rates' total, which therefore falls out of the difference.
    """
    gain = variance = 0.0
    for spikes, rate, average in zip(counts, rates, averages, strict=True):
        fires = average > 0
        told = np.log(np.maximum(rate[fires] / average[fires], 1e-6))
        gain += float((spikes[fires] * told).sum())
        variance += float((rate[fires] * told * told).sum())
    return gain, variance


def conditions(condition: np.ndarray | None) -> Iterator[Doubt]:
    """Doubt (trials,) conditions of which every trial has one of its own."""
    if condition is None:
        return
    known = condition[condition >= 0]
    if len(known) == 0:
        yield Doubt("conditions", f"expected conditions, got none in any of {len(condition)} trials")
    if len(known) >= 8 and len(np.unique(known)) == len(known):
        told = f"each of {len(known)} trials has a condition of its own"
        yield Doubt("conditions", f"{told}: are these numbers or times of trials?", False)


def behavior(values: np.ndarray | None, shape: tuple[int, int, int]) -> Iterator[Doubt]:
    """Doubt behaviour (trials, bins, variables) where counts of this shape have as many trials as bins."""
    if values is None or shape[0] != shape[1] or min(values.shape[:2]) < FEW:
        return
    known = np.nan_to_num(values.astype(np.float64))
    bins, trials = ((np.diff(known, axis=axis) ** 2).mean() for axis in (1, 0))
    if bins > ROUGHER * trials:
        told = "behaviour changes more from bin to bin than from trial to trial, of which there are as many"
        yield Doubt("behavior", f"{told}: are its axes (trials, bins, variables)?", False)


def reordered(shape: Sequence[int], expected: Sequence[Sequence[int] | None]) -> str:
    """Return what to do where an array's axes only lie in another order, as the end of a sentence; else nothing.

    Args:
        shape: of the array.
        expected: allowed lengths of each axis; None for any.
    """
    for order in permutations(range(len(shape))) if len(shape) == len(expected) else ():
        if all(lengths is None or shape[axis] in lengths for axis, lengths in zip(order, expected, strict=True)):
            return f"; its axes lie in another order: use np.transpose(x, {order})"
    return ""
