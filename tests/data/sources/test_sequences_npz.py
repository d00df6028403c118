"""Anyone's labelled sequences: cut by class, or refused before anything is written."""

import numpy as np
import pytest

from raysp.config.experiment import Recording
from raysp.config.settings import build as checked
from raysp.data.sources import digits_small
from raysp.data.sources.contract import contract
from raysp.data.sources.sequences_npz import Config, build
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
ARRAYS = {"sequences": RNG.normal(size=(60, 5, 2)), "labels": np.arange(60) % 3}


def made(tmp_path, arrays=ARRAYS, **settings):
    np.savez(tmp_path / "mine.npz", **arrays)
    return build(checked(Config, {"path": str(tmp_path / "mine.npz"), **settings}, "mine"), "mine")


def test_each_part_has_its_share_of_every_class_and_no_sample_is_in_two(tmp_path):
    split, answers = made(tmp_path, test_fraction=0.2, validation_fraction=0.25)
    parts = {"train": split.train.labels, "validation": split.validation.labels, "test": answers.labels}
    assert {name: np.bincount(labels).tolist() for name, labels in parts.items()} == {
        "train": [12] * 3, "validation": [4] * 3, "test": [4] * 3,
    }  # fmt: skip
    rows = np.concatenate([split.train.sequences, split.validation.sequences, split.test])
    assert len(np.unique(rows, axis=0)) == 60


def test_another_seed_draws_other_samples(tmp_path):
    one, other = (made(tmp_path, seed=seed)[0] for seed in (0, 1))
    assert one.fingerprint() == made(tmp_path)[0].fingerprint() != other.fingerprint()


def test_a_test_part_of_its_own_is_taken_whole(tmp_path):
    arrays = {**ARRAYS, "later": ARRAYS["sequences"][:7] + 1, "later_labels": np.arange(7) % 3}
    split, answers = made(tmp_path, arrays, test_sequences="later", test_labels="later_labels")
    np.testing.assert_array_equal(split.test, arrays["later"].astype(np.float32))
    np.testing.assert_array_equal(answers.labels, arrays["later_labels"])
    assert len(split.train) + len(split.validation) == 60
    assert not split.provenance.notes
    split, _ = made(
        tmp_path, {**arrays, "later": ARRAYS["sequences"][:7]}, test_sequences="later", test_labels="later_labels"
    )
    assert split.provenance.notes == ("7 training samples equal to a test sample number by number, and trained on",)


@pytest.mark.parametrize(
    ("arrays", "settings", "says"),
    [
        ({"labels": np.arange(60) % 3 + 0.5}, {}, "labels expected whole numbers from 0 to .*, got 0.5 of sample 0"),
        ({"labels": np.where(np.arange(60) == 7, np.inf, 1)}, {}, "labels expected whole .*, got inf of sample 7"),
        ({"labels": np.where(np.arange(60) == 7, 1e300, 1)}, {}, "labels expected whole .*, got 1e.300 of sample 7"),
        ({"labels": np.where(np.arange(60) == 7, 10**9, 1)}, {},
         r"got none of class \[0, 2, 3, 4, 5\] and 999999994 others"),
        ({"labels": np.eye(3)[np.arange(60) % 3]}, {}, r"got shape \(60, 3\); a class is a whole number from 0"),
        ({"labels": np.arange(59)}, {}, "labels expected one for each of 60 sequences, got shape"),
        ({"labels": np.array(["a"] * 60)}, {}, "labels expected numbers, got text"),
        ({"labels": np.arange(60) % 3 - 1}, {}, "labels expected whole .*, got -1 of sample 0"),
        ({}, {"classes": 2}, "labels expected whole numbers from 0 to 1, got 2 of sample 2"),
        ({}, {"classes": 4}, r"got none of class \[3\]"),
        ({"labels": np.arange(60) % 3 + 1}, {}, r"got none of class \[0\]; number the classes from 0"),
        ({"labels": np.zeros(60, int)}, {}, "two classes, got 5, 2 and 1"),
        ({"sequences": ARRAYS["sequences"][:, :, 0]}, {}, r"got \(60, 5\); for one feature use"),
        ({"sequences": np.where(RNG.random((60, 5, 2)) < 0.01, np.nan, 1.0)}, {}, "expected finite float32 numbers"),
        ({"sequences": ARRAYS["sequences"][:0], "labels": np.zeros(0, int)}, {}, "at least one, got none"),
        ({"sequences": ARRAYS["sequences"][:6], "labels": np.arange(6) % 3}, {}, "class with two training samples"),
        ({"later": ARRAYS["sequences"][:0], "more": np.zeros(0, int)},
         {"test_sequences": "later", "test_labels": "more"}, "later, sequences expected at least one, got none"),
        ({"later": ARRAYS["sequences"][:3, 1:], "more": np.arange(3)},
         {"test_sequences": "later", "test_labels": "more"}, "sequences of one shape"),
        ({}, {"test_sequences": "sequences"}, "both test_sequences and test_labels"),
        ({}, {"sequences": "sequence"}, "did you mean 'sequences'"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(tmp_path, arrays, settings, says):
    with pytest.raises(BadInput, match=says):
        made(tmp_path, {**ARRAYS, **arrays}, **settings)


def test_the_digits_that_scikit_learn_ships_are_a_split(tmp_path):
    split, answers = digits_small.build(digits_small.Config(), "digits")
    assert (split.sizes.steps, split.sizes.features, split.sizes.classes) == (8, 8, 10)
    assert len(split.train) + len(split.validation) + len(split.test) == 1797
    assert split.train.sequences.min() == 0
    assert split.train.sequences.max() == 1
    assert abs(len(answers.labels) - 1797 / 4) < 5
    for _, check in contract("digits_small", {}):
        check()


def test_the_source_keeps_the_contract(tmp_path):
    np.savez(tmp_path / "mine.npz", **ARRAYS)
    for _, check in contract("sequences_npz", {"path": str(tmp_path / "mine.npz")}):
        check()
    assert Recording("mine", "sequences_npz", {"path": "mine.npz"}).name == "mine"
