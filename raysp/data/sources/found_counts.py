"""Which array of a file holds the counts where no setting says so: the only one that can, or none."""

from __future__ import annotations

import contextlib
import dataclasses
import os

from raysp.data.formats import count_file, file_kind, hdf5, table_file
from raysp.data.sources.population_config import EITHER, Config, check_of_kind
from raysp.data.sources.proposal_arrays import MOST, USUAL, like_counts, of_each_trial
from raysp.data.sources.proposal_nwb import is_nwb
from raysp.data.sources.proposed import described
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.words import listed


def named(config: Config) -> tuple[Config, tuple[str, ...]]:
    """Return settings that name the array of counts of a file of arrays, and a note where none was given.

    Of an NWB file, and where one is named, they are as they were.

    Raises:
        BadInput: no array can be the counts, or several can; or of an NWB file nothing says how it is cut.
    """
    if config.counts is not None or config.align is not None:
        return config, ()
    if _is_nwb(config.path):
        if config.window_ms is None:
            raise BadInput(f"{EITHER}, not both or none; raysp data look {config.path} proposes them")
        check_of_kind(config)
        return config, ()
    axes = 3 if config.window_ms is None else 2
    where, lines = os.path.basename(config.path), []
    with count_file.arrays(config.path) as file:
        arrays = {}
        for name in file.names[:MOST]:
            # What nobody asked for blocks nothing.
            with contextlib.suppress(BadInput):
                arrays[name] = file.look(name)[1]
                lines.append(described(name, arrays[name]))
    each = like_counts(arrays)
    able = [name for name, one in each.items() if one.ndim == axes]
    usual = [name for name in able if USUAL.search(name)]
    if len(chosen := usual or able) == 1:
        told = f"counts are taken from {chosen[0]}, {'by its name' if usual else 'the only array that can be'}"
        return dataclasses.replace(config, counts=chosen[0]), (told,)
    if chosen:
        raise BadInput(
            f"{where}: several arrays can be counts, {listed(chosen)}; say which: counts=NAME, and "
            "eval_counts=NAME of one that holds trials to evaluate"
        )
    if axes == 3 and (apart := of_each_trial(each)) is not None:
        raise BadInput(f"{where}: {listed(list(each))} look like an array a trial; give counts={apart[0]!r}")
    if each:
        ((name, one), *_) = each.items()
        then = "give window_ms: [0, length], for one without trials" if axes == 3 else "of trials, leave window_ms out"
        raise BadInput(f"{where}: {name} is {' x '.join(map(str, one.shape))}; {then}, and counts={name}")
    raise BadInput(
        f"{where}: expected counts, an array of whole numbers (trials, bins, units), got {'; '.join(lines[:8])}; name "
        f"it: counts=NAME; of spike times, or to see what is there, type: raysp data look {config.path}"
    )


def _is_nwb(path: str) -> bool:
    """Tell whether a file is NWB, or there is none. Raises BadInput where it is a table."""
    if file_kind.no_file(path) is not None:
        return True
    if table_file.is_table(path):
        told = f"{path} is a table: of a column of counts for each unit, give counts='neuron_*'"
        raise BadInput(f"{told}, with a star in the number's place; of a row for each spike, source spike_tables")
    if file_kind.other(path) is not None:
        return False
    with hdf5.opened(path, parts=files.is_web(path)) as file:
        return is_nwb(file)
