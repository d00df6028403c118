"""Samples with labels, cut into training, validation and test part: the same share of every class validates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raysp.config.ranges import Between, Natural
from raysp.config.settings import Settings
from raysp.data.formats.count_file import check_numbers
from raysp.data.splits.header import Provenance
from raysp.data.splits.labelled_sequences import Labelled, LabelledSequencesSplit, SequenceAnswers, SequenceSizes
from raysp.errors import BadInput, expect

Built = tuple[LabelledSequencesSplit, SequenceAnswers]
TEST, VALIDATION = 0, 1
"""Streams of the draws: another validation part is drawn from the same training samples."""


@dataclass(frozen=True)
class Cut(Settings):
    """How samples become a split.

    Attributes:
        validation_fraction: of the training samples of each class, set aside to select weights and settings.
        seed: of the draw.
    """

    validation_fraction: Between = 0.1
    seed: Natural = 0


def assemble(
    trained: Labelled, tested: Labelled, classes: int, config: Cut, name: str, provenance: Provenance
) -> Built:
    """Return the split, and the labels of its test part.

    Args:
        trained: samples to train on and to validate by.
        tested: those that judge.
        classes: labels are 0 to classes - 1.
        config: how they are cut.
        name: of the split.
        provenance: where the numbers come from.

    Raises:
        BadInput: see `LabelledSequencesSplit`; or samples of different lengths.
    """
    shapes = [part.sequences.shape[1:] for part in (trained, tested)]
    if shapes[0] != shapes[1]:
        raise BadInput(f"{name} expected training and test sequences of one shape, got {shapes[0]} and {shapes[1]}")
    sizes = SequenceSizes(name, shapes[0][0], shapes[0][1], classes)
    _check_range(trained.labels, classes, name)
    aside = drawn(trained.labels, config.validation_fraction, config.seed, VALIDATION)
    train, validation = trained.take(~aside), trained.take(aside)
    split = LabelledSequencesSplit(name, sizes, train, validation, tested.sequences, provenance)
    return split, SequenceAnswers(name, sizes, tested.labels)


def drawn(labels: np.ndarray, fraction: float, seed: int, stream: int) -> np.ndarray:
    """Return (samples,) True for a share of each class: one sample at least, and never all.

    >>> drawn(np.array([0, 0, 0, 0, 1, 1, 1, 1, 2]), 0.5, 0, TEST).sum()
    np.int64(4)
    """
    rng, chosen = np.random.default_rng([seed, stream]), np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == label))
        chosen[own[: min(max(round(fraction * len(own)), 1), len(own) - 1)]] = True
    return chosen


def labelled(sequences: np.ndarray, labels: np.ndarray, where: str) -> Labelled:
    """Return samples as float32 with their labels as int64.

    Args:
        sequences: (samples, steps, features) numbers.
        labels: (samples,) whole numbers.
        where: the beginning of an error's sentence.

    Raises:
        BadInput: other shapes, no numbers, labels that are not whole, or another number of them.
    """
    check_numbers(sequences, f"{where}, sequences")
    if sequences.ndim != 3:
        hint = "; for one feature use x[:, :, None]" if sequences.ndim == 2 else ""
        raise BadInput(f"{where}, sequences expected (samples, steps, features), got {sequences.shape}{hint}")
    check_numbers(labels, f"{where}, labels")
    if labels.shape != (len(sequences),):
        told = f"{where}, labels expected one for each of {len(sequences)} sequences"
        raise BadInput(f"{told}, got shape {labels.shape}; a class is a whole number from 0")
    whole = labels.dtype.kind in "iu" or (labels.dtype.kind == "f" and np.equal(np.mod(labels, 1), 0).all())
    expect(whole, f"{where}, labels expected whole numbers from 0, got {labels.dtype} such as {labels[:3]}")
    with np.errstate(over="ignore"):
        return Labelled(sequences.astype(np.float32), labels.astype(np.int64))


def _check_range(labels: np.ndarray, classes: int, name: str) -> None:
    wrong = labels[(labels < 0) | (labels >= classes)]
    expect(not len(wrong), f"{name} expected labels 0 to {classes - 1}, got {wrong[:1]}; give classes=, or mend them")
