"""A session without trials: cut into windows that follow each other, evaluated in stretches with gaps around them."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from raysp.data.formats.recorded import SPARSE_HZ
from raysp.data.formats.session import Session
from raysp.data.sources import partition, sampled, spiking
from raysp.data.sources.cut import Cut
from raysp.errors import BadInput, present

START = "start_time"
MOST_WINDOWS = 10_000_000


def with_windows(found: Session, cut: Cut) -> Session:
    """Return a session whose trials are windows that follow each other while it was observed, numbered by their place.

    Raises:
        BadInput: the session is shorter than two windows, has more windows than any recording, or so few spikes
            a second that its times are in another unit.
    """
    length_s = window_s(cut)
    if found.units.intervals is None:
        running, notes = spiking.of(found.units).running(np.zeros((0, 2)))
    else:
        running, notes = _union(found.units.intervals), ()
    span_s = float(running.max() - running.min()) if len(running) else 0.0
    if not 2 <= span_s / length_s <= MOST_WINDOWS:
        raise BadInput(
            f"{found.where}: expected windows of which 2 to {MOST_WINDOWS:,} fit into the recording, got "
            f"{length_s:g} s in a recording of {span_s:g} s; are its times in s, and window_ms in ms?"
        )
    _check_rate(found, float(np.diff(running, axis=1).sum()), cut)
    # On the clock, so that the first window does not begin before it was observed.
    tick_s = cut.clock_ms / 1000.0
    first_s = math.ceil(running.min() / tick_s - 1e-6) * tick_s
    place = np.concatenate([_places(begin - first_s, end - first_s, length_s) for begin, end in running])
    begin = first_s + place * length_s
    columns = {"id": place, START: begin, "stop_time": begin + length_s}
    return dataclasses.replace(found, trials=columns, notes=(*found.notes, *notes))


def _check_rate(found: Session, seconds: float, cut: Cut) -> None:
    """Refuse a recording that is as long as none: without trials nothing else tells that times are not in s."""
    spikes, units = spiking.of(found.units).total, len(found.units)
    if (rate_hz := spikes / max(seconds, 1e-9) / units) < SPARSE_HZ and "times" not in cut.accept:
        raise BadInput(
            f"{found.where}: expected spike times in s, got {spikes} spikes of {units} units in {seconds:.4g} s, "
            f"{rate_hz:.2g} a second and unit; are they in ms or samples? If they are in s, set accept: [times]"
        )


def window_s(cut: Cut) -> float:
    """Return the length of a window with what must be predicted after it, s."""
    return (present(cut.window_ms)[1] + cut.forward_ms) / 1000.0


def _union(intervals: np.ndarray) -> np.ndarray:
    """Return where any unit was observed, (stretches, 2), ascending and apart."""
    intervals = intervals[np.argsort(intervals[:, 0], kind="stable")]
    until = np.maximum.accumulate(intervals[:, 1])
    first = np.append(True, intervals[1:, 0] > until[:-1])
    return np.column_stack([intervals[first, 0], until[np.append(first[1:], True)]])


def _places(begin_s: float, end_s: float, length_s: float) -> np.ndarray:
    # A window on the edge of a stretch belongs to it, whatever binary fractions did to the edge.
    first, last = math.ceil(begin_s / length_s - 1e-9), math.floor(end_s / length_s + 1e-9)
    return np.arange(first, last)


def parts(begin_s: np.ndarray, cut: Cut, where: str) -> tuple[partition.Rows, tuple[str, ...]]:
    """Draw evaluation windows as stretches, one in each equal part of the recording, and drop what is near them.

    Args:
        begin_s: (windows,) ascending.
        cut: how many are drawn, in how many stretches, and how wide the gap is.
        where: the beginning of an error's sentence.

    Returns:
        Training and evaluation windows, and a note on those that are in neither.

    Raises:
        BadInput: no window is left to train on, or none is drawn.
    """
    total = len(begin_s)
    count = partition.how_many(total, sampled.scaled(cut.eval_trials), cut.eval_fraction, "windows", where)
    rng = np.random.default_rng([cut.seed, partition.TRIALS])
    stretches_ = min(cut.eval_stretches, count)
    blocks = np.array_split(np.arange(total), stretches_)
    sizes = np.diff(np.linspace(0, count, stretches_ + 1).round().astype(int))
    drawn = [
        block[first : first + size]
        for block, size in zip(blocks, sizes, strict=True)
        for first in [int(rng.integers(len(block) - size + 1))]
    ]
    chosen = np.concatenate(drawn)
    others = partition.others(total, chosen)
    after = np.searchsorted(chosen, others)
    to_next = begin_s[chosen[np.minimum(after, count - 1)]] - begin_s[others]
    since_last = begin_s[others] - begin_s[chosen[np.maximum(after - 1, 0)]]
    distance = np.minimum(np.abs(to_next), np.abs(since_last)) - window_s(cut)
    near = distance < cut.gap_ms / 1000.0 - 1e-9
    if near.all():
        raise BadInput(
            f"{where}: no window is left to train on: {count} of {total} are evaluated, and the others are nearer to "
            f"them than gap_ms {cut.gap_ms:g}; take fewer eval_stretches, a shorter gap_ms or shorter windows"
        )
    span = f"from {begin_s[0]:.6g} to {begin_s[-1] + window_s(cut):.6g} s"
    said = (
        f"the recording has no trials: it is cut into windows of {window_s(cut):g} s {span}, {count} of {total} "
        f"evaluated in {stretches_} stretches; {int(near.sum())} windows nearer to them than "
        f"{cut.gap_ms:g} ms are used for nothing"
    )
    return (others[~near], chosen), (said,)
