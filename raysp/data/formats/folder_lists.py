"""A folder with a file for each unit: its spike times, one a line, or a vector of NumPy, and nothing else in it."""

from __future__ import annotations

import itertools
import os
from collections import Counter

import numpy as np

from raysp.data.formats import npz
from raysp.data.formats.starred import natural
from raysp.errors import BadInput
from raysp.io import files

TEXTS, VECTOR = (".txt", ".csv", ".tsv", ".dat"), ".npy"
SORTED = ("spike_times.npy", "spikes.times.npy")
"""Spike times in a folder of Kilosort and phy, and in one of ALF."""
FEWEST, PROBED = 3, 5
"""Files of more than one number from which on a folder is taken for one of units; lines that tell what a text is."""


def paths(folder: str) -> list[str]:
    """Return the paths of the files of numbers alone in a folder on this machine, those of the ending most have.

    They are in the order of the numbers in their names. A path that is no such folder has none; nor has one of a
    sorter, whose vectors are columns: its clock and its labels of units lie beside them, and are read by that of times.
    """
    if not files.is_local(folder) or not os.path.isdir(files.absolute(folder)):
        return []
    if not set(SORTED).isdisjoint(inside := files.listing(folder)):
        return []
    lengths = {name: found for name in inside if (found := _numbers(os.path.join(folder, name))) >= 0}
    several = Counter(_ending(name) for name, length in lengths.items() if length > 1)
    ((ending, count),) = several.most_common(1) or [("", 0)]
    if count < FEWEST:
        return []
    return [os.path.join(folder, name) for name in natural(list(lengths)) if _ending(name) == ending]


def vectors(folder: str) -> dict[str, np.ndarray]:
    """Return the numbers of each file by its name without the ending; none of a file without a line.

    Raises:
        BadInput: a file holds something else, or none is a file of numbers.
    """
    if not (each := paths(folder)):
        told = f"{folder} expected {FEWEST} files at least that hold a unit's times each, a number a line"
        raise BadInput(f"{told}, or NumPy's vectors, got none such; check the path")
    return {os.path.splitext(os.path.basename(path))[0]: _read(path) for path in each}


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _numbers(path: str) -> int:
    """Return how many numbers a file holds, of a text by its first lines; -1 of one that holds something else."""
    name, ending = files.absolute(path), _ending(path)
    if ending == VECTOR:
        try:
            found = npz.npy_file(path)
        except BadInput:
            return -1
        return found.size if found.dtype.kind in "iuf" and found.size in (0, max(found.shape, default=0)) else -1
    if ending not in TEXTS or not os.path.isfile(name):
        return -1
    with open(name, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in itertools.islice(file, PROBED)]
    there = [line for line in lines if line]
    # The first line may be the column's name.
    return len(there) if all(map(_is_number, there[1:])) and all(len(line.split()) == 1 for line in there) else -1


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read(path: str) -> np.ndarray:
    if _ending(path) == VECTOR:
        found = npz.npy_file(path).ravel()
        return found.astype(found.dtype.newbyteorder("="), copy=False)
    lines = [line.strip() for line in files.read_text(path).split("\n")]
    lines = [line for line in lines if line]
    texts = lines if not lines or _is_number(lines[0]) else lines[1:]
    if odd := next((line for line in texts if not _is_number(line)), None):
        raise BadInput(f"{path} expected a time a line, got {odd[:40]!r}; mend that line")
    return np.array(texts, dtype=np.float64)
