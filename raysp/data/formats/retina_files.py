"""The files of a retina recording, in an archive or a folder: stimulus pattern, triggers, spikes and numbers of units.

The layout is that of the recordings published with the spike distance of Doran et al. 2024. Its tables are pickles;
they are read by `restricted_pickle`, and nothing is unpacked to disk.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from raysp.data.formats.npz import npy_array
from raysp.data.formats.restricted_pickle import Table, load_table
from raysp.data.formats.tar import tar_members
from raysp.errors import BadInput, unknown
from raysp.io import files

PATTERN, TRIGGERS, GLOBAL_IDS = "stimulus_pattern.npy", "recorded_stimulus.pickle", "recording_cluster_ids.json"
SPIKES = {"filtered": "spike_response.pickle", "all": "spike_response_allcells.pickle"}
ARCHIVES = (".tar.gz", ".tgz", ".tar")

SLOWEST_HZ, FASTEST_HZ = 100, 1_000_000
"""Sampling rates of sensors. Published: 17.9 kHz."""

LONGEST_FRAME = 100
"""Samples of a frame, as a multiple of the usual one. Published: at most 1.7."""

LARGEST_LIGHT = 1e6
"""State of a light; published are 0 and 1."""

SpikeTable = Literal["filtered", "all"]


@dataclass(frozen=True)
class RetinaRecording:
    """One recording at its sensor's rate.

    Attributes:
        name: of the recording.
        sampling_hz: of the sensor.
        samples: of the recording; the last trigger is the last sample.
        starts: (frames,) int64 first sample of each stimulus frame, from 0; the last frame lasts to the end.
        pattern: (frames, channels) state of each light during each frame.
        spikes: unit number -> (spikes,) int64 sample of each spike.
        global_ids: unit number -> number among the units of all recordings, where known.
    """

    name: str
    sampling_hz: float
    samples: int
    starts: np.ndarray
    pattern: np.ndarray
    spikes: dict[int, np.ndarray]
    global_ids: dict[int, int]


def paths(path: str, table: SpikeTable) -> list[str]:
    """Return the paths that `read` reads: the archive, or the files in the folder.

    Args:
        path: a .tar.gz, .tgz or .tar archive, or a folder.
        table: the spike table that is read: "all" units, or those that the publishers "filtered".
    """
    if str(path).endswith(ARCHIVES):
        return [path]
    there = files.listing(path)
    return [files.join(path, name) for name in _names(table) if name != GLOBAL_IDS or name in there]


def recordings(path: str) -> list[str]:
    """Return the names of the recordings in an archive or a folder. Raises BadInput where its triggers are unusable."""
    where, found = _content(path, (TRIGGERS,))
    return [str(name) for name in _rows(found, TRIGGERS, where).level("Recording")]


def read(path: str, recording: str | None, table: SpikeTable) -> RetinaRecording:
    """Read one recording.

    Args:
        path: see `paths`.
        recording: its name; None when there is only one.
        table: see `paths`.

    Raises:
        BadInput: a file is missing, damaged or does not fit the others, a pickle asks for anything but a table, the
            archive holds links or paths that leave it, or the recording is unknown.
    """
    where, found = _content(path, _names(table))
    triggers, spikes = (_rows(found, name, where) for name in (TRIGGERS, SPIKES[table]))
    name, row = _row_of(triggers, recording)
    starts, samples = _frames(triggers.column("Trigger_Fr_relative")[row], triggers.where)
    return RetinaRecording(
        name=name,
        sampling_hz=_sampling_hz(triggers.column("Sampling_Freq")[row], triggers.where),
        samples=samples,
        starts=starts,
        pattern=_pattern(found[PATTERN], len(starts), f"{where}, {PATTERN}"),
        spikes=_spikes(spikes, name, triggers, row, samples),
        global_ids=_global_ids(found.get(GLOBAL_IDS), name, f"{where}, {GLOBAL_IDS}"),
    )


@dataclass(frozen=True)
class _Rows:
    """A table and where it is, so that a missing column is an error with both."""

    table: Table
    where: str

    def column(self, name: str) -> np.ndarray:
        return self._of(self.table.columns, "a column", name)

    def level(self, name: str) -> np.ndarray:
        return self._of(self.table.index, "an index level", name)

    def _of(self, found: dict[str, np.ndarray], what: str, name: str) -> np.ndarray:
        if name not in found:
            raise BadInput(f"{self.where}: expected {what} {name!r}, got {list(found)}")
        return found[name]


def _names(table: SpikeTable) -> tuple[str, ...]:
    return PATTERN, TRIGGERS, SPIKES[table], GLOBAL_IDS


def _content(path: str, names: Sequence[str]) -> tuple[str, dict[str, bytes]]:
    """Return the base name of an archive or a folder, and the files in it; global numbers alone may be absent."""
    where, archived = os.path.basename(str(path).rstrip("/")), str(path).endswith(ARCHIVES)
    there = {name: files.join(path, name) for name in names}
    found = (
        tar_members(path, names)
        if archived
        else {name: files.read_bytes(one) for name, one in there.items() if files.exists(one)}
    )
    if missing := [name for name in names if name not in found and name != GLOBAL_IDS]:
        raise BadInput(f"{where}: expected the file {missing[0]} in it, got {sorted(found)}")
    return where, found


def _rows(found: dict[str, bytes], name: str, where: str) -> _Rows:
    return _Rows(load_table(found[name], f"{where}, {name}"), f"{where}, {name}")


def _row_of(triggers: _Rows, recording: str | None) -> tuple[str, int]:
    names = [str(name) for name in triggers.level("Recording")]
    if recording is None and (several := len(set(names))) != 1:
        raise BadInput(f"{triggers.where} holds {several} recordings; set recording to one of {sorted(names)}")
    recording = names[0] if recording is None else recording
    rows = [row for row, name in enumerate(names) if name == recording]
    if not rows:
        raise unknown("recording", recording, names)
    if len(rows) > 1:
        raise BadInput(f"{triggers.where}: expected one stimulus in recording {recording}, got {len(rows)}")
    return recording, rows[0]


def _frames(found: object, where: str) -> tuple[np.ndarray, int]:
    """Return the first sample of each frame, and the samples of the recording: the last trigger begins no frame."""
    triggers = _samples(found, f"{where}: triggers")
    if len(triggers) < 2 or triggers[0] != 0 or (np.diff(triggers) <= 0).any():
        raise BadInput(
            f"{where}: triggers expected at least two sample numbers, strictly increasing from 0, got {triggers[:4]}; "
            "subtract the first trigger from triggers and spikes"
        )
    steps = np.diff(triggers)
    if steps.max() > LONGEST_FRAME * np.median(steps):
        told = f"{where}: triggers expected frames of about {np.median(steps):.0f} samples, got one of {steps.max()}"
        raise BadInput(f"{told} at frame {steps.argmax()}; is a trigger wrong, or the recording in several pieces?")
    return triggers[:-1], int(triggers[-1]) + 1


def _samples(found: object, where: str) -> np.ndarray:
    array = found.compressed() if isinstance(found, np.ma.MaskedArray) else np.asarray(found)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise BadInput(f"{where} expected a list of whole sample numbers, got {array.dtype} of shape {array.shape}")
    if array.size and array.max() > np.iinfo(np.int64).max:
        raise BadInput(f"{where} expected sample numbers, got {array.max()}")
    return array.astype(np.int64)


def _sampling_hz(found: Any, where: str) -> float:
    real = isinstance(found, int | float | np.integer | np.floating) and not isinstance(found, bool)
    if not real or not SLOWEST_HZ <= found <= FASTEST_HZ:
        told = f"{where}: Sampling_Freq expected a number of Hz from {SLOWEST_HZ:,} to {FASTEST_HZ:,}"
        raise BadInput(f"{told}, got {_shown(found)}")
    return float(found)


def _pattern(data: bytes, frames: int, where: str) -> np.ndarray:
    pattern = npy_array(data, where)
    if pattern.ndim != 2 or pattern.dtype.kind not in "biuf":
        raise BadInput(f"{where}: expected numbers of shape (frames, channels), got {pattern.dtype} {pattern.shape}")
    if len(pattern) < frames or pattern.shape[1] == 0:
        raise BadInput(f"{where}: expected at least {frames} frames, one per trigger but the last, got {pattern.shape}")
    if not (np.abs(pattern[:frames].astype(np.float64)) <= LARGEST_LIGHT).all():
        raise BadInput(f"{where}: expected finite values up to {LARGEST_LIGHT:g}, got NaN, infinity or larger ones")
    return pattern[:frames]


def _spikes(spikes: _Rows, name: str, triggers: _Rows, row: int, samples: int) -> dict[int, np.ndarray]:
    chosen = spikes.level("Stimulus ID") == triggers.level("Stimulus_index")[row]
    if "Recording" in spikes.table.index:
        chosen &= np.array([str(other) == name for other in spikes.level("Recording")], dtype=bool)
    elif len(set(triggers.level("Recording"))) > 1:
        told = f"{spikes.where} does not say which of several recordings a unit belongs to"
        raise BadInput(f"{told}; set units to 'filtered'")
    found: dict[int, np.ndarray] = {}
    for place in np.flatnonzero(chosen):
        unit = _number(spikes.level("Cell index")[place], f"{spikes.where}: Cell index")
        times = _samples(spikes.column("Spikes")[place], f"{spikes.where}: spikes of unit {unit}")
        if unit in found:
            raise BadInput(f"{spikes.where}: expected each unit once, got unit {unit} twice")
        if len(times) and not (times.min() >= 0 and times.max() < samples):
            told = f"{spikes.where}: spikes of unit {unit} expected samples 0 to {samples - 1} of the recording"
            then = "do spikes and triggers count from the same sample?"
            raise BadInput(f"{told}, got {times.min()} to {times.max()}; {then}")
        found[unit] = times
    if not found:
        raise BadInput(f"{spikes.where}: expected units of recording {name}, got none")
    return dict(sorted(found.items()))


def _global_ids(data: bytes | None, name: str, where: str) -> dict[int, int]:
    if data is None:
        return {}
    try:
        known = json.loads(data, object_pairs_hook=_once).get(name, {})
        return {_number(int(unit), where): _number(number, where) for unit, number in known.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{where}: expected recordings with a number for each unit in JSON, got {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if twice := [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]:
        raise ValueError(f"{twice[0]!r} twice")
    return dict(pairs)


def _shown(found: object) -> str:
    return " ".join(repr(found).split())[:80]


def _number(found: Any, where: str) -> int:
    whole = isinstance(found, int | np.integer) and not isinstance(found, bool)
    if not whole or not 0 <= found < 2**63:
        raise BadInput(f"{where} expected whole numbers from 0, got {_shown(found)}")
    return int(found)
