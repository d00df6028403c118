"""The width of bins that a file of counts says itself, against the one that is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np

from raysp.data.formats import plausibility
from raysp.data.formats.plausibility import Doubt
from raysp.data.sources.spike_columns import SPIKES
from raysp.errors import BadInput

UNIT = r"_?(in_)?ms|_(in_)?(s|sec|seconds)"
WIDTH = re.compile(rf"(time_?)?bin(_?(size|width|len|length|dur|duration)({UNIT})?|{UNIT})|dt({UNIT})?", re.IGNORECASE)
"""Names of what says how wide a file's bins are."""
MILLISECONDS, SECONDS = re.compile(r".*ms", re.IGNORECASE), re.compile(r".*_(s|sec|seconds)", re.IGNORECASE)
LIKELY_MS = (0.1, 1000.0)
EDGES = re.compile(r"(time_?)?bins?(_?(edges?|centers?|centres?|starts?|times?|t))?|edges?|time_?edges", re.IGNORECASE)
"""Names of where bins begin, end or have their middle."""
PLACES = re.compile(r"pos(ition)?s?([_. ]|$)|place|track|spatial|phase|angle|dist(ance)?|(^|_)cm$", re.IGNORECASE)
"""Names of where an animal was, of which bins may be, too."""
UNEVEN, FEWEST = 0.05, 4
"""Steps from bin to bin that differ more from the usual one are others, where most do."""
CLOSE, EVEN = 0.01, 1e-3
"""Widths that differ by a smaller part are the same; steps of one column of times do, too."""


def check(
    names: Collection[str],
    read: Callable[[str], np.ndarray],
    widths: tuple[float, float | None],
    bins: int,
    accept: Sequence[str],
    where: str,
    others_ms: Sequence[float] = (),
) -> tuple[str, ...]:
    """Return the note that a file's bins have another width than the one that is given, where that is accepted.

    Args:
        names: of what the file holds.
        read: returns what is called so.
        widths: `bin_ms`, and `counts_bin_ms` where it is set.
        bins: of `bin_ms` that the counts have.
        accept: names of doubts that are meant so.
        where: the beginning of the error's sentence.
        others_ms: widths of what else is in the file, such as from sample to sample of behaviour.

    Raises:
        BadInput: it has, and "bin_ms" is not accepted.
    """
    return plausibility.settle(list(_doubts(names, read, *widths, bins, others_ms)), accept, where)


def _doubts(
    names: Collection[str],
    read: Callable[[str], np.ndarray],
    bin_ms: float,
    counts_bin_ms: float | None,
    bins: int,
    others_ms: Sequence[float],
) -> Iterator[Doubt]:
    told: list[tuple[float, str]] = []
    uneven: list[Doubt] = []
    given = counts_bin_ms or bin_ms
    for name in names:
        bare = re.split(r"[./]", name)[-1].strip()
        try:
            if WIDTH.fullmatch(bare):
                told += [(one, f"{name} = {value:g}") for value in _one(read(name)) for one in _able(bare, value)]
            elif bare.lower() in SPIKES:
                times = read(name)
                fits = abs(len(times) * given / bin_ms - bins) <= 1 if times.ndim == 1 else False
                told += [(1000 * step, f"the step of {name}") for step in even_step(times) if fits and step < 1]
            elif EDGES.fullmatch(bare) and counts_bin_ms in (None, bin_ms):
                uneven += _uneven(name, read(name), bins, of_places=any(map(PLACES.search, names)))
        except BadInput:
            # What nobody asked for blocks nothing.
            continue
    yield from uneven[:1]
    told = [(one, said) for one, said in told if not any(abs(one - other) <= CLOSE * other for other in others_ms)]
    if not told or any(abs(one - given) <= CLOSE * given for one, _ in told):
        return
    own_ms, said = told[0]
    setting = "bin_ms" if counts_bin_ms is None else "counts_bin_ms"
    yield Doubt("bin_ms", f"expected bins of {own_ms:g} ms, as {said} in the file says, got {setting} {given:g};"
                f" to add up bins of the file set counts_bin_ms: {own_ms:g} beside a multiple as bin_ms")  # fmt: skip


def _uneven(name: str, times: np.ndarray, bins: int, *, of_places: bool) -> list[Doubt]:
    """Return the doubt that so many bins are not of one width, by where they begin or end."""
    if times.dtype.kind not in "iuf" or times.ndim != 1 or len(times) - bins not in (0, 1) or bins < FEWEST:
        return []
    steps = np.diff(times.astype(np.float64))
    if not (steps > 0).all() or (np.abs(steps / np.median(steps) - 1) <= UNEVEN).mean() > 0.5:
        return []
    told = f"expected bins of one width, got steps from {steps.min():g} to {steps.max():g} in {name}"
    if of_places and not re.search("time", name, re.IGNORECASE):
        return [Doubt("bin_ms", f"{told}: are these bins of places rather than of time?", False)]
    return [Doubt("bin_ms", f"{told}; count spikes in bins of one width")]


def _one(found: np.ndarray) -> list[float]:
    """Return the one number that an array holds, of each trial maybe; nothing where it holds others."""
    known = np.unique(found) if found.dtype.kind in "iuf" and found.size else found[:0]
    return [float(known[0])] if len(known) == 1 and known[0] > 0 else []


def even_step(times: np.ndarray) -> list[float]:
    """Return the step of times that rise by one step all along; of others none."""
    if times.dtype.kind not in "iuf" or times.ndim != 1 or len(times) < 4:
        return []
    steps = np.diff(times.astype(np.float64))
    return [round(float(np.median(steps)), 9)] if steps.min() > 0 and np.ptp(steps) < EVEN * steps.mean() else []


def _able(name: str, value: float) -> list[float]:
    """Return the widths, ms, that a number of s or of ms can mean."""
    if MILLISECONDS.fullmatch(name):
        return [value]
    able = [1000.0 * value] if SECONDS.fullmatch(name) else [1000.0 * value, value]
    return [round(one, 6) for one in able if LIKELY_MS[0] <= one <= LIKELY_MS[1]]
