"""A proposal for the vectors of an NPZ or HDF5 file, or the columns of its matrices: spikes' and trials'."""

from __future__ import annotations

import contextlib
import dataclasses
import re

import numpy as np

from raysp.config.settings import Plain
from raysp.data.formats import count_file, matrix_columns, pandas_hdf5, starred, table_file
from raysp.data.formats.whose import Whose, in_trials
from raysp.data.sources import spike_columns, spike_layouts
from raysp.data.sources.clocks import Times, clock, sampled
from raysp.data.sources.proposal_own_clocks import of_own_clocks
from raysp.data.sources.proposal_tables import (
    ANEW,
    NO_SPIKES,
    Table,
    bare,
    cut,
    of_each_unit,
)
from raysp.data.sources.proposed import Proposal
from raysp.data.sources.trials_beside import Beside, beside, is_events
from raysp.errors import BadInput
from raysp.io import files

SHORT_TIMES = {
    "t",
    "st",
    "tspk",
    "spk_t",
    "spk_times",
    "spiketime",
    "spktimes",
    "spike_t",
    "spikes",
    "spk",
    "spike_samples",
    "sample",
    "samples",
    "sample_index",
    "spike_index",
    "spike_indexes_seg0",
}
SEGMENTS = re.compile(r"spike_indexes_seg[1-9]\d*")
"""Samples of a second recording in a file of SpikeInterface, which count from 0 again."""
SHORT_UNITS = {"u", "clu", "ids", "uid", "unit_ids", "cluster_ids", "neuron_ids", "cell_ids", "neurons", "cells",
               "spike_units", "spike_unit", "spk_units", "spk_ids", "spike_ids", "spike_labels",
               "spike_labels_seg0"}  # fmt: skip
"""Names that times and units have in files of vectors alone, too, where these are of one length."""
FEWEST = 3
"""Matrices called after trials, from which on each is one."""
OFTEN = 20
"""Spikes of a unit, on average, from which on a vector of a short name says whose they are."""
UNSURE = "NOT KNOWN: is it a trial's number, or a channel's? trial: NAME or channel: NAME;"


def proposal(path: str, contents: tuple[str, ...]) -> Proposal | None:
    """Return a proposal for a file's vectors; None where none is like spikes."""
    try:
        whole = table_file.read(path)
    except pandas_hdf5.Pickled as error:
        return Proposal("", contents=(*contents, str(error).removeprefix(path).lstrip(": ")))
    except BadInput:
        return None
    table = {name: one for name, one in whole.items() if matrix_columns.INSIDE not in name}
    single = _scalars(path)
    if (found := times_and_units(table)) is None:
        pair = matrix_columns.row_a_spike(whole)
        if (each := of_each_unit(path, table, contents, single)) is not None or pair is None:
            return each
        if (pattern := _a_matrix_a_trial(whole)) is not None:
            told = f"{pattern}: a matrix of spikes for each trial: save one of all, with the trial's number as a column"
            return Proposal("", contents=(*contents, told))
        found = pair
        table |= {name: one for name, one in matrix_columns.rising(whole).items() if name not in table}
        table |= {name: whole[name] for name in (found[0], found[1].unit, found[1].channel) if name is not None}
    time, who = found
    if any(map(SEGMENTS.fullmatch, table)):
        told = "spikes of several segments, whose samples count from 0 in each: save one segment a file"
        return Proposal("", contents=(*contents, told))
    if not len(table[time]):
        return Proposal("", contents=(*contents, NO_SPIKES))
    of_spikes = {name: one for name, one in table.items() if len(one) == len(table[time])}
    settings: dict[str, Plain] = {"time": time, "unit": who.unit}
    why = {"time": "the time of each spike", "unit": "whose it is"}
    if (trial := spike_layouts.trial_of(of_spikes, time)) is not None:
        units = len(np.unique(table[who.unit]))
        return of_own_clocks(of_spikes, {**settings, "trial": trial}, why, units, contents)
    times, of_unit = Times.of_spikes(table[time], table[who.unit]), table[who.unit]
    if who.channel is not None:
        of_unit = spike_layouts.with_channel(of_unit, table[who.channel], path)
        if in_trials(table[time], table[who.channel], times.span / clock(times, len(np.unique(of_unit)))[0]):
            made = of_own_clocks(
                of_spikes, {**settings, "trial": who.channel}, why, len(np.unique(table[who.unit])), contents
            )
            return dataclasses.replace(made, why={**made.why, "trial": f"{UNSURE} {made.why['trial']}"})
        settings["channel"], why["channel"] = who.channel, ANEW
    units = len(np.unique(of_unit))
    kept = [one for one in contents if not one.startswith("no array of counts")]
    others = [len(one) for name, one in table.items() if is_events(one) and name not in of_spikes]
    rows = max(others, key=others.count, default=0)
    trials = {name: one for name, one in table.items() if len(one) == rows and rows}
    rate = sampled({**{name: one for name, one in table.items() if len(one) == 1}, **single}, times, units)
    own = Beside((files.absolute(path), trials)) if trials else beside(path, times)
    return cut(path, times, units, settings, why, kept, (rate, own))


def _a_matrix_a_trial(whole: Table) -> str | None:
    """Return the pattern of names of matrices that are one a trial; None where there are none."""
    names = {name.partition(matrix_columns.INSIDE)[0] for name in whole if matrix_columns.INSIDE in name}
    patterns = [re.sub(r"\d+", starred.STAR, name) for name in names]
    able = [one for one in patterns if spike_layouts.BEFORE_TRIALS.search(one.partition(starred.STAR)[0])]
    return next((one for one in able if starred.STAR in one and able.count(one) >= FEWEST), None)


def times_and_units(table: Table) -> tuple[str, Whose] | None:
    """Return the vectors of times and of units, by their usual names; None where none of one length are called so."""
    usual, short = (spike_columns.SPIKES, spike_columns.UNITS), (SHORT_TIMES, SHORT_UNITS)
    for when, who in (usual, (usual[0] | short[0], usual[1] | short[1])):
        time = next((name for name, one in table.items() if bare(name) in when and one.dtype.kind in "iuf"), None)
        alike = [] if time is None else [name for name, one in table.items() if len(one) == len(table[time])]
        unit = next((name for name in alike if bare(name) in who), None)
        if time is None or unit is None:
            continue
        # What is short may mean anything: trials have a number each, units many spikes.
        if who is spike_columns.UNITS or len(np.unique(table[unit])) < len(table[unit]) / OFTEN:
            return time, Whose(unit, spike_layouts.channel_of({name: table[name] for name in alike}, unit))
    return None


def _scalars(path: str) -> Table:
    """Return the numbers without an axis of a file of arrays."""
    found: Table = {}
    with count_file.arrays(path) as file:
        for name in file.names:
            with contextlib.suppress(BadInput):
                if (one := file.read(name)).ndim == 0:
                    found[name] = one
    return found
