"""Recorded movies, cut into training, validation and test repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from raysp.config.ranges import Between, Natural
from raysp.config.settings import Settings
from raysp.data.formats.count_file import check_numbers, checked_counts
from raysp.data.formats.plausibility import reordered
from raysp.data.formats.resize import unit_pixels
from raysp.data.sources.movie_remarks import remarks
from raysp.data.splits.header import Provenance
from raysp.data.splits.movie import MovieAnswers, MovieSizes, MovieSplit, Repeats, Truth
from raysp.errors import BadInput, expect

Built = tuple[MovieSplit, MovieAnswers]
TRAIN, VALIDATION, TEST = 0, 1, 2
LEAST = 2
"""Repeats of a part without which nothing can be said of what repeats have in common, and of what they have not."""

HINTS = {
    2: "; for one row of pixels use x[:, None, :]",
    4: "; turn colours into grey, e.g. x.mean(axis=-1) of (frames, y, x, colours)",
}
MOST = 255
"""Spikes a bin that are kept."""


@dataclass(frozen=True)
class Cut(Settings):
    """How repeats become parts.

    Attributes:
        test_fraction: of a movie's repeats, those that judge.
        validation_fraction: those that select weights and settings.
        order: "interleaved": test and validation repeats are spread over the recording, so that a slow drift is in all
            parts; "recorded": the first train, those after them test, the last validate.
        counts: a bin has its number of spikes; else one or none.
        first: the first bin that is scored, so that models may look so many bins back.
    """

    test_fraction: Between = 0.25
    validation_fraction: Between = 0.15
    order: Literal["interleaved", "recorded"] = "interleaved"
    counts: bool = False
    first: Natural = 9


@dataclass(frozen=True)
class Recorded:
    """A movie and what was recorded.

    Attributes:
        frames: (frames, y, x) numbers.
        spikes: (repeats, frames, units) counts.
        parts: (repeats,) part of each repeat; None for a cut.
    """

    frames: np.ndarray
    spikes: np.ndarray
    parts: np.ndarray | None = None


def assemble(
    recorded: Recorded, new: Sequence[Recorded], bin_ms: float, config: Cut, name: str, provenance: Provenance,
    truth: Truth | None = None,
) -> Built:  # fmt: skip
    """Return the split, and the spikes of its test part.

    Args:
        recorded: a movie that was shown many times.
        new: others, which test alone.
        bin_ms: how long a frame is shown.
        config: how repeats become parts.
        name: of the split.
        provenance: where the numbers come from.
        truth: how generated spikes came about.

    Raises:
        BadInput: see `MovieSplit`; or fewer repeats than parts need.
    """
    movies = [checked_frames(one.frames, f"{name}, movie {number}") for number, one in enumerate((recorded, *new))]
    spikes = [checked_spikes(one, f"{name}, movie {number}") for number, one in enumerate((recorded, *new))]
    parts = cut(len(spikes[0]), config, name) if recorded.parts is None else recorded.parts
    of_training, of_validation, of_test = np.bincount(parts, minlength=3).tolist()
    _check_enough(of_training, of_validation, of_test, name)
    notes = [*_several(spikes, counts=config.counts), *remarks(movies, spikes[0])]
    kept = [one if config.counts else np.minimum(one, np.uint8(1)) for one in spikes]
    train, validation, test = (_taken(0, kept[0], np.flatnonzero(parts == part)) for part in (TRAIN, VALIDATION, TEST))
    tests = (test, *(_taken(number, one, np.arange(len(one))) for number, one in enumerate(kept[1:], 1)))
    (frames, height, width), units = movies[0].shape, kept[0].shape[2]
    sizes = MovieSizes(name, float(bin_ms), height, width, units, (frames,), config.first, not config.counts)
    provenance = Provenance(provenance.recordings, provenance.builder, provenance.standin, (*provenance.notes, *notes))
    ids = np.arange(units, dtype=np.int64)
    split = MovieSplit(name, sizes, tuple(movies), (train,), (validation,), tests, ids, provenance=provenance)
    return split, MovieAnswers(name, sizes, tests, ids, truth)


def cut(repeats: int, config: Cut, where: str) -> np.ndarray:
    """Return (repeats,) the part of each repeat.

    Raises:
        BadInput: a part would have fewer than two.

    >>> cut(8, Cut(test_fraction=0.25, validation_fraction=0.25), "mine")
    array([0, 1, 2, 0, 0, 1, 2, 0])
    """
    tested, validated = (round(share * repeats) for share in (config.test_fraction, config.validation_fraction))
    _check_enough(repeats - tested - validated, validated, tested, where)
    parts = np.full(repeats, TRAIN)
    if config.order == "recorded":
        parts[repeats - tested - validated :] = TEST
        parts[repeats - validated :] = VALIDATION
    else:
        parts[spread(repeats, tested)] = TEST
        others = np.flatnonzero(parts == TRAIN)
        parts[others[spread(len(others), validated)]] = VALIDATION
    return parts


def _check_enough(train: int, validation: int, test: int, where: str) -> None:
    if min(train, validation, test) < LEAST:
        raise BadInput(
            f"{where} expected two or more repeats to train on, to validate and to test, got {max(train, 0)}, "
            f"{validation} and {test} of {train + validation + test}; record more, or give other fractions"
        )


def spread(total: int, count: int) -> np.ndarray:
    """Return `count` of `total` places, as far from each other and from both ends as can be.

    >>> spread(9, 3)
    array([1, 4, 7])
    """
    return ((np.arange(count) + 0.5) * total / max(count, 1)).astype(int)


def checked_frames(frames: np.ndarray, where: str) -> np.ndarray:
    """Return (frames, y, x) float32; whole pixels of 8 or 16 bits come to lie between 0 and 1.

    Raises:
        BadInput: another shape, or no numbers.
    """
    check_numbers(frames, f"{where}, frames")
    hint = HINTS.get(frames.ndim, "")
    expect(frames.ndim == 3 and frames.size, f"{where} expected frames (frames, y, x), got {frames.shape}{hint}")
    # Zeros and ones are what they are; other whole pixels are shades of grey.
    pixels = frames if frames.max() <= 1 else unit_pixels(frames)
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(pixels, np.float32)


def checked_spikes(recorded: Recorded, where: str) -> np.ndarray:
    """Return (repeats, frames, units) uint8. Raises BadInput for what cannot be counts of the movie's frames."""
    counts = checked_counts(recorded.spikes, f"{where}, spikes")
    expect(not np.isnan(counts).any(), f"{where} expected spikes of every repeat to the movie's end, got NaN")
    if counts.shape[1] != len(recorded.frames):
        raise BadInput(
            f"{where} expected spikes (repeats, {len(recorded.frames)} frames, units), a bin for each frame, got "
            f"{counts.shape}{_swapped(recorded.frames.shape, counts.shape)}"
        )
    expect(counts.any(), f"{where} expected spikes, got none in any repeat")
    expect(counts.max() <= MOST, f"{where} expected at most {MOST} spikes a bin, got {counts.max():.0f}")
    return counts.astype(np.uint8)


def _taken(movie: int, spikes: np.ndarray, rows: np.ndarray) -> Repeats:
    return Repeats(movie, rows.astype(np.int64), spikes[rows])


def _several(spikes: Sequence[np.ndarray], *, counts: bool) -> tuple[str, ...]:
    """Return the note that bins have more than one spike, where some have."""
    several, total = sum(int((one > 1).sum()) for one in spikes), sum(one.size for one in spikes)
    kept = "all are kept" if counts else "one of them is kept"
    return (f"{several / total:.2%} of the bins have two spikes or more, of which {kept}",) if several else ()


def _swapped(frames: tuple[int, ...], spikes: tuple[int, ...]) -> str:
    """Return which axes were swapped, where lengths say so, as the end of a sentence."""
    if spikes[1] in frames[1:]:
        return f"; the movie has an axis of {spikes[1]}: is it (y, x, frames)? use np.moveaxis(frames, -1, 0)"
    return reordered(spikes, [None, (frames[0],), None])
