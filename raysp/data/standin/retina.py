"""A stand-in retina recording: generated files in the layout that `retina_files` reads, for a first run and for tests.

Its units are linear-nonlinear with refractoriness and see four lights that are on or off at random, 20 times a second.
Nothing in it was measured: the name of the recording says so.
"""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import fftconvolve

from raysp.config.experiment import STANDIN
from raysp.data.formats.retina_files import GLOBAL_IDS, PATTERN, SPIKES, TRIGGERS
from raysp.errors import BadInput
from raysp.io import files

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, Sequence[object]]
NUMBERS = "recording_ids.json"

SAMPLING_HZ, FRAME, FRAME_JITTER, STEP, CHANNELS = 17_850.0, 892, 40, 18, 4
"""Rate of the sensor; samples of a frame, and how much they vary; samples of a step of about 1 ms; lights."""

USUAL_HZ, SLOW_HZ, GAIN = (4.0, 9.0), 0.2, 1.0
DEAD_STEPS, RECOVERY_STEPS = 3, 8

SPARE_FRAMES, PADDING, KERNEL = 6, 999_999, 20


def write_retina(
    folder: str, seconds: float = 120.0, units: int = 4, seed: int = 0, *, fast: int = 0, slow: int = 0
) -> None:
    """Write a stand-in recording; with the same arguments the files have the same bytes.

    Args:
        folder: where the files go, named as in a real recording.
        seconds: of the recording, at least 10.
        units: that pass the usual filters, numbers 10, 13, 16 and so on. The table of filtered units holds these.
        seed: of all that is random.
        fast: further units that fire once a frame, about 20 Hz, as if they followed the triggers.
        slow: further units of about 0.2 Hz.

    Raises:
        BadInput: a number is too small, or files that are no stand-in's are in the way.
    """
    given = {"seconds": (seconds, 10), "units": (units, 1), "seed": (seed, 0), "fast": (fast, 0), "slow": (slow, 0)}
    for name, (value, least) in given.items():
        if not value >= least:
            raise BadInput(f"a stand-in recording, {name} expected at least {least}, got {value}")
    _refuse_others(folder)
    rng = np.random.default_rng(seed)
    recording = f"{STANDIN}retina-{seed}"
    lengths = FRAME + rng.integers(-FRAME_JITTER, FRAME_JITTER + 1, int(np.ceil(seconds * SAMPLING_HZ / FRAME)))
    triggers = np.concatenate([[0], np.cumsum(lengths)])
    pattern = rng.integers(0, 2, (len(lengths) + SPARE_FRAMES, CHANNELS), dtype=np.int8)
    lights = 2.0 * np.repeat(pattern[: len(lengths)], lengths, axis=0)[::STEP] - 1.0
    rates_hz = [*rng.uniform(*USUAL_HZ, units), *[SLOW_HZ] * slow]
    spikes = [_spikes(rng, lights, rate) for rate in rates_hz]
    spikes[units:units] = [triggers[:-1] + 2] * fast
    number = [10 + 3 * index for index in range(len(spikes))]
    levels = {"Cell index": number, "Stimulus ID": [1] * len(number)}
    usual = {name: level[:units] for name, level in levels.items()} | {"Recording": [recording] * units}
    content = {
        PATTERN: _npy(pattern),
        TRIGGERS: _pickled(_stimulus_columns(triggers), {"Stimulus_index": [1], "Recording": [recording]}),
        SPIKES["all"]: _pickled(_spike_columns(spikes), levels),
        SPIKES["filtered"]: _pickled(_spike_columns(spikes[:units]), usual),
        NUMBERS: json.dumps({recording: 0}).encode(),
        GLOBAL_IDS: json.dumps({recording: {str(unit): 100 + i for i, unit in enumerate(number)}}).encode(),
    }
    for name, data in content.items():
        with files.replacing(files.join(folder, name)) as temporary, open(temporary, "wb") as file:
            file.write(data)


def _refuse_others(folder: str) -> None:
    there = {PATTERN, TRIGGERS, NUMBERS, GLOBAL_IDS, *SPIKES.values()} & set(files.listing(folder))
    names = list(files.read_json(files.join(folder, NUMBERS))) if NUMBERS in there else []
    if there and not (names and all(name.startswith(STANDIN) for name in names)):
        raise BadInput(f"{folder} holds a recording that is not a stand-in: {sorted(there)}; choose another folder")


def _spikes(rng: np.random.Generator, lights: np.ndarray, rate_hz: float) -> np.ndarray:
    """Return the samples of one unit's spikes; `lights` is (steps, channels), -1 or 1."""
    weights = rng.standard_normal(lights.shape[1])
    ms = np.arange(300.0)
    fast, slow = (ms / tau * np.exp(1 - ms / tau) for tau in rng.uniform((15, 45), (30, 70)))
    drive = fftconvolve(lights @ weights, fast - 0.4 * slow)[: len(lights)]
    gain = np.exp(GAIN * (drive - drive.mean()) / drive.std())
    chance = rate_hz * STEP / SAMPLING_HZ * gain / gain.mean()
    fired, last = [], -np.inf
    for step in np.flatnonzero(rng.random(len(chance)) < chance):
        recovered = 1.0 - np.exp(-max(0.0, step - last - DEAD_STEPS) / RECOVERY_STEPS)
        if rng.random() < recovered:
            fired.append(step)
            last = float(step)
    return np.array(fired, dtype=np.int64) * STEP + rng.integers(0, STEP, len(fired))


def _stimulus_columns(triggers: np.ndarray) -> Columns:
    return {
        "Stimulus_name": ["FF_Noise"],
        "Begin_Fr": [0],
        "End_Fr": [int(triggers[-1])],
        "Trigger_Fr_relative": [triggers],
        "Trigger_int": [np.diff(triggers)[:-1]],
        "Stimulus_repeat_logic": [0.0],
        "Stimulus_repeat_sublogic": [0.0],
        "Sampling_Freq": [SAMPLING_HZ],
    }


def _spike_columns(spikes: Sequence[np.ndarray]) -> Columns:
    padded = np.ma.masked_all((len(spikes), max(len(times) for times in spikes)), dtype=np.int32)
    padded.data[:] = PADDING
    for row, times in enumerate(spikes):
        padded[row, : len(times)] = times
    return {"Kernel": [np.zeros((KERNEL, CHANNELS)) for _ in spikes], "Spikes": [row.copy() for row in padded]}


def _pickled(columns: Columns, levels: Columns) -> bytes:
    """Pickle a table as pandas does; text as objects, since Arrow's strings ask for more than a table of numbers."""
    import pandas as pd

    index = pd.MultiIndex.from_arrays([_plain(level) for level in levels.values()], names=list(levels))
    frame = pd.DataFrame({name: pd.Series(_plain(column), index=index) for name, column in columns.items()})
    frame.columns = pd.Index(list(columns), dtype=object)
    return pickle.dumps(frame, protocol=5)


def _plain(values: Sequence[object]) -> pd.Index:
    import pandas as pd

    return pd.Index(values) if isinstance(values[0], int | float) else pd.Index(_objects(values), dtype=object)


def _objects(values: Sequence[object]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
