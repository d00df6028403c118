"""The decoder that is drawn is the decoder that is scored."""

import dataclasses

import numpy as np
import pytest

from raysp.errors import NotReady
from raysp.evaluation.r2 import r2_columns
from raysp.evaluation.velocity import velocity_r2
from raysp.report.case import open_case
from raysp.report.velocity import decode, velocity


@pytest.fixture
def case(shared_run):
    return open_case(shared_run.run, shared_run.root, shared_run.trial("sae"), answers=True)


def test_r2_of_the_drawing_is_the_score(case):
    true, rates = case.known.behavior, case.prediction.rates
    score = velocity_r2(case.training_rates(), case.split.train.behavior, rates, true)
    drawn = r2_columns(true.reshape(-1, 2), decode(case).reshape(-1, 2)).mean()
    assert drawn == pytest.approx(score, abs=1e-9)
    assert score > 0.8


def test_one_decoder_per_mask(case):
    masks = [np.stack([np.arange(len(t)) % 2 == k for k in (0, 1)], axis=1) for t in (case.split.train, case.known)]
    masks[1][0] = False
    train = dataclasses.replace(case.split.train, decode_mask=masks[0])
    known = dataclasses.replace(case.known, decode_mask=masks[1])
    split, answers = dataclasses.replace(case.split, train=train), dataclasses.replace(case.answers, trials=known)
    decoded = decode(dataclasses.replace(case, split=split, answers=answers))
    assert np.isnan(decoded[0]).all()
    assert np.isfinite(decoded[1:]).all()
    score = velocity_r2(
        case.training_rates(), train.behavior, case.prediction.rates, known.behavior, masks[0], masks[1]
    )
    drawn = [r2_columns(known.behavior[m].reshape(-1, 2), decoded[m].reshape(-1, 2)).mean() for m in masks[1].T]
    assert np.mean(drawn) == pytest.approx(score, abs=1e-9)


def test_bins_without_behaviour_are_left_out_not_drawn(case):
    behavior = case.known.behavior.copy()
    behavior[:3, :5] = np.nan
    known = dataclasses.replace(case.known, behavior=behavior)
    picture = velocity(dataclasses.replace(case, answers=dataclasses.replace(case.answers, trials=known)))
    assert "nan" not in picture.caption


def test_behaviour_of_one_row_per_trial_is_not_decoded(case):
    known = dataclasses.replace(case.known, behavior=case.known.behavior[:, 0])
    with pytest.raises(NotReady, match="one row per trial"):
        velocity(dataclasses.replace(case, answers=dataclasses.replace(case.answers, trials=known)))
