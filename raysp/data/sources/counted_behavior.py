"""Behaviour beside counts, with samples at times of its own: the mean in each bin, on the clock of the bins."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

import numpy as np

from raysp.data.formats import aligned, count_file, plausibility, starred
from raysp.data.formats.count_file import Arrays
from raysp.data.formats.plausibility import Doubt
from raysp.data.sources import sampled_parts
from raysp.data.sources.population_config import Config
from raysp.data.sources.spike_columns import SPIKES
from raysp.errors import BadInput, expect, present

BINS = re.compile(
    r"(time_?)?bins?_?(times?|edges?|cent(er|re)s?|starts?|begins?|mids?|ends?|t|ts)(_?(s|ms|sec))?"
    r"|t(ime)?_?bins?|(edges|cent(er|re)s)|t(ime)?_?(s|ms|axis|vec|vector)?|tvec|times|timestamps?",
    re.IGNORECASE,
)
"""Names of what says when each bin is."""
MIDDLES, ENDS, BEGINS = (
    re.compile(r"cent|mid", re.I),
    re.compile(r"ends?$|stop", re.I),
    re.compile(r"start|begin", re.I),
)
NEAR = 0.01
"""A part of a bin by which times of bins may be rounded."""
AS_LONG, ABOUT_AS_LONG, LONGER = 1.1, 2.0, 5.0
"""How many times as long, at most, samples at a given rate, at given times, and at times in trials may last."""


def in_bins(config: Config, file: Arrays, shape: Sequence[int], where: str, notes: list[str]) -> Arrays:
    """Return a file whose behaviour is the mean of the samples in each bin; what is doubted joins the notes.

    Args:
        config: `behavior` and what belongs to it.
        file: the open file; it reads the samples of `behavior` as they lie.
        shape: that of the counts in bins of `bin_ms`, (bins, units) or (trials, bins, units).
        where: the beginning of an error's sentence.
        notes: gets what is said.

    Raises:
        BadInput: an array is missing or of another shape, times do not rise, samples last much longer or shorter than
            the counts, or bins have times that do not say where they begin.
    """
    name, trials, bins = present(config.behavior), shape[0] if len(shape) > 2 else 1, shape[-2]
    said = f"{where}: {name}"
    begin_s, told = _begin_s(config, file, bins, where)
    times, values = _samples(config, file, name, trials, begin_s, said)
    seconds = bins * config.bin_ms / 1000.0
    notes += plausibility.settle(list(_doubts(config, times, seconds, trials)), config.accept, said)
    first = min(float(one[0]) for one in times if len(one))
    if told:
        notes.append(told)
    elif config.counts_begin_s is None and abs(first) > 2 * config.bin_ms / 1000.0 and config.behavior_time:
        notes.append(
            f"the first bin is taken to begin at 0 s, where the first sample of {name} has the time {first:g} s; "
            "counts_begin_s says otherwise"
        )
    start = np.array([begin_s + config.lag_ms / 1000.0])
    width = values[0].shape[1]
    means = np.full((trials, bins, width), np.nan)
    for trial, (at, of) in enumerate(zip(times, values, strict=True)):
        if len(at):
            channels = [str(one) for one in range(width)]
            series = sampled_parts.joined(name, [at], [of], channels, said if trials == 1 else f"{said}, trial {trial}")
            means[trial] = aligned.bin_means(series, start, bins, config.bin_ms)[0]
    found = means if len(shape) > 2 else means[0]
    return dataclasses.replace(file, read=lambda one: found if one == name else file.read(one))


def step_ms(config: Config, file: Arrays) -> tuple[float, ...]:
    """Return the usual time between samples, ms, which a file may hold beside the width of its bins; maybe none."""
    if config.behavior_hz is not None:
        return (1000.0 / config.behavior_hz,)
    if config.behavior_time not in file.names:
        return ()
    times = file.read(present(config.behavior_time))
    able = times.dtype.kind in "iuf" and times.shape[-1:] > (2,)
    return (1000.0 * float(np.nanmedian(np.diff(times))) / config.behavior_per_second,) if able else ()


def _samples(
    config: Config, file: Arrays, name: str, trials: int, begin_s: float, said: str
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return times, s, and values (samples, variables) of each trial; of a recording without trials, of one."""
    values = _parts(file, name, trials, said)
    if config.behavior_hz is not None:
        values = [one[:, None] if one.ndim == 1 else one for one in values]
        if any(one.shape[1] > one.shape[0] for one in values):
            raise BadInput(f"{said} expected (samples, variables), got {values[0].shape}; save it transposed")
        return [begin_s + np.arange(len(one)) / config.behavior_hz for one in values], values
    clock = present(config.behavior_time)
    each = starred.STAR in clock or (trials > 1 and file.read(clock).ndim == 2)
    times = _parts(file, clock, trials if each else 1, said)
    times = [one.ravel() / config.behavior_per_second for one in times] * (trials if len(times) == 1 else 1)
    for trial, (at, of) in enumerate(zip(times, values, strict=True)):
        # Whose times they are tells which axis is that of samples.
        of = of[:, None] if of.ndim == 1 else of.T if len(of) != len(at) and of.shape[1] == len(at) else of
        expect(len(of) == len(at), f"{said} expected a sample for each of {len(at)} times in {clock}, got {of.shape}")
        there = np.isfinite(at)
        rises = (np.diff(at[there]) > 0).all()
        expect(rises, f"{said} expected times in {clock} that rise from sample to sample; sort them, each time once")
        times[trial], values[trial] = at[there], of[there]
    expect(any(map(len, times)), f"{said} expected times of samples in {clock}, got none")
    return times, values


def _parts(file: Arrays, name: str, trials: int, said: str) -> list[np.ndarray]:
    """Return an array's part of each trial, or all of it, float64."""
    if starred.STAR in name:
        names = starred.natural(starred.fitting(name, file.names)[0])
        parts = [file.read(one) for one in names]
    else:
        whole = file.read(name)
        parts = [*whole] if trials > 1 else [whole[0] if whole.ndim == 3 and len(whole) == 1 else whole]
    expect(len(parts) == trials, f"{said} expected {trials} trials as the counts have, got {len(parts)} in {name}")
    for one in parts:
        count_file.check_numbers(one, f"{said}, {name}")
        expect(one.ndim in (1, 2), f"{said} expected (samples, variables) in each trial, got {one.shape} in {name}")
    return [one.astype(np.float64) for one in parts]


def _doubts(config: Config, times: list[np.ndarray], seconds: float, trials: int) -> Iterator[Doubt]:
    lasted = float(np.median([one[-1] - one[0] + np.median(np.diff(one)) for one in times if len(one) > 1] or [0.0]))
    most = AS_LONG if config.behavior_hz else ABOUT_AS_LONG if trials == 1 else LONGER
    if seconds / most <= lasted <= seconds * most:
        return
    setting = "behavior_hz" if config.behavior_hz else "behavior_per_second"
    value = config.behavior_hz or config.behavior_per_second
    yield Doubt("behavior", f"expected samples that last as long as the counts, {seconds:g} s, got {lasted:g} s by"
                f" {setting} {value:g}; is that right, and the width of the bins?")  # fmt: skip


def _begin_s(config: Config, file: Arrays, bins: int, where: str) -> tuple[float, str]:
    """Return when the first bin begins on the clock of behaviour, s, and a note where the file says so."""
    if config.counts_begin_s is not None or config.behavior_hz is not None:
        return config.counts_begin_s or 0.0, ""
    own = config.counts_bin_ms or config.bin_ms
    step = round(config.bin_ms / own)
    able = range(bins * step, (bins + 1) * step + 1)
    found = dict[float, str]()
    for name in file.names:
        bare = re.split(r"[./]", name)[-1]
        if not (BINS.fullmatch(bare) or bare.lower() in SPIKES):
            continue
        times = file.read(name)
        if times.ndim != 1 or len(times) not in able or times.dtype.kind not in "iuf" or len(times) < 3:
            continue
        width, usual = own / 1000.0, float(np.median(np.diff(times)))
        # Bins may have another unit than samples: their width tells it.
        units = [one for one in (1.0, 1000.0, 1e6) if abs(usual / one - width) <= NEAR * width]
        times = times / (units[0] if units else config.behavior_per_second)
        if (np.abs(np.diff(times) - width) > NEAR * width).any():
            if name != config.behavior_time:
                raise BadInput(
                    f"{where}: {name} expected times of bins, {width:g} s from each to the next, got "
                    f"{np.diff(times).min():g} to {np.diff(times).max():g} s; bins that are left out shift what follows"
                    ": fill them with counts of 0, or give counts_begin_s if these are no times of bins"
                )
            continue
        begin = _begin_of(
            float(times[0]), width, bare, edges="edge" in bare.lower() or (step == 1 and len(times) == bins + 1)
        )
        if begin is None:
            told = f"{where}: {name} says when bins are ({times[0]:g} s the first), not whether they begin then or have"
            raise BadInput(f"{told} their middle there; give counts_begin_s: {times[0]:g} or {times[0] - width / 2:g}")
        found.setdefault(round(begin, 9), name)
    if not found:
        return 0.0, ""
    if len(found) > 1:
        said = " and ".join(f"{name} ({begin:g} s)" for begin, name in found.items())
        raise BadInput(f"{where}: expected one time at which bins begin, got {said}; give counts_begin_s")
    begin, name = next(iter(found.items()))
    return begin, f"the first bin begins at {begin:g} s of {config.behavior_time}'s clock, by {name}"


def _begin_of(first: float, width: float, name: str, *, edges: bool) -> float | None:
    """Return where the first bin begins by the first of their times; None where it may be its begin or its middle."""
    if edges or BEGINS.search(name):
        return first
    if MIDDLES.search(name):
        return first - width / 2
    if ENDS.search(name):
        return first - width
    if abs(first) <= NEAR * width:
        return 0.0
    return first - width / 2 if abs(first / width - 0.5) <= NEAR else None
