"""A stimulus split on disk: one HDF5 file where every prepared split lies, with a header of the same form.

Nothing is hidden in a second file: a model's answers are the spikes of later bins, which it reads as history anyway.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any, Literal

import numpy as np

from raysp.data.formats.guarded import Group
from raysp.data.formats.hdf5 import opened
from raysp.data.splits.population import Provenance
from raysp.data.splits.sealed import checked_header, new_sealed, raw_header, read
from raysp.data.splits.stimulus import StimulusSizes, StimulusSplit
from raysp.errors import BadInput, NotReady
from raysp.io import files

FORMAT, KIND = 2, "stimulus"

ARRAYS = ("stimulus", "spikes", "cells", "global_ids")

CHUNK_BINS = 1 << 16


def path_of(root: str, name: str) -> str:
    """Return where the split called `name` lies below the data root; splits of other kinds lie there too."""
    return files.join(root, "prepared", f"{name}.h5")


def save(split: StimulusSplit, root: str, built_from: dict[str, Any]) -> None:
    """Write a split, whole or not at all.

    Args:
        split: the split.
        root: the data root.
        built_from: what the arrays were built from (JSON-able), so that a second build can tell it is up to date.

    Raises:
        OSError: the disk is full; a file that was there stays as it was.
    """
    header = {
        "format": FORMAT,
        "kind": KIND,
        "name": split.name,
        "sizes": dataclasses.asdict(split.sizes),
        "provenance": dataclasses.asdict(split.provenance),
        "built_from": built_from,
        "fingerprint": fingerprint(split),
        "cells": split.cells.tolist(),
        "left_out": split.left_out,
        "parts": dict(split.parts),
        "trials": {"train": split.bins_of("train"), "eval": split.bins_of("test")},
        "arrays": [],
    }
    with new_sealed(path_of(root, split.name), header) as file:
        for name in ARRAYS:
            array = getattr(split, name)
            # One column a chunk, since the values of one channel or cell stay the same from bin to bin.
            file.write(name, array, (min(CHUNK_BINS, len(array)), *(1 for _ in array.shape[1:])))


def load(root: str, name: str) -> StimulusSplit:
    """Read a prepared split.

    Raises:
        NotReady: the split was never prepared, or by another version of the format.
        BadInput: the file is damaged, or holds a split of another kind.
    """
    path = path_of(root, name)
    again = f"run: raysp data prepare {name} --root {root}"
    if not files.exists(path):
        raise NotReady(f"split {name!r} is not prepared below {root!r}; {again}")
    try:
        with opened(path, again=again) as file:
            found = read_header(file, root, name)
            if found.get("kind") != KIND:
                raise BadInput(f"{path} expected a split of kind {KIND!r}, got {found.get('kind', 'population')!r}")
            arrays = {array: read(file, array, found) for array in ARRAYS}
        return StimulusSplit(
            name=found["name"],
            sizes=StimulusSizes(**found["sizes"]),
            parts={part: tuple((start, stop) for start, stop in found["parts"][part]) for part in found["parts"]},
            left_out=tuple((cell, reason) for cell, reason in found["left_out"]),
            provenance=Provenance.read(found["provenance"]),
            **arrays,
        )
    except (BadInput, NotReady):
        raise
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise BadInput(f"{path} is damaged or not HDF5 ({error}); {again}") from error


def fingerprint(split: StimulusSplit) -> str:
    """Return the SHA-256 of a split's sizes, parts and arrays: what a trial's name takes of its data."""
    known = {"sizes": dataclasses.asdict(split.sizes), "parts": dict(split.parts)}
    total = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    for name in ARRAYS:
        array = getattr(split, name)
        total.update(f"{name}{array.shape}{array.dtype.str}".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def read_header(file: Group, root: str, name: str, holds: Literal["split", "answers"] = "split") -> dict[str, Any]:
    """Return the header of a prepared split, or of its answers.

    Args:
        file: the open file.
        root: the data root, for the error.
        name: the split's name.
        holds: what the file must hold.

    Raises:
        NotReady: it was written by another version of the format.
        BadInput: it is damaged, no prepared split, or another one; or a split lies in the place of answers.
    """
    raw = raw_header(file)
    if raw is None:
        raise BadInput(f"{file.filename} is not a prepared split; run raysp data prepare again")
    if raw.get("format") != FORMAT:
        raise NotReady(
            f"{file.filename} has format {raw.get('format')}, this version reads {FORMAT}; "
            f"run: raysp data prepare {name} --root {root}"
        )
    found = checked_header(file, raw)
    if found.get("name") != name:
        raise BadInput(
            f"{file.filename} holds the split {found.get('name')!r}, expected {name!r}; remove it, or give it its own "
            "name back"
        )
    # Answers lie beside the split that says where both come from.
    there = "split" if "provenance" in found else "answers"
    if there != holds:
        raise BadInput(f"{file.filename} holds the {there}, expected the {holds}; {file.again}")
    return found
