"""Splits on disk, of any kind: an HDF5 file for what a model may see, and one beside it for answers, where it may not.

Only the kind's own file (`raysp.data.splits.catalog`) knows what the arrays are.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from raysp.config.experiment import Trial
from raysp.data.formats.guarded import Group
from raysp.data.formats.hdf5 import opened
from raysp.data.splits import catalog
from raysp.data.splits.header import Header
from raysp.data.splits.sealed import DIGESTS, Stored, checked_header, new_sealed, raw_header, read_all
from raysp.data.splits.split import Answers, Split, header_of
from raysp.errors import BadInput, NotReady, present
from raysp.io import checksum, files

FORMAT = 4
AGAIN = "prepare it again: raysp data prepare (of an experiment's own recording with its file)"
CHUNK = 1 << 16
"""Values of a chunk of an array that runs in time."""


def split_path(root: str, name: str) -> str:
    """Return where the split called `name` lies below the data root."""
    return files.join(root, "prepared", f"{name}.h5")


def answers_path(root: str, name: str) -> str:
    """Return where the split's answers lie below the data root."""
    return files.join(root, "prepared", f"{name}.targets.h5")


def save(split: Split, answers: Answers | None, root: str, built_from: Mapping[str, object]) -> None:
    """Write a split and its answers, each whole or not at all; the answers first, so that a split never lacks them.

    Args:
        split: the split.
        answers: of its evaluation trials, of the kind's own class; None where they are unknown, or the kind has none.
        root: the data root.
        built_from: what the arrays were built from (JSON-able), so that a second build can tell it is up to date.

    Raises:
        OSError: the disk is full; files that were there stay as they were.
    """
    known = {"format": FORMAT, **dataclasses.asdict(header_of(split, built_from, answers=answers is not None))}
    path = answers_path(root, split.name)
    if answers is not None:
        _write(path, {name: known[name] for name in ("format", "name", "fingerprint")}, answers.arrays())
    _write(split_path(root, split.name), known, split.arrays())
    if answers is None:
        files.remove(path)


def header(root: str, name: str) -> Header:
    """Return a prepared split's header without reading its arrays.

    Raises:
        NotReady: the split was never prepared, or by another version of the format.
        BadInput: the file is damaged.
    """
    with _split(root, name, parts=True) as (_, found, _):
        return found


def same_data(root: str, trial: Trial) -> Header:
    """Return the header of a trial's split, after comparing it with what the trial was trained on.

    Raises:
        NotReady: see `header`.
        BadInput: see `header`; or the split was prepared anew since, or is another one below another data root.
    """
    found = header(root, trial.split)
    if found.fingerprint != trial.data:
        raise BadInput(
            f"{trial.split} below {root!r} is no longer what {trial.id} was trained on (data {trial.data[:12]}, now "
            f"{found.fingerprint[:12]}): it was prepared anew from other data, or this is another data root. Give the "
            "one it was trained on with --root, or run the experiment again"
        )
    return found


def load(root: str, name: str) -> Split:
    """Read a prepared split. Raises as `header` does."""
    with _split(root, name) as (file, found, raw):
        return catalog.of(found.kind).Split.of(found, read_all(file, raw))


def reads_units(root: str, name: str) -> bool:
    """Tell whether `load_units` reads some units without the others. Raises as `header` does."""
    # A kind of somebody's own may have a Split that derives from nothing.
    return getattr(catalog.of(header(root, name).kind).Split, "by_unit", False)


def load_units(root: str, name: str, units: Sequence[int]) -> Split:
    """Read some units of a prepared split; of a kind whose arrays stand unit by unit, no others.

    Args:
        root: the data root.
        name: of the split.
        units: the recording's own numbers.

    Raises:
        NotReady, BadInput: see `header`; or a unit is not there.
    """
    with _split(root, name, parts=True) as (file, found, raw):
        return catalog.of(found.kind).Split.of_units(found, Stored(file, raw), units)


def load_training(root: str, name: str) -> Split:
    """Read what a search may see of a prepared split; what else there is, is not read. Raises as `header` does."""
    with _split(root, name) as (file, found, raw):
        kind = catalog.of(found.kind).Split
        return kind.of(found, read_all(file, raw, lambda array: kind.shown(found, array)))


def load_answers(root: str, name: str) -> Answers:
    """Read the answers of a prepared split.

    Raises:
        NotReady: the answers are not known (the test phase of a benchmark whose answers were not fetched).
        BadInput: the file is damaged, or holds the answers to other data.
    """
    prepared = header(root, name)
    path = answers_path(root, name)
    if not files.exists(path):
        raise NotReady(
            f"no answers for {name!r} below {root!r}; for the benchmark's test phase run: "
            f"raysp data fetch test_answers --root {root}, then raysp data prepare {name} --root {root}"
        )
    with opened(path, again=AGAIN) as file:
        found = _checked(file, root, name, "answers")
        if found["fingerprint"] != prepared.fingerprint:
            raise BadInput(
                f"{path} holds the answers to other data called {name} (data {found['fingerprint'][:12]}, prepared are "
                f"{prepared.fingerprint[:12]}); run: raysp data prepare {name} --root {root}"
            )
        return present(catalog.of(prepared.kind).Answers).of(prepared, read_all(file, found))


def answers_digest(root: str, name: str) -> str:
    """Return the SHA-256 of what a prepared split's answers say of their arrays; empty where there are none.

    No array is read. A split's fingerprint is of what models see, and says nothing of these. Raises as `header` does.
    """
    if not header(root, name).answers or not files.exists(path := answers_path(root, name)):
        return ""
    with opened(path, parts=True, again=AGAIN) as file:
        return checksum.digest(_checked(file, root, name, "answers")[DIGESTS])


def has_its_answers(root: str, name: str) -> bool:
    """Tell whether a prepared split has the answers that it was prepared with, or was prepared without. No arrays are
    read. Raises as `header` does.
    """
    prepared = header(root, name)
    if not prepared.answers or not files.exists(path := answers_path(root, name)):
        return not prepared.answers
    try:
        with opened(path, parts=True, again=AGAIN) as file:
            return _checked(file, root, name, "answers")["fingerprint"] == prepared.fingerprint
    except (BadInput, NotReady):
        return False


def is_whole(root: str, name: str) -> bool:
    """Tell whether all arrays of a prepared split and of its answers are those that were written; they are read."""
    try:
        load(root, name)
        if files.exists(answers_path(root, name)):
            load_answers(root, name)
    except (BadInput, NotReady):
        return False
    return True


@contextlib.contextmanager
def _split(root: str, name: str, *, parts: bool = False) -> Iterator[tuple[Group, Header, Mapping[str, Any]]]:
    """Give the open file of a split, its header, and the same as it lies in the file."""
    path = split_path(root, name)
    if not files.exists(path):
        own = "for a recording of an experiment's own: with the experiment's file in place of the name"
        told = f"split {name!r} is not prepared below {root!r}; run: raysp data prepare {name} --root {root}"
        raise NotReady(f"{told} ({own})")
    with opened(path, parts=parts, again=AGAIN) as file:
        raw = _checked(file, root, name, "split")
        yield file, Header.read(raw, catalog.of(raw["kind"]).Sizes), raw


def _checked(file: Group, root: str, name: str, holds: Literal["split", "answers"]) -> dict[str, Any]:
    """Return the header of a prepared split, or of its answers, as it lies in the file.

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


def _write(path: str, header: Mapping[str, object], arrays: Mapping[str, np.ndarray]) -> None:
    with new_sealed(path, header) as file:
        for name, array in arrays.items():
            file.write(name, array, _chunks(array))


def _chunks(array: np.ndarray) -> tuple[int, ...]:
    # A trial, so that reading a few trials unpacks no others; or a column, whose values are much alike.
    return (1, *array.shape[1:]) if array.ndim > 2 else (min(CHUNK, len(array)), *(1 for _ in array.shape[1:]))
