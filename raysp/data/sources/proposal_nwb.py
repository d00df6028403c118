"""A proposal for an NWB file: its units, the table that may hold trials, an event in them, and a signal to decode."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence

import numpy as np

from raysp.config.settings import Plain
from raysp.data.formats import nwb, nwb_find, nwb_series
from raysp.data.formats.guarded import Group
from raysp.data.sources.proposed import BIN_MS, USUAL_WIDTH, Proposal, condition, told_around, window, windows
from raysp.errors import BadInput

MOVES = ("vel", "speed", "hand", "cursor", "wheel", "position")
"""Parts of names of time series that tell of movement, those that are tried first in front."""
MOST = 12
"""Columns or series of which each gets a name in a line."""
QUALITY = re.compile(r"(ks_?|cluster_?|unit_?)?(label|group|quality)", re.IGNORECASE)
OWN = ("id", "spike_times", "obs_intervals", "electrodes", "electrode_group")
"""Columns of units that are NWB's own."""
GOOD, VALUES = "good", 6
"""Columns of units that say how well each was sorted, what stands there of a single unit, and values of a text, at
most, that are counted in a line."""


def is_nwb(file: Group) -> bool:
    """Tell whether an HDF5 file is an NWB file: it says so, or has a table of units."""
    if "nwb_version" in file.attrs:
        return True
    with contextlib.suppress(BadInput):
        return "id" in nwb_find.units(file)[0]
    return False


def proposal(file: Group) -> Proposal:
    """Return what an NWB file holds and how its trials could be cut. Raises BadInput where it has no units."""
    units = nwb.units(file)
    span = f"{units.times.min():.6g} to {units.times.max():.6g} s" if len(units.times) else "none"
    tables, series = nwb_find.tables(file), nwb_find.series_names(file)
    columns = {name: one for name, one in nwb.unit_columns(file, units).items() if name not in OWN}
    contents = [f"units: {len(units)}, {len(units.times):,} spikes, {span}", *_of_units(columns)]
    contents += map(_table, tables.items())
    if series:
        told = "" if _movement(file, series) else " (behavior=NAME decodes one)"
        contents.append(f"time series: {', '.join(series[:MOST])}{', ...' if len(series) > MOST else ''}{told}")
    settings: dict[str, Plain] = {}
    why: dict[str, str] = {}
    around: dict[str, tuple[int, int]] = {}
    where = _chosen(file, tables)
    if where is None:
        settings |= {"window_ms": [0, 1000], "bin_ms": BIN_MS}
        why["window_ms"] = "there are no trials: the recording is cut into windows so long"
    else:
        around = _of_trials(file, where, settings, why)
    why["bin_ms"] = USUAL_WIDTH
    for name, one in columns.items():
        # A file of single units alone need not be told so.
        if QUALITY.fullmatch(name) and one.dtype.kind == "U" and 2 <= (one == GOOD).sum() < len(one):
            settings["keep_units"], why["keep_units"] = {name: GOOD}, "units that were sorted well; {} for all"
            break
    if (moves := _movement(file, series)) is not None:
        settings["behavior"], why["behavior"] = moves, "a time series to decode from the rates"
    return Proposal("population", settings, why, tuple(contents), around)


def _of_units(columns: Mapping[str, np.ndarray]) -> list[str]:
    """Return the line on columns of the table of units, with how many units have each of a few texts."""
    told = list[str]()
    for name, one in columns.items():
        values, counts = np.unique(one, return_counts=True)
        few = one.dtype.kind == "U" and len(values) <= VALUES
        each = ", ".join(f"{count} {value}" for value, count in zip(values, counts, strict=True))
        told.append(f"{name} ({each})" if few else name)
    return [f"  of each: {', '.join(told[:MOST])}{', ...' if len(told) > MOST else ''}"] if told else []


def _movement(file: Group, series: Sequence[str]) -> str | None:
    """Return the first time series of movement that can be read, so that a guess stands in nobody's way."""
    for name in (name for word in MOVES for name in series if word in name.lower()):
        with contextlib.suppress(BadInput):
            nwb_series.series(file, name, converted=True)
            return name
    return None


def _of_trials(file: Group, where: str, settings: dict[str, Plain], why: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Put in what a table of trials says; returns the windows around times in it."""
    columns = nwb.trials(file, ["start_time"], where)
    start, stop = columns["start_time"].astype(float), columns.get("stop_time")
    others = {name: one for name, one in columns.items() if name not in ("start_time", "stop_time")}
    align, (begin, end), reason = window(others, start, stop)
    if where != "intervals/trials":
        settings["trials"], why["trials"] = where, f"{len(start)} rows; other tables: change this path"
    settings["align"], settings["window_ms"] = align or "start_time", [begin, end]
    why["align"], why["window_ms"] = reason, told_around((begin, end), event=bool(align))
    settings["bin_ms"] = BIN_MS
    if names := condition(others, len(start)):
        settings["conditions"] = list(names)
        why["conditions"] = "few values, each in several trials: such trials share a PSTH; [] for none"
    return windows(columns, start, stop)


def _table(item: tuple[str, Group]) -> str:
    where, table = item
    names = [name for name in table if name not in ("id", "start_time", "stop_time") and not name.endswith("_index")]
    told = f"{', '.join(names[:MOST])}{', ...' if len(names) > MOST else ''}" or "no other columns"
    return f"{where}: {table.array('id').shape[0]} rows; start_time, stop_time, {told}"


def _chosen(file: Group, tables: dict[str, Group]) -> str | None:
    """Return the table that holds the trials: the one that raysp takes by itself, else the one with the most rows."""
    if "intervals/trials" in tables:
        return "intervals/trials"
    rows = {where: table.array("id").shape[0] for where, table in tables.items() if "invalid" not in where}
    able = {where: count for where, count in rows.items() if count >= 4}
    return max(able, key=lambda where: ("trials" in where, able[where])) if able else None
