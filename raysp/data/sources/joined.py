"""Recordings that were put into one table one after the other, each with times from its own begin."""

from __future__ import annotations

import numpy as np

from raysp.io.words import WARNING, counted

EARLY, LATE = 0.1, 0.3
"""Parts of the recording: before the first, times begin anew that went on beyond the second."""
MOST = 200
"""Begins, at most: of spikes in no order there are more."""


def restarts(times: np.ndarray, of_unit: np.ndarray) -> tuple[str, ...]:
    """Return the warning that times of a unit begin anew within the file, so that its spikes lie over each other.

    A table that has one unit after the other begins anew with each, and none of them twice.

    Args:
        times: (spikes,) in the order of the file.
        of_unit: (spikes,) whose each is.
    """
    if len(times) < 2 or not (span := float(times.max()) - (first := float(times.min()))):
        return ()
    again = np.flatnonzero((times[1:] < first + EARLY * span) & (times[:-1] > first + LATE * span)) + 1
    if not 0 < len(again) <= MOST:
        return ()
    each = [np.unique(one) for one in np.split(of_unit, again)]
    _, parts = np.unique(np.concatenate(each), return_counts=True)
    if (parts > 1).sum() <= len(parts) / 2:
        return ()
    return (
        f"{WARNING}times begin anew {counted(again, 'time')} within the file, and most units are on both sides: were "
        f"recordings joined? Their spikes are counted over each other; give each its own table, or add to its times "
        "how long those before it lasted",
    )
