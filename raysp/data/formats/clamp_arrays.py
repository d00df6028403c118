"""Current-clamp recordings as arrays, a file for each cell: NPZ, or HDF5 with the same names.

A file holds groups of sweeps that were recorded with one protocol. Their names begin the names of the arrays, with an
underscore after them; a file with one group alone may do without.

    rate_hz                 samples per second, one number (or dt_s, seconds per sample)
    steps_current_pA        (sweeps, samples) numbers; (samples,) is one current that all sweeps of the group had.
                            Also steps_current_A, in A, and steps_current_pA_x10, whole numbers of tenths of a pA
    steps_spike_samples     (spikes,) whole numbers from 0, the sample of each spike, sweep after sweep
    steps_spike_ptr         (sweeps + 1,) spikes of sweep i are steps_spike_samples[ptr[i]:ptr[i + 1]]
    steps_onset_s           optional, one number: where the protocol begins; samples before it are dropped

Other arrays, such as voltages, are not read.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from raysp.data.formats import count_file
from raysp.errors import BadInput

CURRENTS = {"current_pA": 1.0, "current_A": 1e12, "current_pA_x10": 0.1}
"""Name of the array -> what makes pA of it."""


@dataclass(frozen=True)
class Group:
    """Sweeps that were recorded with one protocol.

    Attributes:
        rate_hz: samples per second.
        current: (sweeps, samples) as in the file, or (samples,).
        unit_pa: what makes pA of it.
        spikes: of each sweep, (spikes,) int64 samples, ascending.
        onset_s: where the protocol begins, as the file says; None where it does not.
    """

    rate_hz: float
    current: np.ndarray
    unit_pa: float
    spikes: tuple[np.ndarray, ...]
    onset_s: float | None

    @property
    def shared(self) -> bool:
        """Whether all sweeps had one current."""
        return self.current.ndim == 1

    def sweep(self, index: int) -> np.ndarray:
        """Return the current of a sweep, (samples,) float64 pA."""
        return (self.current if self.shared else self.current[index]).astype(np.float64) * self.unit_pa


def read(path: str, groups: tuple[str, ...]) -> dict[str, Group]:
    """Read groups of sweeps, those that the file has.

    Args:
        path: of the file.
        groups: their names; empty text for arrays without a group's name.

    Returns:
        Name -> group, in the order asked for.

    Raises:
        BadInput: the file is none of arrays, lacks what a group needs, or arrays do not fit each other.
    """
    with count_file.arrays(path) as file:
        found = dict(_groups(file, groups, path))
        if not found:
            wanted = " or ".join(f"{_begin(group)}current_pA" for group in groups)
            raise BadInput(f"{path} expected an array {wanted}, got {', '.join(file.names[:8])}")
        return found


def has(path: str, groups: tuple[str, ...]) -> bool:
    """Tell whether a file has a current of one of these groups; False for one that cannot be read."""
    try:
        with count_file.arrays(path) as file:
            return any(f"{_begin(group)}{name}" in file.names for group in groups for name in CURRENTS)
    except BadInput:
        return False


def _groups(file: count_file.Arrays, groups: tuple[str, ...], path: str) -> Iterator[tuple[str, Group]]:
    for group in groups:
        begin = _begin(group)
        there = [name for name in CURRENTS if f"{begin}{name}" in file.names]
        if len(there) > 1:
            raise BadInput(f"{path} expected one current of a group, got {begin}{there[0]} and {begin}{there[1]}")
        if there:
            yield group, _group(file, begin, there[0], path)


def _begin(group: str) -> str:
    return f"{group}_" if group else ""


def _group(file: count_file.Arrays, begin: str, name: str, path: str) -> Group:
    current = file.read(f"{begin}{name}")
    if current.ndim not in (1, 2) or current.dtype.kind not in "iuf" or current.size == 0:
        raise BadInput(
            f"{path}: {begin}{name} expected numbers of shape (sweeps, samples) or (samples,), got {current.dtype} "
            f"{current.shape}"
        )
    spikes = _spikes(file, begin, path)
    if current.ndim == 2 and len(spikes) != len(current):
        raise BadInput(
            f"{path}: {begin}spike_ptr expected {len(current)} sweeps, as {begin}{name} has, got {len(spikes)}"
        )
    onset = f"{begin}onset_s"
    known = _number(file.read(onset), f"{path}: {onset}", lambda value: value >= 0) if onset in file.names else None
    latest, samples = max((int(train[-1]) for train in spikes if len(train)), default=-1), current.shape[-1]
    if latest >= samples:
        raise BadInput(
            f"{path}: {begin}spike_samples expected samples before the {samples} of {begin}{name}, got {latest}; do "
            "they count from the sweep's begin, at rate_hz?"
        )
    return Group(_rate(file, path), current, CURRENTS[name], spikes, known)


def _rate(file: count_file.Arrays, path: str) -> float:
    if "rate_hz" in file.names:
        return _number(file.read("rate_hz"), f"{path}: rate_hz", lambda value: value > 0)
    if "dt_s" in file.names:
        # A time such as 0.0001 s is no binary number; the rate that it means is.
        return round(1.0 / _number(file.read("dt_s"), f"{path}: dt_s", lambda value: value > 0), 6)
    raise BadInput(f"{path} expected an array rate_hz, samples per second, or dt_s, seconds per sample; got neither")


def _number(found: np.ndarray, where: str, fits: Callable[[float], bool]) -> float:
    if found.size != 1 or found.dtype.kind not in "iuf" or not np.isfinite(value := float(found.reshape(()))):
        raise BadInput(f"{where} expected one number, got {found.dtype} of shape {found.shape}")
    if not fits(value):
        raise BadInput(f"{where} expected a larger number, got {value:g}")
    return value


def _spikes(file: count_file.Arrays, begin: str, path: str) -> tuple[np.ndarray, ...]:
    samples, ptr = (file.read(f"{begin}{name}") for name in ("spike_samples", "spike_ptr"))
    for name, array in (("spike_samples", samples), ("spike_ptr", ptr)):
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise BadInput(f"{path}: {begin}{name} expected whole numbers in a row, got {array.dtype} {array.shape}")
    ptr, samples = ptr.astype(np.int64), samples.astype(np.int64)
    if len(ptr) < 2 or ptr[0] != 0 or ptr[-1] != len(samples) or (np.diff(ptr) < 0).any():
        raise BadInput(
            f"{path}: {begin}spike_ptr expected ascending numbers from 0 to {len(samples)}, got {ptr[:4]} to {ptr[-1:]}"
        )
    trains = tuple(samples[first:last] for first, last in itertools.pairwise(ptr))
    if any((np.diff(train) < 0).any() or (len(train) and train[0] < 0) for train in trains):
        raise BadInput(f"{path}: {begin}spike_samples expected numbers from 0, ascending within a sweep, got others")
    if twice := sum(int((np.diff(train) == 0).sum()) for train in trains):
        told = f"{path}: {begin}spike_samples expected each spike once, got {twice} at the sample of the one before"
        raise BadInput(f"{told}; write each once")
    return trains
