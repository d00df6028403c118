"""A proposal for a file of arrays (HDF5, NPZ): which of them are counts, and what belongs to their trials."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from raysp.config.settings import Plain
from raysp.data.formats import matrix_columns, starred
from raysp.data.sources import bins_of_trials, guessed_axes, proposal_samples
from raysp.data.sources.clocks import RATE, RATES_HZ, is_whole
from raysp.data.sources.count_layout import PATTERN
from raysp.data.sources.counted_behavior import BINS
from raysp.data.sources.own_bins import even_step
from raysp.data.sources.population_config import ORDER
from raysp.data.sources.proposed import BIN_MS, Proposal, condition, described
from raysp.errors import BadInput
from raysp.io.words import listed

USUAL = re.compile(r"count|spike|spk|binned", re.IGNORECASE)
WIDTH, OF_BINS = re.compile(r"bin|(^|_)dt", re.IGNORECASE), re.compile(r"bin", re.IGNORECASE)
HOW_MANY = re.compile(r"bins$|(^|[_./])(n|num|number|count)_?(of_)?(time_?)?bin", re.IGNORECASE)
"""Names of a bin's width, and of how many bins there are, which is none."""
MOST = 60
"""Arrays of a file that are looked at; where there are more they are arrays of trials, of which the first tell."""

MOST_VARIABLES = 12
"""Variables of behaviour, at most, that are taken for it."""
LONG, SPARSE = 200, 0.1
"""Bins of a trial, and spikes in a bin, from which on counts of 0 and 1 are taken for bins of 1 ms."""


Look = Callable[[str], tuple[tuple[int, ...], np.ndarray]]


def proposal(looks: Mapping[str, Look], path: str) -> Proposal:
    """Return what arrays a file holds and which are counts.

    Args:
        looks: by an array's name what returns its shape, and its values or, where it is large, the first of them.
        path: of the file.
    """
    arrays: dict[str, np.ndarray] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    contents = []
    for name, look in list(looks.items())[:MOST]:
        try:
            shapes[name], arrays[name] = look(name)
            contents.append(_described(name, shapes[name], arrays[name]))
        except BadInput as error:
            contents.append(f"{name}: {str(error).removeprefix(path).lstrip(': ')}")
    if len(looks) > MOST:
        contents.append(f"and {len(looks) - MOST} more arrays")
    arrays = _alike(arrays, shapes)
    found = of_each_trial(arrays) or _counts(arrays)
    if found is None:
        return Proposal("", contents=(*contents, *_why_not(arrays)))
    name, counts = found
    settings: dict[str, Plain] = {"counts": name}
    why = {"counts": "whole numbers, (trials, bins, units)" if PATTERN not in name else "an array a trial"}
    own = set(starred.fitting(name, arrays)[0])
    others = {other: one for other, one in arrays.items() if other not in own}
    axes, order = guessed_axes.guessed(counts, others)
    if axes == ORDER[-counts.ndim :] and "NOT KNOWN" in order:
        why["counts"] += f"; {order}, which axes: [...] names"
    shape = shapes.get(name, ())
    paired = _evaluated(name, shapes) is not None
    alike = [other for other in like_counts(others) if shapes[other][:-1] == shape[:-1]]
    # Of training and evaluation trials each has such arrays.
    if alike := [other for other in alike if not paired or "train" in other]:
        why["counts"] += f"; not read, which may be counts, too: {listed(np.array(alike))}"
        if paired:
            why["counts"] += ": of more units? Save both joined along the last axis"
    if axes != ORDER[-counts.ndim :]:
        settings["axes"], why["axes"] = list(axes), order
        counts = counts.transpose([axes.index(one) for one in ORDER if one in axes])
    (width, why["bin_ms"]) = bin_ms(arrays, counts)
    settings["bin_ms"] = width
    if finer := width < BIN_MS <= width * counts.shape[-2] and (BIN_MS / width).is_integer():
        settings |= {"bin_ms": BIN_MS, "counts_bin_ms": width}
        why |= {"counts_bin_ms": why["bin_ms"], "bin_ms": "a usual width; it must be a multiple of counts_bin_ms"}
    if counts.ndim == 2:
        why["counts"] = why["counts"].replace("(trials, bins, units)", "(bins, units)")
        settings["window_ms"] = [0, round(100 * (BIN_MS if finer else width), 4)]
        why["window_ms"] = "there are no trials: cut into windows so long"
        trials = [one for one in bins_of_trials.likely(others) if bins_of_trials.is_cut(others[one], len(counts))]
        if trials and arrays[name].shape == shapes[name]:
            del settings["window_ms"], why["window_ms"]
            settings["trial"], why["trial"] = trials[0], "the trial of each bin"
            contents += [f"counts lie bin after bin, in trials by {trials[0]}"]
            return Proposal("population", settings, why, tuple(contents))
    if (other := _evaluated(name, shapes)) is not None:
        settings["eval_counts"], why["eval_counts"] = other, "trials to evaluate, beside those to train on"
        return Proposal("population", settings, why, tuple(contents))
    for setting, (value, reason) in _beside(counts, others).items():
        settings[setting], why[setting] = value, reason
    if "behavior" not in settings:
        told, (more, reasons) = proposal_samples.beside(counts.shape, width, others, shapes)
        contents += told
        settings |= more
        why |= reasons
    return Proposal("population", settings, why, tuple(contents))


def _described(name: str, shape: tuple[int, ...], array: np.ndarray) -> str:
    if shape == array.shape:
        return described(name, array)
    part = described(name, array).partition(": ")[2].partition(", ")[2]
    return f"{name}: {' x '.join(map(str, shape))}, {part} (by the first {array.nbytes / 2**20:.0f} MB)"


def _alike(arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Return arrays cut at the place where one of the same length was, so that they still fit each other."""
    cuts = {shapes[name][0]: len(one) for name, one in arrays.items() if one.ndim and len(one) < shapes[name][0]}
    return {name: one[: cuts[len(one)]] if one.ndim and len(one) in cuts else one for name, one in arrays.items()}


def of_each_trial(arrays: Mapping[str, np.ndarray]) -> tuple[str, np.ndarray] | None:
    """Return the pattern of arrays' names that lie a trial each, and the first of them, where a file has such."""
    alike: dict[str, list[str]] = {}
    for name, one in arrays.items():
        if one.ndim == 2 and min(one.shape) > 1 and is_whole(one):
            alike.setdefault(re.sub(r"\d+", PATTERN, name), []).append(name)
    able = {pattern: names for pattern, names in alike.items() if len(names) > 3 and pattern.count(PATTERN) == 1}
    if not able or any(one.ndim == 3 and is_whole(one) for one in arrays.values()):
        return None
    pattern = max(able, key=lambda one: (bool(USUAL.search(one)), len(able[one])))
    each = [arrays[name] for name in able[pattern]]
    if len({one.shape[1] for one in each}) > 1:
        each = [one.T for one in each]
    if len({one.shape[1] for one in each}) > 1:
        return None
    shortest = min(map(len, each))
    return pattern, np.stack([one[:shortest] for one in each])


def _evaluated(name: str, shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """Return the array of evaluation trials that belongs to one of training trials, by its name and shape."""
    able = [name.replace("train", word) for word in ("eval", "valid", "val", "test")] if "train" in name else []
    return next((one for one in able if one in shapes and shapes[one][1:] == shapes[name][1:]), None)


def like_counts(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays that may be counts: whole numbers in two or three axes, and no matrix with a row a spike."""
    return {
        name: one
        for name, one in arrays.items()
        if one.ndim in (2, 3) and min(one.shape) > 1 and is_whole(one)
        # A row a spike, of whole ms or samples, is no matrix of counts.
        if matrix_columns.row_a_spike(matrix_columns.columns(name, one)) is None
    }


def _counts(arrays: Mapping[str, np.ndarray]) -> tuple[str, np.ndarray] | None:
    able = like_counts(arrays)
    shapes = {name: one.shape for name, one in able.items()}
    # Of training and evaluation trials in two arrays the first has the other beside it.
    paired = {name: _evaluated(name, shapes) is not None for name in able}
    order = sorted(able, key=lambda name: (able[name].ndim, paired[name], bool(USUAL.search(name)), able[name].size))
    return (order[-1], able[order[-1]]) if order else None


def _why_not(arrays: Mapping[str, np.ndarray]) -> list[str]:
    for name, one in arrays.items():
        if one.ndim in (2, 3) and one.dtype.kind in "iuf" and one.size and np.nanmin(one) < 0 and is_whole(np.abs(one)):
            told = (
                f"{name}: whole numbers, some below 0 ({np.nanmin(one):g} the least), which no counts are: if they mark"
            )
            return [f"{told} what is missing, write NaN there, as after a trial's end"]
    if {"indices", "indptr", "data", "shape"} <= set(arrays):
        return ["a sparse matrix of SciPy: save it full, np.save('counts.npy', scipy.sparse.load_npz(path).toarray())"]
    for name, one in arrays.items():
        if (pad := _padded(one)) is not None:
            told = f"{name}: rows of numbers that rise, padded with {pad:g}: are these times of spikes, a unit each?"
            return [f"{told} Write NaN there: np.where(x == {pad:g}, np.nan, x), in MATLAB x(x == {pad:g}) = NaN"]
    several = {name: one.ndim for name, one in arrays.items() if one.ndim in (2, 3) and one.dtype.kind == "f"}
    rates = [name for name, axes in several.items() if axes == max(several.values()) and min(arrays[name].shape) > 2]
    if rates:
        told = (
            f"no array of whole numbers: {', '.join(rates)} look like rates, smoothed counts, or traces and deconvolved"
        )
        return [f"{told} events; keep raw counts, or save whole numbers of events"]
    return ["no array of counts, (trials, bins, units) or (bins, units), was found"]


def _padded(one: np.ndarray) -> float | None:
    """Return what rising times of several units are padded with, -1 or 0, along the longer axis; None of others."""
    if one.ndim != 2 or one.dtype.kind not in "if" or not 1 < min(one.shape) < max(one.shape):
        return None
    rows = one if one.shape[1] > one.shape[0] else one.T
    for pad in (-1.0, 0.0):
        ends = rows.shape[1] - (rows[:, ::-1] != pad).argmax(axis=1)
        times = [row[:end] for row, end in zip(rows, ends, strict=True)]
        # The longest reaches to the end, others do not.
        if len(set(ends.tolist())) > 1 and all(len(row) > 1 and (np.diff(row) > 0).all() for row in times):
            return pad
    return None


def bin_ms(arrays: Mapping[str, np.ndarray], counts: np.ndarray) -> tuple[float, str]:
    """Return the width of the bins of counts (..., bins, units), ms, by what lies beside them, and why."""
    told: dict[float, str] = {}
    numbers = {
        name: float(one.reshape(-1)[0]) for name, one in arrays.items() if one.size == 1 and one.dtype.kind in "iuf"
    }
    # A name that says bins goes before dt, which may be of anything.
    for name in sorted(numbers, key=lambda name: not OF_BINS.search(name)):
        if WIDTH.search(name) and not HOW_MANY.search(name):
            value = numbers[name]
            ms = value * 1000 if value < 1 and not name.lower().endswith("ms") else value
            if 0.1 <= ms <= 1000:
                told.setdefault(round(ms, 6), f"from {name} = {value:g}")
    if told:
        (width, why), *others = told.items()
        return width, f"{why}, not {' or '.join(one.removeprefix('from ') for _, one in others)}" if others else why
    bins = counts.shape[-2]
    for name, one in arrays.items():
        # The last name says what it is, whatever group it lies in.
        if one.shape in ((bins,), (bins + 1,)) and BINS.fullmatch(re.split(r"[./]", name)[-1]):
            for step in even_step(one):
                ms = step * 1000 if step < 1 else step
                if 0.1 <= ms <= 1000:
                    return round(ms, 6), f"the step of {name}"
    if (found := proposal_samples.width(arrays, counts)) is not None:
        return found
    for name, value in numbers.items():
        if RATE.fullmatch(re.split(r"[./]", name)[-1]) and 1 <= value <= 1000 and _fire(counts, 1000 / value):
            return round(1000 / value, 6), f"NOT KNOWN: if {name} = {value:g} says how many bins a second has"
    if counts.max() == 1 and counts.shape[-2] >= LONG and counts.mean() < SPARSE:
        return 1.0, "NOT KNOWN: no bin has two spikes, as in bins of 1 ms; set the width of the file's bins, ms"
    return float(BIN_MS), "NOT KNOWN: set the width of the bins that were counted in, ms"


def _fire(counts: np.ndarray, width_ms: float) -> bool:
    """Tell whether units fire as units do where bins have that width."""
    return RATES_HZ[0] <= float(np.nanmean(counts)) * 1000 / width_ms <= RATES_HZ[1] / 2


def _beside(counts: np.ndarray, others: Mapping[str, np.ndarray]) -> dict[str, tuple[Plain, str]]:
    """Return what belongs to counts: setting -> its value, and why."""
    found: dict[str, tuple[Plain, str]] = {}
    trials = counts.shape[0]
    for name, one in others.items():
        rate = re.search(r"rate|truth|lambda", name, re.IGNORECASE)
        # Whole numbers beside counts are counts of other units.
        numbers = one.ndim == 3 and one.dtype.kind == "f" and not is_whole(one)
        # Beside counts without trials a row a bin; what rises all along are times.
        rows = counts.ndim == 2 and one.ndim in (1, 2) and len(one) == trials and one.dtype.kind == "f"
        numbers |= rows and one.size <= MOST_VARIABLES * trials and not (np.diff(one, axis=0) > 0).all()
        if numbers and one.shape[: counts.ndim - 1] == counts.shape[:-1] and not rate:
            found.setdefault("behavior", (name, "numbers for each bin, to decode from rates"))
        if one.ndim == 1 and len(np.unique(one)) in (0, trials):
            # A list of all trials leaves none for the other part: it belongs to other arrays of the file.
            continue
        if one.ndim != 1 or one.dtype.kind not in "iub" or (one.dtype.kind != "b" and one.max(initial=0) >= trials):
            continue
        if re.fullmatch(r"(train|training)_?(index|idx|trials|inds|mask)", name, re.IGNORECASE):
            found.setdefault("train_index", (name, "the file says which trials are trained on"))
        if re.fullmatch(r"(eval|test|valid)_?(index|idx|trials|inds|mask)", name, re.IGNORECASE):
            found.setdefault("eval_index", (name, "the file says which trials are evaluated"))
    # MATLAB's vectors have two axes.
    vectors = {name: one.ravel() if one.size == max(one.shape, default=0) else one for name, one in others.items()}
    if counts.ndim == 3 and (names := condition(vectors, trials)):
        found["conditions"] = (list(names[:1]), "few values, each in several trials: they share a PSTH")
    return found
