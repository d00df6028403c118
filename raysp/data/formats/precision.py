"""How finely a type of numbers tells times apart."""

from __future__ import annotations

import numpy as np

COARSE_MS, OF_BIN = 1.0, 0.1
"""Times in wider steps than these, or than this part of a bin, are told of: spikes move to other bins."""


def coarse(
    stored: np.dtype, times: np.ndarray, what: str, per_second: float = 1.0, bin_ms: float = np.inf
) -> tuple[str, ...]:
    """Return the note that times were stored in steps so wide that spikes move; none where they were not.

    Args:
        stored: the type that they were stored as.
        times: (times,) in s, NaN where there are none.
        what: they are of, e.g. "spike".
        per_second: units of the stored times in a second.
        bin_ms: width of the bins that spikes are counted in.
    """
    latest = float(np.abs(times[np.isfinite(times)]).max(initial=0.0))
    # A double tells microseconds apart for centuries.
    if stored.kind != "f" or stored.itemsize > 4:
        return ()
    steps_ms = float(np.spacing(stored.type(latest * per_second))) / per_second * 1000.0
    if not steps_ms > min(COARSE_MS, OF_BIN * bin_ms):
        return ()
    return (f"{what} times up to {latest:.0f} s are stored as {stored.name}, in steps of {steps_ms:.3g} ms",)
