"""Behaviour in a MATLAB file: samples of the whole recording, or of each trial in a field of its struct or a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from raysp.data.formats import matlab_values
from raysp.data.formats.matlab_values import Struct, Values
from raysp.data.formats.nwb_series import Series
from raysp.data.sources import sampled_parts
from raysp.errors import BadInput, expect, present

if TYPE_CHECKING:
    from raysp.data.sources.matlab_spikes import Config


def check(config: Config) -> None:
    """Refuse settings of behaviour that contradict each other. Raises BadInput."""
    if not config.behavior:
        for name in ("behavior_time", "behavior_hz", "behavior_per_second"):
            if getattr(config, name) is not None:
                raise BadInput(f"{config.where}, {name} expected behavior, the field of samples it is of, got none")
        return
    if (config.behavior_time is None) == (config.behavior_hz is None):
        told = (
            f"{config.where}, behavior expected behavior_hz, samples in a second, or behavior_time, the field of their"
        )
        raise BadInput(f"{told} times, got {'neither' if config.behavior_time is None else 'both'}")
    if config.behavior_per_second is not None and config.behavior_time is None:
        raise BadInput(f"{config.where}, behavior_per_second expected behavior_time, whose unit it is, got none")
    if config.counts_bin_ms is not None:
        raise BadInput(
            f"{config.where}, behavior expected spike times, got matrices of counts: save one with the other's"
        )


def series(file: Values, config: Config, begin: np.ndarray | None, moved: np.ndarray | None) -> Series:
    """Return the signal.

    Args:
        file: the open file.
        config: `behavior` and what belongs to it.
        begin: (trials,) where each trial begins on the recording's clock, s; None where nothing says.
        moved: (trials,) what was added to times of spikes in each trial, s; None where they are the recording's.

    Raises:
        BadInput: a field is missing or holds no samples, fields differ in how many there are, samples of two trials
            overlap, times do not rise, or a value is infinite.
    """
    names = (config.behavior,) if isinstance(config.behavior, str) else config.behavior
    parts = [_parts(file, name) for name in names]
    trials = {len(one) for one in parts}
    where = f"{file.path}: {' and '.join(names)}"
    expect(len(trials) == 1, f"{where} expected samples of as many trials each, got {min(trials)} and {max(trials)}")
    each = [_side_by_side([of[trial] for of in parts], where, trial) for trial in range(len(parts[0]))]
    if config.behavior_time is not None:
        clock = config.behavior_per_second or config.per_second
        times = [part[:, 0] / clock for part in _parts(file, config.behavior_time)]
        lengths = [len(one) for one in times], [len(one) for one in each]
        expect(lengths[0] == lengths[1], f"{where} expected as many samples as {config.behavior_time} has times")
    else:
        times = [np.arange(len(one)) / present(config.behavior_hz) for one in each]
    shift = _shift(len(times), config, begin, moved, where)
    channels = _channels(names, [one[0].shape[1] for one in parts])
    return sampled_parts.joined(
        _name(names), [one + at for one, at in zip(times, shift, strict=True)], each, channels, where
    )


def _shift(parts: int, config: Config, begin: np.ndarray | None, moved: np.ndarray | None, where: str) -> np.ndarray:
    """Return what is added to each part's times, s."""
    if parts == 1 and (moved is None or len(moved) == 1):
        return np.zeros(1) if moved is None else moved
    if parts == 1:
        told = f"{where} expected samples of each trial, since spikes have times from each trial's begin"
        raise BadInput(f"{told}; got those of a whole recording: give start, where times are the recording's")
    if config.behavior_time is not None and moved is None:
        return np.zeros(parts)
    if begin is None or len(begin) != parts:
        found = "none" if begin is None else f"those of {len(begin)}"
        raise BadInput(f"{where} expected the begins of its {parts} trials (start), got {found} in {config.trials}")
    return begin


def _parts(file: Values, name: str) -> list[np.ndarray]:
    """Return each trial's (samples, variables), or the whole recording's as the only one."""
    found = file[name]
    cells = list[np.ndarray]()
    for one in [found] if isinstance(found, Struct) or found.dtype != object else found.ravel():
        if isinstance(one, Struct) or one.dtype.kind not in "iufb" or one.ndim > 2:
            told = f"{file.path}: {name} expected samples of behaviour, numbers (samples, variables)"
            raise BadInput(f"{told}, got {matlab_values.kind(one)}")
        cells.append(np.atleast_2d(one).astype(np.float64))
    if all(one.size == max(one.shape) for one in cells):
        return [one.reshape(one.size, 1) for one in cells]
    filled = [one for one in cells if one.size]
    rows, columns = ({one.shape[axis] for one in filled} for axis in (0, 1))
    if len(columns) == 1 and (len(rows) > 1 or min(rows) > min(columns)):
        turned = False
    elif len(rows) == 1 and (len(columns) > 1 or min(columns) > min(rows)):
        turned = True
    else:
        shapes = ", ".join(str(one.shape) for one in filled[:3])
        raise BadInput(f"{file.path}: {name} expected (samples, variables) in each trial, alike in one, got {shapes}")
    width = min(rows if turned else columns)
    return [(one.T if turned else one) if one.size else np.zeros((0, width)) for one in cells]


def _side_by_side(parts: Sequence[np.ndarray], where: str, trial: int) -> np.ndarray:
    lengths = {len(one) for one in parts}
    expect(
        len(lengths) == 1, f"{where} expected as many samples each, got {min(lengths)} and {max(lengths)} in {trial}"
    )
    return np.concatenate(parts, axis=1)


def _name(names: Sequence[str]) -> str:
    return (names[0] if len(names) == 1 else names[0].rpartition(".")[0] or "behavior").replace(".", "/")


def _channels(names: Sequence[str], widths: Sequence[int]) -> list[str]:
    if len(names) == 1:
        return [f"{place:04d}" for place in range(widths[0])]
    tails: Mapping[str, str] = {name: name.rpartition(".")[2] for name in names}
    return [
        tails[name] if width == 1 else f"{tails[name]} {place}"
        for name, width in zip(names, widths, strict=True)
        for place in range(width)
    ]
