"""A proposal for spikes of a whole recording in a MATLAB file: their clock, their windows, trials beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from raysp.config.settings import Plain
from raysp.data.formats.matlab_values import Value
from raysp.data.sources.clocks import Times, clock, sampled
from raysp.data.sources.proposal_matlab_trials import Guess, rate_by_trials, trials_beside
from raysp.data.sources.proposed import BIN_MS


def continuous(name: str, cells: Sequence[np.ndarray], found: Mapping[str, Value], units: int | None = None) -> Guess:
    """Return settings for spike times of a whole recording.

    Args:
        name: of them.
        cells: (spikes,) times, of each unit or of all.
        found: what the file holds beside them, by name.
        units: how many; by default as many as `cells`.
    """
    times = np.concatenate(cells)
    known, count = Times.of(times) if units else Times.of_units(cells), units or len(cells)
    told = sampled(scalars(found), known, count) or rate_by_trials(found, name, times)
    per_second, reason = told or clock(known, count)
    settings: dict[str, Plain] = {"spikes": name, "per_second": per_second, "window_ms": [0, 1000], "bin_ms": BIN_MS}
    why = {
        "spikes": "spike times of the whole recording",
        "per_second": reason,
        "window_ms": "no trials were found: cut into windows so long; trials names their struct, align its events",
    }
    more, reasons, around = trials_beside(found, name, times, per_second)
    return Guess({**settings, **more}, {**why, **reasons}, around)


def scalars(found: Mapping[str, Value]) -> dict[str, np.ndarray]:
    """Return the single numbers of a file."""
    return {name: one for name, one in found.items() if isinstance(one, np.ndarray) and one.size == 1}


def is_times(cells: np.ndarray) -> bool:
    """Tell whether cells hold vectors of numbers alone."""
    each = list(cells.ravel())
    vectors = [one for one in each if isinstance(one, np.ndarray) and one.dtype.kind in "fiu"]
    return len(vectors) == len(each) and all(one.size in (0, max(one.shape, default=0)) for one in vectors)


def flat(value: np.ndarray) -> np.ndarray:
    """Return a vector, float64, of a row or column."""
    return value.ravel().astype(float)


def rise(each: Sequence[np.ndarray]) -> bool:
    """Tell whether no vector falls."""
    return all((np.diff(one) >= 0).all() for one in each)
