"""The 1,797 handwritten digits of 8 x 8 pixels that scikit-learn ships (UCI, Alpaydin & Kaynak 1998): a row a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raysp.config.ranges import Between
from raysp.data.sources import sequence_cut
from raysp.data.sources.sequence_cut import TEST, Built, Cut, drawn, labelled
from raysp.data.splits.header import Provenance, digest

VERSION = "digits_small-1"
BRIGHTEST = 16


@dataclass(frozen=True)
class Config(Cut):
    """How they are cut.

    Attributes:
        test_fraction: of the digits of each class, drawn to judge.
    """

    test_fraction: Between = 0.25


def is_standin(config: Config) -> bool:
    """Tell that the digits are real ones."""
    return False


def build(config: Config, name: str) -> Built:
    """Make a split of the digits: 8 steps of 8 values from 0 to 1.

    >>> import raysp
    >>> raysp.load_split(source="digits_small")
    digits_small (labelled_sequences; train 1,347, eval 450; steps 8, features 8, classes 10)
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    digits = labelled(found.images / BRIGHTEST, found.target, name)
    tested = drawn(digits.labels, config.test_fraction, config.seed, TEST)
    known = digest({}, [("images", np.asarray(found.images)), ("labels", np.asarray(found.target))])
    provenance = Provenance((("digits.csv.gz of scikit-learn", known),), VERSION)
    return sequence_cut.assemble(digits.take(~tested), digits.take(tested), 10, config, name, provenance)
