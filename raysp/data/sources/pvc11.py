"""Recordings laid out as CRCNS pvc-11 (Smith and Kohn): a MATLAB file of a movie, another of its repeats' spike times.

Whoever is registered there downloads them. Frames become 27 x 27 pixels and times bins of 40 ms, as sample-and-measure
(Bellec et al. 2021) has them: of 120 repeats 80 train, 30 test and 10 validate.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from raysp.config.experiment import STANDIN
from raysp.config.ranges import Between, Count, Positive
from raysp.data.formats import matlab_values
from raysp.data.formats.count_file import check_numbers
from raysp.data.formats.resize import resized
from raysp.data.sources import movie_cut
from raysp.data.sources.movie_cut import Built, Cut, Recorded
from raysp.data.splits.header import Provenance
from raysp.errors import BadInput, expect
from raysp.io import files

VERSION = "pvc11-1"
PER_SECOND = {"s": 1.0, "ms": 1000.0}


@dataclass(frozen=True)
class Config(Cut):
    """Which files, and how they become frames and bins.

    Attributes:
        movie: path of the movie's file, of MATLAB's version 5 to 7 or 7.3.
        spikes: path of the spike times' file.
        movie_variable: (y, x, frames) numbers; whole ones of 8 or 16 bits come to lie between 0 and 1.
        spikes_variable: a cell array (units, repeats) of spike times from the movie's beginning.
        times: unit of the spike times.
        height: of a frame that is kept, pixels.
        width: likewise.
        bin_ms: how long a frame is shown.
    """

    movie: str = field(kw_only=True)
    spikes: str = field(kw_only=True)
    movie_variable: str = "M"
    spikes_variable: str = "events"
    times: Literal["s", "ms"] = "s"
    height: Count = 27
    width: Count = 27
    bin_ms: Positive = 40.0
    test_fraction: Between = 1 / 4
    validation_fraction: Between = 1 / 12


def inputs(config: Config) -> list[str]:
    """Return the two files."""
    return [config.movie, config.spikes]


def build(config: Config, name: str) -> Built:
    """Make a split of a movie and its repeats.

    Raises:
        BadInput: a file is damaged or holds something else, or most spikes lie outside the movie; nothing was written.
    """
    (movie,) = matlab_values.arrays(config.movie, [config.movie_variable])
    (events,) = matlab_values.arrays(config.spikes, [config.spikes_variable])
    frames = resized(_frames_first(movie, f"{config.movie}, {config.movie_variable}"), config.height, config.width)
    spikes, outside = _binned(events, len(frames), config, f"{config.spikes}, {config.spikes_variable}")
    hashed = tuple((os.path.basename(path), files.sha256(path)) for path in inputs(config))
    notes = (f"{outside:.2%} of the spikes lie outside the movie, and are left out",) if outside else ()
    provenance = Provenance(hashed, VERSION, name.startswith(STANDIN), notes)
    return movie_cut.assemble(Recorded(frames, spikes), [], config.bin_ms, config, name, provenance)


def _frames_first(movie: np.ndarray, where: str) -> np.ndarray:
    check_numbers(movie, where)
    expect(movie.ndim == 3 and movie.size, f"{where} expected a grey movie (y, x, frames), got {movie.shape}")
    return np.moveaxis(movie, 2, 0)


def _binned(events: np.ndarray, frames: int, config: Config, where: str) -> tuple[np.ndarray, float]:
    """Return (repeats, frames, units) counts, and the share of spikes that lie outside the movie."""
    if events.dtype != object or events.ndim != 2 or not events.size:
        raise BadInput(f"{where} expected a cell array (units, repeats) of spike times, got {events.dtype} of shape "
                       f"{events.shape}")  # fmt: skip
    units, repeats = events.shape
    each = [_times(one, f"{where}{{{place // repeats + 1},{place % repeats + 1}}}")
            for place, one in enumerate(events.ravel())]  # fmt: skip
    rows, times = np.repeat(np.arange(len(each)), [len(one) for one in each]), np.concatenate(each)
    bins = np.floor(times / PER_SECOND[config.times] / (config.bin_ms / 1000))
    inside = (bins >= 0) & (bins < frames)
    _check_inside(times, inside, frames, config, where)
    places = rows[inside] * frames + bins[inside].astype(np.int64)
    counts = np.bincount(places, minlength=units * repeats * frames).reshape(units, repeats, frames)
    return counts.transpose(1, 2, 0), 1 - inside.sum() / max(len(times), 1)


def _times(cell: np.ndarray, where: str) -> np.ndarray:
    found = np.asarray(cell)
    check_numbers(found, where)
    expect(np.isfinite(found).all(), f"{where} expected finite spike times, got NaN or infinity")
    return found.ravel().astype(np.float64)


def _check_inside(times: np.ndarray, inside: np.ndarray, frames: int, config: Config, where: str) -> None:
    """Refuse times of which half or more lie outside the movie: they, or the movie, are something else."""
    expect(len(times), f"{where} expected spike times, got none")
    if inside.mean() <= 0.5:
        told = f"{where} expected spike times in {config.times} of a movie of {frames} frames of {config.bin_ms:g} ms"
        raise BadInput(
            f"{told}, got {1 - inside.mean():.0%} of them outside it, up to {times.max():.4g}; give times: "
            f"{'ms' if config.times == 's' else 's'} if that is their unit, another bin_ms, or a movie (y, x, frames)"
        )
