"""Vectors that stand where spike times of a unit each are expected, and are something else: counts, or padded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raysp.errors import BadInput
from raysp.io.words import counted

LARGEST = 50
"""Counts of a bin are no larger."""
ZEROS = 2
"""Zeros at the end of a vector from which on it is padded with them."""
LONG, FALLS = 20, 0.25
"""Numbers of a vector, and share of them below the one before, from which on they are in no order."""
REACH, MOST, EVEN = 0.7, 0.9, 0.12
"""Times that nobody sorted: a share of the recording that a vector reaches over, share of vectors that do, and how far
the quartiles of all lie from a quarter, a half and three quarters of it. Intervals are mostly short, some long."""


def check(each: Sequence[np.ndarray], where: str) -> tuple[str, ...]:
    """Return a note on times in no order; refuse vectors whose zeros or intervals would be counted as spikes.

    Args:
        each: a unit's or a trial's numbers as they were stored, in their order.
        where: the beginning of the error's sentence.

    Raises:
        BadInput: all are small whole numbers that mostly repeat, as counts in bins do; or some end in zeros; or all
            go up and down, as intervals do.
    """
    known = [one[np.isfinite(one)] for one in each if one.dtype.kind in "iuf" and one.size]
    values = [one for one in known if one.size]
    if not values:
        return ()
    largest = max(float(one.max()) for one in values)
    # More than twice as many as there are different ones: most are there twice.
    repeated = sum(one.size for one in values) > 2 * (largest + 1) * len(values)
    if 0 <= largest <= LARGEST and repeated and all((one >= 0).all() and (one % 1 == 0).all() for one in values):
        told = f"{where} expected spike times, got whole numbers from 0 to {largest:g} over and over, as counts in bins"
        raise BadInput(f"{told}; save them as one array of counts, (trials, bins, units) or (bins, units)")
    padded = [one for one in values if one.size > ZEROS and not one[-ZEROS:].any() and (one > 0).any()]
    if padded:
        told = f"{where} expected spike times, got zeros after the last one in {counted(padded, 'vector')}"
        raise BadInput(f"{told}, which would be spikes at 0; end them before, or pad with NaN")
    if not (falling := _in_no_order(values)):
        return ()
    if are_unsorted(values):
        return (f"{where}: times in {counted(falling, 'vector')} are in no order; they reach through one recording, as "
                "intervals do not, and are taken in their order",)  # fmt: skip
    told = f"{where} expected spike times, which rise, got numbers that go up and down in each vector"
    raise BadInput(f"{told}; of intervals between spikes save the sums, cumsum(x), and of times sort(x)")


def are_unsorted(each: Sequence[np.ndarray]) -> bool:
    """Tell whether vectors of numbers in no order are spike times of one recording, through which all of them reach."""
    # Units do not fire equally often; traces are of one length.
    if not (long := _in_no_order(each)) or (len(long) > 1 and len(set(map(len, long))) == 1):
        return False
    first, last = min(map(np.min, long)), max(map(np.max, long))
    wide = np.mean([np.ptp(one) >= REACH * (last - first) for one in long])
    quartiles = (np.percentile(np.concatenate(long), [25, 50, 75]) - first) / max(last - first, 1e-12)
    return bool(wide >= MOST and np.abs(quartiles - [0.25, 0.5, 0.75]).max() <= EVEN)


def _in_no_order(each: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the long vectors, where all of them go up and down; else none."""
    long = [one for one in each if one.size > LONG]
    return long if all((np.diff(one) < 0).mean() > FALLS for one in long) else []
