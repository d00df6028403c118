"""Counts that lie bin after bin are cut into trials by the vector that says which trial each bin is of."""

import numpy as np
import pandas
import pytest

from raysp.config import settings
from raysp.config.experiment import Recording
from raysp.data.sources import bins_of_trials, population, prepare
from raysp.data.sources.proposal import proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(30, 40, 14)
NUMBERS = np.arange(14) * 3 + 5
TRIAL = np.repeat(NUMBERS, LENGTHS)
COUNTS = RNG.poisson(0.6, (len(TRIAL), 5))
SIDE, HAND = np.repeat(np.arange(14) % 2, LENGTHS), RNG.normal(size=(len(TRIAL), 2))
TIME = np.concatenate([np.arange(length) * 0.02 for length in LENGTHS])


def checked(split, answers, step=1):
    for part, counts, hand in (
        (split.train, split.train.heldin, split.train.behavior),
        (split.eval, answers.trials.heldin, answers.trials.behavior),
    ):
        for number, one, moved in zip(part.ids, counts, hand if hand is not None else part.ids, strict=True):
            own = COUNTS[number == TRIAL]
            bins = len(own) // step
            np.testing.assert_array_equal(one[:bins], own[: bins * step].reshape(bins, step, 5).sum(axis=1))
            assert np.isnan(one[bins:]).all()
            if hand is not None:
                wanted = HAND[number == TRIAL][: bins * step].reshape(bins, step, 2).mean(axis=1)
                np.testing.assert_allclose(moved[:bins], wanted, rtol=1e-5)


def test_a_table_of_counts_with_a_column_of_trials_is_proposed_and_read_so(tmp_path):
    table = {f"unit_{unit}": one for unit, one in enumerate(COUNTS.T)}
    pandas.DataFrame({"trial": TRIAL, "time": TIME, **table}).to_csv(tmp_path / "x.csv", index=False)
    found = proposal(str(tmp_path / "x.csv"))
    assert found.settings == {"counts": "unit_*", "bin_ms": 20.0, "trial": "trial"}
    given = {**found.settings, "path": str(tmp_path / "x.csv"), "heldout": 0}
    checked(*prepare.read(Recording("x", found.source, given), ""))
    given = {**{key: one for key, one in given.items() if key != "trial"}, "window_ms": [0, 400], "gap_ms": 0}
    notes = prepare.read(Recording("x", found.source, given), "")[0].provenance.notes
    assert any(
        note.startswith("trial says which trial each bin is of, and is not used: windows go on") for note in notes
    )


@pytest.mark.parametrize("step", [1, 2])
def test_arrays_beside_counts_are_cut_too(tmp_path, step):
    np.savez(tmp_path / "x.npz", counts=COUNTS, trial_id=TRIAL, side=SIDE, hand=HAND)
    found = proposal(str(tmp_path / "x.npz"))
    assert (found.settings["trial"], "window_ms" in found.settings) == ("trial_id", False)
    given = {"path": str(tmp_path / "x.npz"), "counts": "counts", "trial": "trial_id", "behavior": "hand", "heldout": 0}
    given |= {"bin_ms": 20 * step, "counts_bin_ms": 20, "conditions": ["side"]}
    split, answers = population.build(settings.build(population.Config, given, "x"), "x")
    checked(split, answers, step)
    assert {(number // 3 % 2, one) for number, one in zip(split.train.ids, split.train.condition, strict=True)} == {
        (0, 1), (1, 0)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("which", "says"),
    [
        ([1, 1, 2, 2, 1], "bins of each trial in one stretch, got trial 1 in 2; sort the rows by trial, or put NaN"),
        ([-1, -1], "expected trials of bins, got none"),
        ([True, False], "expected the number or name of each bin's trial, got bool"),
    ],
)
def test_vectors_that_divide_no_trials_are_refused(which, says):
    with pytest.raises(BadInput, match=says):
        bins_of_trials.of(np.array(which), "trial")


def test_bins_between_trials_and_values_that_change_within_one_are_told():
    found = bins_of_trials.of(np.array([np.nan, 2, 2, np.nan, 7, 7]), "trial")
    assert (found.trials.tolist(), found.left) == ([2, 7], 2)
    assert found.each(np.array([0, 4, 4, 0, 5, 5]), "side").tolist() == [4, 5]
    with pytest.raises(BadInput, match="side expected one value in each trial, got several in trial 2"):
        found.each(np.array([0, 4, 3, 0, 5, 5]), "side")
