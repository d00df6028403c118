"""The clouds of neural speed and produced interval are those that tp corr sums up."""

import dataclasses

import numpy as np
import pytest

from raysp.errors import NotReady
from raysp.evaluation.tp_correlation import tp_correlation
from raysp.kinds.population.case import open_case
from raysp.kinds.population.page.drawing import behavior
from raysp.kinds.population.page.speeds import conditions, speeds


@pytest.fixture
def case(shared_run):
    """A trial whose behaviour is one row per trial, and whose held-out units are known from set to go only."""
    case = open_case(shared_run.run, shared_run.root, shared_run.trial("sae"), answers=True)
    rng = np.random.default_rng(0)
    rows = [_rows(rng, len(part)) for part in (case.split.train, case.known)]
    rows[1][0] = np.nan
    heldout = case.known.heldout.copy()
    for trial, start in enumerate(rng.integers(0, 20, len(heldout))):
        heldout[trial, :start] = np.nan
    train = dataclasses.replace(case.split.train, behavior=rows[0])
    known = dataclasses.replace(case.known, behavior=rows[1], heldout=heldout)
    return dataclasses.replace(
        case,
        split=dataclasses.replace(case.split, train=train),
        answers=dataclasses.replace(case.answers, trials=known),
    )


def _rows(rng, trials):
    labels = np.stack([np.arange(trials) % 2, np.full(trials, 180.0), np.zeros(trials)], axis=1)
    return np.concatenate([labels, rng.uniform(500, 1000, (trials, 2))], axis=1)


def test_clouds_have_the_correlation_that_is_scored(case):
    clouds = conditions(case)
    assert [one.label for one in clouds] == [(0.0, 180.0, 0.0), (1.0, 180.0, 0.0)]
    assert sum(len(one.intervals) for one in clouds) == len(case.known) - 1
    drawn = np.mean([one.correlation for one in clouds])
    assert drawn == tp_correlation(case.prediction.rates, case.known.heldout, case.known.behavior)


def test_a_condition_of_one_trial_is_drawn_without_a_correlation(case):
    behavior = case.known.behavior.copy()
    behavior[1, 1] = 0
    known = dataclasses.replace(case.known, behavior=behavior)
    lonely = dataclasses.replace(case, answers=dataclasses.replace(case.answers, trials=known))
    assert [len(one.speeds) for one in conditions(lonely)].count(1) == 1
    assert speeds(lonely).name == "speed"


def test_such_behaviour_is_drawn_as_speeds(case):
    assert behavior(case).name == "speed"


def test_unknown_answers_are_told(case):
    with pytest.raises(NotReady, match="no produced intervals"):
        speeds(dataclasses.replace(case, answers=None))
