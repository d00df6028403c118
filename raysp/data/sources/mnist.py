"""MNIST's handwritten digits as sequences: a row a step (L-MNIST), or a pixel a step.

The four IDX files as they are downloaded, with gzip or without; or NPZ files.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from raysp.config.experiment import STANDIN
from raysp.data.formats import count_file
from raysp.data.formats.idx import read_idx
from raysp.data.sources import sequence_cut
from raysp.data.sources.sequence_cut import Built, Cut, labelled
from raysp.data.splits.header import Provenance
from raysp.data.splits.labelled_sequences import Labelled
from raysp.errors import BadInput, expect
from raysp.io import files
from raysp.io.words import counted

VERSION = "mnist-1"
IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
FOLDERS = ("", "raw", "MNIST/raw")
BOTH, ONE = ("x_train", "y_train", "x_test", "y_test"), ("images", "labels")
CLASSES, SIDE = 10, 24
"""Pixels of a digit's side where each is a step, as in the published experiments."""


@dataclass(frozen=True)
class Config(Cut):
    """Which files, and what a step is.

    Attributes:
        path: a folder with the four IDX files, its own or those of torchvision's folders below it; or an NPZ file, with
            arrays x_train, y_train, x_test and y_test, or with images and labels to train on.
        test_path: an NPZ file with images and labels that judge, where `path` holds none.
        variant: "l": a row is a step; "p": a pixel is one, of the digit in 24 x 24.
    """

    path: str = field(kw_only=True)
    test_path: str = ""
    variant: Literal["l", "p"] = "l"


def inputs(config: Config) -> list[str]:
    """Return the files that are read."""
    if config.path.endswith(".npz"):
        return [config.path, *([config.test_path] if config.test_path else [])]
    expect(not config.test_path, "mnist, test_path expected none beside a folder of IDX files, which has its own test")
    return [_idx_file(config.path, name) for name in IDX]


def build(config: Config, name: str) -> Built:
    """Make a split of the digits; none that is among the test digits is trained on.

    Raises:
        BadInput: a file is damaged, or holds no digits; nothing was written.
    """
    paths = inputs(config)
    trained, tested = _npz(config) if len(paths) < len(IDX) else _idx(paths)
    _check(trained, tested)
    known = {one.tobytes() for one in tested.images}
    apart = np.array([one.tobytes() not in known for one in trained.images])
    same = int(len(apart) - apart.sum())
    notes = (f"{counted(same, 'training digit')} left out, equal to a test digit pixel by pixel",) if same else ()
    expect(same < len(apart), f"{trained.where} expected digits that are not tested, got {same}, all of them tested")
    recordings = tuple((os.path.basename(path), files.sha256(path)) for path in paths)
    provenance = Provenance(recordings, VERSION, name.startswith(STANDIN), notes)
    samples = trained.sequences(config).take(apart), tested.sequences(config)
    return sequence_cut.assemble(*samples, CLASSES, config, name, provenance)


@dataclass(frozen=True)
class _Digits:
    """Images (samples, rows, columns) uint8, labels (samples,), and the files that they are of."""

    images: np.ndarray
    labels: np.ndarray
    where: str

    def sequences(self, config: Config) -> Labelled:
        images = self.images if config.variant == "l" else _pixels(self.images)
        return labelled(images.astype(np.float32) / np.float32(255), self.labels, self.where, CLASSES)


def _idx(paths: list[str]) -> tuple[_Digits, _Digits]:
    arrays = [read_idx(path) for path in paths]
    where = [f"{images} with {os.path.basename(labels)}" for images, labels in (paths[:2], paths[2:])]
    return _Digits(arrays[0], arrays[1], where[0]), _Digits(arrays[2], arrays[3], where[1])


def _npz(config: Config) -> tuple[_Digits, _Digits]:
    with count_file.arrays(config.path) as file:
        if {*BOTH} <= {*file.names}:
            images, labels, tests, answers = map(file.read, BOTH)
            return _Digits(images, labels, config.path), _Digits(tests, answers, config.path)
    expect(config.test_path, f"mnist, test_path expected an NPZ file of test digits, since {config.path} has none")
    return _one(config.path), _one(config.test_path)


def _one(path: str) -> _Digits:
    with count_file.arrays(path) as file:
        images, labels = map(file.read, ONE)
    return _Digits(images, labels, path)


def _check(trained: _Digits, tested: _Digits) -> None:
    for one in (trained, tested):
        images, where = one.images, one.where
        if images.ndim != 3 or images.dtype != np.uint8 or not images.size:
            raise BadInput(
                f"{where} expected digits as uint8 of shape (samples, rows, columns), got {images.shape} of "
                f"{images.dtype}"
            )
    size, other = (one.images.shape[1:] for one in (trained, tested))
    expect(size == other, f"{tested.where} expected digits of {size} as in {trained.where}, got {other}")


def _pixels(images: np.ndarray) -> np.ndarray:
    from PIL import Image

    small = [Image.fromarray(one).resize((SIDE, SIDE), Image.Resampling.BILINEAR) for one in images]
    return np.stack([np.asarray(one) for one in small]).reshape(len(images), -1, 1)


def _idx_file(folder: str, name: str) -> str:
    """Return where a file lies, by the names under which it is given away; the first of them where it does not."""
    dotted = name.replace("-idx", ".idx")
    places = [
        files.join(folder, *filter(None, [below]), f"{stem}{ending}")
        for below in FOLDERS
        for stem in (name, dotted)
        for ending in ("", ".gz")
    ]
    return next(filter(files.exists, places), places[0])
