"""Where a MATLAB file with spikes of a whole recording may tell of its trials: a struct, or a vector of times."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from raysp.config.settings import Plain
from raysp.data.formats.matlab_values import Struct, Value, columns
from raysp.data.sources.clock_of_trials import sampling_rate
from raysp.data.sources.clocks import CLOCKS, RATE, SAMPLES, is_rate, is_whole
from raysp.data.sources.proposed import EVENTS, MOSTLY, STARTS, STOPS, condition, named, told_around, window, windows
from raysp.data.sources.trials_beside import is_sampled


class Guess(NamedTuple):
    """Settings for spikes, why each, and the windows (ms) around times in trials."""

    settings: dict[str, Plain]
    why: dict[str, str]
    windows: Mapping[str, tuple[int, int]] = MappingProxyType({})


FEWEST, WIDEST, APART_S = 8, 12, 0.2
"""Trials from which on a vector of times is taken for theirs; columns of a matrix of trials at most; times that are
nearer to each other are no trials' of one recording."""
SOONEST, AFTER = 0.01, 1.05
"""Parts of a trial in which times lie that count from its begin: sooner they are in a larger unit."""
IDENTITIES = ("stimulus", "cue", "event")
_MOMENT = "|".join((*STARTS, *STOPS, *(one for one in EVENTS if one not in IDENTITIES)))
_WORD = r"(_?(times?|timestamps?|samples?)|_(t|s|ms|sec))"
CALLED = re.compile(rf".*(({_MOMENT})s?{_WORD}?|({'|'.join(IDENTITIES)}){_WORD})")
"""Names that say when something was, at their end; those of `EVENTS` that may say what it was need a word more."""


def trials_beside(found: Mapping[str, Value], spikes: str, times: np.ndarray, per_second: float) -> Guess:
    """Return settings that cut a recording by trials found in its file; nothing where none tells of any.

    Args:
        found: what the file holds, by name.
        spikes: name of the spike times.
        times: of all spikes.
        per_second: units of time in a second.
    """
    if not len(times):
        return Guess({}, {})
    first, last = float(times.min()), float(times.max())
    for clock, reason in clocks(found, per_second):
        span = first * clock / per_second, last * clock / per_second
        settings, why, around = _on_clock(found, spikes, span, clock, own=clock == per_second)
        if settings:
            if clock != per_second:
                settings["trials_per_second"], why["trials_per_second"] = clock, reason
            return Guess(settings, why, around)
    return Guess({}, {})


def rate_by_trials(found: Mapping[str, Value], spikes: str, times: np.ndarray) -> tuple[float, str] | None:
    """Return the sampling rate of spikes by trials in s that a file holds, and why; None where that is not clear.

    Args:
        found: what the file holds, by name.
        spikes: name of the spike times.
        times: of all spikes.
    """
    if not is_whole(times):
        return None
    span = float(times.min()), float(times.max())
    for _, table in _tables(found, spikes):
        for name, one in table.items():
            if _is_trials(name, one, 1.0) and not _is_inside(one, span, in_order=False):
                return sampling_rate(times, one.astype(float))
    return None


def clocks(found: Mapping[str, Value], per_second: float) -> Iterator[tuple[float, str]]:
    """Yield units of time in a second that trials may have, and why: the spikes' own, then others.

    Args:
        found: what the file holds, by name: its sampling rate, maybe.
        per_second: that of the spikes.
    """
    yield per_second, "that of the spikes"
    rates = {
        name: float(one.item())
        for name, one in found.items()
        if isinstance(one, np.ndarray)
        and one.size == 1
        and one.dtype.kind in "iuf"
        and RATE.fullmatch(name.rpartition(".")[2])
    }
    told = {hz: f"trials' times look like samples, {name} = {hz:g}" for name, hz in rates.items() if is_rate(hz)}
    others = {one: f"trials' times look like {said}" for one, said in CLOCKS.items()}
    if told:
        del others[SAMPLES]
    else:
        others[SAMPLES] += " (NOT KNOWN: the file does not say its sampling rate)"
    yield from ((one, reason) for one, reason in (others | told).items() if one != per_second)


def on_clock(
    columns: Mapping[str, np.ndarray], firsts: np.ndarray, lengths: np.ndarray, per_second: float
) -> tuple[dict[str, np.ndarray], float, str]:
    """Return columns of trials on the clock of spikes that lie trial by trial, their own clock, and why it is that.

    Args:
        columns: of the table of trials.
        firsts: (trials,) first spike of each.
        lengths: (trials,) from the first to the last spike of each.
        per_second: units of the spikes' time in a second.
    """
    able = {name: one for name, one in columns.items() if one.dtype.kind == "f" and np.isfinite(one).any()}
    times = [one * per_second for name, one in able.items() if CALLED.fullmatch(name.lower()) and not _are_codes(one)]
    begins = firsts if np.nanmax(firsts) - np.nanmin(firsts) > 2 * np.median(lengths) else None
    clocks = (per_second, *(one for one in CLOCKS if one != per_second))
    best = max(clocks, key=lambda clock: sum(_lie_in_trials(one / clock, begins, lengths) for one in times))
    if best == per_second:
        return dict(columns), best, ""
    moved = {name: one * per_second / best for name, one in able.items()}
    return {**columns, **moved}, best, f"times of trials then lie in them: they look like {CLOCKS[best]}"


def _lie_in_trials(times: np.ndarray, begins: np.ndarray | None, lengths: np.ndarray) -> bool:
    """Tell whether (trials,) times lie in their trials, of which some have own begins, in most of them."""
    after, least = (times, SOONEST * lengths) if begins is None else (times - begins, -lengths)
    return bool(((after >= least) & (after <= AFTER * lengths)).mean() > MOSTLY)


def _are_codes(values: np.ndarray) -> bool:
    """Tell whether values are few whole numbers, as those of go and no-go."""
    return is_whole(values) and 2 <= len(np.unique(values)) <= len(values) / 4


def _on_clock(
    found: Mapping[str, Value], spikes: str, span: tuple[float, float], per_second: float, *, own: bool
) -> Guess:
    """Return what `trials_beside` does, of trials with so many units of time in a second, the spikes' own or others."""
    for name, table in _tables(found, spikes):
        rows = len(next(iter(table.values())))
        inside = {
            key: one
            for key, one in table.items()
            if _is_inside(one, span, in_order=not _is_trials(key, one, per_second))
        }
        start = named(list(inside), *STARTS)
        events = [key for key in inside if any(word in key.lower() for word in EVENTS)] or list(inside)
        if rows < FEWEST or not (start or events):
            continue
        first, stop = start or events[0], named(list(inside), *STOPS)
        if is_sampled(inside[first]):
            continue
        if not own and not _is_trials(first, inside[first], per_second) and _counts(inside[first], per_second):
            continue
        others = {key: one / per_second for key, one in inside.items() if key not in (start, stop)}
        ends = None if stop is None else table[stop] / per_second
        align, (begin, end), reason = window(others if start else {}, table[first] / per_second, ends)
        settings: dict[str, Plain] = {"trials": name, "align": align or first, "window_ms": [begin, end]}
        told = told_around((begin, end), event=bool(align))
        why = {"trials": f"{rows} trials", "align": reason, "window_ms": told}
        if names := condition({key: one for key, one in table.items() if key not in inside}, rows):
            settings["conditions"] = list(names)
            why["conditions"] = "few values, each in several trials: such trials share a PSTH; [] for none"
        seconds = {key: one / per_second for key, one in inside.items()}
        return Guess(settings, why, windows(seconds, seconds[first], ends))
    return Guess({}, {})


def _counts(values: np.ndarray, per_second: float) -> bool:
    """Tell whether values may be numbers of trials, or samples, rather than times of trials on another clock."""
    steps = np.diff(np.sort(values[np.isfinite(values)].astype(float)))
    return bool(is_whole(values) and np.median(steps) == 1) or bool(np.median(steps) < APART_S * per_second)


def _tables(found: Mapping[str, Value], spikes: str) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield what may be a table of trials: structs of vectors, arrays of structs, matrices, vectors of events."""
    for name, value in found.items():
        if not isinstance(value, Struct) or spikes.startswith(name):
            continue
        if value.count == 1:
            vectors = {field: one for field in value.names if (one := _vector(value.field(field)[0])) is not None}
            lengths = [len(one) for one in vectors.values()]
            usual = max(lengths, key=lengths.count, default=0)
            table = {field: one for field, one in vectors.items() if len(one) == usual}
        else:
            each = {field: value.field(field) for field in value.names}
            table = {field: np.array([one.item() for one in values if isinstance(one, np.ndarray)])
                     for field, values in each.items()
                     if all(isinstance(one, np.ndarray) and one.dtype.kind in "iufbU" and one.size == 1
                            for one in values)}  # fmt: skip
        if table:
            yield name, table
    for name, value in found.items():
        matrix = columns(name, value)
        if name != spikes and 0 < len(matrix) <= WIDEST:
            yield name, {key: one.astype(int) if is_whole(one) else one for key, one in matrix.items()}
    for word in (*STARTS, *EVENTS):
        for name, value in found.items():
            vector, bare = _vector(value), name.rpartition(".")[2].lower()
            called = bare.endswith((word, f"{word}s")) if word in STARTS else word in bare
            if vector is not None and name != spikes and called:
                yield name, {name.rpartition(".")[2]: vector}


def _vector(value: Value) -> np.ndarray | None:
    if isinstance(value, Struct) or value.dtype.kind not in "iuf" or value.size != max(value.shape, default=0):
        return None
    return value.ravel() if value.size > 1 else None


def _is_trials(name: str, values: np.ndarray, per_second: float) -> bool:
    """Tell whether times are called as those of trials, and lie as far apart: such may lie in any order."""
    # Which stimulus or event it was, an angle of a goal or a category, may have as many values in any order.
    if values.dtype.kind not in "iuf" or not CALLED.fullmatch(name.rpartition(".")[2].lower()):
        return False
    known = np.sort(values[np.isfinite(values)].astype(float))
    return len(known) >= FEWEST and bool(np.median(np.diff(known)) >= APART_S * per_second)


def _is_inside(values: np.ndarray, span: tuple[float, float], *, in_order: bool) -> bool:
    """Tell whether values are times that lie in a part of the recording, and rise through it where they must."""
    if values.dtype.kind not in "iuf":
        return False
    known = values[np.isfinite(values)].astype(float)
    wide = np.ptp(known) if len(known) else 0.0
    if len(known) < FEWEST or (in_order and (np.diff(known) < 0).any()) or wide < 0.2 * (span[1] - span[0]):
        return False
    return bool(known.min() >= span[0] - 0.2 * wide and known.max() <= span[1] + 0.2 * wide)
