"""Trials of a recorded session: windows around an event, spikes counted, behaviour averaged, the unusable left out."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raysp.data.formats import aligned, chosen_rows, marks, nwb, nwb_series, tally
from raysp.data.formats.guarded import kind_of
from raysp.data.formats.precision import coarse
from raysp.data.formats.recorded import Spans, check_counted, check_inside, lost, outside
from raysp.data.formats.session import Session
from raysp.data.formats.spike_stream import Streamed
from raysp.data.sources import continuous, partition, sampled, spiking
from raysp.data.sources.cut import Cut
from raysp.data.sources.odd_units import FEWEST_SPIKES
from raysp.data.sources.partition import Rows, Whole, condition_index
from raysp.data.sources.proposed import STARTS, STOPS
from raysp.data.sources.spiking import Spikes
from raysp.data.sources.trial_bounds import Grid, bounds_of, check_stops, ends_s, masked, ran, strayed, within
from raysp.data.sources.trial_numbers import numbers_of
from raysp.errors import BadInput, present
from raysp.io.words import listed

EXACT_TICKS = 2.0**52
COUNT_BYTES = 4
TOUCH_S = 1e-9
TWICE = 0.1
"""A larger share of spikes at the very time of another one of their unit is doubted."""
MOSTLY = 0.5
"""Units that are observed at a smaller share of their spikes are doubted."""


@dataclass(frozen=True)
class _Windows:
    rows: np.ndarray
    begin: np.ndarray
    seen: np.ndarray
    numbers: np.ndarray
    spans: Spans
    notes: tuple[str, ...]


def trials_of(found: Session, config: Cut, align: str | None) -> tuple[Whole, Rows | None]:
    """Cut a session into windows: around an event of each trial, or one after the other.

    Args:
        found: its spikes, its table of trials, and what else was recorded.
        config: how it is cut.
        align: trial column with the time that windows are aligned to, s; None for windows that follow each other.

    Returns:
        The windows, and which of them are trained on and evaluated where that is not drawn trial by trial.

    Raises:
        BadInput: a column is of another kind, there are no units, no trial is usable, or no spike lies in a window.
    """
    if align is not None:
        return _aligned(found, config, align), None
    if config.decode:
        raise BadInput(f"{found.where}: decode is for trials, and this recording is cut into windows; give align")
    found = continuous.with_windows(found, config)
    whole = _aligned(found, config, continuous.START)
    begin_s = found.trials[continuous.START][np.searchsorted(found.trials["id"], whole.ids)]
    rows, notes = continuous.parts(begin_s, config, found.where)
    return dataclasses.replace(whole, notes=whole.notes + notes), rows


def _aligned(found: Session, config: Cut, align: str) -> Whole:
    begin_ms, end_ms = present(config.window_ms)
    bins, forward = round((end_ms - begin_ms + config.forward_ms) / config.bin_ms), config.forward_ms / config.bin_ms
    grid = Grid(config.clock_ms, round(config.bin_ms / config.clock_ms), bins, round(forward))
    windows = _windows(found, config, align, grid)
    trials, units, rows = found.trials, spiking.of(found.units), windows.rows
    usable = np.flatnonzero(windows.seen.any(axis=(0, 1)))
    if units.names:
        usable = usable[np.argsort(units.ids[usable])]
    counts = _counts(units, usable, windows.begin, windows.seen, grid)
    doubts = check_counted(counts, units.total, windows.spans, config.bin_ms, found.where, config.accept)
    behavior, unknown = _behavior(found, windows.begin, config, grid)
    if config.decode:
        behavior, unknown = partition.one_a_trial({name: trials[name][rows] for name in config.decode}, found.where)
    named = tuple((name, "") for name in config.decode) if found.series is None else found.series.variables
    unseen = np.delete(units.ids, usable)
    were = "units were" if len(unseen) > 1 else "unit was"
    told = f"{len(unseen)} {were} never observed in a window and left out: {listed(unseen)}"
    left_out = (told,) if len(unseen) else ()
    condition = condition_index([trials[name][rows] for name in config.conditions]) if config.conditions else None
    return Whole(
        counts=counts,
        forward=grid.forward,
        condition=condition,
        behavior=behavior,
        ids=windows.numbers[rows],
        units=units.ids[usable],
        unit_names=tuple((int(units.ids[unit]), units.names[unit]) for unit in usable if units.names),
        variables=named,
        notes=(
            *found.notes,
            *units.notes,
            *_twice(units),
            *_unobserved(found.units),
            *windows.notes,
            *left_out,
            *doubts,
            *unknown,
            *partition.without_condition(condition, config.conditions),
        ),
    )


def _windows(found: Session, config: Cut, align: str, grid: Grid) -> _Windows:
    where, times, bounds = found.where, found.trials[align], bounds_of(found.trials)
    begins_ends = (getattr(config, name, None) for name in ("start", "stop"))
    numbers, renumbered = numbers_of(found.trials, len(times), {align, *STARTS, *STOPS, *begins_ends})
    used = np.flatnonzero(chosen_rows.kept(found.trials, config.keep, len(times), "trial", where))
    rows, missing = _with_event(times, used, align, where)
    steps = coarse(times.dtype, times[rows], align, bin_ms=config.bin_ms)
    _check_clock(spiking.of(found.units), times[rows], config.clock_ms, align, where)
    elsewhere = _check_events(times[rows], bounds[rows], align, grid, where)
    begin = aligned.to_ticks(times[rows], grid.clock_ms) + round(present(config.window_ms)[0] / grid.clock_ms)
    spans = _spans(found, begin, grid)
    each = grid.bins * len(found.units)
    _check_size(sampled.fewer(len(begin), each), grid, len(found.units), spans, where)
    seen, stray = _seen(found.units, found.trials, begin, grid)
    if config.masked_ends:
        check_stops(bounds[rows], where)
        seen = seen & within(bounds[rows], begin, grid)[:, :, None]
    running = np.any(seen[:, :, :1] if _are_alike(seen) else seen, axis=2)
    inside = running.any(axis=1) if config.masked_ends else running.all(axis=1)
    if inside.sum() < min(2, len(inside)) and found.by_trial:
        length_s = float(np.median(np.diff(np.unique(present(found.units.intervals), axis=0), axis=1)))
        told = (
            f"{where}: {inside.sum() or 'none'} of {len(inside)} windows, {grid.length_s:.3g} s long, lies inside its"
        )
        told += f" trial, which was observed for {length_s:.3g} s (median); is per_second right? Take a shorter"
        raise BadInput(f"{told} window_ms, or masked_ends: true, which masks the bins outside")
    beyond = _beyond(found.units, begin[~inside], grid) if inside.sum() < 2 else ""
    check_inside(int(inside.sum()), len(inside), spans, where, beyond)
    valid = ~_touching(found, begin, grid, config.lag_ms)
    used = inside & valid
    if not used.any():
        told = f"{where}: all {len(inside)} windows reach into intervals/invalid_times"
        raise BadInput(f"{told}; keep_invalid: true keeps them")
    gone = [numbers[one] for one in (missing, rows[~inside], rows[inside & ~valid])]
    left_out = _left_out(align, len(inside), gone, _overlapping(begin[used], grid), found.by_trial)
    used, sample = sampled.some(used, each)
    nowhere = outside(found.invalid, _recorded(found, spans), "intervals/invalid_times")
    seen = _some(seen, used)
    edges = (
        masked(seen, bounds[rows])
        if config.masked_ends
        else strayed(bounds, rows[used], begin[used], grid, by_trial=found.by_trial)
    )
    warned = () if found.by_trial or config.align is None else lost(grid.seconds(begin), grid.length_s, spans.spikes)
    notes = (*warned, *renumbered, *steps, *left_out, *nowhere, *elsewhere, *stray, *edges, *sample)
    return _Windows(rows[used], begin[used], seen, numbers, spans, notes)


def _some(seen: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Return seen[used] of (windows, bins, units); where all units are alike, without a copy for each."""
    return np.broadcast_to(seen[used, :, :1], (used.sum(), *seen.shape[1:])) if _are_alike(seen) else seen[used]


def _are_alike(seen: np.ndarray) -> bool:
    """Tell whether units are known to have been observed together: (windows, bins, units) that hold one of them."""
    return seen.strides[2] == 0


def _with_event(times: np.ndarray, rows: np.ndarray, align: str, where: str) -> tuple[np.ndarray, np.ndarray]:
    if times.dtype.kind not in "fiu":
        raise BadInput(f"{where}: align column {align!r} expected times in s, got {kind_of(times.dtype)}")
    there = np.isfinite(times[rows])
    if not there.any():
        raise BadInput(f"{where}: expected times in column {align!r}, got NaN in all {len(rows)} trials")
    return rows[there], rows[~there]


def _check_clock(units: Spikes, events: np.ndarray, clock_ms: float, align: str, where: str) -> None:
    latest = max(map(abs, (*(units.span or ()), float(events.min()), float(events.max()))))
    if np.abs(events).max() > nwb.LATEST_S:
        raise BadInput(f"{where}: align column {align!r} expected times in s, got {np.abs(events).max():g}")
    if latest * 1000.0 / clock_ms > EXACT_TICKS:
        raise BadInput(
            f"{where}: times up to {latest:g} s have no exact place on a clock of {clock_ms} ms; "
            "take a coarser clock_ms"
        )


def _check_events(events: np.ndarray, bounds: np.ndarray, align: str, grid: Grid, where: str) -> tuple[str, ...]:
    """Note events that lie in other trials than theirs. Raises BadInput where they are counted from trials' begins."""
    known = np.isfinite(bounds).all(axis=1)
    events, begin, end = events[known], bounds[known, 0], bounds[known, 1]
    outside = (events < begin - grid.length_s) | (events > end + grid.length_s)
    if outside.sum() <= len(events) / 2:
        return ()
    span = f"{events.min():.3f} to {events.max():.3f} s, where trials lie from {begin.min():.3f} to {end.max():.3f} s"
    if len(events) > 2 and (events >= 0).all() and (events <= end - begin + grid.length_s).all():
        told = f"{where}: column {align!r} expected seconds of the recording"
        raise BadInput(f"{told}, got times since each trial's own begin ({span}); write it anew with start_time added")
    return (f"{outside.sum()} of {len(events)} times in {align} lie outside their own trials: {span}",)


def _spans(found: Session, begin: np.ndarray, grid: Grid) -> Spans:
    units, lengths = spiking.of(found.units), np.diff(bounds_of(found.trials), axis=1)
    windows = (float(grid.seconds(begin.min())), float(grid.seconds(begin.max())) + grid.length_s)
    known = lengths[np.isfinite(lengths)]
    trial_windows = float(np.median(known)) / grid.length_s if len(known) else math.nan
    if (spikes := units.span) is None:
        return Spans(None, windows, trial_windows=trial_windows)
    rate_hz = units.total / max(spikes[1] - spikes[0], grid.length_s) / len(units)
    return Spans(spikes, windows, trial_windows=trial_windows, rate_hz=rate_hz)


def _recorded(found: Session, spans: Spans) -> tuple[float, float]:
    bounds = bounds_of(found.trials)
    edges = np.array([*spans.windows, *(spans.spikes or ()), *bounds[np.isfinite(bounds)]])
    return float(edges.min()), float(edges.max())


def _check_size(trials: int, grid: Grid, units: int, spans: Spans, where: str) -> None:
    size = trials * grid.bins * units * COUNT_BYTES
    if size > os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"):
        told = f"{where}: {trials} windows of {grid.bins} bins for {units} units need {size / 2**30:.3g} GiB"
        raise BadInput(f"{told}, more than this machine has ({spans}); take shorter windows or wider bins")


def _seen(
    units: nwb.Units | Streamed, trials: Mapping[str, np.ndarray], begin: np.ndarray, grid: Grid
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Tell which bins of each trial each unit was observed in, (trials, bins, units), and what is doubtful in that."""
    shape = (begin, grid.bins, grid.step, grid.clock_ms)
    if units.intervals is None:
        # Without obs_intervals the file says only where trials and spikes lie; nothing is known beyond them.
        spikes = spiking.of(units)
        running, notes = spikes.running(ran(bounds_of(trials)))
        running = running + ends_s(running, spikes.total) * np.array([-1.0, 1.0])
        same = aligned.observed(running, *shape)
        return np.broadcast_to(same[:, :, None], (*same.shape, len(units))), notes
    each = [units.observed(unit) for unit in range(len(units))]
    known = {key: aligned.observed(one, *shape) for key, one in {one.tobytes(): one for one in each}.items()}
    return np.stack([known[one.tobytes()] for one in each], axis=2), ()


def _beyond(units: nwb.Units | Streamed, begin: np.ndarray, grid: Grid) -> str:
    """Return how a window reaches beyond its units' obs_intervals, as an example; empty where none touches them."""
    intervals = np.zeros((0, 2)) if units.intervals is None else np.unique(units.intervals, axis=0)
    for first in grid.seconds(begin):
        last = first + grid.length_s
        shared = np.minimum(intervals[:, 1], last) - np.maximum(intervals[:, 0], first)
        if (shared > TOUCH_S).any():
            observed = intervals[int(shared.argmax())]
            return f"the one from {first:.3f} to {last:.3f} s, observed from {observed[0]:.3f} to {observed[1]:.3f} s"
    return ""


def _twice(units: Spikes) -> tuple[str, ...]:
    """Note spikes that are there twice, as of files that were joined with themselves."""
    twice, total = units.duplicates, units.total
    told = f"{twice} of {total} spikes have the time of another spike of their unit: is each there twice?"
    return (told,) if twice > TWICE * total else ()


def _unobserved(units: nwb.Units | Streamed) -> tuple[str, ...]:
    if units.intervals is None or len(units.times) == 0:
        return ()
    outside, total = np.array([_outside(units, unit) for unit in range(len(units))]), np.diff(units.offsets)
    mostly = (outside > MOSTLY * total) & (total >= FEWEST_SPIKES)
    if outside.sum() > MOSTLY * len(units.times):
        told = f"{outside.sum()} of {len(units.times)} spikes lie outside the obs_intervals of their units"
    elif mostly.any():
        told = f"{outside[mostly].sum()} of {total[mostly].sum()} spikes of units {listed(units.ids[mostly])}"
        told += " lie outside their obs_intervals"
    else:
        return ()
    return (f"{told}, and are not counted",)


def _outside(units: nwb.Units, unit: int) -> int:
    # A spike lies in as many stretches as have begun and not ended.
    edges, spikes = units.observed(unit).T, units.spikes(unit)
    begun, ended = (np.searchsorted(np.sort(edge), spikes, side="right") for edge in edges)
    return int((begun <= ended).sum())


def _touching(found: Session, begin: np.ndarray, grid: Grid, lag_ms: float) -> np.ndarray:
    """Tell which windows, of spikes or of behaviour, share time with one of some stretches."""
    first, last = grid.seconds(begin), grid.seconds(begin) + grid.length_s
    if found.series is not None:
        first, last = first + min(lag_ms, 0.0) / 1000.0, last + max(lag_ms, 0.0) / 1000.0
    inside = (found.invalid[:, 0] < last[:, None] - TOUCH_S) & (found.invalid[:, 1] > first[:, None] + TOUCH_S)
    return np.any(inside, axis=1)


def _behavior(found: Session, begin: np.ndarray, config: Cut, grid: Grid) -> tuple[np.ndarray | None, tuple[str, ...]]:
    if found.series is None:
        return None, ()
    starts = begin * (grid.clock_ms / 1000.0) + config.lag_ms / 1000.0
    behavior = aligned.bin_means(found.series, starts, grid.bins - grid.forward, config.bin_ms).astype(np.float32)
    return behavior, _check_behavior(behavior, found.series, starts, grid.length_s, found.where)


def _check_behavior(
    behavior: np.ndarray, series: nwb_series.Series, starts: np.ndarray, length_s: float, where: str
) -> tuple[str, ...]:
    edges = (series.times[0], series.times[-1], starts.min(), starts.max())
    spans = "its samples lie from {:.10g} to {:.10g} s, windows begin from {:.10g} to {:.10g} s".format(*edges)
    notes = partition.gaps(behavior, series.name, where, f"; {spans}")
    notes += marks.noted(series.values, [name for name, _ in series.variables])
    if len(series.times) > 1 and np.median(np.diff(series.times)) > length_s:
        notes = (*notes, f"{series.name} has fewer than one sample in a window; {spans}: are its times in s?")
    return notes


def _counts(units: Spikes, usable: np.ndarray, begin: np.ndarray, seen: np.ndarray, grid: Grid) -> np.ndarray:
    counts = units.counts(usable, begin, grid.bins, grid.step, grid.clock_ms)
    for some in tally.blocks(counts):
        counts[some][~seen[some][:, :, usable]] = np.nan
    return counts


def _overlapping(begin: np.ndarray, grid: Grid) -> int:
    return int((np.diff(np.sort(begin)) < grid.bins * grid.step).sum())


def _left_out(
    align: str, windows: int, gone: Sequence[np.ndarray], overlapping: int, by_trial: bool
) -> tuple[str, ...]:
    missing, outside, invalid = map(len, gone)
    trials = [f"trial{'s' if len(one) > 1 else ''} {listed(one)}" for one in gone]
    have = f"trials have no {align} and were" if missing > 1 else f"trial has no {align} and was"
    overlap = "windows overlap" if overlapping > 1 else "window overlaps"
    beyond = "their trials" if by_trial else "the observed recording"
    instead = " (masked_ends: true masks the bins outside instead)" if by_trial else ""
    notes = {
        f"{missing} {have} left out: {trials[0]}": missing,
        f"{outside} of {windows} windows reach outside {beyond} and were left out: {trials[1]}{instead}": outside,
        f"{invalid} of {windows} windows reach into intervals/invalid_times and were left out: {trials[2]} "
        "(keep_invalid: true keeps them)": invalid,
        f"{overlapping} {overlap} the next one: spikes in both are counted in both, and evaluation trials may share "
        "time with training trials": overlapping,
    }
    return tuple(note for note, count in notes.items() if count)
