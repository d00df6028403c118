"""The data kind "movie": movies, and spikes of units that were recorded while each was shown, once or many times."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from raysp.data.splits.header import Facts, Header, Provenance, Role, digest
from raysp.data.splits.split import Answers as AnyAnswers
from raysp.data.splits.split import Split as AnySplit
from raysp.data.splits.units import chosen_units
from raysp.errors import expect

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class MovieSizes:
    """What a model must know of the data's shape; nothing of it is ever typed into a configuration.

    Attributes:
        dataset: the data's name, "standin-" in front when they were generated.
        bin_ms: width of a bin, which is how long a frame is shown.
        height: of a frame, pixels.
        width: of a frame, pixels.
        units: recorded neurons.
        lengths: frames of each movie that is trained on.
        first: the first bin that is scored; those before it are history alone.
        binary: a bin has a spike or none; else it has their number.
    """

    dataset: str
    bin_ms: float
    height: int
    width: int
    units: int
    lengths: tuple[int, ...]
    first: int = 0
    binary: bool = True

    def __post_init__(self) -> None:
        # JSON has lists alone.
        object.__setattr__(self, "lengths", tuple(self.lengths))


@dataclass(frozen=True)
class Repeats:
    """Times that one movie was shown.

    Attributes:
        movie: its place among the split's movies.
        numbers: (repeats,) int64, the recording's own.
        spikes: (repeats, frames, units) uint8 spikes of each bin.
    """

    movie: int
    numbers: np.ndarray
    spikes: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def joined(self, other: Repeats) -> Repeats:
        """Return these and other repeats of the same movie."""
        numbers, spikes = (
            np.concatenate(both) for both in ((self.numbers, other.numbers), (self.spikes, other.spikes))
        )
        return Repeats(self.movie, numbers, spikes)

    def of_units(self, places: np.ndarray) -> Repeats:
        """Return the same of some units."""
        return Repeats(self.movie, self.numbers, np.ascontiguousarray(self.spikes[..., places]))


@dataclass(frozen=True)
class MovieSplit(AnySplit):
    """Movies and spikes in three parts: repeats of known movies, or, to test, of new ones.

    The test part's spikes are there as the past that one-step predictions are made from; what predictions are
    compared with lies apart, in `MovieAnswers`. Neither is shown to a fit or a search.

    Attributes:
        name: of the split.
        sizes: its sizes.
        movies: (frames, y, x) float32 each; those that are trained on first, those that only test last.
        train: repeats to train on, two at least of a movie.
        validation: those that select weights and settings, of the movies that are trained on.
        test: those that judge, of the same movies or of others.
        unit_ids: (units,) int64, the recording's own numbers, ascending.
        left_out: (unit, reason) of the units that filters removed.
        provenance: where the numbers come from.
        role: what it is there for.

    Raises:
        BadInput: a movie and its spikes are of different lengths, a repeat is in two parts, a movie is trained on with
            fewer than two repeats, a frame is not finite, or an array has another shape or type than `sizes` says.
    """

    kind: ClassVar[str] = "movie"

    name: str
    sizes: MovieSizes
    movies: tuple[np.ndarray, ...]
    train: tuple[Repeats, ...]
    validation: tuple[Repeats, ...]
    test: tuple[Repeats, ...]
    unit_ids: np.ndarray
    left_out: tuple[tuple[int, str], ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    role: Role = field(default_factory=Role)

    def __post_init__(self) -> None:
        sizes, where = self.sizes, self.name
        for number, frames in enumerate(self.movies):
            _check_frames(frames, sizes, f"{where}, movie {number}")
        lengths = tuple(len(self.movies[number]) for number in range(len(self.train)))
        expect(
            self.train
            and [one.movie for one in self.train] == list(range(len(self.train)))
            and lengths == sizes.lengths,
            f"{where} expected its first movies to be trained on, of {sizes.lengths} frames, got {lengths}",
        )
        expect(self.validation, f"{where} expected repeats in its validation part, got none")
        expect(
            sizes.first < (shortest := min(map(len, self.movies))),
            f"{where} expected frames from the first scored bin, {sizes.first}, on; its shortest movie has {shortest} "
            f"frames",
        )
        for part in PARTS:
            for repeats in getattr(self, part):
                _check_repeats(repeats, self.movies, sizes, f"{where}, {part} part, movie {repeats.movie}")
        few = min(self.train, key=len)
        expect(len(few) > 1, f"{where} expected two or more training repeats of a movie, got {len(few)} of {few.movie}")
        _check_apart(self)
        ids = self.unit_ids
        right = ids.shape == (sizes.units,) and ids.dtype == np.int64 and (np.diff(ids) > 0).all()
        expect(right, f"{where} expected {sizes.units} ascending int64 unit numbers, got {ids}")

    def select(self, units: Sequence[int]) -> MovieSplit:
        """Return the split with some units only. Raises BadInput for unknown ones."""
        chosen = chosen_units(self.name, units, self.unit_ids, self.left_out)
        places = np.searchsorted(self.unit_ids, chosen)
        sizes = dataclasses.replace(self.sizes, units=len(chosen))
        train, validation, test = (
            tuple(one.of_units(places) for one in part) for part in (self.train, self.validation, self.test)
        )
        return dataclasses.replace(self, sizes=sizes, unit_ids=chosen, train=train, validation=validation, test=test)

    def facts(self) -> Facts:
        """Return how many repeats there are, those that validate among the training ones, and the units."""
        seen, judged = sum(map(len, (*self.train, *self.validation))), sum(map(len, self.test))
        units = tuple(self.unit_ids.tolist())
        return {"trials": {"train": seen, "eval": judged}, "units": units, "left_out": self.left_out}

    def fingerprint(self) -> str:
        """Return the SHA-256 of sizes and arrays: what a trial's name takes of its data."""
        return digest(dataclasses.asdict(self.sizes), sorted(self.arrays().items()))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by their paths in a file."""
        found = {"units": self.unit_ids}
        for number, frames in enumerate(self.movies):
            found[f"{'shown' if number < len(self.train) else 'test'}/{number}/frames"] = frames
        return found | {path: array for part in PARTS for path, array in _paths(part, getattr(self, part))}

    @classmethod
    def of(cls, header: Header, arrays: Mapping[str, np.ndarray]) -> MovieSplit:
        """Return the split that a header and its arrays are of; of a search, without the test part."""
        frames = {int(path.split("/")[1]): array for path, array in arrays.items() if path.endswith("/frames")}
        parts = {part: _repeats(part, arrays) for part in PARTS}
        return cls(
            name=header.name,
            sizes=header.sizes,
            movies=tuple(frames[number] for number in sorted(frames)),
            unit_ids=arrays["units"],
            left_out=header.left_out,
            provenance=header.provenance,
            role=header.role,
            **parts,
        )

    @staticmethod
    def shown(header: Header, name: str) -> bool:
        """Tell whether a search may see the array of this path: none of the test part."""
        return not name.startswith("test/")

    def is_new(self, movie: int) -> bool:
        """Tell whether a movie is in the test part alone."""
        return movie >= len(self.train)


@dataclass(frozen=True)
class Truth:
    """How generated spikes came about.

    Attributes:
        couplings: (post, pre, lags) float32, what a spike adds to the logit so many bins later, lag 1 first; the
            recorded units first, then the hidden ones.
        units: (post,) int64, numbers of the recorded units; -1 for each hidden one.
    """

    couplings: np.ndarray
    units: np.ndarray

    def of_units(self, units: np.ndarray) -> Truth:
        """Return the same with some recorded units, and all hidden ones."""
        kept = np.flatnonzero(np.isin(self.units, units) | (self.units < 0))
        return Truth(self.couplings[kept][:, kept], self.units[kept])


@dataclass(frozen=True)
class MovieAnswers(AnyAnswers):
    """The spikes of the test part, and the truth of generated ones, in a file of their own that no training opens.

    Attributes:
        name: of the split.
        sizes: of the split.
        test: repeats that judge.
        unit_ids: (units,) int64.
        truth: None where nobody knows it.
    """

    name: str
    sizes: MovieSizes
    test: tuple[Repeats, ...]
    unit_ids: np.ndarray
    truth: Truth | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by their paths in a file."""
        truth = {} if self.truth is None else {f"truth/{name}": one for name, one in vars(self.truth).items()}
        return {"units": self.unit_ids} | dict(_paths("test", self.test)) | truth

    @classmethod
    def of(cls, header: Header, arrays: Mapping[str, np.ndarray]) -> MovieAnswers:
        """Return the answers to a prepared split."""
        known = {name.removeprefix("truth/"): one for name, one in arrays.items() if name.startswith("truth/")}
        truth = Truth(**known) if known else None
        return cls(header.name, header.sizes, _repeats("test", arrays), arrays["units"], truth)

    def select(self, units: Sequence[int]) -> MovieAnswers:
        """Return the answers of some units only. Raises BadInput for unknown ones."""
        chosen = chosen_units(self.name, units, self.unit_ids, ())
        places = np.searchsorted(self.unit_ids, chosen)
        truth = None if self.truth is None else self.truth.of_units(chosen)
        sizes = dataclasses.replace(self.sizes, units=len(chosen))
        return MovieAnswers(self.name, sizes, tuple(one.of_units(places) for one in self.test), chosen, truth)


Split = MovieSplit
Sizes = MovieSizes
Answers = MovieAnswers


def _paths(part: str, repeats: Iterable[Repeats]) -> Iterable[tuple[str, np.ndarray]]:
    for one in repeats:
        yield f"{part}/{one.movie}/spikes", one.spikes
        yield f"{part}/{one.movie}/numbers", one.numbers


def _repeats(part: str, arrays: Mapping[str, np.ndarray]) -> tuple[Repeats, ...]:
    found: dict[int, dict[str, np.ndarray]] = defaultdict(dict)
    for path, array in arrays.items():
        of, _, rest = path.partition("/")
        if of == part and not path.endswith("/frames"):
            movie, name = rest.split("/")
            found[int(movie)][name] = array
    return tuple(Repeats(movie, **found[movie]) for movie in sorted(found))


def _check_frames(frames: np.ndarray, sizes: MovieSizes, where: str) -> None:
    shape = (len(frames), sizes.height, sizes.width)
    right = len(frames) > 0 and frames.shape == shape and frames.dtype == np.float32
    expect(right, f"{where} expected frames of shape {shape} of float32, got {frames.shape} of {frames.dtype}")
    finite = np.isfinite(frames).all(axis=(1, 2))
    expect(finite.all(), f"{where} expected finite pixels, got NaN or infinity in frame {np.argmin(finite)}")


def _check_repeats(repeats: Repeats, movies: tuple[np.ndarray, ...], sizes: MovieSizes, where: str) -> None:
    spikes, known = repeats.spikes, 0 <= repeats.movie < len(movies)
    expect(known and len(repeats), f"{where} expected repeats of one of {len(movies)} movies, got {len(repeats)}")
    shape = (len(repeats), len(movies[repeats.movie]), sizes.units)
    expect(
        spikes.shape == shape and spikes.dtype == np.uint8,
        f"{where} expected spikes (repeats, frames, units) of shape {shape} of uint8, got {spikes.shape} of "
        f"{spikes.dtype}: a bin is a frame",
    )
    most = int(spikes.max(initial=0))
    expect(not sizes.binary or most < 2, f"{where} expected a spike or none in each bin, got {most}")


def _check_apart(split: MovieSplit) -> None:
    seen: set[tuple[int, int]] = set()
    for part in PARTS:
        for one in getattr(split, part):
            mine = {(one.movie, number) for number in one.numbers.tolist()}
            twice = len(mine) < len(one) or seen & mine
            expect(
                not twice,
                f"{split.name} expected each repeat of movie {one.movie} in one part, once; {part} has another's",
            )
            seen |= mine
    known = {one.movie for one in split.train}
    other = [one.movie for one in split.validation if one.movie not in known]
    expect(not other, f"{split.name} expected validation repeats of movies that are trained on, got some of {other}")
