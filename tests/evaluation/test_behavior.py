"""Behaviour of one value a trial, decoded from mean rates."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

import raysp
from raysp.data.splits.population import TrialArrays
from raysp.errors import BadInput
from raysp.evaluation.behavior import decodings
from raysp.evaluation.velocity import ALPHAS, FOLDS

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(0.4, (40, 12, 6))
CHOICE, CONTRAST = np.array(["left", "right"])[RNG.integers(0, 2, 40)], RNG.uniform(size=40)


def test_each_variable_is_decoded_as_by_scikit_learn_from_the_bins_that_a_trial_has():
    lengths = RNG.integers(5, 13, 40)
    counts = np.where(np.arange(12) < lengths[:, None], 1.0, np.nan)[:, :, None]
    rates, weights = RNG.gamma(1.0, 1.0, (40, 12, 6)), RNG.standard_normal((6, 2))
    means = np.stack([one[:last].mean(axis=0) for one, last in zip(rates, lengths, strict=True)])
    behavior = (means @ weights + 0.1 * RNG.standard_normal((40, 2))).astype(np.float32)
    parts = [
        TrialArrays(heldin=counts[rows].astype(np.float32), behavior=behavior[rows])
        for rows in (slice(30), slice(30, None))
    ]
    found = decodings("mine", *parts, rates[:30], rates[30:])
    assert [one.variables for one in found] == [(0,), (1,)]
    for variable, one in enumerate(found):
        search = GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=FOLDS).fit(means[:30], behavior[:30, variable])
        assert one.r2[0] == pytest.approx(r2_score(behavior[30:, variable], search.predict(means[30:])), abs=1e-5)


def test_what_behavior_is_filled_with_after_a_trials_end_counts_nowhere():
    lengths = RNG.integers(5, 13, 40)
    there = np.arange(12) < lengths[:, None]
    counts = np.where(there[:, :, None], COUNTS, np.nan).astype(np.float32)
    rates, behavior = RNG.gamma(1.0, 1.0, (40, 12, 6)), RNG.standard_normal((40, 12, 2))
    values = []
    for filled in (0.0, np.nan):
        known = np.where(there[:, :, None], behavior, filled)
        parts = [TrialArrays(heldin=counts[rows], behavior=known[rows]) for rows in (slice(30), slice(30, None))]
        values.append([one.r2.tolist() for one in decodings("mine", *parts, rates[:30], rates[30:])])
    assert values[0] == values[1]


def test_arrays_and_files_say_which_values_and_which_variable_is_which(tmp_path):
    np.savez(tmp_path / "a.npz", counts=COUNTS, choice=CHOICE, contrast=CONTRAST)
    split = raysp.load_split(tmp_path / "a.npz", counts="counts", bin_ms=20, decode=["choice", "contrast"])
    rows = split.train.ids
    np.testing.assert_array_equal(split.train.behavior[:, 0], CHOICE[rows] == "right")
    np.testing.assert_allclose(split.train.behavior[:, 1], CONTRAST[rows], rtol=1e-6)
    assert split.notes[0] == "decoded from each trial's mean rates: choice (left 0, right 1), contrast"
    scores = raysp.fit("mean_rate", split, progress=False).scores(split).filter(metric="behavior R2")
    assert scores["parameter"].to_list() == ["choice", "contrast"]
    assert split.eval.behavior is None
    memory = raysp.load_split(COUNTS, bin_ms=20, decode=np.column_stack([CHOICE == "right", CONTRAST]))
    np.testing.assert_array_equal(memory.train.behavior, split.train.behavior)
    scores = raysp.fit("mean_rate", memory, progress=False).scores(memory).filter(metric="behavior R2")
    assert scores["parameter"].to_list() == ["variable 0", "variable 1"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"decode": np.array(["a", "b", "c", "d"] * 10)}, "one of two texts, for each trial, got 4 texts"),
        ({"decode": np.ones(40)}, "expected values that differ"),
        ({"decode": np.ones(39)}, "per trial"),
        ({"decode": CONTRAST, "behavior": np.zeros((40, 12, 1))}, "or behavior, of each bin, got both"),
    ],
)
def test_what_is_no_value_a_trial_is_refused(given, says):
    with pytest.raises(BadInput, match=says):
        raysp.load_split(COUNTS, bin_ms=20, **given)


def test_words_of_a_file_that_has_bytes_are_words_in_the_note(tmp_path):
    words = np.where(CHOICE == "left", b"non", "été".encode())
    np.savez(tmp_path / "a.npz", counts=COUNTS, choice=words)
    split = raysp.load_split(tmp_path / "a.npz", counts="counts", bin_ms=20, decode=["choice"])
    assert split.notes[0] == "decoded from each trial's mean rates: choice (non 0, été 1)"
