"""Kinds of files that others make: recordings, counts, answers. None of them carries raysp's checksums."""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import scipy.io

from raysp.config import settings
from raysp.data.formats import retina_files
from raysp.data.nlb import answers as nlb_answers
from raysp.data.nlb import sets as nlb_sets
from raysp.data.nlb.sets import split_name
from raysp.data.sources import mnist, population, retina
from raysp.data.standin.nlb import write_standin
from raysp.data.standin.retina import write_retina
from tests.data.nlb_files import built
from tests.fuzz import archive_changes, hdf5_changes, idx_changes, zip_changes
from tests.fuzz.kinds import Kind, Read

TRIALS, UNITS, BINS = 12, 6, 30
BAD_NUMBERS = ("nan", "infinite", "negative")


def _nwb(folder: str, seed: int) -> None:
    """Write a trial per second, an event 0.4 s into it, six units of 40 Hz, and a signal."""
    rng = np.random.default_rng(seed)
    trains = [np.sort(rng.uniform(0, TRIALS, 40 * TRIALS)) for _ in range(UNITS)]
    with h5py.File(os.path.join(folder, "mine.nwb"), "w") as file:
        file.attrs["nwb_version"] = "2.6.0"
        file["identifier"] = f"session {seed}"
        trials = file.create_group("intervals/trials")
        trials["id"] = np.arange(TRIALS)
        trials["start_time"] = np.arange(TRIALS, dtype=float)
        trials["stop_time"] = trials["start_time"][()] + 1.0
        trials["go"] = trials["start_time"][()] + 0.4
        trials["side"] = [b"left", b"right"] * (TRIALS // 2)
        trials["success"] = np.arange(TRIALS) != 5
        trials["marks"] = np.arange(3.0 * TRIALS)
        trials["marks_index"] = 3 * np.arange(1, TRIALS + 1)
        units = file.create_group("units")
        units["id"] = np.arange(UNITS) + 10
        units["spike_times"] = np.concatenate(trains)
        units["spike_times_index"] = np.cumsum([len(train) for train in trains])
        units["obs_intervals"] = np.tile([[0.0, float(TRIALS)]], (UNITS, 1))
        units["obs_intervals_index"] = np.arange(1, UNITS + 1)
        hand = file.create_group("processing/behavior/hand")
        hand["timestamps"] = np.arange(0, TRIALS + 1, 0.01)
        hand["data"] = np.column_stack([np.sin(hand["timestamps"][()]), rng.standard_normal(len(hand["timestamps"]))])
        hand.attrs["comments"] = "columns=[x,y]"
        lick = file.create_group("acquisition/lick")
        lick["data"] = rng.standard_normal(100 * TRIALS + 100)
        lick["starting_time"] = 0.0
        lick["starting_time"].attrs["rate"] = 100.0


def _of_population(file: str, **wanted: Any):
    def read(folder: str) -> Read:
        values = {"path": os.path.join(folder, file), "bin_ms": 10, **wanted}
        return _built(population.build(settings.build(population.Config, values, "recording x"), "x"))

    return read


def _built(found: Any) -> Read:
    split, targets = found
    answers = None if targets is None else (targets.trials.arrays(), targets.psth)
    arrays = (
        (split.train.arrays(), split.eval.arrays()) if split.kind == "population" else (split.stimulus, split.spikes)
    )
    more = (
        {} if split.kind == "population" else {"parts": split.parts, "left_out": split.left_out, "units": split.units}
    )
    return Read((split.sizes, arrays, answers, more), tuple(getattr(split.provenance, "notes", ())))


CUT = {"align": "go", "window_ms": [-100, 200]}
NWB = Kind(
    "NWB",
    "mine.nwb",
    _nwb,
    {
        "plain": _of_population("mine.nwb", **CUT),
        "behaviour": _of_population("mine.nwb", behavior="hand", conditions=["side"], forward_ms=100, **CUT),
        "rate": _of_population("mine.nwb", behavior="lick", keep={"success": True}, min_rate_hz=1.0, **CUT),
    },
    hdf5_changes.CHANGES,
    doubted={"units/spike_times": ("nan", "infinite", "scaled")},
)


def _counts(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    rates = rng.gamma(2.0, 4.0, (20, BINS, UNITS))
    return {
        "spikes": rng.poisson(rates * 0.01),
        "rates": rates,
        "hand": rng.standard_normal((20, BINS, 2)),
        "side": rng.integers(0, 2, 20),
        "train": np.arange(15),
        "test": np.arange(15, 20),
    }


def _readers(file: str) -> dict[str, Any]:
    more = {"rates": "rates", "rate_scale": 0.01, "behavior": "hand", "conditions": ["side"]}
    return {
        "plain": _of_population(file, counts="spikes"),
        "all": _of_population(file, counts="spikes", train_index="train", eval_index="test", forward_ms=50, **more),
    }


def _hdf5(folder: str, seed: int) -> None:
    with h5py.File(os.path.join(folder, "counts.h5"), "w") as file:
        for name, array in _counts(seed).items():
            file[name] = array


def _npz(folder: str, seed: int) -> None:
    np.savez_compressed(os.path.join(folder, "counts.npz"), **_counts(seed))


def _matlab(folder: str, seed: int) -> None:
    """Write what MATLAB's `save -v7.3` writes: doubles, axes reversed, their class, and 512 bytes in front."""
    path = os.path.join(folder, "counts.mat")
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in _counts(seed).items():
            file[name] = np.atleast_2d(np.asarray(array, dtype=np.float64)).T
            file[name].attrs["MATLAB_class"] = np.bytes_(b"double")
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


def _matlab_5(folder: str, seed: int) -> None:
    scipy.io.savemat(os.path.join(folder, "counts.mat"), _counts(seed), do_compression=True)


DOUBTED = {"spikes": BAD_NUMBERS, "rates": BAD_NUMBERS, "hand": ("infinite",)}
HDF5 = Kind("HDF5 counts", "counts.h5", _hdf5, _readers("counts.h5"), hdf5_changes.CHANGES, doubted=DOUBTED)
NPZ = Kind("NPZ counts", "counts.npz", _npz, _readers("counts.npz"), zip_changes.NPZ, doubted=DOUBTED)
MATLAB = Kind(
    "MATLAB 7.3",
    "counts.mat",
    _matlab,
    {"plain": _of_population("counts.mat", counts="spikes")},
    hdf5_changes.CHANGES,
    doubted={"spikes": BAD_NUMBERS},
)
MATLAB_5 = Kind("MATLAB 5", "counts.mat", _matlab_5, MATLAB.readers, ())


def _benchmark(folder: str, seed: int) -> None:
    write_standin(folder, size="small", seed=seed, datasets=["mc_maze_small"])


MAZE = nlb_sets.dataset_of("mc_maze_small")


def _phase(phase: str):
    return lambda folder: _built(next(built(folder, split_name("mc_maze_small", 20, phase))))


def _answers(folder: str) -> Read:
    with h5py.File(MAZE.test_path(folder), "r") as test, h5py.File(MAZE.train_path(folder), "r") as train:
        trials, heldout = len(test["intervals/trials/id"]), int(train["units/heldout"][()].sum())
    expected = {"eval_spikes_heldout": (trials, MAZE.bins(20), heldout)}
    return Read(nlb_answers.read_answers(MAZE, folder, 20, standin=True, expected=expected))


BELOW = f"{MAZE.dandiset}/{MAZE.subject}"
TRAIN = Kind(
    "benchmark's NWB, training",
    f"{BELOW}/{MAZE.train_file}",
    _benchmark,
    {"val": _phase("val")},
    hdf5_changes.CHANGES,
)
TEST = Kind(
    "benchmark's NWB, test",
    f"{BELOW}/{MAZE.test_file}",
    _benchmark,
    {"test": _phase("test")},
    hdf5_changes.CHANGES,
)
ANSWERS = Kind(
    "benchmark's answers",
    "eval_data_test.h5",
    _benchmark,
    {"answers": _answers, "test": _phase("test")},
    hdf5_changes.CHANGES,
)


def _retina(folder: str, seed: int) -> None:
    write_retina(os.path.join(folder, "recording"), seconds=10, units=2, seed=seed)
    with tarfile.open(os.path.join(folder, "retina.tar.gz"), "w:gz") as archive:
        for name in sorted(os.listdir(os.path.join(folder, "recording"))):
            archive.add(os.path.join(folder, "recording", name), f"recording/{name}")


def _archive(folder: str) -> Read:
    return _built(retina.build(retina.Config(os.path.join(folder, "retina.tar.gz")), "x"))


def _names(folder: str) -> Read:
    return Read(retina_files.recordings(os.path.join(folder, "retina.tar.gz")))


RETINA = Kind("retina archive", "retina.tar.gz", _retina, {"build": _archive, "names": _names}, archive_changes.CHANGES)


def _digits(packed: bool) -> Callable[[str, int], None]:
    def make(folder: str, seed: int) -> None:
        rng = np.random.default_rng(seed)
        for name, count in zip(mnist.IDX, (40, 40, 20, 20), strict=True):
            images = rng.integers(0, 256, (count, 6, 5), dtype=np.uint8)
            data = idx_changes.packed(
                images if "images" in name else rng.permutation(np.arange(count) % 10).astype("u1")
            )
            with open(os.path.join(folder, f"{name}.gz" if packed else name), "wb") as file:
                file.write(gzip.compress(data) if packed else data)

    return make


def _of_digits(variant: str) -> Callable[[str], Read]:
    def read(folder: str) -> Read:
        values = {"path": folder, "variant": variant}
        split, answers = mnist.build(settings.build(mnist.Config, values, "recording x"), "x")
        return Read((split.sizes, split.arrays(), answers.arrays()), split.provenance.notes)

    return read


IDX_READERS = {"rows": _of_digits("l"), "pixels": _of_digits("p")}
IMAGES = Kind("IDX images", mnist.IDX[0], _digits(packed=False), IDX_READERS, idx_changes.CHANGES)
LABELS = Kind("IDX labels, packed", f"{mnist.IDX[1]}.gz", _digits(packed=True), IDX_READERS, idx_changes.CHANGES)
KINDS = (NWB, HDF5, NPZ, MATLAB, MATLAB_5, TRAIN, TEST, ANSWERS, RETINA, IMAGES, LABELS)
