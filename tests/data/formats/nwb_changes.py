"""Changes to an NWB file, as other labs write and break them."""

import numpy as np

from tests.data.nwb_recordings import HAND, UNITS, put

TIMES, INDEX, GO = "units/spike_times", "units/spike_times_index", "intervals/trials/go"
WITH_HAND = {"behavior": "hand"}


def scaled(name, factor, kind=float):
    return lambda file: put(file, name, (file[name][()] * factor).astype(kind))


def at(name, row, value):
    def change(file):
        values = file[name][()].astype(float) if file[name].dtype.kind == "f" else file[name][()]
        values[row] = value
        put(file, name, values)

    return change


def removed(name):
    return lambda file: file.__delitem__(name)


def stored(name, value):
    return lambda file: put(file, name, value)


def regular(rate=250.0, begin=0.0, data=None):
    def change(file):
        del file[f"{HAND}/timestamps"]
        file[f"{HAND}/starting_time"] = begin
        if rate is not None:
            file[f"{HAND}/starting_time"].attrs["rate"] = rate
        if data is not None:
            put(file, f"{HAND}/data", data)

    return change


def said(name, value):
    return lambda file: file[f"{HAND}/data"].attrs.__setitem__(name, value)


def table(path, source="intervals/trials"):
    return lambda file: file.copy(source, path)


def invalid(*stretches):
    def change(file):
        group = file.create_group("intervals/invalid_times")
        group["id"] = np.arange(len(stretches))
        group["start_time"] = [float(begin) for begin, _ in stretches]
        group["stop_time"] = [float(end) for _, end in stretches]

    return change


def observed(intervals, index):
    def change(file):
        put(file, "units/obs_intervals", np.array(intervals, dtype=float))
        put(file, "units/obs_intervals_index", np.array(index))

    return change


def link(name, target):
    return lambda file: (file.__delitem__(name), file.__setitem__(name, target))


EACH = np.arange(1, UNITS + 1)
EDGES = ("start", "stop")
