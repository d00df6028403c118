"""Prepared splits and their answers: what is read is what was written, or it is said that it is not."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil

import h5py
import numpy as np
import pytest

from raysp.data.splits import store
from raysp.data.splits.population import Answers, PopulationSplit, Sizes, TrialArrays
from raysp.errors import BadInput, NotReady

SIZES = Sizes("mine", 5.0, 6, 3, 2, 1)


def made_up(seed: int = 0) -> tuple[PopulationSplit, Answers]:
    rng = np.random.default_rng(seed)

    def counts(trials: int, bins: int, units: int) -> np.ndarray:
        return rng.poisson(1.0, (trials, bins, units)).astype(np.float32)

    known = {"heldin": counts(4, 6, 3), "condition": np.array([0, 1, 0, 1]), "rates": rng.random((4, 7, 5))}
    train = TrialArrays(counts(5, 6, 3), counts(5, 6, 2), behavior=rng.random((5, 6, 2)), ids=np.arange(5) * 2)
    split = PopulationSplit("mine", SIZES, train, TrialArrays(**known), units=np.array([7, 9, 11, 3, 5]))
    answers = TrialArrays(**known, heldout=counts(4, 6, 2))
    return split, Answers("mine", SIZES, answers, psth=rng.random((2, 6, 5)), units=split.units)


@pytest.fixture
def root(tmp_path) -> str:
    store.save(*made_up(), str(tmp_path), {"by": "hand"})
    return str(tmp_path)


def same(one: TrialArrays, two: TrialArrays) -> bool:
    mine, other = one.arrays(), two.arrays()
    return mine.keys() == other.keys() and all(np.array_equal(mine[name], other[name]) for name in mine)


def everything(root: str) -> tuple[str, bool]:
    """Read all that can be read; return the split's fingerprint, and whether all is as it was made up."""
    split, targets = made_up()
    found, part, answers = (read(root, "mine") for read in (store.load, store.load_training, store.load_answers))
    right = (
        same(found.train, split.train)
        and same(found.eval, split.eval)
        and same(answers.trials, targets.trials)
        and np.array_equal(answers.psth, targets.psth)
        and np.array_equal(part.train.heldin, split.train.heldin)
        and all(np.array_equal(one.units, split.units) for one in (found, part, answers))
        and store.header(root, "mine").built_from == {"by": "hand"}
    )
    return found.fingerprint(), right


def test_what_is_written_comes_back(root):
    assert everything(root) == (store.header(root, "mine").fingerprint, True)


@pytest.mark.parametrize("name", ["mine.h5", "mine.targets.h5"])
def test_a_flipped_bit_is_told_of_or_changes_nothing(root, name):
    path = os.path.join(root, "prepared", name)
    with open(path, "rb") as file:
        whole = file.read()
    told = 0
    for place in range(0, len(whole), 367):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        with open(path, "wb") as file:
            file.write(content)
        with contextlib.suppress(BadInput, NotReady):
            assert everything(root)[1], place
            continue
        told += 1
    assert told > 3


def change(root: str, array: str, values: np.ndarray | None, name: str = "mine.h5") -> None:
    with h5py.File(os.path.join(root, "prepared", name), "r+") as file:
        old = file[array][()]
        del file[array]
        if values is not None:
            file[array] = values(old)


@pytest.mark.parametrize(
    ("array", "values", "name", "message"),
    [
        ("train/heldin", lambda old: old + 1, "mine.h5", "/train/heldin is damaged: its values are not those"),
        ("train/heldin", lambda old: old[:, ::-1], "mine.h5", "its values are not those"),
        ("train/heldin", lambda old: old.astype(np.float64), "mine.h5", "/train/heldin is damaged: expected"),
        ("eval/heldin", lambda old: old[:-1], "mine.h5", r"/eval/heldin is damaged: expected shape \(4, 6, 3\)"),
        ("train/ids", None, "mine.h5", "unknown object 'train/ids'"),
        ("psth", lambda old: old * 2, "mine.targets.h5", "/psth is damaged"),
        ("trials/heldout", lambda old: old[::-1], "mine.targets.h5", "/trials/heldout is damaged"),
    ],
)
def test_other_values_are_told_of(root, array, values, name, message):
    change(root, array, values, name)
    with pytest.raises(BadInput, match=message):
        everything(root)


def test_a_search_reads_and_compares_its_part_alone(root):
    change(root, "eval/heldin", lambda old: old + 1)
    assert len(store.load_training(root, "mine").train) == 5
    change(root, "train/heldout", lambda old: old + 1)
    with pytest.raises(BadInput, match="/train/heldout is damaged"):
        store.load_training(root, "mine")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"by": "hand"', '"by": "nobody"', "its header's content is not what was written"),
        ('"standin": false', '"standin": true', "its header's content"),
        ('"fingerprint": "', '"fingerprint": "0', "its header's content"),
        ('"checksum"', '"checksun"', "its header's content"),
        ("{", "[", "its header is no JSON"),
    ],
)
def test_a_changed_header_is_told_of(root, old, new, message):
    with h5py.File(store.split_path(root, "mine"), "r+") as file:
        file.attrs["raysp"] = file.attrs["raysp"].decode().replace(old, new)
    with pytest.raises(BadInput, match=message):
        store.header(root, "mine")


@pytest.mark.parametrize(
    ("source", "place", "read", "message"),
    [
        ("mine.targets.h5", "mine.h5", store.load, "mine.h5 holds the answers, expected the split; prepare it"),
        ("mine.h5", "mine.targets.h5", store.load_answers, "holds the split, expected the answers; prepare it"),
    ],
)
def test_a_split_and_its_answers_in_each_others_place_are_told_of(root, source, place, read, message):
    folder = os.path.join(root, "prepared")
    shutil.copy(os.path.join(folder, source), os.path.join(folder, place))
    with pytest.raises(BadInput, match=message):
        read(root, "mine")


def test_a_header_without_checksums_is_told_of(root):
    with h5py.File(store.split_path(root, "mine"), "r+") as file:
        file.attrs["raysp"] = f'{{"format": {store.FORMAT}, "name": "mine"}}'
    with pytest.raises(BadInput, match="its header has no checksum"):
        store.load(root, "mine")


def test_a_long_header_is_written_and_read(tmp_path):
    split, targets = made_up()
    store.save(split, targets, str(tmp_path), {"long": "x" * 100_000})
    assert store.header(str(tmp_path), "mine").built_from == {"long": "x" * 100_000}
    assert same(store.load(str(tmp_path), "mine").train, split.train)


def test_a_file_under_another_name_is_told_of(root):
    shutil.copy(store.split_path(root, "mine"), store.split_path(root, "yours"))
    with pytest.raises(BadInput, match="holds the split 'mine', expected 'yours'"):
        store.header(root, "yours")


def test_answers_to_other_data_are_refused_and_prepared_again(root, tmp_path):
    assert store.has_its_answers(root, "mine")
    other = str(tmp_path / "other")
    store.save(*made_up(seed=1), other, {})
    shutil.copy(store.answers_path(other, "mine"), store.answers_path(root, "mine"))
    with pytest.raises(BadInput, match=r"answers to other data called mine .*run: raysp data prepare mine"):
        store.load_answers(root, "mine")
    assert not store.has_its_answers(root, "mine")


def test_answers_that_are_gone_or_damaged_are_prepared_again(root):
    path = store.answers_path(root, "mine")
    with open(path, "r+b") as file:
        file.truncate(1000)
    assert not store.has_its_answers(root, "mine")
    os.remove(path)
    assert not store.has_its_answers(root, "mine")
    with pytest.raises(NotReady, match="no answers"):
        store.load_answers(root, "mine")


def test_other_answers_to_the_same_data_have_another_digest(root):
    before, (split, answers) = store.answers_digest(root, "mine"), made_up()
    answers.trials.heldout[0, 0, 0] += 1
    store.save(split, answers, root, {})
    assert "" != store.answers_digest(root, "mine") != before
    store.save(split, made_up()[1], root, {})
    assert store.answers_digest(root, "mine") == before
    store.save(split, None, root, {})
    assert store.answers_digest(root, "mine") == ""


def test_a_split_without_answers_leaves_none_of_an_earlier_one(root):
    store.save(dataclasses.replace(made_up(seed=1)[0]), None, root, {})
    assert store.has_its_answers(root, "mine")
    with pytest.raises(NotReady, match="no answers"):
        store.load_answers(root, "mine")
