"""Sweeps of a cell in an NWB 1 file of the Allen Cell Types Database, read by h5py alone, each array once.

What is read: `epochs/Sweep_N` with `stimulus` and `response` (`idx_start`, `count`, and `timeseries`, a link to what
has an array `data`, and `starting_time`, whose attribute is the `rate`); `epochs/Experiment_N`, the part of the sweep
without the test pulse in front; `stimulus/presentation/Sweep_N/aibs_stimulus_name`; `analysis/spike_times/Sweep_N`, s.
"""

from __future__ import annotations

import re
from collections.abc import Container

import numpy as np

from raysp.data.formats import hdf5
from raysp.data.formats.guarded import Group
from raysp.data.formats.sweeps import Cell, Sweep, binned, highest_rate, onset
from raysp.errors import BadInput

PA, EARLIER = 1e12, "aibs_spike_times"
RAMP = "Ramp"
"""Ends at its peak: recordings were stopped, or went on, in their own way."""


def read(path: str, unit: int, stimuli: Container[str], widths_ms: tuple[int, ...]) -> Cell:
    """Read the sweeps of one cell.

    Args:
        path: of the file.
        unit: the cell's number.
        stimuli: those whose currents are read; of others, spikes alone, for the highest rate.
        widths_ms: of bins.

    Returns:
        The cell; a sweep that cannot be used is a note of it.

    Raises:
        BadInput: the file is damaged, or has no such sweeps.
    """
    with hdf5.opened(path) as file:
        if "epochs" not in file or not (numbers := _numbers(file.group("epochs"))):
            raise BadInput(f"{path} expected sweeps of the Allen Cell Types Database, groups epochs/Sweep_N, got none")
        sweeps, notes, trains, dropped = [], [], [], []
        for number in numbers:
            name = ""
            try:
                name, times = _name(file, number), _spike_times(file, number)
                trains.append(1000.0 * times)
                if name in stimuli:
                    sweeps.append(_sweep(file, number, name, times, widths_ms))
            except BadInput as error:
                reason = str(error).removeprefix(f"{path}: ")
                notes.append(f"sweep {number} was left out: it {reason}")
                dropped.append((name, reason.removeprefix(f"({name}) ")))
        return Cell(unit, tuple(sweeps), highest_rate(trains), notes=tuple(notes), dropped=tuple(dropped))


def _numbers(epochs: Group) -> list[int]:
    return sorted(int(found[1]) for name in epochs if (found := re.fullmatch(r"Sweep_(\d+)", name)))


def _name(file: Group, number: int) -> str:
    path = f"stimulus/presentation/Sweep_{number}/aibs_stimulus_name"
    return "".join(file.array(path).text().reshape(-1)[:1]).strip() if path in file else ""


def _spike_times(file: Group, number: int) -> np.ndarray:
    """Return when a sweep's spikes are, s since its first sample, ascending; none where nobody looked for any."""
    for place in ("spike_times", EARLIER):
        if (path := f"analysis/{place}/Sweep_{number}") in file:
            times = np.sort(file.array(path).numbers(None).astype(np.float64))
            if not np.isfinite(times).all():
                raise BadInput("has spike times that are not finite")
            return times
    return np.zeros(0)


def _sweep(file: Group, number: int, name: str, times: np.ndarray, widths_ms: tuple[int, ...]) -> Sweep:
    epoch = file.group(f"epochs/Sweep_{number}")
    series = epoch.group("stimulus/timeseries")
    rate_hz = _rate(series)
    current = _pa(series, file)
    start, stop = _range(file, number, len(current))
    if name == RAMP:
        stop = _ramp_end(current, _last_response(epoch, len(current)), start, stop)
    first = onset(current[start:stop])
    if first is None:
        raise BadInput(f"({name}) has a current that never changes")
    begin = start + first
    spikes = np.floor(np.round(times * rate_hz, 6)).astype(np.int64)
    kept = spikes[(spikes >= begin) & (spikes < stop)] - begin
    try:
        bins = binned(current[begin:stop], kept, rate_hz, widths_ms)
    except BadInput as error:
        raise BadInput(f"({name}) {error}") from error
    return Sweep(name, bins, kept * (1000.0 / rate_hz))


def _rate(series: Group) -> float:
    return _number(series.array("starting_time").attrs.get("rate"), "its sampling rate")


def _number(found: object, what: str) -> float:
    values = np.asarray(np.nan if found is None else found).reshape(-1)
    if len(values) != 1 or values.dtype.kind not in "iuf" or not 0 <= values[0] < np.inf:
        raise BadInput(f"has {str(found)[:40]} as {what}, expected a number")
    return float(values[0])


def _pa(series: Group, file: Group) -> np.ndarray:
    """Return a sweep's current, (samples,) float32 pA.

    Up to version 1.0 of the pipeline that wrote the files, values are amperes whatever their `conversion` says.
    """
    data = series.array("data")
    found = data.expect(None)[()]
    scale = _number(data.attrs.get("conversion", 1.0), "its conversion") if _version(file) > (1, 0) else 1.0
    return (found.astype(np.float32) * np.float32(PA * scale)).astype(np.float32)


def _version(file: Group) -> tuple[int, int]:
    if "general/generated_by" not in file:
        return (0, 0)
    words = file.array("general/generated_by").text().reshape(-1).tolist()
    after = words[words.index("version") + 1 :] if "version" in words else []
    found = re.match(r"(\d+)\.(\d+)", after[0]) if after else None
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _range(file: Group, number: int, samples: int) -> tuple[int, int]:
    """Return the first and the last sample of the experiment, where the sweep has one, else of the sweep.

    The last is used as a bound that is left out, as the published fits do.
    """
    here = f"epochs/Experiment_{number}"
    place = file.group(f"{here if here in file else f'epochs/Sweep_{number}'}/stimulus")
    start, count = (int(_number(place.array(name)[()], name)) for name in ("idx_start", "count"))
    stop = start + count - 1
    if not 0 <= start < stop <= samples:
        raise BadInput(f"has samples {start} to {stop} of {samples}")
    return start, stop


def _last_response(epoch: Group, samples: int) -> int:
    """Return the last sample with a voltage; recording was stopped there."""
    response = epoch.array("response/timeseries/data").expect(None)[()]
    there = np.flatnonzero(response)
    return int(there[-1]) if len(there) else samples


def _ramp_end(current: np.ndarray, last: int, start: int, stop: int) -> int:
    peak = int(np.argmax(current))
    return min(stop, last, peak if peak > start else stop)
