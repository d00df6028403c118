"""Anyone's labelled sequences: arrays of an NPZ, HDF5 or MATLAB (v7.3) file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from raysp.config.experiment import STANDIN
from raysp.config.ranges import Between, Count
from raysp.data.formats import count_file
from raysp.data.sources import sequence_cut
from raysp.data.sources.sequence_cut import TEST, Built, Cut, drawn, labelled
from raysp.data.splits.header import Provenance
from raysp.data.splits.labelled_sequences import Labelled
from raysp.errors import BadInput
from raysp.io import files

VERSION = "sequences_npz-1"


@dataclass(frozen=True)
class Config(Cut):
    """Which arrays, and how they are cut.

    Attributes:
        path: the file.
        sequences: name of an array (samples, steps, features) of finite numbers, all of one length.
        labels: name of an array (samples,) of classes, whole numbers from 0.
        test_sequences: the same of samples that judge; empty for a draw from the others.
        test_labels: likewise.
        test_fraction: of the samples of each class, drawn to judge where the file does not say which.
        classes: how many; None for as many as there are labels, from 0 to the largest.
    """

    path: str = field(kw_only=True)
    sequences: str = "sequences"
    labels: str = "labels"
    test_sequences: str = ""
    test_labels: str = ""
    test_fraction: Between = 0.2
    classes: Count | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.test_sequences) != bool(self.test_labels):
            raise BadInput("sequences_npz expected both test_sequences and test_labels, or neither, got one of them")


def build(config: Config, name: str) -> Built:
    """Make a split of a file of arrays.

    Raises:
        BadInput: an array is missing, damaged, or cannot be used; nothing was written.
    """
    where = os.path.basename(config.path)
    with count_file.arrays(config.path) as file:
        given = file.read(config.sequences), file.read(config.labels)
        found = labelled(*given, f"{where}: {config.sequences}", config.classes)
        tested: Labelled | None = None
        if name_of := config.test_sequences:
            given = file.read(name_of), file.read(config.test_labels)
            tested = labelled(*given, f"{where}: {name_of}", config.classes)
    if tested is None:
        rows = drawn(found.labels, config.test_fraction, config.seed, TEST)
        found, tested = found.take(~rows), found.take(rows)
    classes = config.classes or int(max(found.labels.max(initial=0), tested.labels.max(initial=0))) + 1
    provenance = Provenance(((where, files.sha256(config.path)),), VERSION, name.startswith(STANDIN))
    return sequence_cut.assemble(found, tested, classes, config, name, provenance)
