"""The clouds of neural speed and produced interval are those that tp corr sums up."""

import dataclasses

import numpy as np
import pytest

from raysp.errors import NotReady
from raysp.evaluation.tp_correlation import tp_correlation
from raysp.report.case import open_case
from raysp.report.draw import behavior
from raysp.report.speeds import speed_by_condition, speeds


@pytest.fixture
def case(shared_run):
    """A trial whose behaviour is one row per trial, and whose held-out neurons are known from set to go only."""
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
    clouds = speed_by_condition(case)
    assert list(clouds) == [(0.0, 180.0, 0.0), (1.0, 180.0, 0.0)]
    assert sum(len(interval) for interval, _ in clouds.values()) == len(case.known) - 1
    drawn = np.mean([np.corrcoef(interval, speed)[0, 1] for interval, speed in clouds.values()])
    assert drawn == pytest.approx(tp_correlation(case.prediction.rates, case.known.heldout, case.known.behavior))


def test_such_behaviour_is_drawn_as_speeds(case):
    assert behavior(case).name == "speed"


def test_unknown_answers_are_told(case):
    with pytest.raises(NotReady, match="no produced intervals"):
        speeds(dataclasses.replace(case, answers=None))
