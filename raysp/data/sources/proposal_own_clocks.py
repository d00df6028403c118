"""A proposal for spikes whose times count from the begin of their trials."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import numpy as np

from raysp.config.settings import Plain
from raysp.data.formats import starred
from raysp.data.sources import spike_layouts, trial_ends
from raysp.data.sources.clocks import Times, clock, is_whole
from raysp.data.sources.proposed import BIN_MS, USUAL_WIDTH, Proposal, condition

Table = dict[str, np.ndarray]
FEWEST = 3
"""Trials at least that names of vectors tell apart."""


def of_own_clocks(
    table: Table, settings: dict[str, Plain], why: dict[str, str], units: int, contents: Sequence[str]
) -> Proposal:
    """Return a proposal for spikes whose times count from their trials' begins."""
    times, which = table[str(settings["time"])].astype(float), table[str(settings["trial"])]
    numbers, row = np.unique(which, return_inverse=True)
    # Laid one after the other they fire as long as all trials last.
    known = Times(len(times), 0.0, float(np.ptp(times)) * len(numbers), is_whole(times))
    per_second, reason = clock(known, units, float(np.ptp(times)))
    first, last = (np.percentile(times, share) * 1000 / per_second / BIN_MS for share in (0.1, 99.9))
    settings |= {"per_second": per_second, "bin_ms": BIN_MS}
    begin = BIN_MS * int(np.floor(first)) if first < -1 else 0
    settings["window_ms"] = [begin, BIN_MS * int(np.ceil(last))]
    why |= {
        "trial": f"times begin anew in each of {len(numbers)} trials",
        "per_second": reason,
        "window_ms": "ms around each trial's zero, as far as spikes lie",
        "bin_ms": USUAL_WIDTH,
    }
    constant = {
        name: one[np.unique(row, return_index=True)[1]]
        for name, one in table.items()
        if name not in (settings["time"], settings["unit"], settings["trial"])
        and len(np.unique(np.char.add(np.char.add(which.astype(str), "|"), one.astype(str)))) == len(numbers)
    }
    ends_s = {name: one / per_second for name, one in constant.items() if one.dtype.kind in "iuf"}
    extent = trial_ends.Extent.of_rows(times / per_second, row, len(numbers))
    if (ends := trial_ends.fitting(ends_s, np.zeros(len(numbers)), extent)) is not None:
        last = float(np.nanpercentile(ends[1], 10)) * 1000 / BIN_MS
        settings["window_ms"] = [begin, max(BIN_MS * int(np.floor(last + 1e-6)), BIN_MS)]
        why["window_ms"] = f"ms around each trial's zero, as long as nine of ten last by {ends[0]}"
    if names := condition(constant, len(numbers)):
        settings["conditions"], why["conditions"] = list(names), "few values, each in several trials"
    return Proposal("spike_tables", settings, why, tuple(contents))


def of_trials_and_units(table: Table, pattern: str, path: str, contents: Sequence[str]) -> Proposal | None:
    """Return a proposal for vectors of a trial and unit each, where those of a unit are of the first trial alone."""
    own = re.fullmatch(r"(.*?)(\d+)(\D*\*.*)", pattern)
    if own is None or not spike_layouts.BEFORE_TRIALS.search(own[1]):
        return None
    whole = f"{own[1]}{starred.STAR}{own[3]}"
    rows, _ = spike_layouts.of_each_unit(table, whole, path)
    if len(np.unique(rows.get(spike_layouts.TRIAL, ()))) < FEWEST:
        return None
    spikes = spike_layouts.of_lists(rows, spike_layouts.TIME)
    settings: dict[str, Plain] = {name: name for name in (spike_layouts.TIME, spike_layouts.UNIT, spike_layouts.TRIAL)}
    why = {"time": "a vector of times for each trial and unit"}
    kept = [one for one in contents if not one.startswith("no array of counts")]
    made = of_own_clocks(spikes, settings, why, len(np.unique(rows[spike_layouts.UNIT])), kept)
    given = {name: value for name, value in made.settings.items() if name != spike_layouts.UNIT}
    return dataclasses.replace(made, settings={**given, "time": whole})


def of_its_trials(
    table: Table, columns: tuple[str, str], why: dict[str, str], units: int, contents: Sequence[str]
) -> Proposal | None:
    """Return a proposal for another column of times, from the begin of each spike's trial; None where there is none.

    Args:
        table: with a row a spike.
        columns: of times of the recording, and of units.
        why: what is known of these.
        units: how many there are.
        contents: of the table, a line each.
    """
    time, unit = columns
    alone = {name: one for name, one in table.items() if name != time}
    for name, one in alone.items():
        trial = spike_layouts.trial_of(alone, name) if one.dtype.kind == "f" and "time" in name.lower() else None
        if trial is not None:
            settings: dict[str, Plain] = {"time": name, "unit": unit, "trial": trial}
            reasons = {**why, "time": "the time of each spike in its trial"}
            return of_own_clocks(alone, settings, reasons, units, contents)
    return None
