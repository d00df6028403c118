"""A proposal for a file of arrays (HDF5, NPZ): which of them are counts, and what belongs to their trials."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from raysp.config.settings import Plain
from raysp.data.sources.proposed import BIN_MS, Proposal, condition, described, is_whole
from raysp.errors import BadInput

USUAL = re.compile(r"count|spike|spk|binned", re.IGNORECASE)
MOST = 60
"""Arrays of a file that are looked at."""


def proposal(readers: Mapping[str, Callable[[str], np.ndarray]], path: str) -> Proposal:
    """Return what arrays a file holds and which are counts; `readers` by the arrays' names."""
    arrays: dict[str, np.ndarray] = {}
    contents = []
    for name, read in list(readers.items())[:MOST]:
        try:
            arrays[name] = read(name)
            contents.append(described(name, arrays[name]))
        except BadInput as error:
            contents.append(f"{name}: {str(error).removeprefix(path).lstrip(': ')}")
    if len(readers) > MOST:
        contents.append(f"and {len(readers) - MOST} more arrays")
    counts = _counts(arrays)
    if counts is None:
        return Proposal("", contents=(*contents, *_why_not(arrays)))
    settings: dict[str, Plain] = {"counts": counts}
    why = {"counts": "whole numbers, (trials, bins, units)"}
    if arrays[counts].ndim == 2:
        settings["window_ms"], why["counts"] = [0, 100 * BIN_MS], "whole numbers, (bins, units), without trials"
        why["window_ms"] = "there are no trials: cut into windows so long"
    bin_ms, why["bin_ms"] = _bin_ms(arrays)
    settings["bin_ms"] = bin_ms
    if arrays[counts].ndim == 2:
        settings["window_ms"] = [0, round(100 * bin_ms)]
    others = {name: one for name, one in arrays.items() if name != counts}
    for setting, (value, reason) in _beside(arrays[counts], others).items():
        settings[setting], why[setting] = value, reason
    return Proposal("population", settings, why, tuple(contents))


def _counts(arrays: Mapping[str, np.ndarray]) -> str | None:
    able = {name: one for name, one in arrays.items() if one.ndim in (2, 3) and min(one.shape) > 1 and is_whole(one)}
    order = sorted(able, key=lambda name: (able[name].ndim, bool(USUAL.search(name)), able[name].size))
    return order[-1] if order else None


def _why_not(arrays: Mapping[str, np.ndarray]) -> list[str]:
    rates = [name for name, one in arrays.items() if one.ndim == 3 and one.dtype.kind == "f"]
    if rates:
        return [f"no array of whole numbers: {', '.join(rates)} look like rates or smoothed counts; keep raw counts"]
    return ["no array of counts, (trials, bins, units) or (bins, units), was found"]


def _bin_ms(arrays: Mapping[str, np.ndarray]) -> tuple[float, str]:
    for name, one in arrays.items():
        if one.size == 1 and one.dtype.kind in "iuf" and re.search(r"bin|(^|_)dt", name, re.IGNORECASE):
            value = float(one.reshape(-1)[0])
            ms = value * 1000 if value < 1 else value
            if 0.1 <= ms <= 1000:
                return round(ms, 6), f"from {name} = {value:g}"
    return BIN_MS, "NOT KNOWN: set the width of the bins that were counted in, ms"


def _beside(counts: np.ndarray, others: Mapping[str, np.ndarray]) -> dict[str, tuple[Plain, str]]:
    """Return what belongs to counts: setting -> its value, and why."""
    found: dict[str, tuple[Plain, str]] = {}
    trials = counts.shape[0]
    for name, one in others.items():
        rate = re.search(r"rate|truth|lambda", name, re.IGNORECASE)
        if one.shape[:2] == counts.shape[:2] and one.ndim == 3 and one.dtype.kind == "f" and not rate:
            found.setdefault("behavior", (name, "numbers for each trial and bin, to decode from rates"))
        if one.ndim != 1 or one.dtype.kind not in "iub" or (one.dtype.kind != "b" and one.max(initial=0) >= trials):
            continue
        if re.fullmatch(r"(train|training)_?(index|idx|trials|inds|mask)", name, re.IGNORECASE):
            found.setdefault("train_index", (name, "the file says which trials are trained on"))
        if re.fullmatch(r"(eval|test|valid)_?(index|idx|trials|inds|mask)", name, re.IGNORECASE):
            found.setdefault("eval_index", (name, "the file says which trials are evaluated"))
    if counts.ndim == 3 and (names := condition(others, trials)):
        found["conditions"] = (list(names[:1]), "few values, each in several trials: they share a PSTH")
    return found
