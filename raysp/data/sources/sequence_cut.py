"""Samples with labels, cut into training, validation and test part: the same share of every class validates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from raysp.config.ranges import Between, Natural
from raysp.config.settings import Settings
from raysp.data.formats.count_file import check_numbers
from raysp.data.splits.header import Provenance
from raysp.data.splits.labelled_sequences import Labelled, LabelledSequencesSplit, SequenceAnswers, SequenceSizes
from raysp.errors import BadInput, expect
from raysp.io.words import counted

Built = tuple[LabelledSequencesSplit, SequenceAnswers]
MOST = 2**31
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
        BadInput: see `LabelledSequencesSplit`; samples of different lengths; or none to test or to validate with.
    """
    try:
        return _assembled(trained, tested, classes, config, name, provenance)
    except BadInput as error:
        raise BadInput(f"{', '.join(file for file, _ in provenance.recordings)}: {error}") from error


def _assembled(
    trained: Labelled, tested: Labelled, classes: int, config: Cut, name: str, provenance: Provenance
) -> Built:
    shapes = [part.sequences.shape[1:] for part in (trained, tested)]
    if shapes[0] != shapes[1]:
        raise BadInput(f"{name} expected training and test sequences of one shape, got {shapes[0]} and {shapes[1]}")
    expect(len(tested), f"{name} expected test samples, got none")
    sizes = SequenceSizes(name, shapes[0][0], shapes[0][1], classes)
    aside = drawn(trained.labels, config.validation_fraction, config.seed, VALIDATION)
    expect(
        aside.any(),
        f"{name} expected a class with two training samples or more, of which one validates, got {len(trained)} "
        f"training samples of {classes} classes",
    )
    train, validation = trained.take(~aside), trained.take(aside)
    source = replace(provenance, notes=(*provenance.notes, *_twice(trained, tested)))
    split = LabelledSequencesSplit(name, sizes, train, validation, tested.sequences, source)
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


def labelled(sequences: np.ndarray, labels: np.ndarray, where: str, classes: int | None = None) -> Labelled:
    """Return samples as float32 with their labels as int64.

    Args:
        sequences: (samples, steps, features) finite numbers.
        labels: (samples,) whole numbers.
        where: the beginning of an error's sentence.
        classes: labels are 0 to classes - 1; None for any from 0.

    Raises:
        BadInput: other shapes, no numbers, some that are not finite, labels that are no class, or another number of
            them; the first sample of that kind is said by its place.
    """
    check_numbers(sequences, f"{where}, sequences")
    if sequences.ndim != 3:
        hint = "; for one feature use x[:, :, None]" if sequences.ndim == 2 else ""
        raise BadInput(f"{where}, sequences expected (samples, steps, features), got {sequences.shape}{hint}")
    expect(len(sequences), f"{where}, sequences expected at least one, got none")
    check_numbers(labels, f"{where}, labels")
    if labels.shape != (len(sequences),):
        told = f"{where}, labels expected one for each of {len(sequences)} sequences"
        raise BadInput(f"{told}, got shape {labels.shape}; a class is a whole number from 0")
    most = classes or MOST
    right = (labels >= 0) & (labels < most) & (labels == np.floor(labels))
    if not right.all():
        wrong = int(np.argmin(right))
        raise BadInput(
            f"{where}, labels expected whole numbers from 0 to {most - 1}, got {labels[wrong]} of sample {wrong}"
        )
    with np.errstate(over="ignore"):
        found = Labelled(sequences.astype(np.float32), labels.astype(np.int64))
    finite = np.isfinite(found.sequences).all(axis=(1, 2))
    expect(
        finite.all(), f"{where}, sequences expected finite float32 numbers, got others in sample {np.argmin(finite)}"
    )
    return found


def _twice(trained: Labelled, tested: Labelled) -> Iterator[str]:
    """Yield a note of training samples that are a test sample, too."""
    known = {one.tobytes() for one in tested.sequences}
    if same := sum(one.tobytes() in known for one in trained.sequences):
        yield f"{counted(same, 'training sample')} equal to a test sample number by number, and trained on"
