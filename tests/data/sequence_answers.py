"""The labels of made-up sequences."""

from __future__ import annotations

import numpy as np

from raysp.data.splits.labelled_sequences import LabelledSequencesSplit, SequenceAnswers


def answers_of(split: LabelledSequencesSplit) -> SequenceAnswers:
    """Return the labels of its test part."""
    labels = np.arange(len(split.test)) % split.sizes.classes
    return SequenceAnswers(split.name, split.sizes, labels)
