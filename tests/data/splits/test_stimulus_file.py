"""A stimulus split comes back from disk as it was, or not at all."""

from __future__ import annotations

import dataclasses
import os

import h5py
import numpy as np
import pytest

from raysp.data.splits import store
from raysp.data.splits.header import Provenance
from raysp.data.splits.stimulus import StimulusSizes, StimulusSplit
from raysp.errors import BadInput, NotReady

BINS = 3000


@pytest.fixture
def split():
    rng = np.random.default_rng(0)
    return StimulusSplit(
        name="mine",
        sizes=StimulusSizes("mine", 1.008247, 2, 3),
        stimulus=rng.random((BINS, 2), dtype=np.float32),
        spikes=rng.poisson(0.1, (BINS, 3)).astype(np.uint8),
        units=np.array([2, 5, 11]),
        global_ids=np.array([7, -1, 9]),
        parts={"train": ((0, 1000), (2000, BINS)), "validation": ((1000, 1200),), "test": ((1200, 1700),)},
        left_out=((3, "fires more than 19 Hz"),),
        provenance=Provenance((("mine.tar.gz", "0" * 64),), "retina-1", True),
    )


@pytest.fixture
def saved(split, tmp_path):
    store.save(split, None, str(tmp_path), {"source": "retina"})
    return str(tmp_path)


def test_a_split_comes_back_as_it_was(split, saved):
    found = store.load(saved, "mine")
    for field in dataclasses.fields(split):
        one, other = getattr(found, field.name), getattr(split, field.name)
        if isinstance(other, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other
    assert found.fingerprint() == split.fingerprint()


def test_it_lies_where_other_splits_lie_with_a_header_of_the_same_form(split, saved):
    header = store.header(saved, "mine")
    assert header.kind == "stimulus"
    assert header.trials == {"train": 2000, "eval": 500}
    assert header.units == (2, 5, 11)
    assert header.left_out == ((3, "fires more than 19 Hz"),)
    assert header.parts["validation"] == ((1000, 1200),)
    assert (header.built_from, header.arrays) == ({"source": "retina"}, ())
    assert header.fingerprint == split.fingerprint()
    assert os.listdir(f"{saved}/prepared") == ["mine.h5"]


def test_the_fingerprint_changes_with_all_that_a_model_sees(split):
    changes = [
        {"stimulus": split.stimulus + np.float32(1)},
        {"spikes": split.spikes[:, ::-1]},
        {"units": split.units + 20},
        {"parts": {**split.parts, "test": ((1200, 1701),)}},
        {"sizes": dataclasses.replace(split.sizes, bin_ms=1.0)},
    ]
    others = {dataclasses.replace(split, **change).fingerprint() for change in changes}
    assert len(others | {split.fingerprint()}) == len(changes) + 1
    assert split.select([2, 5, 11]).fingerprint() == split.fingerprint()


def test_a_file_cut_short_is_bad_input_wherever_it_is_cut(saved):
    path = store.split_path(saved, "mine")
    with open(path, "rb") as file:
        whole = file.read()
    for length in range(0, len(whole), 499):
        with open(path, "wb") as file:
            file.write(whole[:length])
        with pytest.raises(BadInput, match=r"mine.h5 is (damaged|cut off|empty).*raysp data prepare"):
            store.load(saved, "mine")


def test_changed_bytes_are_noticed_or_do_not_matter(split, saved):
    path = store.split_path(saved, "mine")
    with open(path, "rb") as file:
        whole = file.read()
    refused = 0
    for place in range(0, len(whole), 211):
        with open(path, "wb") as file:
            file.write(whole[:place] + bytes([whole[place] ^ 0xA5]) + whole[place + 1 :])
        try:
            found = store.load(saved, "mine")
        except (BadInput, NotReady):
            refused += 1
        else:
            assert found.fingerprint() == split.fingerprint()
    assert refused > 10


def test_a_split_that_is_not_there_says_how_to_prepare_it(saved):
    with pytest.raises(NotReady, match="raysp data prepare other"):
        store.load(saved, "other")


def test_another_format_is_refused(saved):
    with h5py.File(store.split_path(saved, "mine"), "r+") as file:
        file.attrs["raysp"] = file.attrs["raysp"].decode().replace(f'"format": {store.FORMAT}', '"format": 0')
    with pytest.raises(NotReady, match=f"has format 0, this version reads {store.FORMAT}"):
        store.load(saved, "mine")
    with h5py.File(store.split_path(saved, "mine"), "r+") as file:
        del file.attrs["raysp"]
    with pytest.raises(BadInput, match="is not a prepared split"):
        store.load(saved, "mine")


def test_a_search_sees_train_and_validation_alone_in_the_same_order(split, saved):
    found = store.load_training(saved, "mine")
    parts = {"train": ((0, 1000), (1200, 2200)), "validation": ((1000, 1200),)}
    assert found.parts == parts
    assert (len(found.stimulus), len(found.spikes)) == (2200, 2200)
    for part, stretches in parts.items():
        for (first, last), (before, after) in zip(stretches, split.parts[part], strict=True):
            np.testing.assert_array_equal(found.spikes[first:last], split.spikes[before:after])
            np.testing.assert_array_equal(found.stimulus[first:last], split.stimulus[before:after])
    assert split.training().fingerprint() == found.fingerprint()


def test_a_search_reads_no_bin_of_the_test_part(split, saved):
    with h5py.File(store.split_path(saved, "mine"), "r+") as file:
        file["spikes/1200-1700"][:] += 1
        del file["stimulus/1200-1700"]
    assert len(store.load_training(saved, "mine").spikes) == 2200
    with pytest.raises(BadInput, match="prepare it again"):
        store.load(saved, "mine")
