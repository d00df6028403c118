"""A proposal for a folder of files of numbers alone: the times of a unit each, or the columns of one table."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence

import numpy as np

from raysp.config.settings import Plain
from raysp.data.formats import folder_lists, starred
from raysp.data.sources import proposal_tables, proposal_vectors, spike_layouts, trials_beside, unit_patterns
from raysp.data.sources.clocks import Times
from raysp.data.sources.proposed import EVENTS, STARTS, Proposal
from raysp.io import files
from raysp.io.words import counted, listed

UNTOLD = "which of the files hold a unit's spike times is not known: name them, as in --set time='unit_*'; '*' is all"

CALLED = (*trials_beside.WORDS, *STARTS, *EVENTS)
"""Words in names of files of times of trials."""


def proposal(folder: str) -> Proposal:
    """Return how a folder could be read. Raises BadInput where a file in it is no list of numbers."""
    table = folder_lists.vectors(folder)
    contents = [proposal_tables.line(name, one) for name, one in table.items()]
    if (columns := proposal_vectors.times_and_units(table)) is not None:
        time, who = columns
        settings: dict[str, Plain] = {"time": time, "unit": who.unit}
        why = {"time": "the time of each spike", "unit": "whose it is"}
        others = {name: one for name, one in table.items() if len(one) != len(table[time])}
        return _cut(folder, table[time], len(np.unique(table[who.unit])), settings, why, contents, others)
    if (pattern := _pattern(table)) is None:
        return Proposal("", contents=(*contents, UNTOLD))
    spikes, _ = spike_layouts.of_each_unit(table, pattern, folder)
    units = len(spikes[spike_layouts.UNIT])
    why = {"time": f"{counted(units, 'file')} of times, a unit each"}
    fitting = set(starred.fitting(pattern, table)[0])
    others = {name: one for name, one in table.items() if name not in fitting}
    found = _cut(folder, np.concatenate(spikes[spike_layouts.TIME]), units, {"time": pattern}, why, contents, others)
    event = others.get(str(found.settings.get("align", "")))
    if unread := [name for name, one in others.items() if event is None or len(one) != len(event)]:
        why = {**found.why, "time": f"{found.why['time']}; not read: {listed(unread)}"}
        return dataclasses.replace(found, why=why)
    return found


def _pattern(table: dict[str, np.ndarray]) -> str | None:
    """Return what the files of units are called; a star alone where all seem to be, and None where nothing tells."""
    if (found := unit_patterns.likely(table)) is not None:
        return found.pattern
    lengths = [len(one) for one in table.values()]
    columns = any(len(one) and (np.diff(one) < 0).any() for one in table.values())
    # Columns of one table have one length.
    if columns or len(set(lengths)) < len(lengths) or any(map(_is_of_trials, table)):
        return None
    return starred.STAR


def _is_of_trials(name: str) -> bool:
    return any(word in name.lower() for word in trials_beside.WORDS)


def _cut(
    folder: str,
    times: np.ndarray,
    units: int,
    settings: dict[str, Plain],
    why: dict[str, str],
    contents: Sequence[str],
    others: Mapping[str, np.ndarray],
) -> Proposal:
    known = Times.of(times)
    if not known.count:
        return Proposal("", contents=(*contents, proposal_tables.NO_SPIKES))
    beside = trials_beside.beside(os.path.join(folder, ""), known, folder_lists.paths(folder))
    if beside.found is None and (trials := _trials(others, known)):
        beside = dataclasses.replace(beside, found=(files.absolute(folder), trials))
    return proposal_tables.cut(folder, known, units, settings, why, list(contents), (None, beside))


def _trials(others: Mapping[str, np.ndarray], times: Times) -> dict[str, np.ndarray]:
    """Return the files that are columns of trials, a row each: as long as one that is called as their times are."""
    for name, one in others.items():
        if any(word in name.lower() for word in CALLED) and trials_beside.is_of_trials({name: one}, times):
            return {other: values for other, values in others.items() if len(values) == len(one)}
    return {}
