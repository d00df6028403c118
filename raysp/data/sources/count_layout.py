"""Counts as a file has them, brought to (trials, bins, units) in bins of the width that is asked for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

import numpy as np

from raysp.data.formats import count_file, starred
from raysp.data.formats.binning import check_counts
from raysp.data.formats.count_file import Arrays
from raysp.data.sources import bins_of_trials
from raysp.data.sources.population_config import ORDER, Config
from raysp.errors import BadInput, expect
from raysp.io.words import listed

PATTERN = starred.STAR
UNTOLD = ("behavior", "behaviour", "d")
"""Names of arrays that say no more of a variable than that it is one; d is pynapple's."""


def laid_out(config: Config, file: Arrays, where: str, notes: list[str]) -> Arrays:
    """Return a file whose counts, rates and behaviour lie as this source reads them, whatever lies in it.

    Args:
        config: names of the arrays; `axes`, `counts_bin_ms`, and a name with a star, which stands for an array a trial.
        file: the open file.
        where: the beginning of an error's sentence.
        notes: gets what the counts lose when they are read, and names that a star was not taken for.
    """
    step = round(config.bin_ms / (config.counts_bin_ms or config.bin_ms))
    rows = None if config.trial is None else bins_of_trials.of(file.read(config.trial), f"{where}: {config.trial}")

    def read(name: str) -> np.ndarray:
        if rows is not None and name in (*config.conditions, *config.decode):
            return rows.each(file.read(name), f"{where}: {name}")
        if name not in (config.counts, config.eval_counts, config.rates, config.behavior):
            return file.read(name)
        if name == config.behavior and config.sampled:
            return file.read(name)
        if starred_ := PATTERN in name:
            array = _stacked(file, name, f"{where}: {name}", notes, config.axes if name != config.behavior else ())
        else:
            array = file.read(name)
        if name == config.behavior:
            array = array if rows is None else rows.cut(array, f"{where}: {name}")
            return _rebinned(array, step, 0 if config.window_ms else 1, mean=True)
        if not starred_:
            array = _turned(array, config.axes, f"{where}: {name}")
        array = array if rows is None else rows.cut(array, f"{where}: {name}")
        if step > 1 and name in (config.counts, config.eval_counts):
            count_file.check_numbers(array, f"{where}: {name}")
            check_counts(array, f"{where}: {name}")
            if rest := array.shape[-2] % step:
                notes.append(
                    f"the last {rest} of {array.shape[-2]} bins in the file fill no wider one, and were left out"
                )
        return _rebinned(array, step, array.ndim - 2)

    return dataclasses.replace(file, read=read)


def variables(name: str, count: int, names: Iterable[str]) -> tuple[str, ...]:
    """Return what variables of behaviour are called by where a file has them; nothing where that says no more.

    Args:
        name: of the array, or of columns, with a star.
        count: how many variables there are.
        names: all that the file holds.
    """
    found = starred.natural(starred.fitting(name, names)[0]) if PATTERN in name else []
    if len(found) == count:
        return tuple(found)
    bare = re.sub(r"\W+$|^\W+", "", name.replace(PATTERN, " ").rpartition("/")[2])
    if not bare or bare.lower() in UNTOLD:
        return ()
    return (bare,) if count == 1 else tuple(f"{bare} {index}" for index in range(count))


def _stacked(file: Arrays, pattern: str, where: str, notes: list[str], axes: tuple[str, ...]) -> np.ndarray:
    """Return the arrays that a pattern fits: (bins, units) as trials, NaN after ends; (bins,) as units.

    `axes` name the order in which those of a trial lie, trials among them; empty where nothing was said.
    """
    found, others = starred.fitting(pattern, file.names)
    names = starred.natural(found)
    if others:
        notes.append(
            f"{pattern} is taken for names with a number in the star's place; not read: {listed(np.array(others))}"
        )
    if not names:
        raise BadInput(f"{where} expected names of arrays that the star fits, got none of {', '.join(file.names[:8])}")
    each = [file.read(name) for name in names]
    if all(one.ndim == 1 for one in each) and len({len(one) for one in each}) == 1:
        # Columns of a table are units.
        return np.column_stack(each)
    for name, one in zip(names, each, strict=True):
        count_file.check_numbers(one, f"{where}, {name}")
        expect(one.ndim == 2, f"{where} expected an array (bins, units) for each trial, got {one.shape} of {name}")
    # Trials differ in length, not in units, so that where only the second axis differs the file has (units, bins).
    lengths, widths = ({one.shape[axis] for one in each} for axis in (0, 1))
    if axes:
        each = [one.T for one in each] if axes.index("units") < axes.index("bins") else each
        widths = {one.shape[1] for one in each}
    elif len(widths) > 1 and len(lengths) == 1:
        each, widths = [one.T for one in each], lengths
        notes.append(
            f"arrays of {pattern} differ in their second axis alone: it is taken for bins, and the first, "
            f"{min(lengths)} long, for units; axes: [trials, bins, units] if it is the other way round"
        )
    expect(len(widths) == 1, f"{where} expected as many units in each trial, got {min(widths)} to {max(widths)}")
    stacked = np.full((len(each), max(map(len, each)), *widths), np.nan, dtype=np.float32)
    for row, one in enumerate(each):
        stacked[row, : len(one)] = one
    return stacked


def _turned(array: np.ndarray, axes: tuple[str, ...], where: str) -> np.ndarray:
    if not axes:
        return array
    expect(array.ndim == len(axes), f"{where} expected the axes {', '.join(axes)}, got an array of shape {array.shape}")
    wanted = [name for name in ORDER if name in axes]
    return array.transpose([axes.index(name) for name in wanted])


def _rebinned(array: np.ndarray, step: int, axis: int, *, mean: bool = False) -> np.ndarray:
    """Return sums, or means, of `step` bins each; what is left at the end fills no bin, and is left out."""
    if step == 1 or array.ndim <= axis:
        return array
    bins = array.shape[axis] // step
    shape = (*array.shape[:axis], bins, step, *array.shape[axis + 1 :])
    parts = array.take(np.arange(bins * step), axis=axis).reshape(shape)
    return parts.mean(axis=axis + 1) if mean else parts.sum(axis=axis + 1)
