"""Trials of an NWB recording: windows around an event, spikes counted, behaviour averaged, the unusable left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from raysp.data import aligned, nwb
from raysp.data.guarded import Group
from raysp.data.partition import Whole, condition_index
from raysp.data.split import own_ids
from raysp.errors import BadInput

if TYPE_CHECKING:
    from raysp.data.population import Config


@dataclass(frozen=True)
class _Grid:
    clock_ms: float
    step: int
    bins: int


def read_trials(config: Config) -> Whole:
    """Read an NWB recording.

    Args:
        config: see `raysp.data.population.Config`.

    Raises:
        BadInput: the file, a column or a signal is missing or damaged, there are no units, or no trial is usable.
    """
    begin_ms, end_ms = config.window_ms
    grid = _Grid(
        config.clock_ms,
        round(config.bin_ms / config.clock_ms),
        round((end_ms - begin_ms + config.forward_ms) / config.bin_ms),
    )
    with nwb.opened(config.path) as file:
        trials = _columns(file, (config.align, *config.conditions, *config.keep))
        units = nwb.units(file)
        series = None if config.behavior is None else nwb.series(file, config.behavior)
        where = file.filename
    chosen = _kept(trials, config.keep, where)
    rows, missing = _with_event(trials[config.align], chosen, config.align, where)
    begin = aligned.to_ticks(trials[config.align][rows], grid.clock_ms) + round(begin_ms / grid.clock_ms)
    seen = _seen(units, trials, begin, grid)
    inside = seen.any(axis=2).all(axis=1)
    _check_inside(inside, begin, units, grid, where)
    rows, begin, seen = rows[inside], begin[inside], seen[inside]
    usable = np.flatnonzero(seen.any(axis=(0, 1)))
    counts = _counts(units, usable, begin, seen, grid)
    behavior = None
    if series is not None:
        starts = begin * (grid.clock_ms / 1000.0) + config.lag_ms / 1000.0
        observed = grid.bins - round(config.forward_ms / config.bin_ms)
        behavior = aligned.bin_means(series, starts, observed, config.bin_ms).astype(np.float32)
    return Whole(
        counts=counts,
        forward=round(config.forward_ms / config.bin_ms),
        condition=condition_index([trials[name][rows] for name in config.conditions]) if config.conditions else None,
        behavior=behavior,
        ids=own_ids(trials.get("id"), len(trials[config.align]))[rows],
        units=own_ids(units.ids, len(units))[usable],
        notes=_notes(config, missing, inside, len(units) - len(usable), _overlapping(begin, grid)),
    )


def _columns(file: Group, needed: tuple[str, ...]) -> dict[str, np.ndarray]:
    trials = nwb.trials(file, needed)
    for name in needed:
        if name not in trials:
            raise BadInput(f"{file.filename}: trial column {name!r} expected one value per trial, got several")
    return trials


def _kept(trials: Mapping[str, np.ndarray], keep: Mapping[str, Any], where: str) -> np.ndarray:
    mask = np.ones(len(next(iter(trials.values()))), dtype=bool)
    for column, wanted in keep.items():
        values = trials[column]
        mask &= np.isin(values, wanted if isinstance(wanted, list | tuple) else [wanted])
        if not mask.any():
            found = ", ".join(str(value) for value in np.unique(values)[:8])
            raise BadInput(f"{where}: no trial is left with {column} = {wanted!r}; {column} holds {found}")
    return np.flatnonzero(mask)


def _with_event(times: np.ndarray, rows: np.ndarray, align: str, where: str) -> tuple[np.ndarray, int]:
    if times.dtype.kind not in "fiu":
        raise BadInput(f"{where}: align column {align!r} expected times in s, got {times.dtype}")
    there = np.isfinite(times[rows])
    if not there.any():
        raise BadInput(f"{where}: expected times in column {align!r}, got NaN in all {len(rows)} trials")
    return rows[there], int((~there).sum())


def _seen(units: nwb.Units, trials: Mapping[str, np.ndarray], begin: np.ndarray, grid: _Grid) -> np.ndarray:
    """Tell which bins of each trial each unit was observed in, (trials, bins, units)."""
    shape = (begin, grid.bins, grid.step, grid.clock_ms)
    if units.intervals is None:
        same = aligned.observed(_extent(units, trials), *shape)
        return np.broadcast_to(same[:, :, None], (*same.shape, len(units)))
    known: dict[bytes, np.ndarray] = {}
    columns = []
    for unit in range(len(units)):
        intervals = units.observed(unit)
        key = intervals.tobytes()
        if key not in known:
            known[key] = aligned.observed(intervals, *shape)
        columns.append(known[key])
    return np.stack(columns, axis=2)


def _extent(units: nwb.Units, trials: Mapping[str, np.ndarray]) -> np.ndarray:
    # Without obs_intervals the file says only where trials and spikes lie; nothing is known beyond them.
    ends = [trials[name] for name in ("start_time", "stop_time") if name in trials]
    times = np.concatenate([units.times, *ends])
    times = times[np.isfinite(times)]
    return np.array([[times.min(), times.max()]]) if len(times) else np.zeros((0, 2))


def _check_inside(inside: np.ndarray, begin: np.ndarray, units: nwb.Units, grid: _Grid, where: str) -> None:
    if inside.any():
        return
    s = grid.clock_ms / 1000.0
    first, last = begin.min() * s, (begin.max() + grid.bins * grid.step) * s
    spikes = f"spikes from {units.times.min():.3f} to {units.times.max():.3f} s" if len(units.times) else "no spikes"
    raise BadInput(
        f"{where}: none of {len(inside)} windows ({first:.3f} to {last:.3f} s) lies inside the observed recording "
        f"({spikes}); check window_ms, forward_ms and align, whose times are in s"
    )


def _counts(units: nwb.Units, usable: np.ndarray, begin: np.ndarray, seen: np.ndarray, grid: _Grid) -> np.ndarray:
    counts = np.empty((len(begin), grid.bins, len(usable)), dtype=np.float32)
    for column, unit in enumerate(usable):
        ticks = aligned.to_ticks(units.spikes(unit), grid.clock_ms)
        counts[:, :, column] = aligned.count(ticks, begin, grid.bins, grid.step)
    counts[~seen[:, :, usable]] = np.nan
    return counts


def _overlapping(begin: np.ndarray, grid: _Grid) -> int:
    return int((np.diff(np.sort(begin)) < grid.bins * grid.step).sum())


def _notes(config: Config, missing: int, inside: np.ndarray, unseen: int, overlapping: int) -> tuple[str, ...]:
    outside = int((~inside).sum())
    notes = {
        f"{missing} trials have no {config.align} and were left out": missing,
        f"{outside} of {len(inside)} windows reach outside the observed recording and were left out": outside,
        f"{unseen} units were never observed in a window and were left out": unseen,
        f"{overlapping} windows overlap the next one: spikes in both are counted in both, and evaluation trials may "
        "share time with training trials": overlapping,
    }
    return tuple(note for note, count in notes.items() if count)
