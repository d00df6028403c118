"""How finely a type of numbers tells times apart."""

from __future__ import annotations

import numpy as np

COARSE_MS = 1.0
"""Times in wider steps than these are told of: spikes move to other bins."""


def coarse(stored: np.dtype, times: np.ndarray, what: str, per_second: float = 1.0) -> tuple[str, ...]:
    """Return the note that times were stored in steps wider than `COARSE_MS`; none where they were not.

    Args:
        stored: the type that they were stored as.
        times: (times,) in s.
        what: they are of, e.g. "spike".
        per_second: units of the stored times in a second.
    """
    latest = float(max(times.max(initial=0.0), -times.min(initial=0.0)))
    # A double tells microseconds apart for centuries.
    if stored.kind != "f" or stored.itemsize > 4 or not np.isfinite(latest):
        return ()
    steps_ms = float(np.spacing(stored.type(latest * per_second))) / per_second * 1000.0
    if not steps_ms > COARSE_MS:
        return ()
    return (f"{what} times up to {latest:.0f} s are stored as {stored.name}, in steps of {steps_ms:.3g} ms",)
