"""Cells in bins, kept beside their recordings: reading thousands of large files goes on where it was stopped."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

import numpy as np

from raysp.data.formats import hdf5
from raysp.data.formats.sweeps import Cell, Sweep
from raysp.data.splits.sealed import checked_header, new_sealed, raw_header, read_all
from raysp.errors import BadInput, StoreError
from raysp.io import files

FOLDER = ".binned"


def kept(path: str, made_by: Mapping[str, object], read: Callable[[], Cell], place: str) -> Cell:
    """Return a cell as it was kept, or read it and keep it.

    Nothing is kept in a folder that cannot be written; what is damaged there, or was made of another file or by other
    settings, is made anew.

    Args:
        path: of its recording.
        made_by: all else that its bins follow from, as JSON has it.
        read: reads the recording.
        place: where it is kept.
    """
    key = files.digest({**made_by, **files.stamp(path)})
    with contextlib.suppress(BadInput, OSError, StoreError, KeyError):
        if files.exists(place) and (found := _load(place, key)) is not None:
            return found
    cell = read()
    with contextlib.suppress(OSError, StoreError):
        _save(place, key, cell)
    return cell


def _save(place: str, key: str, cell: Cell) -> None:
    sweeps = [
        {
            "stimulus": one.stimulus,
            "repeat_of": one.repeat_of,
            "widths": list(one.bins),
            "timed": one.spikes_ms is not None,
        }
        for one in cell.sweeps
    ]
    known = {"unit": cell.unit, "metadata": dict(cell.metadata), "notes": cell.notes, "dropped": cell.dropped}
    header = {"key": key, **known, "sweeps": sweeps}
    with new_sealed(place, header) as file:
        file.write("gamma", np.array([cell.gamma]))
        for index, sweep in enumerate(cell.sweeps):
            if sweep.spikes_ms is not None:
                file.write(f"{index}/spikes_ms", sweep.spikes_ms)
            for width, (current, counts) in sweep.bins.items():
                file.write(f"{index}/{width}/current", current)
                file.write(f"{index}/{width}/counts", counts)


def _load(place: str, key: str) -> Cell | None:
    with hdf5.opened(place) as file:
        raw = raw_header(file)
        if raw is None or raw.get("key") != key:
            return None
        known, arrays = checked_header(file, raw), read_all(file, raw)
        sweeps = tuple(
            Sweep(
                one["stimulus"],
                {w: (arrays[f"{index}/{w}/current"], arrays[f"{index}/{w}/counts"]) for w in one["widths"]},
                arrays[f"{index}/spikes_ms"] if one["timed"] else None,
                one["repeat_of"],
            )
            for index, one in enumerate(known["sweeps"])
        )
        dropped = tuple((stimulus, reason) for stimulus, reason in known["dropped"])
        gamma, notes = float(arrays["gamma"][0]), tuple(known["notes"])
        return Cell(known["unit"], sweeps, gamma, known["metadata"], notes, dropped)
