"""Behaviour decoded from a history of bins: of the same trial, of recorded bins, under a name of its own."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

import raysp
from raysp.data.splits.population import TrialArrays
from raysp.errors import BadInput
from raysp.evaluation.history import HISTORY_R2, MEAN_HISTORY_R2, history_scores
from raysp.evaluation.velocity import ALPHAS, FOLDS

RNG = np.random.default_rng(0)
TRIALS, BINS, UNITS, HISTORY = 40, 14, 3, 2
LENGTHS = RNG.integers(6, BINS + 1, TRIALS)
RATES = RNG.gamma(1.0, 1.0, (TRIALS, BINS, UNITS))
# What is decoded happened two bins ago, so that the bin alone tells nothing of it.
BEHAVIOR = np.zeros((TRIALS, BINS, 2))
BEHAVIOR[:, 2:] = RATES[:, :-2, :2] + 0.1 * RNG.standard_normal((TRIALS, BINS - 2, 2))
COUNTS = np.where(np.arange(BINS) < LENGTHS[:, None], 1.0, np.nan)[:, :, None]


def scored(rates=RATES, behavior=BEHAVIOR, history=HISTORY):
    parts = [
        TrialArrays(heldin=COUNTS[rows].astype(np.float32), behavior=behavior[rows])
        for rows in (slice(30), slice(30, None))
    ]
    return history_scores(*parts, rates[:30], rates[30:], history, ["speed", "heading"])


def rows_by_hand(trials, variable):
    """Rows of each bin with two before it, by loops: nothing outside the trial."""
    x, y = [], []
    for trial in trials:
        for at in range(HISTORY, LENGTHS[trial]):
            x.append(np.concatenate([RATES[trial, at - lag] for lag in range(HISTORY + 1)]))
            y.append(BEHAVIOR[trial, at, variable])
    return np.array(x), np.array(y)


def test_scores_are_those_of_scikit_learn_on_rows_made_by_hand_and_say_their_history():
    found = scored()
    assert [one.metric for one in found] == [HISTORY_R2, HISTORY_R2, MEAN_HISTORY_R2]
    assert [one.parameter for one in found] == [
        "speed, 2 bins of history", "heading, 2 bins of history", "2 bins of history",
    ]  # fmt: skip
    for variable in range(2):
        x, y = rows_by_hand(range(30), variable)
        search = GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=FOLDS).fit(x, y)
        x, y = rows_by_hand(range(30, TRIALS), variable)
        assert found[variable].value == pytest.approx(r2_score(y, search.predict(x)), abs=1e-6)
    assert found[2].value == pytest.approx((found[0].value + found[1].value) / 2)
    assert found[2].value > 0.9 > 0.2 > scored(history=1)[2].value


def test_nothing_after_a_trials_end_or_before_its_begin_is_seen():
    after = np.arange(BINS) >= LENGTHS[:, None]
    rates, behavior = RATES.copy(), BEHAVIOR.copy()
    rates[after], behavior[after], behavior[:, :HISTORY] = 1e6, -1e6, 1e6
    assert [one.value for one in scored(rates, behavior)] == [one.value for one in scored()]


def test_the_setting_adds_scores_beside_the_usual_ones_and_is_refused_where_it_says_nothing():
    arrays = {"bin_ms": 20, "behavior": BEHAVIOR}
    counts = RNG.poisson(RATES)
    split = raysp.load_split(counts, decode_history=3, **arrays)
    scores = raysp.fit("smoothing", split, progress=False).scores(split)
    assert {"behavior R2", HISTORY_R2, MEAN_HISTORY_R2} <= set(scores["metric"])
    plain = raysp.load_split(counts, **arrays)
    assert plain.fingerprint() == split.fingerprint()
    usual = raysp.fit("smoothing", plain, progress=False).scores(plain)
    assert HISTORY_R2 not in set(usual["metric"])
    mean = "behavior R2, mean over variables"
    assert usual.filter(metric=mean)["value"].to_list() == scores.filter(metric=mean)["value"].to_list()
    with pytest.raises(BadInput, match="expected fewer bins than a trial's 14, got 14"):
        raysp.load_split(counts, decode_history=14, **arrays)
    with pytest.raises(BadInput, match="decode_history expected behavior, of each bin"):
        raysp.load_split(counts, bin_ms=20, decode_history=1)


def test_bins_before_a_trials_begin_or_lost_within_it_are_no_history():
    lost = np.zeros((TRIALS, BINS), dtype=bool)
    lost[:, :2] = lost[::3, 4] = True
    counts = np.where(lost[:, :, None], np.nan, np.ones((TRIALS, BINS, 1), dtype=np.float32))

    def mean(rates):
        parts = [TrialArrays(heldin=counts[rows], behavior=BEHAVIOR[rows]) for rows in (slice(30), slice(30, None))]
        return history_scores(*parts, rates[:30], rates[30:], HISTORY, ["speed", "heading"])[2].value

    assert mean(np.where(lost[:, :, None], 1e6, RATES)) == mean(RATES)
