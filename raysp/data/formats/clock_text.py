"""Times that a table has as a clock's text, 0:01:02.3, h:m:s: seconds, whatever others are."""

from __future__ import annotations

import re

import numpy as np

EXAMPLE = "0:20:34.5 (h:m:s)"
CLOCK = re.compile(r"\s*([-+]?)(\d+):([0-5]?\d):([0-5]?\d(?:[.,]\d*)?)\s*")


class Seconds(np.ndarray):
    """Times in s, of a column whose type or text says so: no setting divides them again."""


def of_clock(texts: np.ndarray) -> Seconds | None:
    """Return the seconds that texts mean, NaN of an empty one; None where one is no clock's, or none is."""
    # Columns of names are long.
    if not is_clock(next((one for one in texts.tolist() if one.strip()), None)):
        return None
    each = [CLOCK.fullmatch(one) for one in texts.tolist()]
    if not all(found or not one.strip() for found, one in zip(each, texts.tolist(), strict=True)):
        return None
    return np.array([np.nan if found is None else _seconds(found) for found in each]).view(Seconds)


def is_clock(text: object) -> bool:
    """Tell whether a value is a clock's text."""
    return isinstance(text, str) and CLOCK.fullmatch(text) is not None


def in_seconds(values: np.ndarray, per_second: float) -> np.ndarray:
    """Return times in s, float64, of which `per_second` are a second unless they say themselves that they are."""
    return np.asarray(values, dtype=np.float64) / (1.0 if isinstance(values, Seconds) else per_second)


def _seconds(found: re.Match[str]) -> float:
    sign, hours, minutes, seconds = found.groups()
    whole = int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
    return -whole if sign == "-" else whole
