"""What a group of recorded sweeps says of its protocol by its currents alone: onset, rest, one current for all."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from raysp.data.formats.clamp_arrays import Group

NOISE_SHARE = 0.01
"""Repeats of one current differ by less than this share of its variance; sweeps of a series differ by far more."""
STILL_S, REST_STEP_S = 0.05, 0.05
JUMP = 8.0
"""A change above so many standard deviations of the milliseconds at a sweep's begin ends its rest."""


def one_current(group: Group) -> bool:
    """Tell whether several sweeps had one current by protocol: they differ by noise alone."""
    values = _finite(group)
    if len(values) < 2:
        return False
    return float((values - values.mean(axis=0)).var()) < NOISE_SHARE * float(values.var())


def onset_s(group: Group) -> float | None:
    """Return when the sweeps of a series of steps part from each other, s, to the millisecond; None where they do not.

    A pulse that all sweeps have before it is no onset.
    """
    values = _finite(group)
    if len(values) < 2:
        return None
    spread = values.std(axis=0)
    if not spread.any():
        return None
    return round(float(np.argmax(spread > spread.max() / 2)) / group.rate_hz, 3)


def rest_s(groups: Iterable[Group]) -> tuple[float, float] | tuple[()]:
    """Return the first stretch, s, in which nothing is injected in any sweep of any group; empty where there is none.

    Only recorded currents have one: without noise of an amplifier there is no offset of an amplifier either.
    """
    ends = [_still_until_s(group) for group in groups if not group.shared]
    last = np.floor(min(ends, default=0.0) / REST_STEP_S) * REST_STEP_S
    return (0.0, round(float(last), 3)) if last >= STILL_S else ()


def _still_until_s(group: Group) -> float:
    per_ms, values = round(group.rate_hz / 1000), _finite(group)
    if per_ms < 1 or values.shape[1] < 2 * STILL_S * group.rate_hz or not len(values):
        return 0.0
    whole = values[:, : values.shape[1] // per_ms * per_ms]
    means = whole.reshape(len(whole), -1, per_ms).mean(axis=2)
    begin = means[:, : round(STILL_S * 1000)]
    noise = float(begin.std(axis=1).max())
    level = begin.mean(axis=1)
    if noise == 0 or float(np.ptp(level)) > JUMP * noise:
        return 0.0
    moved = (np.abs(means - level[:, None]) > JUMP * noise).any(axis=0)
    return int(np.argmax(moved)) / 1000 if moved.any() else 0.0


def _finite(group: Group) -> np.ndarray:
    """Return the sweeps of finite numbers alone, (sweeps, samples) float32; none where all had one current."""
    values = np.atleast_2d(group.current).astype(np.float32)
    return values[np.isfinite(values).all(axis=1) & (not group.shared)]
