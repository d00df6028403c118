"""The data kind "labelled_sequences": sequences of one length, each of one of several classes, in three parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NoReturn

import numpy as np

from raysp.data.splits.header import Facts, Header, Provenance, Role, digest
from raysp.data.splits.split import Answers as AnyAnswers
from raysp.data.splits.split import Split as AnySplit
from raysp.errors import BadInput, expect

PARTS = ("train", "validation", "test")
TEST_LABELS = "test/labels"
SAID = 5
"""How many classes without a sample are named."""


@dataclass(frozen=True)
class SequenceSizes:
    """What a model must know of the data's shape; nothing of it is ever typed into a configuration.

    Attributes:
        dataset: the data's name, "standin-" in front when they were generated.
        steps: of each sequence.
        features: numbers of each step.
        classes: labels are 0 to classes - 1.
    """

    dataset: str
    steps: int
    features: int
    classes: int


@dataclass(frozen=True)
class Labelled:
    """Sequences and the class of each.

    Attributes:
        sequences: (samples, steps, features) float32.
        labels: (samples,) int64.
    """

    sequences: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> Labelled:
        """Return those of some rows, (rows,) indices or (samples,) bool."""
        return Labelled(self.sequences[rows], self.labels[rows])

    def joined(self, other: Labelled) -> Labelled:
        """Return both, these first."""
        return Labelled(np.concatenate([self.sequences, other.sequences]), np.concatenate([self.labels, other.labels]))


@dataclass(frozen=True)
class LabelledSequencesSplit(AnySplit):
    """Sequences to train on, to select by, and to be judged on; the labels of the last are in `SequenceAnswers`.

    Attributes:
        name: of the split.
        sizes: its sizes.
        train: what is trained on; every class is there.
        validation: what selects weights and settings.
        test: (samples, steps, features) float32; none of them in what a search may see.
        provenance: where the numbers come from.
        role: what it is there for.

    Raises:
        BadInput: an array has another shape or type than `sizes` says, a value is not finite, a label is out of range,
            a part is empty, or a class is missing from the training part.
    """

    kind: ClassVar[str] = "labelled_sequences"

    name: str
    sizes: SequenceSizes
    train: Labelled
    validation: Labelled
    test: np.ndarray
    provenance: Provenance = field(default_factory=Provenance)
    role: Role = field(default_factory=Role)

    def __post_init__(self) -> None:
        sizes = self.sizes
        positive = min(sizes.steps, sizes.features) > 0 and sizes.classes > 1
        expect(
            positive,
            f"{self.name} expected at least one step, one feature and two classes, got {sizes.steps}, {sizes.features} "
            f"and {sizes.classes}",
        )
        for part in PARTS[:2]:
            labelled = getattr(self, part)
            expect(len(labelled), f"{self.name} expected samples in its {part} part, got none")
            _check_labels(labelled.labels, len(labelled.sequences), sizes, f"{self.name}, {part} labels")
        for part, sequences in self._sequences():
            _check_sequences(sequences, sizes, f"{self.name}, {part} sequences")
        there = np.unique(self.train.labels)
        # A label far out makes as many classes: only so many numbers are looked at as can be missing and said.
        missing = np.setdiff1d(np.arange(min(sizes.classes, len(there) + SAID)), there)[:SAID].tolist()
        more = f" and {sizes.classes - len(there) - SAID} others" if sizes.classes > len(there) + SAID else ""
        expect(
            not missing,
            f"{self.name} expected every class among its training samples, got none of class {missing}{more}; number "
            "the classes from 0, without a gap",
        )

    def select(self, units: Sequence[int]) -> NoReturn:
        """Refuse: sequences have no units. Raises BadInput."""
        raise BadInput(f"{self.name}: labelled sequences have no units; expected units 'all', got {list(units)[:8]}")

    def facts(self) -> Facts:
        """Return how many samples there are, those that validate among the training ones."""
        return {"trials": {"train": len(self.train) + len(self.validation), "eval": len(self.test)}}

    def fingerprint(self) -> str:
        """Return the SHA-256 of sizes and arrays: what a trial's name takes of its data."""
        return digest(dataclasses.asdict(self.sizes), sorted(self.arrays().items()))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by their paths in a file."""
        labels = {f"{part}/labels": getattr(self, part).labels for part in PARTS[:2]}
        return {f"{part}/sequences": sequences for part, sequences in self._sequences()} | labels

    @classmethod
    def of(cls, header: Header, arrays: Mapping[str, np.ndarray]) -> LabelledSequencesSplit:
        """Return the split that a header and its arrays are of; of a search, without test sequences."""
        train, validation = (Labelled(arrays[f"{part}/sequences"], arrays[f"{part}/labels"]) for part in PARTS[:2])
        test = arrays.get("test/sequences", train.sequences[:0])
        return cls(header.name, header.sizes, train, validation, test, header.provenance, header.role)

    @staticmethod
    def shown(header: Header, name: str) -> bool:
        """Tell whether a search may see the array of this path: none of the test part."""
        return not name.startswith("test/")

    def _sequences(self) -> Iterator[tuple[str, np.ndarray]]:
        yield from (("train", self.train.sequences), ("validation", self.validation.sequences), ("test", self.test))


@dataclass(frozen=True)
class SequenceAnswers(AnyAnswers):
    """The labels of the test part, which lie in a file of their own that no training opens.

    Attributes:
        name: of the split.
        sizes: of the split.
        labels: (samples,) int64.
    """

    name: str
    sizes: SequenceSizes
    labels: np.ndarray

    def __post_init__(self) -> None:
        _check_labels(self.labels, len(self.labels), self.sizes, f"{self.name}, test labels")

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the labels by their path in a file."""
        return {TEST_LABELS: self.labels}

    @classmethod
    def of(cls, header: Header, arrays: Mapping[str, np.ndarray]) -> SequenceAnswers:
        """Return the answers to a prepared split."""
        return cls(header.name, header.sizes, arrays[TEST_LABELS])

    def select(self, units: Sequence[int]) -> NoReturn:
        """Refuse: sequences have no units. Raises BadInput."""
        raise BadInput(f"{self.name}: labelled sequences have no units; expected units 'all', got {list(units)[:8]}")


Split = LabelledSequencesSplit
Sizes = SequenceSizes
Answers = SequenceAnswers


def _check_sequences(array: np.ndarray, sizes: SequenceSizes, where: str) -> None:
    shape = (len(array), sizes.steps, sizes.features)
    if array.shape != shape or array.dtype != np.float32:
        raise BadInput(f"{where} expected shape {shape} of float32, got {array.shape} of {array.dtype}")
    finite = np.isfinite(array).all(axis=(1, 2))
    if not finite.all():
        raise BadInput(f"{where} expected finite values, got NaN or infinity in sample {np.argmin(finite)}")


def _check_labels(labels: np.ndarray, samples: int, sizes: SequenceSizes, where: str) -> None:
    if labels.shape != (samples,) or labels.dtype != np.int64:
        raise BadInput(f"{where} expected shape ({samples},) of int64, got {labels.shape} of {labels.dtype}")
    if len(wrong := np.flatnonzero((labels < 0) | (labels >= sizes.classes))):
        raise BadInput(
            f"{where} expected classes 0 to {sizes.classes - 1}, got {labels[wrong[0]]} of sample {wrong[0]}"
        )
