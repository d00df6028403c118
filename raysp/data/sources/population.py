"""Anyone's recording: an NWB file with units and trials, or an HDF5 or NPZ file of counts.

Some units and some trials are hidden by a seeded draw, and models are asked for them. Scores on such a split compare
models with each other on this recording. They are not the Neural Latents Benchmark's, whose hidden units and trials
are fixed by its organisers.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping

import numpy as np

from raysp.config import settings
from raysp.data.formats import count_file, memory_array, plausibility
from raysp.data.sources import found_counts, hidden_parts, partition
from raysp.data.sources.population_config import ARRAYS, COLUMN, COLUMNS, VARIABLES, Config
from raysp.data.sources.population_counts import checked_counts, read_counts
from raysp.data.sources.population_nwb import read_session
from raysp.data.sources.session_windows import trials_of
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.errors import expect, unknown
from raysp.io import files

VERSION = "population-6"
READS = (".nwb", ".h5", ".hdf5", ".npz", ".mat")


def build(config: Config, name: str) -> tuple[PopulationSplit, Answers]:
    """Make a split of a recording, and its answers.

    Args:
        config: how it is cut.
        name: of the split; "standin-" in front when the recording was generated.

    Raises:
        BadInput: the recording cannot be used; nothing was written.
    """
    where = os.path.basename(config.path)
    config, told = found_counts.named(config)
    read = read_counts(config) if config.counts else trials_of(read_session(config), config, config.align)
    whole, rows = read
    whole = dataclasses.replace(whole, notes=(*told, *whole.notes))
    return _parted(config, name, where, whole, rows, ((where, files.sha256(config.path)),))


def build_arrays(
    arrays: Mapping[str, object], others: Mapping[str, object], name: str
) -> tuple[PopulationSplit, Answers]:
    """Make a split of arrays in memory, and its answers.

    Args:
        arrays: setting of `Config` that names an array of a file of counts -> the array itself: "counts" (trials,
            bins, units), and maybe "eval_counts", "rates", "behavior", "train_index", "eval_index"; "conditions" and
            "decode" are (trials,) or (trials, columns). Masked values are missing, as NaN is.
        others: the other settings, and arrays as well; "path" where the arrays were read from a file, which the split
            then names with its hash.
        name: of the split.

    Raises:
        BadInput: the arrays do not fit each other, or a setting is wrong.
    """
    known = {one.name for one in dataclasses.fields(Config)}
    given = dict(arrays)
    for setting, value in others.items():
        absent = value is None or (setting in COLUMNS and isinstance(value, tuple | list) and not value)
        # What no setting is called was meant for an array.
        if not absent and (setting in ARRAYS or (setting not in known and hasattr(value, "__array__"))):
            given[setting] = value
    for setting in given:
        if setting not in ARRAYS:
            raise unknown("array of counts", setting, ARRAYS)
    found = {setting: memory_array.array(value, setting) for setting, value in given.items()}
    whole = {setting: array for setting, array in found.items() if setting not in COLUMNS}
    called = {setting: memory_array.names(value, setting) for setting, value in given.items() if setting in VARIABLES}
    several = {setting: _columns(found[setting], setting, called.get(setting, ())) for setting in COLUMNS
               if setting in found}  # fmt: skip
    columns = {name: one for each in several.values() for name, one in each.items()}
    names = {**{setting: setting for setting in whole}, **{setting: tuple(each) for setting, each in several.items()}}
    rest = {setting: value for setting, value in others.items() if setting not in given}
    if "behavior" in found and len(own := called["behavior"]) == _variables_in(found["behavior"]):
        rest = {"behavior_names": own, **rest}
    config = settings.build(Config, {"path": "", **rest, **names}, f"recording {name}")
    file = count_file.Arrays([*whole, *columns], {**whole, **columns}.__getitem__)
    read = ((os.path.basename(config.path), files.sha256(config.path)),) if config.path else ()
    return _parted(config, name, name, *checked_counts(config, file, name), read)


def _columns(array: np.ndarray, setting: str, called: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return the columns of (trials,) or (trials, columns) by their own names, where each has one."""
    each = list(np.atleast_2d(array.T))
    if len(set(called) - set(ARRAYS)) < len(each):
        called = tuple(f"{COLUMN[setting]} {index}" for index in range(len(each)))
    return dict(zip(called, each, strict=True))


def _variables_in(behavior: np.ndarray) -> int:
    """Return how many variables behaviour has; (bins,) of a recording without trials is one."""
    return behavior.shape[-1] if behavior.ndim > 1 else 1


def _parted(
    config: Config,
    name: str,
    where: str,
    whole: partition.Whole,
    rows: partition.Rows | None,
    recordings: tuple[tuple[str, str], ...],
) -> tuple[PopulationSplit, Answers]:
    variables = _variables(config, whole, where)
    whole = dataclasses.replace(whole, notes=whole.notes + _doubts(whole, config, where), variables=variables)
    return hidden_parts.split_of(whole, rows, config, name, where, Provenance(recordings, VERSION))


def _variables(config: Config, whole: partition.Whole, where: str) -> tuple[tuple[str, str], ...]:
    """Return (name, unit) of each variable of behaviour: as the settings have it, or else the recording."""
    count = 0 if whole.behavior is None else whole.behavior.shape[-1]
    for setting in ("behavior_names", "behavior_units"):
        given = len(getattr(config, setting))
        expect(given in (0, count), f"{where}: {setting} expected one for each of {count} variables, got {given}")
    if not (config.behavior_names or config.behavior_units):
        return whole.variables
    known = whole.variables or tuple((f"variable {index}", "") for index in range(count))
    names = config.behavior_names or [name for name, _ in known]
    return tuple(zip(names, config.behavior_units or [unit for _, unit in known], strict=True))


def _doubts(whole: partition.Whole, config: Config, where: str) -> tuple[str, ...]:
    if config.counts is None:
        return hidden_parts.doubts(whole, config, where)
    others = [*plausibility.conditions(whole.condition), *plausibility.behavior(whole.behavior, whole.counts.shape)]
    # After the end of a shorter trial nothing was counted.
    counts = np.nan_to_num(whole.counts)
    doubts = [*plausibility.of_arrays(counts, whole.rates, config.bin_ms, windows=config.window_ms is not None)]
    # Windows of a recording without trials were cut here, and who gives axes knows them.
    if not config.axes and config.window_ms is None and not any(doubt.name == "axes" for doubt in doubts):
        doubts += plausibility.equal_axes(counts)
    notes = plausibility.settle(doubts, config.accept, f"{where}: {config.counts}")
    return notes + plausibility.settle(others, config.accept, where)
