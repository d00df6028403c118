"""A proposal for what spike sorters leave: vectors of Kilosort, phy and ALF, and text files of Neurosuite."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from raysp.config.settings import Plain
from raysp.data.formats import sorted_folder, table_file
from raysp.data.sources import catalog, proposal_tables, res_clu, trials_beside
from raysp.data.sources.clocks import Times
from raysp.data.sources.proposed import Proposal
from raysp.errors import BadInput
from raysp.io import files

CLOCKS = ("spike_times", "spike_seconds", "spikes.times")
"""What names of such vectors begin with."""


def proposal(path: str) -> Proposal:
    """Return a proposal for a vector of spike times, the vector of their units beside it. Raises BadInput: damaged."""
    ((name, times),) = table_file.read(path).items()
    contents = [proposal_tables.line(name, times)]
    if not len(times):
        return Proposal("", contents=(*contents, proposal_tables.NO_SPIKES))
    folder = os.path.dirname(path)
    there = files.listing(folder or ".")
    whose = [one for bare in sorted_folder.WHOSE for one in there if sorted_folder.bare(one) == bare]
    if not whose:
        return Proposal("", contents=(*contents, "no vector with the unit of each spike lies beside it"))
    (of_unit,) = table_file.read(os.path.join(folder, whose[0])).values()
    contents.append(f"beside it {whose[0]}: {len(np.unique(of_unit))} units")
    contents += _other_clocks(folder, there, path, len(times))
    settings: dict[str, Plain] = {"unit": whose[0].removesuffix(table_file.VECTOR)}
    why = {"unit": "whose each spike is, in the vector of this name"}
    if os.path.basename(path) not in sorted_folder.TIMES:
        settings["time"], why["time"] = name, "the time of each spike"
    if (good := sorted_folder.good_units(folder)) is not None:
        table, column, value = good
        settings |= {"units": files.absolute(table), "keep_units": {column: value}}
        why |= {"units": "what was sorted, a row a unit", "keep_units": "single units alone; {} for all that it lists"}
    return proposal_tables.cut(path, Times.of_spikes(times, of_unit), len(np.unique(of_unit)), settings, why, contents)


def _other_clocks(folder: str, there: Sequence[str], path: str, spikes: int) -> list[str]:
    """Return lines on vectors beside the times that hold the same ones on another clock, as TPrime's of SpikeGLX do."""
    found = []
    for name in there:
        other = os.path.join(folder, name)
        alike = sorted_folder.bare(name).startswith(CLOCKS) and name.endswith(table_file.VECTOR) and other != path
        if alike and sorted_folder.bare(name) not in sorted_folder.TIMES:
            with contextlib.suppress(BadInput):
                (times,) = table_file.read(other).values()
                if len(times) == spikes:
                    found.append(
                        f"{name}: as many times, on another clock, and not read: where trials are on it, look at "
                        f"{other} instead"
                    )
    return found


def of_pairs(path: str) -> Proposal:
    """Return a proposal for Neurosuite's text files. Raises BadInput where one is missing or damaged."""
    table = res_clu.spikes(path)
    contents = [*(proposal_tables.line(name, one) for name, one in table.items()), *res_clu.cut_off(path)]
    if not len(table["time"]):
        return Proposal("", contents=(*contents, proposal_tables.NO_SPIKES))
    rate = res_clu.sampling_rate(path)
    own = None if rate is None else (rate, f"samples, samplingRate = {rate:g} in the .xml beside it")
    times = Times.of_spikes(table["time"], table["unit"])
    trials = trials_beside.beside(path, times)
    found = proposal_tables.cut(path, times, len(np.unique(table["unit"])), {}, {}, contents, (own, trials))
    return dataclasses.replace(found, source="res_clu")


def called(path: str) -> str:
    """Return what a recording is called: a folder of sorted spikes by its name, as vectors have all one."""
    return catalog.name_of(file_of(path) if sorted_folder.vector(path) is None else files.absolute(path))


def file_of(path: str) -> str:
    """Return the file that a folder of sorted spikes is read by; any other path as it is."""
    if (vector := sorted_folder.vector(path)) is not None:
        return vector
    if files.is_local(path) and os.path.isdir(files.absolute(path)):
        pairs = [one for name in files.listing(path) if res_clu.is_pair(one := os.path.join(path, name))]
        return min(pairs, default=path)
    return path
