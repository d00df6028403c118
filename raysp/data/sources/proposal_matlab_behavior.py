"""A proposal for behaviour along the trials of a MATLAB file: fields with samples in each, and when they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from raysp.config.settings import Plain
from raysp.data.formats.matlab_values import Struct, Value
from raysp.data.sources.clocks import CLOCKS, RATE
from raysp.data.sources.proposal_matlab_whole import scalars

ALONG, MOST_VARIABLES = 50, 12
"""Numbers of a trial from which on they may be samples of behaviour, and variables at most."""
USUAL_HZ = (10, 20, 25, 30, 50, 60, 100, 120, 125, 200, 240, 250, 400, 500, 1000, 2000)
SAMPLES = 100
"""Samples of a recording at least."""
MOSTLY = 0.8
"""Trials at least whose samples lie where their spikes do."""
AS_LONG = 0.1
"""How nearly as long as the spikes of their trials samples are."""


@dataclass(frozen=True)
class Found:
    """Lines on what is not proposed, and settings that decode what is, with reasons."""

    lines: list[str] = field(default_factory=list)
    settings: dict[str, Plain] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)


def beside(found: Mapping[str, Value], settings: Mapping[str, Plain]) -> Found:
    """Return what is known of samples in fields of the trials' structs, for settings that read their spikes."""
    trials, spikes = str(settings.get("trials", "")), str(settings["spikes"])
    table = found.get(trials)
    if not isinstance(table, Struct) or table.count < 2 or "counts_bin_ms" in settings:
        return Found()
    able = {f"{trials}.{name}": each for name in table.names if (each := _samples(table.field(name))) is not None}
    able.pop(spikes, None)
    if not able:
        return Found()
    # Of fields with other numbers of samples the first ones are taken.
    lengths = {name: [max(one.shape) for one in each] for name, each in able.items()}
    first = next((name for name in able if not _are_times(able[name])), None)
    if first is None:
        return Found()
    alike = [name for name in able if lengths[name] == lengths[first]]
    clocks = [name for name in alike if _are_times(able[name])]
    chosen = [name for name in alike if name not in clocks]
    others = [name for name in able if name not in alike]
    why = {"behavior": "samples along each trial: their mean in each bin is decoded"}
    given: dict[str, Plain] = {"behavior": chosen if len(chosen) > 1 else chosen[0]}
    per_second = float(str(settings.get("per_second", 1.0)))
    spans = _spans(table, spikes.removeprefix(f"{trials}."), settings, per_second)
    if clocks and _fits(able[clocks[0]], table, spikes.removeprefix(f"{trials}.")):
        given["behavior_time"], why["behavior_time"] = clocks[0], "rises in each trial, as its spikes do"
    elif (rate := _rate(found, lengths[first], spans)) is not None and not clocks:
        given["behavior_hz"], why["behavior_hz"] = rate
    else:
        return Found([_untold(name, able[name]) for name in able if name not in clocks])
    return Found([_untold(name, able[name]) for name in others], given, why)


def _samples(values: Sequence[Value]) -> list[np.ndarray] | None:
    """Return the samples in each trial; None of a field that holds others."""
    each = [one for one in values if isinstance(one, np.ndarray) and one.dtype.kind == "f" and one.ndim == 2]
    if len(each) < len(values) or min(max(one.shape, default=0) for one in each) < ALONG:
        return None
    variables = {min(one.shape) for one in each}
    several = len({one.shape for one in each}) > 1
    return each if len(variables) == 1 and max(variables) <= MOST_VARIABLES and several else None


def _are_times(each: Sequence[np.ndarray]) -> bool:
    return all(min(one.shape) == 1 and (np.diff(one.ravel()) > 0).all() for one in each)


def _spans(table: Struct, spikes: str, settings: Mapping[str, Plain], per_second: float) -> np.ndarray | None:
    """Return how long trials last, s; None where spikes begin before 0."""
    trials = float(str(settings.get("trials_per_second", per_second)))
    begin = _numbers(table, settings.get("start")) / trials if "start" in settings else np.zeros(table.count)
    if "stop" in settings:
        return _numbers(table, settings["stop"]) / trials - begin
    if spikes not in table.names:
        return None
    each = [_flat(one) / per_second for one in table.field(spikes)]
    relative = [one - at for one, at in zip(each, begin, strict=True)]
    if min((float(one.min()) for one in relative if len(one)), default=0.0) < -0.05:
        return None
    return np.array([one.max() if len(one) else np.nan for one in relative])


def _flat(value: Value) -> np.ndarray:
    if isinstance(value, Struct):
        return np.zeros(0)
    if value.dtype == object:
        return np.concatenate([np.zeros(0), *(one.ravel() for one in value.ravel() if isinstance(one, np.ndarray))])
    return value.ravel().astype(float)


def _numbers(table: Struct, name: Plain) -> np.ndarray:
    each = table.field(str(name)) if name in table.names else []
    return np.array([one.item() if isinstance(one, np.ndarray) and one.size == 1 else np.nan for one in each], float)


def _fits(times: Sequence[np.ndarray], table: Struct, spikes: str) -> bool:
    """Tell whether samples' times lie where the spikes of their trials do, on one clock in one unit."""
    if spikes not in table.names:
        return False
    each = zip(times, map(_flat, table.field(spikes)), strict=True)
    known = [_covers(at.ravel(), fired) for at, fired in each if len(fired) > 1]
    return bool(known) and float(np.mean(known)) > MOSTLY


def _rate(found: Mapping[str, Value], samples: Sequence[int], spans: np.ndarray | None) -> tuple[float, str] | None:
    """Return samples in a second, and why, where the file gives a rate by which they last as long as trials."""
    if spans is None:
        return None
    ratio = np.array(samples) / spans
    hz = float(np.nanmedian(ratio))
    for name, one in scalars(found).items():
        value = float(one.ravel()[0]) if one.dtype.kind in "iuf" else np.nan
        if RATE.fullmatch(name.rpartition(".")[2]) and abs(hz / value - 1) < AS_LONG:
            return value, f"from {name} = {value:g}: samples then last as long as trials"
    near = float(min(USUAL_HZ, key=lambda one: abs(one / hz - 1)))
    if abs(near / hz - 1) > AS_LONG / 2:
        return None
    return near, f"NOT KNOWN: about as many samples in a second as trials last ({hz:.4g}), the first at their begin"


def _untold(name: str, each: Sequence[np.ndarray]) -> str:
    shape = " x ".join(map(str, each[0].shape))
    return (
        f"{name}: {shape} numbers in the first trial: to decode their mean in each bin set behavior: {name}, and "
        "behavior_hz, or behavior_time, the field of their times"
    )


def of_recording(found: Mapping[str, Value], settings: Mapping[str, Plain]) -> Found:
    """Return what is known of samples of a whole recording with times beside them, for settings of its spikes."""
    spikes, used = found.get(str(settings["spikes"])), {str(one).partition("(")[0] for one in settings.values()}
    times = np.zeros(0) if spikes is None else _flat(spikes)
    if not len(times):
        return Found()
    vectors = {
        name: one.ravel() for name, one in found.items()
        if isinstance(one, np.ndarray) and one.dtype.kind in "iuf" and one.size == max(one.shape, default=0) > SAMPLES
        and (np.diff(one.ravel()) > 0).all()
    }  # fmt: skip
    # Samples of behaviour have a clock of their own more often than one of the spikes.
    per_second = float(str(settings.get("per_second", 1.0)))
    units = {name: next((one for one in (per_second, *CLOCKS) if _covers(values / one, times / per_second)), None)
             for name, values in vectors.items()}  # fmt: skip
    vectors = {name: values for name, values in vectors.items() if units[name] is not None}
    for name, one in found.items():
        able = isinstance(one, np.ndarray) and one.dtype.kind == "f" and one.ndim == 2 and name not in used
        if not able or isinstance(one, Struct) or name in vectors or not 0 < min(one.shape) <= MOST_VARIABLES:
            continue
        clocks = [clock for clock, values in vectors.items() if len(values) == max(one.shape) and clock not in used]
        if clocks and np.isfinite(one).any():
            given: dict[str, Plain] = {"behavior": name, "behavior_time": clocks[0]}
            why = {"behavior": f"{max(one.shape)} samples: their mean in each bin is decoded",
                   "behavior_time": "rises all along, over as long as spikes lie"}  # fmt: skip
            if (own := units[clocks[0]]) is not None and own != per_second:
                given["behavior_per_second"] = own
                why["behavior_per_second"] = f"its times look like {CLOCKS[own]}"
            return Found([], given, why)
    return Found()


def _covers(samples: np.ndarray, spikes: np.ndarray) -> bool:
    """Tell whether samples' times lie about where the recording's spikes do."""
    shared = min(samples[-1], spikes.max()) - max(samples[0], spikes.min())
    return bool(shared > 0.5 * max(np.ptp(samples), np.ptp(spikes)))
