"""Trials of counts that end in silence of all units: shorter ones that were filled with zeros, maybe."""

from __future__ import annotations

import numpy as np

CHANCE, SHARE, LEAST = 1e-4, 0.3, 3
"""No chance leaves so many bins empty; trials, at least, in which that is so; bins at least."""


def noted(counts: np.ndarray, bin_ms: float) -> tuple[str, ...]:
    """Return the note that trials seem to be shorter than their counts; nothing where none tells.

    Args:
        counts: (trials, bins, units), NaN after a trial's end.
        bin_ms: of the file's bins.
    """
    there, fired = ~np.isnan(counts).all(axis=2), np.nansum(counts, axis=2) > 0
    bins = counts.shape[1]
    last = np.where(fired.any(axis=1), bins - fired[:, ::-1].argmax(axis=1), 0)
    before = there & (np.arange(bins) < last[:, None])
    if not before.any():
        return ()
    empty = max(float((before & ~fired).sum() / before.sum()), 1.0 / before.sum())
    silent = (there & (np.arange(bins) >= last[:, None])).sum(axis=1)
    odd = silent[(silent > max(LEAST, np.log(CHANCE) / np.log(empty))) & (last > 0)] if empty < 1 else silent[:0]
    if len(odd) <= SHARE * len(counts):
        return ()
    told = (
        f"in {len(odd)} of {len(counts)} trials no unit has a spike in the last {np.median(odd) * bin_ms:g} ms (median)"
    )
    return (
        f"{told}, and before in {1 - empty:.0%} of bins: were trials shorter, or did units stop? NaN after a trial's "
        "end masks what was not recorded",
    )
