"""Movies with repeats: checked when they are made, kept whole, and shown to a search without their test part."""

import dataclasses

import numpy as np
import pytest

from raysp.data.splits import store
from raysp.data.splits.movie import MovieAnswers, Truth
from raysp.errors import BadInput
from raysp.kinds.movie.made_up import made_up


def test_a_split_and_its_answers_are_read_as_they_were_written(tmp_path):
    split, answers = made_up(new=2)
    truth = Truth(np.ones((5, 5, 3), np.float32), np.array([0, 1, 2, 3, -1]))
    store.save(split, dataclasses.replace(answers, truth=truth), str(tmp_path), {})
    found, header = store.load(str(tmp_path), "made_up"), store.header(str(tmp_path), "made_up")
    assert found.fingerprint() == split.fingerprint() == header.fingerprint
    assert dict(header.trials) == {"train": 12, "eval": 6}
    known = store.load_answers(str(tmp_path), "made_up")
    assert isinstance(known, MovieAnswers)
    np.testing.assert_array_equal(known.truth.couplings, truth.couplings)
    for one, other in zip(known.test, split.test, strict=True):
        np.testing.assert_array_equal(one.spikes, other.spikes)


def test_a_search_sees_neither_test_repeats_nor_new_movies(tmp_path):
    split, answers = made_up(new=2)
    store.save(split, answers, str(tmp_path), {})
    for seen in (split.training(), store.load_training(str(tmp_path), "made_up")):
        assert seen.test == ()
        assert len(seen.movies) == 1
        np.testing.assert_array_equal(seen.train[0].spikes, split.train[0].spikes)
    assert split.is_new(1)
    assert not split.is_new(0)


def test_units_are_selected_in_every_part_and_in_the_answers():
    split, answers = made_up(new=1)
    few, known = split.select([3, 1]), answers.select([3, 1])
    assert few.sizes.units == 2
    for part in ("train", "validation", "test"):
        for one, other in zip(getattr(few, part), getattr(split, part), strict=True):
            np.testing.assert_array_equal(one.spikes, other.spikes[..., [1, 3]])
    np.testing.assert_array_equal(known.test[0].spikes, few.test[0].spikes)
    with pytest.raises(BadInput, match="unknown unit 9"):
        split.select([9])


def test_a_truth_keeps_its_hidden_units_when_units_are_selected():
    couplings = np.arange(48, dtype=np.float32).reshape(4, 4, 3)
    few = Truth(couplings, np.array([0, 1, 2, -1])).of_units(np.array([0, 2]))
    np.testing.assert_array_equal(few.couplings, couplings[np.ix_([0, 2, 3], [0, 2, 3])])
    assert few.units.tolist() == [0, 2, -1]


def spoiled(frames):
    found = frames.copy()
    found[7, 0, 0] = np.nan
    return found


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda s: {"movies": (spoiled(s.movies[0]),)},
            "movie 0 expected finite pixels, got NaN or infinity in frame 7",
        ),
        (lambda s: {"movies": (s.movies[0][1:],)}, "expected its first movies to be trained on, of"),
        (
            lambda s: {"test": (dataclasses.replace(s.test[0], spikes=s.test[0].spikes[:, 1:]),)},
            "test part, movie 0 expected spikes .* of shape .*: a bin is a frame",
        ),
        (lambda s: {"test": s.train}, "expected each repeat of movie 0 in one part, once; test has another's"),
        (lambda s: {"validation": ()}, "expected repeats in its validation part, got none"),
        (
            lambda s: {"train": (dataclasses.replace(s.train[0], spikes=s.train[0].spikes * 2),)},
            "expected a spike or none in each bin, got 2",
        ),
        (lambda s: {"sizes": dataclasses.replace(s.sizes, first=60)}, "its shortest movie has 60 frames"),
        (lambda s: {"unit_ids": s.unit_ids[::-1]}, "ascending int64 unit numbers"),
    ],
)
def test_what_cannot_be_is_refused(change, says):
    split, _ = made_up()
    with pytest.raises(BadInput, match=says):
        dataclasses.replace(split, **change(split))
