"""A split on disk: one HDF5 file for what a model may see, one beside it for the evaluation trials' answers."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from raysp.config.experiment import Trial
from raysp.data.formats.guarded import Group
from raysp.data.formats.hdf5 import opened
from raysp.data.nlb.sets import BUILDER, SPLITS, STANDIN_PREFIX
from raysp.data.splits import stimulus_file
from raysp.data.splits.population import PopulationSplit, Provenance, Sizes, Targets, TrainingPart, Trials
from raysp.data.splits.sealed import DIGESTS, Sealing, new_sealed, read, read_all
from raysp.data.splits.stimulus import StimulusSizes, StimulusSplit
from raysp.data.splits.stimulus_file import FORMAT
from raysp.errors import BadInput, NotReady
from raysp.io import files


def split_path(root: str, name: str) -> str:
    """Return where the split called `name` lies below the data root."""
    return files.join(root, "prepared", f"{name}.h5")


def targets_path(root: str, name: str) -> str:
    """Return where the split's answers lie below the data root."""
    return files.join(root, "prepared", f"{name}.targets.h5")


def kind_of(header: dict[str, Any]) -> str:
    """Return the kind of a prepared split from its header: "population" or "stimulus"."""
    return header.get("kind", "population")


def sizes_of(header: dict[str, Any]) -> Sizes | StimulusSizes:
    """Return the sizes of a prepared split from its header."""
    kind = Sizes if kind_of(header) == "population" else StimulusSizes
    return kind(**header["sizes"])


def save(
    split: PopulationSplit | StimulusSplit, targets: Targets | None, root: str, built_from: dict[str, Any]
) -> None:
    """Write a split and its answers, each whole or not at all; the answers first, so that a split never lacks them.

    Args:
        split: the split.
        targets: its answers; None where they are unknown.
        root: the data root.
        built_from: what the arrays were built from (JSON-able), so that a second build can tell it is up to date.

    Raises:
        OSError: the disk is full; files that were there stay as they were.
    """
    if isinstance(split, StimulusSplit):
        return stimulus_file.save(split, root, built_from)
    header = {
        "format": FORMAT,
        "name": split.name,
        "sizes": dataclasses.asdict(split.sizes),
        "provenance": dataclasses.asdict(split.provenance),
        "built_from": built_from,
        "fingerprint": fingerprint(split),
        "answers": targets is not None,
        "trials": {"train": len(split.train), "eval": len(split.eval)},
        "arrays": sorted(split.eval.arrays()),
    }
    answers = targets_path(root, split.name)
    if targets is not None:
        known = {name: header[name] for name in ("format", "name", "fingerprint")}
        with new_sealed(answers, known) as file:
            _write(file, "trials/", targets.trials.arrays())
            _write(file, "", {"psth": targets.psth, "units": targets.units})
    with new_sealed(split_path(root, split.name), header) as file:
        _write(file, "train/", split.train.arrays())
        _write(file, "eval/", split.eval.arrays())
        _write(file, "", {"units": split.units})
    if targets is None:
        files.remove(answers)


def header(root: str, name: str) -> dict[str, Any]:
    """Return a prepared split's header without reading its arrays.

    Raises:
        NotReady: the split was never prepared, or by another version of the format.
        BadInput: the file is damaged.
    """
    path = split_path(root, name)
    if not files.exists(path):
        # Splits of recordings of one's own are known to the experiment that names them.
        what = name if name.removeprefix(STANDIN_PREFIX) in SPLITS else "EXPERIMENT.py"
        raise NotReady(f"split {name!r} is not prepared below {root!r}; run: raysp data prepare {what} --root {root}")
    with _opened(path, parts=True) as file:
        found = stimulus_file.read_header(file, root, name)
    builder = found["provenance"]["builder"]
    if builder.startswith("nlb-") and builder != BUILDER:
        raise NotReady(
            f"{path} was prepared by {builder}, this raysp builds {BUILDER}; "
            f"run: raysp data prepare {name} --root {root}"
        )
    return found


def same_data(root: str, trial: Trial) -> dict[str, Any]:
    """Return the header of a trial's split, after comparing it with what the trial was trained on.

    Raises:
        NotReady: see `header`.
        BadInput: see `header`; or the split was prepared anew since, or is another one below another data root.
    """
    found = header(root, trial.split)
    if (now := found["fingerprint"]) != trial.data:
        raise BadInput(
            f"{trial.split} below {root!r} is no longer what {trial.id} was trained on (data {trial.data[:12]}, now "
            f"{now[:12]}): it was prepared anew from other data, or this is another data root. Give the one it was "
            "trained on with --root, or run the experiment again"
        )
    return found


def notes(root: str, name: str) -> tuple[str, ...]:
    """Return what preparing a split had to say of it, one sentence each. Raises as `header` does."""
    return tuple(header(root, name)["provenance"]["notes"])


def load(root: str, name: str) -> PopulationSplit | StimulusSplit:
    """Read a prepared split. Raises as `header` does."""
    found = header(root, name)
    if kind_of(found) == "stimulus":
        return stimulus_file.load(root, name)
    with _opened(split_path(root, name)) as file:
        return PopulationSplit(
            name=found["name"],
            sizes=Sizes(**found["sizes"]),
            train=Trials(**read_all(file, "train", found)),
            eval=Trials(**read_all(file, "eval", found)),
            provenance=Provenance.read(found["provenance"]),
            units=_read(file, "units", found),
        )


def load_training(root: str, name: str) -> TrainingPart | StimulusSplit:
    """Read what a search may see of a prepared split; its evaluation trials are not read. Raises as `header` does.

    A recording in one piece comes whole: its parts are stretches of time, and training reads two of three.
    """
    found = header(root, name)
    if kind_of(found) == "stimulus":
        return stimulus_file.load(root, name)
    with _opened(split_path(root, name)) as file:
        left_out = TrainingPart.left_out(found["provenance"]["standin"])
        train = Trials(**read_all(file, "train", found, left_out))
        units = _read(file, "units", found)
    return TrainingPart(found["name"], Sizes(**found["sizes"]), train, found["provenance"]["standin"], units)


def load_targets(root: str, name: str) -> Targets:
    """Read the answers of a prepared split.

    Raises:
        NotReady: the answers are not known (the test phase of a benchmark whose answers were not fetched).
        BadInput: the file is damaged, or holds the answers to other data.
    """
    prepared = header(root, name)
    path = targets_path(root, name)
    if not files.exists(path):
        raise NotReady(
            f"no answers for {name!r} below {root!r}; for the benchmark's test phase run: "
            f"raysp data fetch test_answers --root {root}, then raysp data prepare {name} --root {root}"
        )
    with _opened(path) as file:
        found = stimulus_file.read_header(file, root, name, "answers")
        if found["fingerprint"] != prepared["fingerprint"]:
            raise BadInput(
                f"{path} holds the answers to other data called {name} (data {found['fingerprint'][:12]}, prepared are "
                f"{prepared['fingerprint'][:12]}); run: raysp data prepare {name} --root {root}"
            )
        return Targets(
            name=name,
            sizes=Sizes(**prepared["sizes"]),
            trials=Trials(**read_all(file, "trials", found)),
            psth=_read(file, "psth", found),
            units=_read(file, "units", found),
        )


def has_its_answers(root: str, name: str) -> bool:
    """Tell whether a prepared split has the answers that it was prepared with, or was prepared without. No arrays are
    read. Raises as `header` does.
    """
    prepared = header(root, name)
    if not prepared.get("answers") or not files.exists(path := targets_path(root, name)):
        return not prepared.get("answers")
    try:
        with _opened(path, parts=True) as file:
            return stimulus_file.read_header(file, root, name, "answers")["fingerprint"] == prepared["fingerprint"]
    except (BadInput, NotReady):
        return False


def is_whole(root: str, name: str) -> bool:
    """Tell whether all arrays of a prepared split and of its answers are those that were written; they are read."""
    try:
        load(root, name)
        if kind_of(header(root, name)) == "population" and files.exists(targets_path(root, name)):
            load_targets(root, name)
    except (BadInput, NotReady):
        return False
    return True


def fingerprint(split: PopulationSplit) -> str:
    """Return the SHA-256 of a split's sizes and arrays: what a trial's name takes of its data."""
    total = hashlib.sha256(json.dumps(dataclasses.asdict(split.sizes), sort_keys=True).encode())
    for arrays in (split.train.arrays(), split.eval.arrays(), {} if split.units is None else {"units": split.units}):
        for name, array in sorted(arrays.items()):
            total.update(f"{name}{array.shape}{array.dtype.str}".encode())
            total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


@contextlib.contextmanager
def _opened(path: str, *, parts: bool = False) -> Iterator[Group]:
    with opened(
        path, parts=parts, again="prepare it again: raysp data prepare (of an experiment's own recording with its file)"
    ) as file:
        yield file


def _write(file: Sealing, group: str, arrays: Mapping[str, np.ndarray | None]) -> None:
    for name, array in arrays.items():
        if array is not None:
            # A trial a chunk, so that reading a few trials unpacks no others.
            file.write(f"{group}{name}", array, (1, *array.shape[1:]) if array.ndim > 2 else True)


def _read(file: Group, name: str, header: Mapping[str, Any]) -> np.ndarray | None:
    return read(file, name, header) if name in header[DIGESTS] else None
