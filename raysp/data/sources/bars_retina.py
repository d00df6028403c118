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
from raysp.data.formats import count_file
from raysp.data.sources import movie_cut
from raysp.data.sources.movie_cut import Built, Cut, Recorded
from raysp.data.splits.header import Provenance
from raysp.errors import BadInput, expect
from raysp.io import files

VERSION = "bars_retina-1"
REPEATED, NEW, MATLAB = "bars_rat_retina.npz", "bars_rat_retina_nonrepeat.npz", "test_data_bars.mat"
HELD, BIN_MS, PIXELS = 10, 5 / 3, 31


@dataclass(frozen=True)
class Config(Cut):
    """Which files, and how repeats become parts.

    Attributes:
        path: the folder of the files.
        new_movies: movies shown once that are taken to test, of 30; they are in the NPZ files alone.
    """

    path: str = field(kw_only=True)
    new_movies: Natural = 0


def inputs(config: Config) -> list[str]:
    """Return the files that are read: the NPZ file of repeats, or the MATLAB file where there is none."""
    known = [files.join(config.path, name) for name in (REPEATED, MATLAB)]
    repeated = next(filter(files.exists, known), known[0])
    return [repeated, *([files.join(config.path, NEW)] if config.new_movies else [])]


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
    """Return frames (bins, 1, pixels) and spikes (repeats, bins, units) of a file of MATLAB's version 5."""
    from scipy.io import loadmat

    with files.opened(path) as file:
        try:
            found = loadmat(file, variable_names=("stimulus_test", "spikes_test"))
            movie, spikes = found["stimulus_test"], found["spikes_test"]
        except Exception as error:
            raise BadInput(
                f"{path} expected stimulus_test and spikes_test of a MATLAB file, got none: {error}"
            ) from error
    return movie.transpose(2, 1, 0), spikes.transpose(2, 1, 0)


def _new(path: str, count: int) -> list[Recorded]:
    with count_file.arrays(path) as file:
        packed, spikes = file.read("frames"), file.read("spikes")
    expect(count <= len(packed), f"{path}: new_movies expected at most {len(packed)}, got {count}")
    frames = np.unpackbits(packed[:count], axis=2, count=PIXELS)
    return [_pictures(one[:, None], own[None], path) for one, own in zip(frames, spikes, strict=False)]


def _pictures(frames: np.ndarray, spikes: np.ndarray, path: str) -> Recorded:
    """Return a frame and the spikes of each picture, of frames and spikes of each bin."""
    held = frames.reshape(-1, HELD, *frames.shape[1:])
    expect((held == held[:, :1]).all(), f"{path} expected pictures that last {HELD} bins, got others")
    repeats, _, units = spikes.shape
    return Recorded(held[:, 0], spikes.reshape(repeats, -1, HELD, units).sum(axis=2))
