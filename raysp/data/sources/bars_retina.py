"""Six cells of a rat's retina under moving bars: 54 repeats of one movie, and 30 movies that were shown once.

The recording of Mahuas et al. 2020 (github.com/gmahuas/2stepGLM, MIT), as it is given away in MATLAB files, or in NPZ
files that were made of them. A frame is one of 400 pictures of 16.67 ms, which lasts ten bins of the recording.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np

from raysp.config.experiment import STANDIN
from raysp.config.ranges import Natural
from raysp.data.formats import count_file, matlab_values
from raysp.data.sources import movie_cut
from raysp.data.sources.movie_cut import Built, Cut, Recorded
from raysp.data.splits.header import Provenance
from raysp.errors import expect
from raysp.io import files

VERSION = "bars_retina-1"
REPEATED, NEW = "bars_rat_retina.npz", "bars_rat_retina_nonrepeat.npz"
MATLAB, NEW_MATLAB = "test_data_bars.mat", "nonrepeat_data_bars.mat"
HELD, BIN_MS, PIXELS = 10, 5 / 3, 31


@dataclass(frozen=True)
class Config(Cut):
    """Which files, and how repeats become parts.

    Attributes:
        path: the folder of the files.
        new_movies: movies shown once that are taken to test, of 30.
    """

    path: str = field(kw_only=True)
    new_movies: Natural = 0


def inputs(config: Config) -> list[str]:
    """Return the files that are read: NPZ files, or MATLAB files where there are none."""
    return [_there(config, REPEATED, MATLAB), *([_there(config, NEW, NEW_MATLAB)] if config.new_movies else [])]


def _there(config: Config, *names: str) -> str:
    known = [files.join(config.path, name) for name in names]
    return next(filter(files.exists, known), known[-1])


def build(config: Config, name: str) -> Built:
    """Make a split of the recording.

    Raises:
        BadInput: a file is damaged or holds something else; nothing was written.
    """
    paths = inputs(config)
    frames, spikes = (_matlab if paths[0].endswith(".mat") else _npz)(paths[0])
    recorded = _pictures(frames, spikes, paths[0])
    new = _new(paths[1], config.new_movies) if config.new_movies else []
    hashed = tuple((os.path.basename(path), files.sha256(path)) for path in paths)
    provenance = Provenance(hashed, VERSION, name.startswith(STANDIN))
    return movie_cut.assemble(recorded, new, HELD * BIN_MS, config, name, provenance)


def _npz(path: str) -> tuple[np.ndarray, np.ndarray]:
    with count_file.arrays(path) as file:
        return file.read("frames"), file.read("spikes")


def _matlab(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return frames (bins, 1, pixels) and spikes (repeats, bins, units)."""
    movie, spikes = matlab_values.arrays(path, ["stimulus_test", "spikes_test"])
    _check_axes(movie, spikes, 3, path)
    return movie.transpose(2, 1, 0), spikes.transpose(2, 1, 0)


def _new(path: str, count: int) -> list[Recorded]:
    frames, spikes = (_new_matlab if path.endswith(".mat") else _new_npz)(path)
    expect(count <= len(frames), f"{path}: new_movies expected at most {len(frames)}, got {count}")
    return [_pictures(one, own[None], path) for one, own in zip(frames[:count], spikes, strict=False)]


def _new_npz(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return frames (movies, bins, 1, pixels) and spikes (movies, bins, units)."""
    with count_file.arrays(path) as file:
        packed, spikes = file.read("frames"), file.read("spikes")
    return np.unpackbits(packed, axis=2, count=PIXELS)[:, :, None], spikes


def _new_matlab(path: str) -> tuple[np.ndarray, np.ndarray]:
    movies, spikes = matlab_values.arrays(path, ["stimulus", "spikes_train"])
    _check_axes(movies, spikes, 4, path)
    return movies.transpose(3, 2, 1, 0), spikes.transpose(2, 1, 0)


def _check_axes(movie: np.ndarray, spikes: np.ndarray, axes: int, path: str) -> None:
    right = movie.ndim == axes and spikes.ndim == 3 and movie.shape[2] == spikes.shape[1]
    expect(right, f"{path} expected pixels and spikes of the same bins, got {movie.shape} and {spikes.shape}")


def _pictures(frames: np.ndarray, spikes: np.ndarray, path: str) -> Recorded:
    """Return a frame and the spikes of each picture, of frames and spikes of each bin."""
    held = frames.reshape(-1, HELD, *frames.shape[1:])
    expect((held == held[:, :1]).all(), f"{path} expected pictures that last {HELD} bins, got others")
    repeats, _, units = spikes.shape
    return Recorded(held[:, 0], spikes.reshape(repeats, -1, HELD, units).sum(axis=2))
