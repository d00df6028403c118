"""Counts of trials in MATLAB's structs and cell arrays: a matrix each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.data.formats import binning, matlab_values
from raysp.data.formats.matlab_values import Struct, Value
from raysp.data.sources import partition
from raysp.data.sources.trial_numbers import numbers_of
from raysp.errors import BadInput, expect

if TYPE_CHECKING:
    from raysp.data.sources.matlab_spikes import Config


def _is_matrix(value: Value) -> bool:
    return not isinstance(value, Struct) and value.ndim == 2 and value.dtype.kind in "iufb" and value.size > 0


def of_counts(found: Value, columns: dict[str, np.ndarray], config: Config, where: str) -> partition.Whole:
    """Return trials of counts, which may differ in length.

    Args:
        found: a cell array, or a field of structs, with a matrix for each trial.
        columns: of the table of trials.
        config: how they are read.
        where: the beginning of an error's sentence.

    Raises:
        BadInput: a trial has no matrix of counts, or they differ in units, or a setting is of spike times.
    """
    if isinstance(found, Struct) or found.dtype != object:
        told = f"{where} expected a matrix of counts for each trial, got {matlab_values.kind(found)}"
        raise BadInput(f"{told}; one array of all trials' counts is read by source population, counts: NAME")
    if config.align or config.keep or config.window_ms:
        raise BadInput(
            f"{where}: align, window_ms and keep are for spike times; counts are taken from a trial's first bin"
        )
    odd = [row for row, one in enumerate(found.ravel()) if not _is_matrix(one)]
    if odd or not found.size:
        got = f"{matlab_values.kind(found.ravel()[odd[0]])} in trial {odd[0]}" if odd else "no trial"
        raise BadInput(f"{where} expected a matrix of counts for each trial, got {got}")
    each = list(found.ravel())
    each = [one if config.bins_first else one.T for one in each]
    if len(units := {one.shape[1] for one in each}) > 1:
        other = "false" if config.bins_first else "true"
        raise BadInput(
            f"{where} expected as many units in each trial, got {min(units)} to {max(units)}; bins_first: {other}?"
        )
    step = round(config.bin_ms / (config.counts_bin_ms or config.bin_ms))
    lengths = np.array([len(one) // step for one in each])
    expect(
        lengths.min(initial=1) > 0,
        f"{where} expected trials of at least one bin of {config.bin_ms:g} ms, got shorter ones",
    )
    counts = np.full((len(each), lengths.max(), each[0].shape[1]), np.nan, dtype=np.float32)
    for row, (one, bins) in enumerate(zip(each, lengths, strict=True)):
        binning.check_counts(one.astype(np.float64), f"{where}, trial {row}")
        counts[row, :bins] = one[: bins * step].reshape(bins, step, -1).sum(axis=1)
    expect(np.nansum(counts) > 0, f"{where} expected counts of spikes, got none in any of {len(each)} trials")
    cut = sum(len(one) % step > 0 for one in each)
    notes = [f"the last bins of {cut} trials are not whole, and were left out"] if cut else []
    if lengths.min() < lengths.max():
        notes.append(f"trials last {lengths.min()} to {lengths.max()} bins: the bins after their ends are masked")
    if unknown := sum(int(np.isnan(one).sum()) for one in each):
        notes.append(f"{unknown} counts are NaN: their bins are masked")
    condition = partition.condition_index([columns[name] for name in config.conditions]) if config.conditions else None
    behavior, said = partition.one_a_trial({name: columns[name] for name in config.decode}, where)
    forward = round(config.forward_ms / config.bin_ms)
    named = tuple((name, "") for name in config.decode)
    numbers, renumbered = numbers_of(columns, len(each), (config.start, config.stop))
    return partition.Whole(
        counts, forward, condition=condition, behavior=behavior, notes=(*notes, *renumbered, *said), ids=numbers,
        variables=named,
    )  # fmt: skip
