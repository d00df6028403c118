"""Samples of behaviour in parts, of a trial each or of the whole recording, as one signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raysp.data.formats.nwb_series import Series
from raysp.errors import BadInput, expect


def joined(
    name: str, times: Sequence[np.ndarray], values: Sequence[np.ndarray], channels: Sequence[str], where: str
) -> Series:
    """Return one signal of parts, in the order of their times.

    Args:
        name: of the signal.
        times: (samples,) of each part, s of one clock; a part whose first one is not finite is left out.
        values: (samples, variables) of each part.
        channels: names of the variables.
        where: the beginning of an error's sentence.

    Raises:
        BadInput: no part has samples, times do not rise from one to the next, or a value is infinite.
    """
    known = [part for part, one in enumerate(times) if len(one) and np.isfinite(one[0])]
    known.sort(key=lambda part: times[part][0])
    expect(bool(known), f"{where} expected samples, got none")
    all_times = np.concatenate([times[part] for part in known])
    if (back := np.flatnonzero(~(np.diff(all_times) > 0))).size:
        told = f"{where} expected times that rise from sample to sample, got {all_times[back[0]]:g} s before"
        raise BadInput(
            f"{told} {all_times[back[0] + 1]:g} s: do trials overlap, or do samples begin before their trial?"
        )
    all_values = np.concatenate([values[part] for part in known])
    expect(not np.isinf(all_values).any(), f"{where} expected finite numbers, got infinity")
    return Series(name, all_times, all_values, tuple(channels))
