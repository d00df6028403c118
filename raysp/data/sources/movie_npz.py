"""Anyone's movie and repeated spikes: arrays of an NPZ or HDF5 file, or the original's folder of NPY files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np

from raysp.config.experiment import STANDIN
from raysp.config.ranges import Positive
from raysp.data.formats import count_file
from raysp.data.formats.npz import npy_array
from raysp.data.sources import movie_cut
from raysp.data.sources.movie_cut import TEST, TRAIN, VALIDATION, Built, Cut, Recorded
from raysp.data.splits.header import Provenance
from raysp.errors import BadInput
from raysp.io import files

VERSION = "movie_npz-2"
MOVIE = "M_train(last)_natural.npy"
PARTS = {
    TRAIN: "S_1_train(last)_natural_first80.npy",
    TEST: "S_1_train(last)_natural_mid30.npy",
    VALIDATION: "S_1_train(last)_natural_last10.npy",
}
"""The names under which sample-and-measure (Bellec et al. 2021) keeps the movie, (y, x, frames), and the spikes of each
part, (repeats * frames, units), one repeat after the other."""


@dataclass(frozen=True)
class Config(Cut):
    """Which arrays, and how repeats become parts.

    Attributes:
        path: the file; or a folder with the original's four NPY files, which say themselves which repeats are of which
            part.
        bin_ms: how long a frame is shown.
        frames: name of the movie's array, (frames, y, x).
        spikes: name of the spikes' array, (repeats, frames, units) counts.
        new_frames: the same of a movie that tests alone; empty for none.
        new_spikes: likewise.
    """

    path: str = field(kw_only=True)
    bin_ms: Positive = 40.0
    frames: str = "frames"
    spikes: str = "spikes"
    new_frames: str = ""
    new_spikes: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.new_frames) != bool(self.new_spikes):
            raise BadInput("movie_npz expected both new_frames and new_spikes, or neither, got one of them")


def inputs(config: Config) -> list[str]:
    """Return the files that are read."""
    single = config.path.lower().endswith((".npz", ".h5", ".hdf5", ".mat"))
    return [config.path] if single else [files.join(config.path, name) for name in (MOVIE, *PARTS.values())]


def build(config: Config, name: str) -> Built:
    """Make a split of a movie and its repeats.

    Raises:
        BadInput: an array is missing, damaged, or cannot be used; nothing was written.
    """
    paths, new = inputs(config), []
    if len(paths) > 1:
        recorded = _originals(paths)
    else:
        with count_file.arrays(config.path) as file:
            recorded = Recorded(file.read(config.frames), file.read(config.spikes))
            if config.new_frames:
                new.append(Recorded(file.read(config.new_frames), file.read(config.new_spikes)))
    hashed = tuple((os.path.basename(path), files.sha256(path)) for path in paths)
    provenance = Provenance(hashed, VERSION, name.startswith(STANDIN))
    return movie_cut.assemble(recorded, new, config.bin_ms, config, name, provenance)


def _originals(paths: list[str]) -> Recorded:
    movie, *recorded = (_npy(path) for path in paths)
    if movie.ndim != 3:
        raise BadInput(f"{paths[0]} expected a movie (y, x, frames), got {movie.shape}")
    frames = np.moveaxis(movie, 2, 0)
    spikes = [_repeats(one, len(frames), path) for one, path in zip(recorded, paths[1:], strict=True)]
    parts = np.repeat(list(PARTS), [len(one) for one in spikes])
    # In the order of the recording, in which those that test lie between the others.
    return Recorded(frames, np.concatenate(spikes), parts)


def _repeats(spikes: np.ndarray, frames: int, path: str) -> np.ndarray:
    if spikes.ndim != 2 or len(spikes) % frames:
        raise BadInput(f"{path} expected spikes (repeats * {frames} frames, units), got {spikes.shape}")
    return spikes.reshape(-1, frames, spikes.shape[1])


def _npy(path: str) -> np.ndarray:
    return npy_array(files.read_bytes(path), path)
