"""Reading a time series of an NWB recording: its values, and when each was taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raysp.data.formats import nwb_find
from raysp.data.formats.guarded import Dataset, Group, decoded
from raysp.data.formats.nwb import LATEST_S

UNSAID = ("", "unknown", "n/a", "na", "none")
"""What files say for a unit where they say nothing."""

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Series:
    """A recorded signal.

    Attributes:
        name: the signal's name in the file.
        times: (samples,) s, strictly ascending.
        values: (samples, channels), as stored, or in the series' unit where `series` converted them.
        channels: the channels' names; "0000", "0001", ... where the file gives none.
        unit: of the values; empty where the file gives none.
    """

    name: str
    times: np.ndarray
    values: np.ndarray
    channels: tuple[str, ...]
    unit: str = ""

    @property
    def variables(self) -> tuple[tuple[str, str], ...]:
        """(name, unit) of each channel, the signal's name before its own."""
        name, several = self.name.rpartition("/")[2], len(self.channels) > 1
        own = [str(index) if one == _unnamed(index) else one for index, one in enumerate(self.channels)]
        return tuple((f"{name} {one}" if several else name, self.unit) for one in own)


def series(file: Group, name: str, *, time_last: bool | None = None, converted: bool = False) -> Series:
    """Read a time series.

    Args:
        file: an open NWB file.
        name: its path in the file, its name, or its container's name, "_" and its own.
        time_last: True for values stored as (channels, samples), False for (samples, channels) whatever their shape;
            None takes (samples, channels) and refuses what looks otherwise.
        converted: values become stored values * conversion + offset, as NWB defines the series' unit; the benchmark's
            own tools, which its numbers are compared with, take them as stored.

    Raises:
        BadInput: no series has that name, or several; its values are not real numbers in (samples,) or (samples,
            channels), or infinite; its conversion or offset is no number; its times are missing, out of order, or not
            one per sample.
    """
    group = nwb_find.series(file, name)
    data = group.array("data")
    if len(data.shape) not in (1, 2):
        raise data.refuse(f"expected shape (samples,) or (samples, channels), got {data.shape}")
    values = data.numbers(*[None] * len(data.shape))
    values = values[:, None] if values.ndim == 1 else values.T if time_last else values
    unit = _unit(data, stored=not converted)
    values = _in_unit(values, data) if converted else values
    _check_values(values, data)
    times = _times(group, len(values))
    samples, channels = values.shape
    if len(times) != samples:
        other = "; it has (channels, samples): say behavior_time_last: true" if len(times) == channels else ""
        raise group.refuse(f"expected one time per sample, got {len(times)} for {samples}{other}")
    if time_last is None and channels > samples and "timestamps" not in group:
        raise data.refuse(
            f"expected (samples, channels), got {data.shape}, more channels than samples; if it holds (channels, "
            "samples) say behavior_time_last: true, if not, false"
        )
    _check_stamps(times, group)
    return Series(name, times, values, _channels(decoded(group.attrs.get("comments", "")), channels), unit)


def _in_unit(values: np.ndarray, data: Dataset) -> np.ndarray:
    factor, offset = (_number(data.attrs.get(name, usual)) for name, usual in (("conversion", 1.0), ("offset", 0.0)))
    if factor is None or factor == 0:
        got = data.attrs.get("conversion")
        raise data.refuse(f"expected an attribute conversion that is a number other than 0, got {got!r}")
    if offset is None:
        raise data.refuse(f"expected an attribute offset that is one number, got {data.attrs.get('offset')!r}")
    if factor == 1 and offset == 0:
        return values
    with np.errstate(over="ignore"):
        return values.astype(np.float64) * float(factor) + float(offset)


def _unit(data: Dataset, *, stored: bool) -> str:
    """Return the unit of the values, as they are stored or converted to the file's own."""
    found = decoded(data.attrs.get("unit", "")).strip()
    factor, offset = (_number(data.attrs.get(name, usual)) for name, usual in (("conversion", 1.0), ("offset", 0.0)))
    if found.lower() in UNSAID or (stored and (factor is None or offset != 0)):
        return ""
    return f"{factor:g} {found}" if stored and factor != 1 else found


def _check_values(values: np.ndarray, data: Dataset) -> None:
    if values.size == 0:
        raise data.refuse(f"expected samples, got none: shape {data.shape}")
    wrong = np.isinf(values) | (np.abs(values) > LARGEST)
    if wrong.any():
        row, channel = np.argwhere(wrong)[0]
        place = f"in sample {row}, channel {channel}, and {wrong.sum()} such values in all"
        raise data.refuse(f"expected finite numbers, or NaN where unknown, got {values[row, channel]} {place}")


def _times(group: Group, samples: int) -> np.ndarray:
    if "timestamps" in group:
        return group.array("timestamps").numbers(None).astype(np.float64, copy=False)
    if "starting_time" not in group:
        raise group.refuse("expected timestamps, or starting_time with a rate, found neither")
    start = group.array("starting_time")
    begin, rate = _number(start[()]), _number(start.attrs.get("rate"))
    if begin is None:
        raise start.refuse(f"expected one number of seconds, got {start[()]!r}")
    if rate is None or rate <= 0:
        raise start.refuse(f"expected an attribute rate > 0, samples per second, got {start.attrs.get('rate')!r}")
    return np.arange(samples) / rate + begin


def _number(value: object) -> float | None:
    found = np.asarray(value)
    if found.size != 1 or found.dtype.kind not in "iuf" or not np.isfinite(found).all():
        return None
    return found.reshape(-1)[0]


def _check_stamps(times: np.ndarray, group: Group) -> None:
    if (wrong := ~(np.abs(times) <= LATEST_S)).any():
        row = int(wrong.argmax())
        raise group.refuse(f"expected times in seconds, got {times[row]} at row {row}, {wrong.sum()} such in all")
    if (wrong := np.diff(times) <= 0).any():
        row = int(wrong.argmax())
        place = f"at row {row}, {wrong.sum()} such steps in all"
        raise group.refuse(f"expected ascending seconds, got {times[row]} before {times[row + 1]} {place}")


def _channels(comments: str, count: int) -> tuple[str, ...]:
    names = tuple(comments.split("[")[-1].split("]")[0].split(",")) if "columns=" in comments else ()
    return names if len(names) == count else tuple(_unnamed(index) for index in range(count))


def _unnamed(index: int) -> str:
    return f"{index:04d}"
