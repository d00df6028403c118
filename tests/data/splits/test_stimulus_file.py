"""A stimulus split comes back from disk as it was, or not at all."""

from __future__ import annotations

import dataclasses
import os

import h5py
import numpy as np
import pytest

from raysp.data.splits import stimulus_file, store
from raysp.data.splits.population import PopulationSplit, Provenance, Sizes, Trials
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
        cells=np.array([2, 5, 11]),
        global_ids=np.array([7, -1, 9]),
        parts={"train": ((0, 1000), (2000, BINS)), "validation": ((1000, 1200),), "test": ((1200, 1700),)},
        left_out=((3, "fires more than 19 Hz"),),
        provenance=Provenance((("mine.tar.gz", "0" * 64),), "retina-1", True),
    )


@pytest.fixture
def saved(split, tmp_path):
    stimulus_file.save(split, str(tmp_path), {"source": "retina"})
    return str(tmp_path)


def test_a_split_comes_back_as_it_was(split, saved):
    found = stimulus_file.load(saved, "mine")
    for field in dataclasses.fields(split):
        one, other = getattr(found, field.name), getattr(split, field.name)
        if isinstance(other, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other
    assert stimulus_file.fingerprint(found) == stimulus_file.fingerprint(split)


def test_it_lies_where_other_splits_lie_with_a_header_of_the_same_form(split, saved):
    assert stimulus_file.path_of(saved, "mine") == store.split_path(saved, "mine")
    assert stimulus_file.FORMAT == store.FORMAT
    header = store.header(saved, "mine")
    assert header["kind"] == "stimulus"
    assert header["trials"] == {"train": 2000, "eval": 500}
    assert header["cells"] == [2, 5, 11]
    assert header["left_out"] == [[3, "fires more than 19 Hz"]]
    assert header["parts"]["validation"] == [[1000, 1200]]
    assert (header["built_from"], header["arrays"]) == ({"source": "retina"}, [])
    assert header["fingerprint"] == stimulus_file.fingerprint(split)
    assert os.listdir(f"{saved}/prepared") == ["mine.h5"]


def test_the_fingerprint_changes_with_all_that_a_model_sees(split):
    changes = [
        {"stimulus": split.stimulus + np.float32(1)},
        {"spikes": split.spikes[:, ::-1]},
        {"cells": split.cells + 20},
        {"parts": {**split.parts, "test": ((1200, 1701),)}},
        {"sizes": dataclasses.replace(split.sizes, bin_ms=1.0)},
    ]
    others = {stimulus_file.fingerprint(dataclasses.replace(split, **change)) for change in changes}
    assert len(others | {stimulus_file.fingerprint(split)}) == len(changes) + 1
    assert stimulus_file.fingerprint(split.select([2, 5, 11])) == stimulus_file.fingerprint(split)


def test_a_file_cut_short_is_bad_input_wherever_it_is_cut(saved):
    path = stimulus_file.path_of(saved, "mine")
    with open(path, "rb") as file:
        whole = file.read()
    for length in range(0, len(whole), 499):
        with open(path, "wb") as file:
            file.write(whole[:length])
        with pytest.raises(BadInput, match=r"mine.h5 is (damaged|cut off|empty).*raysp data prepare"):
            stimulus_file.load(saved, "mine")


def test_changed_bytes_are_noticed_or_do_not_matter(split, saved):
    path = stimulus_file.path_of(saved, "mine")
    with open(path, "rb") as file:
        whole = file.read()
    refused = 0
    for place in range(0, len(whole), 211):
        with open(path, "wb") as file:
            file.write(whole[:place] + bytes([whole[place] ^ 0xA5]) + whole[place + 1 :])
        try:
            found = stimulus_file.load(saved, "mine")
        except (BadInput, NotReady):
            refused += 1
        else:
            assert stimulus_file.fingerprint(found) == stimulus_file.fingerprint(split)
    assert refused > 10


def test_a_split_that_is_not_there_says_how_to_prepare_it(saved):
    with pytest.raises(NotReady, match="raysp data prepare other"):
        stimulus_file.load(saved, "other")


def test_another_format_and_another_kind_are_refused(saved):
    population = PopulationSplit("counts", Sizes("counts", 5.0, 4, 2), _trials(), _trials())
    store.save(population, None, saved, {})
    with pytest.raises(BadInput, match="of kind 'stimulus', got 'population'"):
        stimulus_file.load(saved, "counts")
    with h5py.File(stimulus_file.path_of(saved, "mine"), "r+") as file:
        file.attrs["raysp"] = file.attrs["raysp"].decode().replace(f'"format": {stimulus_file.FORMAT}', '"format": 0')
    with pytest.raises(NotReady, match=f"has format 0, this version reads {stimulus_file.FORMAT}"):
        stimulus_file.load(saved, "mine")
    with h5py.File(stimulus_file.path_of(saved, "mine"), "r+") as file:
        del file.attrs["raysp"]
    with pytest.raises(BadInput, match="is not a prepared split"):
        stimulus_file.load(saved, "mine")


def _trials() -> Trials:
    return Trials(np.zeros((2, 4, 2), np.float32))
