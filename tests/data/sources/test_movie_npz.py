"""Arrays of one's own, and the original's NPY files, as movies with repeats."""

import numpy as np
import pytest

from raysp.data.sources import movie_npz
from raysp.data.sources.contract import contract
from raysp.data.sources.movie_cut import Cut, cut
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
ARRAYS = {
    "frames": RNG.random((20, 3, 4)),
    "spikes": RNG.poisson(0.4, (12, 20, 5)),
    "other": RNG.random((30, 3, 4)),
    "other_spikes": RNG.poisson(0.4, (1, 30, 5)),
}


def built(tmp_path, settings=None, **arrays):
    path = str(tmp_path / "mine.npz")
    np.savez(path, **{**ARRAYS, **arrays})
    return movie_npz.build(movie_npz.Config(path=path, **(settings or {})), "mine")


def test_repeats_go_into_parts_and_new_movies_test(tmp_path):
    split, answers = built(tmp_path, {"new_frames": "other", "new_spikes": "other_spikes"})
    np.testing.assert_array_equal(split.movies[1], ARRAYS["other"].astype(np.float32))
    assert [len(part[0]) for part in (split.train, split.validation, split.test)] == [7, 2, 3]
    for part in (split.train, split.validation, split.test):
        np.testing.assert_array_equal(part[0].spikes, ARRAYS["spikes"][part[0].numbers].clip(max=1))
    np.testing.assert_array_equal(answers.test[1].spikes, ARRAYS["other_spikes"].clip(max=1))


def test_bins_of_more_than_one_spike_are_said_and_kept_on_request(tmp_path):
    share = (ARRAYS["spikes"] > 1).mean()
    split, _ = built(tmp_path)
    assert split.provenance.notes == (f"{share:.2%} of the bins have two spikes or more, of which one of them is kept",)
    split, _ = built(tmp_path, {"counts": True})
    assert not split.sizes.binary
    np.testing.assert_array_equal(split.train[0].spikes, ARRAYS["spikes"][split.train[0].numbers])
    assert "all are kept" in split.provenance.notes[0]


def test_units_without_a_spike_and_movies_that_never_change_are_said(tmp_path):
    silent = ARRAYS["spikes"] * (np.arange(5) % 3 != 1)
    split, _ = built(tmp_path, {"counts": True}, spikes=silent, frames=np.ones((20, 3, 4)))
    assert split.provenance.notes[1:] == (
        "movie 0 never changes",
        "2 units without a spike while the movie was repeated: 1 and 4",
    )


def test_whole_pixels_are_shades_and_zeros_and_ones_stay(tmp_path):
    grey = np.random.default_rng(1).integers(0, 256, (20, 3, 4))
    split, _ = built(tmp_path, frames=grey.astype(np.uint8))
    np.testing.assert_allclose(split.movies[0], grey / 255, rtol=1e-6)
    split, _ = built(tmp_path, frames=grey > 127)
    np.testing.assert_array_equal(split.movies[0], grey > 127)
    split, _ = built(tmp_path, frames=grey.astype(float))
    assert split.provenance.notes[1].startswith(f"movie 0 has pixels up to {grey.max()}; models expect")


def test_repeats_that_are_copies_are_said(tmp_path):
    spikes = ARRAYS["spikes"].copy()
    spikes[[4, 9]] = spikes[2]
    split, _ = built(tmp_path, spikes=spikes)
    assert any(one.startswith("2 repeats equal to another one, spike by spike") for one in split.provenance.notes)


def test_empty_repeats_and_units_that_look_like_repeats_are_said(tmp_path):
    empty = ARRAYS["spikes"] * (np.arange(12) != 3)[:, None, None]
    split, _ = built(tmp_path, spikes=empty)
    assert split.provenance.notes[-1] == "1 repeat without a spike of any unit: 3"
    rates = np.geomspace(0.01, 3, 12)[:, None, None]
    taken = np.random.default_rng(2).poisson(rates, (12, 20, 30))
    split, _ = built(tmp_path, spikes=taken)
    assert split.provenance.notes[-1].endswith("are the axes (repeats, frames, units)?")


def test_parts_are_spread_over_the_recording_or_as_recorded():
    spread = cut(12, Cut(), "mine")
    assert np.flatnonzero(spread == 2).tolist() == [2, 6, 10]
    recorded = cut(12, Cut(order="recorded"), "mine")
    assert recorded.tolist() == [0] * 7 + [2] * 3 + [1] * 2


def test_the_originals_files_say_themselves_which_repeats_are_of_which_part(tmp_path):
    spikes = {part: RNG.random((repeats * 20, 5)) < 0.3 for part, repeats in ((0, 6), (2, 3), (1, 2))}
    np.save(tmp_path / movie_npz.MOVIE, np.moveaxis(ARRAYS["frames"], 0, 2))
    for part, array in spikes.items():
        np.save(tmp_path / movie_npz.PARTS[part], array)
    split, _ = movie_npz.build(movie_npz.Config(path=str(tmp_path)), "mine")
    np.testing.assert_array_equal(split.movies[0], ARRAYS["frames"].astype(np.float32))
    for part, found in enumerate((split.train, split.validation, split.test)):
        np.testing.assert_array_equal(found[0].spikes, spikes[part].reshape(-1, 20, 5))
    assert [part[0].numbers[0] for part in (split.train, split.test, split.validation)] == [0, 6, 9]
    np.save(tmp_path / movie_npz.PARTS[movie_npz.TEST], spikes[2][:20])
    with pytest.raises(BadInput, match="to test, got 6, 2 and 1 of 9"):
        movie_npz.build(movie_npz.Config(path=str(tmp_path)), "mine")


@pytest.mark.parametrize(
    ("settings", "arrays", "says"),
    [
        (
            {},
            {"spikes": ARRAYS["spikes"][:, 1:]},
            r"expected spikes \(repeats, 20 frames, units\), a bin for each frame",
        ),
        (
            {},
            {"spikes": ARRAYS["spikes"][:5]},
            "expected two or more repeats to train on, to validate and to test, got",
        ),
        ({}, {"frames": ARRAYS["frames"][:, 0]}, r"for one row of pixels use x\[:, None, :\]"),
        ({}, {"frames": np.zeros((20, 3, 4, 3))}, r"turn colours into grey, e\.g\. x\.mean"),
        ({}, {"frames": ARRAYS["frames"].transpose(1, 2, 0)}, r"is it \(y, x, frames\)\? use np\.moveaxis"),
        ({}, {"spikes": ARRAYS["spikes"].transpose(0, 2, 1)}, r"use np\.transpose\(x, \(0, 2, 1\)\)"),
        ({}, {"spikes": ARRAYS["spikes"] * 0.37}, "expected whole spike counts, got fractions"),
        ({}, {"frames": np.full((20, 3, 4), np.nan)}, "expected finite pixels, got NaN or infinity in frame 0"),
        ({}, {"spikes": ARRAYS["spikes"] - 1.0}, "spikes"),
        ({"test_fraction": 0.6, "validation_fraction": 0.6, "order": "recorded"}, {}, "to test, got 0, 7 and 7 of 12"),
        (
            {},
            {"spikes": np.where(np.arange(20)[:, None] < 15, ARRAYS["spikes"], np.nan)},
            "movie's end, got NaN",
        ),
        ({}, {"spikes": ARRAYS["spikes"] * 0}, "expected spikes, got none in any repeat"),
        (
            {"new_frames": "other", "new_spikes": "other_spikes"},
            {"other": ARRAYS["other"][:9], "other_spikes": ARRAYS["other_spikes"][:, :9]},
            "its shortest movie has 9 frames",
        ),
        ({"first": 20}, {}, "its shortest movie has 20 frames"),
        ({"new_frames": "other"}, {}, "both new_frames and new_spikes"),
        ({"frames": "movie"}, {}, "unknown array 'movie'"),
        ({"test_fraction": 1.5}, {}, "test_fraction expected a number between 0 and 1"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path, settings, arrays, says):
    with pytest.raises(BadInput, match=says):
        built(tmp_path, settings, **arrays)


def test_it_is_a_source_like_any_other(tmp_path):
    built(tmp_path)
    for _, check in contract("movie_npz", {"path": str(tmp_path / "mine.npz")}):
        check()
