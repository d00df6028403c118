"""A recording that comes as a file of counts: trials, bins and units are given, and what belongs to them."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re

import numpy as np

from raysp.data.formats import count_file, cut_off, marks, plausibility, starred, table_file, vector_file
from raysp.data.sources import (
    bins_of_trials,
    continuous,
    count_layout,
    counted_behavior,
    own_bins,
    partition,
    silent_ends,
    trial_numbers,
)
from raysp.data.sources.partition import Rows
from raysp.data.sources.population_config import ARRAYS, Config
from raysp.errors import BadInput, expect, present

NAMED_UNITS = re.compile(r"(unit|neuron|cell|cluster|channel)s?_?(names?|labels?|ids?)", re.IGNORECASE)
"""Names of a vector of texts that says what each unit is called."""


def read_counts(config: Config) -> tuple[partition.Whole, Rows | None]:
    """Read a file of counts.

    Args:
        config: see there.

    Returns:
        The recording, and its training and evaluation trials where the file says which.

    Raises:
        BadInput: the file or an array is missing, damaged, or does not fit the others.
    """
    if table_file.is_table(config.path):
        cut, table = cut_off.notes(config.path), table_file.read(config.path)
        arrays = count_file.Arrays([*table], table.__getitem__)
        whole, rows = checked_counts(config, arrays, os.path.basename(config.path))
        return dataclasses.replace(whole, notes=(*whole.notes, *cut)), rows
    with count_file.arrays(config.path) as file:
        return checked_counts(config, file, os.path.basename(config.path))


def checked_counts(config: Config, file: count_file.Arrays, where: str) -> tuple[partition.Whole, Rows | None]:
    """Return what `read_counts` does, of arrays that are there; `where` begins an error's sentence."""
    lost: list[str] = []
    file = count_layout.laid_out(config, file, where, lost)
    counts = file.read(present(config.counts))
    count_file.check_numbers(counts, f"{where}: {config.counts}")
    lost += plausibility.settle(marks.of_counts(counts), config.accept, f"{where}: {config.counts}")
    widths, bins = (config.bin_ms, config.counts_bin_ms), counts.shape[-2] if counts.ndim > 1 else 0
    others = counted_behavior.step_ms(config, file)
    lost += own_bins.check(file.names, file.read, widths, bins, config.accept, where, others)
    if config.sampled:
        file = counted_behavior.in_bins(config, file, counts.shape, where, lost)
    if (own := _units(config, file, counts.shape)) is not None:
        lost.append(f"units have the numbers in {own[1]}")
    if config.window_ms is not None:
        whole, rows = _continuous(config, file, counts, where)
        whole = dataclasses.replace(whole, unit_names=_called(config, file, counts.shape[1], own))
        whole = whole if own is None else dataclasses.replace(whole, units=own[0])
        if names := _columns(config, file):
            # Columns of a table are units.
            whole = dataclasses.replace(whole, unit_names=tuple(enumerate(names)))
        return dataclasses.replace(whole, notes=(*dict.fromkeys(lost), *whole.notes)), rows
    if counts.ndim == 2 and config.trial is None:
        told = f"{where}: {config.counts} expected counts of shape (trials, bins, units), got {counts.shape}"
        raise BadInput(
            f"{told}; of a recording without trials, (bins, units), give window_ms: [0, length]; where a column says "
            "which trial each bin is of, trial: NAME"
        )
    trained = len(counts)
    if config.trial is None and counts.ndim == 3 and counts.dtype.kind in "iuf":
        lost += silent_ends.noted(counts, config.counts_bin_ms or config.bin_ms)
    if config.eval_counts is not None:
        counts = _with_evaluated(counts, file.read(config.eval_counts), f"{where}: {config.eval_counts}")
    whole, rows = _of_trials(config, file, counts, where)
    whole = dataclasses.replace(whole, unit_names=_called(config, file, counts.shape[2], own))
    whole = whole if own is None else dataclasses.replace(whole, units=own[0])
    if config.trial is not None:
        whole = _of_bins(config, file, whole, where)
    if config.eval_counts is not None:
        rows = np.arange(trained), np.arange(trained, len(counts))
    return dataclasses.replace(whole, notes=(*dict.fromkeys(lost), *whole.notes)), rows


def _of_bins(config: Config, file: count_file.Arrays, whole: partition.Whole, where: str) -> partition.Whole:
    """Return trials with the numbers, and units with the names, that bins of trials have."""
    found = bins_of_trials.of(file.read(present(config.trial)), f"{where}: {config.trial}")
    notes = (f"{found.left} of {found.count} bins are of no trial, and were left out",) if found.left else ()
    numbers = found.trials.astype(np.int64) if found.trials.dtype.kind in "iu" else whole.ids
    if found.trials.dtype.kind == "f" and (found.trials % 1 == 0).all():
        numbers = found.trials.astype(np.int64)
    names = tuple(enumerate(_columns(config, file))) or whole.unit_names
    return dataclasses.replace(whole, ids=numbers, unit_names=names, notes=(*whole.notes, *notes))


def _units(config: Config, file: count_file.Arrays, shape: tuple[int, ...]) -> tuple[np.ndarray, str] | None:
    """Return the numbers of units that a vector beside counts has, and its name; None of none."""
    if starred.STAR in present(config.counts) or len(shape) < 2:
        return None
    found, count = {}, shape[-1]
    for name in file.names:
        # Of as many trials nothing tells whose ids are meant.
        told = shape[0] != count or re.search("unit|neuron|cell|cluster", name, re.IGNORECASE)
        if told and vector_file.OF_UNITS.fullmatch(re.split(r"[./]", name)[-1]) and name not in ARRAYS:
            # What nobody asked for blocks nothing.
            with contextlib.suppress(BadInput):
                one = file.read(name).ravel()
                if one.dtype.kind in "iuf" and len(one) == count == len(np.unique(one)) and (one >= 0).all():
                    found[name] = one
    whole = [name for name, one in found.items() if one.dtype.kind != "U" and (one % 1 == 0).all()]
    chosen = min(whole, key=lambda name: "unit" not in name.lower(), default=None)
    return None if chosen is None else (found[chosen].astype(np.int64), chosen)


def _called(
    config: Config, file: count_file.Arrays, count: int, own: tuple[np.ndarray, str] | None
) -> tuple[tuple[int, str], ...]:
    """Return the number and the name of each unit, where a vector of texts beside counts names them."""
    numbers = np.arange(count) if own is None else own[0]
    for name in file.names:
        if NAMED_UNITS.fullmatch(re.split(r"[./]", name)[-1]) and name not in ARRAYS:
            # What nobody asked for blocks nothing.
            with contextlib.suppress(BadInput):
                one = file.read(name).ravel()
                texts = [text.decode(errors="replace") if isinstance(text, bytes) else text for text in one.tolist()]
                if all(isinstance(text, str) for text in texts) and len(texts) == count == len(set(texts)):
                    return tuple(zip(numbers.tolist(), texts, strict=True))
    return ()


def _columns(config: Config, file: count_file.Arrays) -> list[str]:
    """Return the columns of counts that are units, where a name with a star stands for them."""
    pattern = present(config.counts)
    return starred.natural(starred.fitting(pattern, file.names)[0]) if starred.STAR in pattern else []


def _with_evaluated(counts: np.ndarray, others: np.ndarray, where: str) -> np.ndarray:
    """Return counts with those of evaluation trials behind them."""
    count_file.check_numbers(others, where)
    same = others.ndim == 3 and others.shape[1:] == counts.shape[1:]
    expect(same, f"{where} expected bins and units as the counts have, {counts.shape[1:]}, got {others.shape}")
    expect(len(others), f"{where} expected trials to evaluate, got none")
    return np.concatenate([counts, others])


def _continuous(
    config: Config, file: count_file.Arrays, counts: np.ndarray, where: str
) -> tuple[partition.Whole, Rows | None]:
    """Return windows that follow each other, of arrays whose first axis is time."""
    told = (
        f"{where}: {config.counts} expected counts of shape (bins, units) where window_ms is given, got {counts.shape}"
    )
    expect(counts.ndim == 2, f"{told}; of trials, leave window_ms out")
    for setting in ("train_index", "eval_index", "conditions", "decode"):
        if getattr(config, setting):
            raise BadInput(f"population, {setting} is for counts of trials, and counts with window_ms have none")
    length, bins = len(counts), round(1000 * continuous.window_s(config) / config.bin_ms)
    windows = length // bins
    expect(windows >= 2, f"{where}: expected two windows of {bins} bins at least, got {length} bins")

    def folded(name: str) -> np.ndarray:
        array = file.read(name)
        told = f"{where}: {name} expected {length} bins as the counts have, got {len(array)}"
        expect(len(array) == length, f"{told}; of samples at times of their own, give behavior_time or behavior_hz")
        array = array[:, None] if array.ndim == 1 else array
        return array[: windows * bins].reshape(windows, bins, *array.shape[1:])

    found, _ = _of_trials(config, dataclasses.replace(file, read=folded), folded(present(config.counts)), where)
    begin_s = np.arange(windows) * continuous.window_s(config)
    rows, notes = continuous.parts(begin_s, config, where)
    able = bins_of_trials.likely(file.names)
    notes += bins_of_trials.unused(able, {name: file.read(name) for name in able}, length)
    if rest := length - windows * bins:
        notes += (f"the last {rest} of {length} bins fill no window, and were left out",)
    return dataclasses.replace(found, notes=found.notes + notes), rows


def _of_trials(
    config: Config, file: count_file.Arrays, array: np.ndarray, where: str
) -> tuple[partition.Whole, Rows | None]:
    counts = count_file.checked_counts(array, f"{where}: {config.counts}")
    trials, length, _ = counts.shape
    forward = round(config.forward_ms / config.bin_ms)
    if forward >= length:
        raise BadInput(f"{where}: forward_ms {config.forward_ms} leaves none of {length} bins to observe")
    rates = behavior = None
    notes = _unequal(counts)
    if notes and (forward or config.rates):
        raise BadInput(f"{where}: forward_ms and rates expected trials of one length, got some that end in NaN")
    if (key := config.rates) is not None:
        rates = count_file.checked_rates(file.read(key), counts.shape, present(config.rate_scale), f"{where}: {key}")
    if (key := config.behavior) is not None:
        behavior = count_file.checked_behavior(file.read(key), counts.shape, length - forward, f"{where}: {key}")
        notes += partition.gaps(behavior, key, where)
    if config.decode:
        told = f"{where}: decode"
        wanted = {key: count_file.per_trial(file.read(key), counts.shape, f"{told}, {key}") for key in config.decode}
        behavior, said = partition.one_a_trial(wanted, where)
        notes += said
    columns = [count_file.per_trial(file.read(key), counts.shape, f"{where}: {key}") for key in config.conditions]
    train, chosen = (_rows(file, key, trials, where) for key in (config.train_index, config.eval_index))
    condition = partition.condition_index(columns) if columns else None
    names = config.decode
    if behavior is not None and config.behavior is not None:
        names = count_layout.variables(config.behavior, behavior.shape[2], file.names)
        notes += marks.noted(behavior, config.behavior_names or names)
    variables = tuple((name, "") for name in names)
    ids, said = (partition.UNNUMBERED, ()) if config.window_ms else _numbers(config, file, counts.shape)
    whole = partition.Whole(
        counts, forward, rates, condition, behavior, notes=(*notes, *said), ids=ids, variables=variables
    )
    return whole, _given_rows(train, chosen, trials, where)


def _numbers(config: Config, file: count_file.Arrays, shape: tuple[int, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the file's own numbers of trials: of an array beside the counts, or in the names of an array a trial."""
    found: dict[str, np.ndarray] = {}
    trials, _, units = shape
    for name in filter(trial_numbers.is_named, file.names):
        if trials == units and "trial" not in name.lower():
            # Nothing tells whether these are the units'.
            continue
        # What nobody asked for blocks nothing.
        with contextlib.suppress(BadInput):
            if (array := file.read(name)).size == trials:
                found[name] = array.ravel()
    numbers, notes = trial_numbers.numbers_of(found, trials)
    pattern = present(config.counts)
    if found or starred.STAR not in pattern:
        return numbers, notes
    own = starred.numbered(pattern, starred.natural(starred.fitting(pattern, file.names)[0]))
    return (np.array(own, dtype=np.int64) if own else numbers), ()


def _unequal(counts: np.ndarray) -> tuple[str, ...]:
    lengths = (~np.isnan(counts).all(axis=2)).sum(axis=1)
    if lengths.min() == lengths.max():
        return ()
    return (f"trials last {lengths.min()} to {lengths.max()} bins: the bins after their ends are masked",)


def _rows(file: count_file.Arrays, key: str | None, trials: int, where: str) -> np.ndarray | None:
    if key is None:
        return None
    return count_file.checked_rows(file.read(key), trials, f"{where}: {key}", from_one=file.from_one(key))


def _given_rows(train: np.ndarray | None, chosen: np.ndarray | None, trials: int, where: str) -> Rows | None:
    if train is None:
        if chosen is None:
            return None
        train = partition.others(trials, chosen)
    chosen = partition.others(trials, train) if chosen is None else chosen
    if both := np.intersect1d(train, chosen).tolist():
        raise BadInput(f"{where}: expected no trial in training and evaluation, got trial {both[0]} in both")
    if len(train) == 0 or len(chosen) == 0:
        raise BadInput(f"{where}: expected training and evaluation trials, got {len(train)} and {len(chosen)}")
    return train, chosen
