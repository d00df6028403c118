"""A proposal for samples of behaviour beside counts: which they are, and when each was taken."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from raysp.config.settings import Plain
from raysp.data.sources.clocks import RATE

FEWEST_SAMPLES, MOST_VARIABLES = 100, 12
"""Samples of behaviour at least, and variables at most."""
HZ = re.compile(rf"(.*[_/.])?({RATE.pattern}|hz|rate_?hz|frame_?rate|fps)([_/.].*)?", re.IGNORECASE)
STEP = re.compile(r"(.*[_/.])?(dt|step|interval|period)(_(in_)?(s|sec|ms))?", re.IGNORECASE)
AS_LONG, ABOUT_AS_LONG = 0.02, 2.0
"""How nearly samples at a rate last as long as counts, and how many times as long at given times."""
WIDTHS_MS = (1, 2, 4, 5, 8, 10, 12.5, 16, 20, 25, 30, 32, 40, 50, 64, 100, 200, 250, 500, 1000)
"""Usual widths of bins."""
Settings = tuple[dict[str, Plain], dict[str, str]]


def beside(
    shape: Sequence[int], bin_ms: float, others: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[list[str], Settings]:
    """Return lines on numbers that have samples of their own, and settings that decode one of them, with reasons.

    Args:
        shape: of the counts, (bins, units) or (trials, bins, units).
        bin_ms: width of their bins.
        others: arrays of the file, of large ones the beginning.
        shapes: of all arrays.
    """
    bins, seconds = shape[-2], shape[-2] * bin_ms / 1000.0
    trials = shape[:-2]
    told = list[str]()
    for name, one in _samples(shape, others, shapes).items():
        samples = max(shapes[name][len(trials) :])
        clocks = {other: times for other, times in others.items() if _are_times(times, samples, trials)}
        rates = _rates_hz(others)
        exact = {clock: hz for clock, hz in rates.items() if abs(samples / hz / seconds - 1) < AS_LONG}
        why = f"{samples} samples, where counts have {bins} bins: their mean in each is decoded"
        if clocks:
            clock = min(clocks, key=lambda other: (-len(_shared(other, name)), other))
            per_second, said = _per_second(clocks[clock], seconds)
            settings: dict[str, Plain] = {"behavior": name, "behavior_time": clock}
            reasons = {"behavior": why, "behavior_time": said}
            if per_second != 1.0:
                settings["behavior_per_second"], reasons["behavior_per_second"] = per_second, said
            return told, (settings, reasons)
        if len(set(exact.values())) == 1 and one.shape[len(trials)] == samples:
            said, hz = next(iter(exact.items()))
            reason = f"from {said}: the samples then last as long as the counts, {seconds:g} s"
            return told, ({"behavior": name, "behavior_hz": hz}, {"behavior": why, "behavior_hz": reason})
        told.append(
            f"{name}: {samples} samples, where counts have {bins} bins: to decode their mean in each bin set behavior: "
            f"{name}, and behavior_time, the array of their times, or behavior_hz ({samples / seconds:.6g} if they "
            "last as long as the counts)"
        )
    return told, ({}, {})


def width(arrays: Mapping[str, np.ndarray], counts: np.ndarray) -> tuple[float, str] | None:
    """Return the width of bins, ms, that samples at a rate that the file gives are as long with, and why; or None."""
    shapes = {name: one.shape for name, one in arrays.items()}
    found = dict[float, str]()
    for name in _samples(counts.shape, arrays, shapes):
        for said, hz in _rates_hz(arrays).items():
            ms = 1000 * max(shapes[name][counts.ndim - 2 :]) / hz / counts.shape[-2]
            near = min(WIDTHS_MS, key=lambda one: abs(one - ms))
            # Samples end within the last bin.
            if abs(near - ms) * counts.shape[-2] < 2 * near:
                found[float(near)] = f"the samples of {name} are as long as the counts so, by {said}"
    return next(iter(found.items())) if len(found) == 1 else None


def _samples(
    shape: Sequence[int], others: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """Return arrays that may be samples of behaviour, (samples, variables) or its transpose, in each trial."""
    *trials, bins, _ = shape
    found = {}
    for name, one in others.items():
        own = shapes[name][len(trials) :]
        if one.dtype.kind != "f" or list(shapes[name][: len(trials)]) != trials or not 1 <= len(own) <= 2:
            continue
        samples, variables = max(own), min(own) if len(own) == 2 else 1
        fits = samples >= (FEWEST_SAMPLES if not trials else 2) and samples != bins and variables <= MOST_VARIABLES
        axis = len(trials) + own.index(samples)
        if fits and not (np.diff(one, axis=axis) > 0).all() and not np.isnan(one).all():
            found[name] = one
    return found


def _are_times(one: np.ndarray, samples: int, trials: Sequence[int]) -> bool:
    if one.dtype.kind not in "iuf" or one.shape not in ((samples,), (*trials, samples)):
        return False
    return bool((np.diff(one, axis=-1) > 0).all())


def _rates_hz(arrays: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return samples in a second that single numbers of the file may mean, by "fs = 1000"."""
    found = {}
    for name, one in arrays.items():
        if one.size != 1 or one.dtype.kind not in "iuf" or not 0 < (value := float(one.reshape(-1)[0])) < math.inf:
            continue
        if HZ.fullmatch(name):
            found[f"{name} = {value:g}"] = value
        elif STEP.fullmatch(name):
            found[f"{name} = {value:g}"] = 1000.0 / value if name.lower().endswith("ms") else 1.0 / value
    return found


def _per_second(times: np.ndarray, seconds: float) -> tuple[float, str]:
    span = float((times[..., -1] - times[..., 0]).max())
    able = [one for one in (1.0, 1000.0, 1e6) if seconds / ABOUT_AS_LONG < span / one < seconds * ABOUT_AS_LONG]
    if able:
        return able[0], f"rises all along, over {span / able[0]:g} s, and counts last {seconds:g} s"
    return 1.0, f"NOT KNOWN: rises all along, over {span:g}, where counts last {seconds:g} s; behavior_per_second"


def _shared(one: str, other: str) -> str:
    """Return how two names begin alike."""
    alike = (place for place, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return one[: next(alike, min(len(one), len(other)))]
