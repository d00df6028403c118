"""Kinds of files below a data root that raysp writes itself: prepared splits, their answers, notes of hashes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from raysp.data.splits import store
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit, Sizes, TrialArrays
from raysp.io import files, hashes
from tests.fuzz import hdf5_changes, text_changes
from tests.fuzz.kinds import Kind, Read
from tests.models.made_up_stimulus import made_up_recording

SIZES = Sizes(dataset="mine", bin_ms=20.0, bins=8, heldin=5, heldout=2, forward=3, behavior=2)


def made_split(seed: int, name: str = "mine", sizes: Sizes = SIZES) -> tuple[PopulationSplit, Answers]:
    """Return a split and its answers."""
    rng = np.random.default_rng(seed)

    def trials(count: int) -> TrialArrays:
        def counts(bins: int, neurons: int) -> np.ndarray:
            return rng.poisson(0.4, (count, bins, neurons)).astype(np.float32)

        return TrialArrays(
            heldin=counts(sizes.bins, sizes.heldin),
            heldout=counts(sizes.bins, sizes.heldout),
            heldin_forward=counts(sizes.forward, sizes.heldin),
            heldout_forward=counts(sizes.forward, sizes.heldout),
            behavior=rng.standard_normal((count, sizes.bins, sizes.behavior)).astype(np.float32),
            condition=rng.integers(0, 3, count),
            rates=rng.gamma(1.0, 0.4, (count, sizes.bins + sizes.forward, sizes.units)).astype(np.float32),
        )

    train, hidden = trials(9), trials(6)
    psth = rng.gamma(1.0, 0.4, (3, sizes.bins, sizes.units))
    provenance = Provenance((("mine.nwb", "0" * 64),), "population-1")
    split = PopulationSplit(name, sizes, train, TrialArrays(heldin=hidden.heldin), provenance)
    return split, Answers(name, sizes, hidden, psth)


def _population(folder: str, seed: int) -> None:
    store.save(*made_split(seed), folder, {"source": "population", "settings": {"seed": seed}})


def _stimulus(folder: str, seed: int) -> None:
    store.save(made_up_recording(bins=600, units=2, seed=seed), None, folder, {"source": "retina"})


def _plain(found: Any) -> Any:
    held = {name: getattr(found, name, None) for name in ("train", "eval", "trials")}
    parts = {name: part.arrays() for name, part in held.items() if part is not None}
    return {**{name: value for name, value in vars(found).items() if name not in parts}, **parts}


def _with(read: Callable[[str, str], Any], name: str = "mine") -> Callable[[str], Read]:
    return lambda folder: Read(_plain(read(folder, name)))


def _header(name: str = "mine") -> Callable[[str], Read]:
    return lambda folder: Read(store.header(folder, name))


SPLIT = Kind(
    "prepared split",
    "prepared/mine.h5",
    _population,
    {"split": _with(store.load), "header": _header(), "training": _with(store.load_training)},
    hdf5_changes.CHANGES,
    ours=True,
)
TARGETS = Kind(
    "prepared answers", "prepared/mine.targets.h5", _population, {"answers": _with(store.load_answers)},
    hdf5_changes.CHANGES, ours=True,
)  # fmt: skip
STIMULUS = Kind(
    "prepared stimulus split",
    "prepared/made_up.h5",
    _stimulus,
    {"split": _with(store.load, "made_up"), "header": _header("made_up")},
    hdf5_changes.CHANGES,
    ours=True,
)


def _hashed(folder: str, seed: int) -> None:
    with open(path := os.path.join(folder, "recording.nwb"), "wb") as file:
        file.write(bytes(1000))
    os.utime(path, (1e9, 1e9))
    hashes.sha256(path)


def _hash(folder: str) -> Read:
    path = files.join(folder, "recording.nwb")
    os.utime(path, (1e9, 1e9))
    return Read(hashes.sha256(path))


NOTE = Kind("note of a hash", ".recording.nwb.sha256.json", _hashed, {"hash": _hash}, text_changes.JSON, ours=True)
KINDS = (SPLIT, TARGETS, STIMULUS, NOTE)
