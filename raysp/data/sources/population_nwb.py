"""A session of an NWB recording."""

from __future__ import annotations

import dataclasses

from raysp.data.formats import chosen_rows, hdf5, nwb, nwb_series
from raysp.data.formats.guarded import Group
from raysp.data.formats.session import NO_STRETCHES, Session
from raysp.data.sources.population_config import Config
from raysp.io import files


def read_session(config: Config) -> Session:
    """Read an NWB recording, of a file at an address of the web only the parts that are asked for.

    Args:
        config: which tables and columns are read.

    Raises:
        BadInput: the file, a column or a signal is missing or damaged, or there are no units.
    """
    columns = (*([config.align] if config.align else []), *config.conditions, *config.keep, *config.decode)
    with hdf5.opened(config.path, parts=files.is_web(config.path)) as file:
        trials = nwb.trials(file, columns, config.trials) if columns or config.trials else {}
        units = _kept(file, config, nwb.units(file, config.units, bin_ms=config.bin_ms))
        series = None
        if config.behavior is not None:
            series = nwb_series.series(file, config.behavior, time_last=config.behavior_time_last, converted=True)
        invalid = NO_STRETCHES if config.keep_invalid else nwb.invalid_times(file)
        return Session(units, trials, file.filename, series, invalid)


def _kept(file: Group, config: Config, found: nwb.Units) -> nwb.Units:
    """Return the units that are used, with a note on those that are not."""
    if not config.keep_units:
        return found
    columns = nwb.unit_columns(file, found, config.units, list(config.keep_units))
    rows = chosen_rows.kept(columns, config.keep_units, len(found), "unit", file.filename)
    told = f"keep_units leaves out {len(found) - int(rows.sum())} of {len(found)} units"
    if found.heldout is not None and (lost := int(found.heldout[~rows].sum())):
        told += f", {lost} of the {int(found.heldout.sum())} that the file holds out among them"
    return dataclasses.replace(found.of(rows), notes=(*found.notes, told))
