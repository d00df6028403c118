"""Small labelled sequences: each class has a course of its own, with noise on it."""

from __future__ import annotations

import numpy as np

from raysp.data.splits.header import Provenance
from raysp.data.splits.labelled_sequences import Labelled, LabelledSequencesSplit, SequenceSizes


def made_up(
    *, samples: int = 24, steps: int = 6, features: int = 4, classes: int = 3, noise: float = 0.3, seed: int = 0,
    name: str = "made_up",
) -> LabelledSequencesSplit:  # fmt: skip
    """Return a split of so many samples in each of its parts.

    Args:
        samples: of each part; a class comes round after all others.
        steps: of each sequence.
        features: of each step.
        classes: how many.
        noise: its standard deviation; the courses' is 1.
        seed: of all that is drawn.
        name: of the split.
    """
    rng = np.random.default_rng(seed)
    courses, labels = rng.normal(size=(classes, steps, features)), np.arange(samples) % classes
    parts = [(courses[labels] + rng.normal(0, noise, (samples, steps, features))).astype(np.float32) for _ in range(3)]
    train, validation = (Labelled(one, labels) for one in parts[:2])
    sizes = SequenceSizes(name, steps, features, classes)
    return LabelledSequencesSplit(name, sizes, train, validation, parts[2], Provenance(standin=True))
