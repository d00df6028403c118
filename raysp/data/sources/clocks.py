"""Which unit times of spikes are in, and how many samples a second has: what a file says, and what rates tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

RATES_HZ = (0.2, 200.0)
"""Between these the mean rate of units lies; it tells which unit times are in."""

SURE, STATED = 1.0, 3.0
"""Ratios of rates and lengths, as logarithms, from which on one unit of times is likelier than another, and than the
one that a file states."""
USUAL_HZ, USUAL_S, SHORTEST_S, SHORT_S = 8.0, 2.0, 0.1, 60.0
"""Rates of units, and lengths of trials, from which others are about as far either way; few trials, and recordings, are
shorter."""
RATE = re.compile(
    r"fs|sr|srate|(sample|sampling)_?rate(_hz)?|sampling_?frequency|samp_?freq|sample_?res", re.IGNORECASE
)
"""Names of what says how many samples a second has."""
SAMPLES = 30000.0
CLOCKS = {1.0: "s", 1000.0: "ms", 30000.0: "samples at 30 kHz", 1e6: "microseconds"}
SLOW, FASTEST_HZ = 10_000.0, 100.0
"""Samples a second that whole ms may be, too, and how fast units are then at most."""
NEAREST, FEWEST = 0.005, 400
"""Share of the steps from one spike of a unit to its next that are shorter than what `Times.nearest` is; steps at
least."""
DEAD_MS, DEAD, RESTING_S, SOONEST_S = (2.0, 8.0), 2.5, 0.002, 0.001
"""Between these `nearest` lies in ms, of what has so many times as few short steps as chance makes; the usual and the
least time in which a unit does not fire twice, s."""
APART_S = 0.5
"""Few trials are shorter."""
RATES = (SLOW, 20_000.0, SAMPLES)
"""Usual sampling rates, Hz."""


@dataclass(frozen=True)
class Times:
    """What tells the unit of spike times.

    Attributes:
        count: how many there are.
        first: of them, in their unit, as the others.
        last: of them.
        whole: whether all are whole numbers.
        nearest: how near a unit's spike is to its next, in one of 200 cases; None where that is not known.
        each: (count,) they themselves, in any order; None where they are not held.
    """

    count: int
    first: float
    last: float
    whole: bool
    nearest: float | None = None
    each: np.ndarray | None = field(default=None, compare=False, repr=False)

    @property
    def span(self) -> float:
        """From the first to the last."""
        return self.last - self.first

    @classmethod
    def of(cls, times: np.ndarray) -> Times:
        """Return what times of spikes tell."""
        if not len(times):
            return cls(0, 0.0, 0.0, False)
        return cls(len(times), float(times.min()), float(times.max()), is_whole(times), each=times)

    @classmethod
    def of_units(cls, each: Sequence[np.ndarray] | np.ndarray) -> Times:
        """Return what the times of spikes of each unit tell."""
        steps = np.concatenate([np.diff(np.sort(one)) for one in each if len(one)] or [np.zeros(0)])
        nearest = float(np.quantile(steps, NEAREST)) if len(steps) >= FEWEST else None
        return replace(cls.of(np.concatenate(each) if len(each) else np.zeros(0)), nearest=nearest)

    @classmethod
    def of_spikes(cls, times: np.ndarray, unit: np.ndarray) -> Times:
        """Return what (spikes,) times tell, each of one of the units in `unit`."""
        order = np.lexsort((times, unit))
        begins = np.flatnonzero(unit[order][1:] != unit[order][:-1]) + 1
        return cls.of_units(np.split(times[order], begins))


def is_whole(array: np.ndarray) -> bool:
    """Tell whether all values are whole and none is negative, NaN left aside."""
    if array.dtype.kind not in "iufb":
        return False
    known = array[~np.isnan(array)] if array.dtype.kind == "f" else array
    return bool(known.size and (known >= 0).all() and (known == np.floor(known)).all())


def clock(times: Times, units: int, trial: float | None = None, apart: float | None = None) -> tuple[float, str]:
    """Return how many units of spike times are a second, by how often units would fire, and why.

    Args:
        times: of all spikes of the recording.
        units: how many.
        trial: of spikes that lie trial by trial, how long one lasts, in their unit: that tells, too, as does how long
            a whole recording does.
        apart: from one trial's begin to the next one's, where trials are on the same clock.
    """
    # Whole numbers are never seconds.
    able = [one for one in CLOCKS if not (one == 1.0 and times.whole)]
    rates = {one: rate_hz(times, units, one) for one in able}
    likely = [one for one, rate in rates.items() if RATES_HZ[0] <= rate <= RATES_HZ[1]]
    if likely:
        unlikely = {one: _unlikely(times, units, one, trial) for one in likely}
        best, *others = sorted(likely, key=unlikely.__getitem__)
        told = " (NOT KNOWN: the file does not say its sampling rate)" if best == SAMPLES else ""
        if others and best != SAMPLES:
            # Fast units for a few seconds are slow ones for minutes: that few recordings are short makes nobody sure.
            by_rate = {one: unlikely[one] if trial else _unlikely_rate(rates[one]) for one in likely}
            nearest = min(others, key=lambda one: min(unlikely[one] - unlikely[best], by_rate[one] - by_rate[best]))
            if min(unlikely[nearest] - unlikely[best], by_rate[nearest] - by_rate[best]) < SURE:
                told = f" (NOT KNOWN: were they {CLOCKS[nearest]}, {rates[nearest]:.3g})"
        if best == 1000.0 and times.whole:
            if (rested := _rests(times, units)) is not None and rested > DEAD_MS[1]:
                best = min(RATES, key=lambda one: abs(np.log(rested / one / RESTING_S)))
                why = f"few units fire again within {rested:g} of them, so they are no ms"
                return best, f"NOT KNOWN: {why}: were they samples at {best / 1000:g} kHz, set their sampling rate"
            if rested is None and not told and _may_be_slow(times, units, trial or apart):
                told = f" (NOT KNOWN: were they samples at {SLOW / 1000:g} kHz, {rate_hz(times, units, SLOW):.3g})"
        if best == 1e6 and times.whole and not told and times.nearest is not None and times.nearest < SOONEST_S * best:
            told = f" (NOT KNOWN: were they samples, as units fire again within {times.nearest:.3g} of them)"
        return best, f"times look like {CLOCKS[best]}: units then fire {rates[best]:.3g} a second on average{told}"
    return 1.0, "the unit of times is not known: 1 for s, 1000 for ms, 30000 for samples at 30 kHz"


def _rests(times: Times, units: int) -> float | None:
    """Return how long units rest after a spike, in the unit of times; None where chance would leave as few nearer."""
    by_chance = -np.log(1 - NEAREST) * times.span * max(units, 1) / max(times.count, 1)
    known = times.nearest is not None and times.nearest >= max(DEAD_MS[0], DEAD * by_chance)
    return times.nearest if known else None


def _may_be_slow(times: Times, units: int, trial: float | None) -> bool:
    """Tell whether whole ms may be samples at `SLOW`, by rates and the length of trials, where that is known."""
    return rate_hz(times, units, SLOW) <= FASTEST_HZ and (trial is None or trial >= SLOW * APART_S)


def _unlikely(times: Times, units: int, per_second: float, trial: float | None) -> float:
    """Return how far rates, and lengths of the recording or of trials, lie from usual ones, as logarithms."""
    rate = _unlikely_rate(rate_hz(times, units, per_second))
    if trial:
        return float(rate + abs(np.log(trial / per_second / USUAL_S)))
    return float(rate + max(0.0, np.log(SHORT_S * per_second / max(times.span, 1e-12))))


def _unlikely_rate(hz: float) -> float:
    """Return how far a rate lies from usual ones, as a logarithm."""
    return float(abs(np.log(max(hz, 1e-12) / USUAL_HZ)))


def rate_hz(times: Times, units: int, per_second: float) -> float:
    """Return how often units would fire, spikes/s, if so many units of their times are a second."""
    return times.count / max(times.span / per_second, 1e-12) / max(units, 1)


def sampled(
    names: Mapping[str, np.ndarray], times: Times, units: int, trial: float | None = None
) -> tuple[float, str] | None:
    """Return how many samples a second has, as a file says whose times are whole numbers, and which value says so.

    A sampling rate may be of another signal, and times in ms are whole numbers, too: it is taken where units then fire
    as units do, or no other clock makes them, unless all would be over in no time.

    Args:
        names: what the file holds, by name.
        times: of its spikes.
        units: how many.
        trial: as of `clock`.
    """
    for name, one in names.items():
        bare = re.split(r"[./]", name)[-1]
        if one.size == 1 and one.dtype.kind in "iuf" and RATE.fullmatch(bare) and times.whole:
            rate = float(one.reshape(-1)[0])
            if not is_rate(rate):
                continue
            other, reason = clock(times, units, trial)
            if not RATES_HZ[0] <= (hz := rate_hz(times, units, rate)) <= RATES_HZ[1] and other != 1.0:
                return other, f"NOT KNOWN: {reason}; in samples, {name} = {rate:g}, they would fire {hz:.3g} a second"
            lasting_s, usual_s = (trial or times.span) / rate, SHORTEST_S if trial else SHORT_S
            unlikely = _unlikely(times, units, rate, trial) - _unlikely(times, units, other, trial)
            if other != 1.0 and lasting_s < usual_s and unlikely > STATED:
                told = f"in samples, {name} = {rate:g}, {'a trial' if trial else 'all'} would last {lasting_s:.3g} s"
                return other, f"NOT KNOWN: {reason}; {told}"
            return rate, f"samples, {name} = {rate:g}"
    return None


def is_rate(per_second: float) -> bool:
    """Tell whether spikes can have been recorded with so many samples a second."""
    return 100 <= per_second <= 1e6
