"""Which unit times of spikes are in, and how many samples a second has: what a file says, and what rates tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Times:
    """What tells the unit of spike times: how many there are, the first and last, and whether all are whole numbers."""

    count: int
    first: float
    last: float
    whole: bool

    @property
    def span(self) -> float:
        """From the first to the last."""
        return self.last - self.first

    @classmethod
    def of(cls, times: np.ndarray) -> Times:
        """Return what times of spikes tell."""
        if not len(times):
            return cls(0, 0.0, 0.0, False)
        return cls(len(times), float(times.min()), float(times.max()), is_whole(times))


def is_whole(array: np.ndarray) -> bool:
    """Tell whether all values are whole and none is negative, NaN left aside."""
    if array.dtype.kind not in "iufb":
        return False
    known = array[~np.isnan(array)] if array.dtype.kind == "f" else array
    return bool(known.size and (known >= 0).all() and (known == np.floor(known)).all())


def clock(times: Times, units: int, trial: float | None = None) -> tuple[float, str]:
    """Return how many units of spike times are a second, by how often units would fire, and why.

    Args:
        times: of all spikes of the recording.
        units: how many.
        trial: of spikes that lie trial by trial, how long one lasts, in their unit: that tells, too, as does how long
            a whole recording does.
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
        return best, f"times look like {CLOCKS[best]}: units then fire {rates[best]:.3g} a second on average{told}"
    return 1.0, "the unit of times is not known: 1 for s, 1000 for ms, 30000 for samples at 30 kHz"


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
