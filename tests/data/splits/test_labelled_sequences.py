"""Labelled sequences: checked when they are made, kept whole, and shown to a search without their test part."""

import dataclasses

import numpy as np
import pytest

from raysp.data.splits import store
from raysp.data.splits.labelled_sequences import Labelled
from raysp.errors import BadInput
from raysp.kinds.labelled_sequences.made_up import made_up
from tests.data.sequence_answers import answers_of


def test_a_split_and_its_answers_are_read_as_they_were_written(tmp_path):
    split = made_up()
    store.save(split, answers_of(split), str(tmp_path), {})
    found, header = store.load(str(tmp_path), "made_up"), store.header(str(tmp_path), "made_up")
    assert found.fingerprint() == split.fingerprint() == header.fingerprint
    assert dict(header.trials) == {"train": 48, "eval": 24}
    np.testing.assert_array_equal(store.load_answers(str(tmp_path), "made_up").labels, np.arange(24) % 3)


def test_test_labels_are_in_no_array_of_the_split_and_a_search_sees_nothing_of_the_test_part(tmp_path):
    split = made_up()
    assert "test/labels" not in split.arrays()
    store.save(split, answers_of(split), str(tmp_path), {})
    for seen in (split.training(), store.load_training(str(tmp_path), "made_up")):
        assert len(seen.test) == 0
        np.testing.assert_array_equal(seen.train.sequences, split.train.sequences)


def without(labelled, label):
    kept = labelled.labels != label
    return Labelled(labelled.sequences[kept], labelled.labels[kept])


def changed(labelled, **arrays):
    found = {name: array.copy() for name, array in vars(labelled).items()}
    for name, (place, value) in arrays.items():
        found[name][place] = value
    return Labelled(**found)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda s: {"train": changed(s.train, labels=(3, 3))},
            "labels expected classes 0 to 2, got 3 of sample 3",
        ),
        (lambda s: {"validation": changed(s.validation, labels=(5, -1))}, "got -1 of sample 5"),
        (lambda s: {"train": changed(s.train, sequences=((4, 1, 2), np.nan))}, "NaN or infinity in sample 4"),
        (lambda s: {"test": np.full_like(s.test, np.inf)}, "test sequences expected finite values"),
        (lambda s: {"train": without(s.train, 2)}, r"got none of class \[2\]"),
        (lambda s: {"test": s.test[:, 1:]}, "test sequences expected shape"),
        (lambda s: {"test": s.test.astype(np.float64)}, "of float32, got"),
        (lambda s: {"validation": Labelled(s.test[:0], s.train.labels[:0])}, "expected samples in its validation part"),
        (lambda s: {"train": Labelled(s.train.sequences[1:], s.train.labels)}, "train labels expected shape"),
    ],
)
def test_what_cannot_be_is_refused(change, says):
    split = made_up()
    with pytest.raises(BadInput, match=says):
        dataclasses.replace(split, **change(split))


def test_it_has_no_units_to_select():
    with pytest.raises(BadInput, match="have no units"):
        made_up().select([0, 1])
