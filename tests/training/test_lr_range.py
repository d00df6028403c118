import dataclasses
import math

import pytest
import torch

from raysp.config.experiment import Training, Trial
from raysp.errors import BadInput
from raysp.kinds import catalog as kinds
from raysp.training.job import Job
from raysp.training.lr_range import lr_range, suggestion
from tests.models.made_up import made_up_split
from tests.models.made_up_stimulus import made_up_recording, small

SPLIT = made_up_split(trials=40)
TRIAL = Trial(
    model="sae",
    split=SPLIT.name,
    hyperparameters={"hidden": 8, "encoder_hidden": 8},
    training=Training(batch_size=64),
    seed=3,
    data="0" * 64,
)


def found_for(trial, split, **options):
    kind = kinds.of(split.kind)
    return lr_range(Job(trial, device="cpu"), lambda job: kind.learner(job, split), **options)


def test_the_loss_falls_then_explodes_and_the_suggestion_lies_where_it_falls():
    found = found_for(TRIAL, SPLIT, lowest=1e-6, highest=10.0, steps=120)
    assert found.rates == sorted(found.rates)
    assert 1e-4 < found.suggested < 1.0
    at = found.rates.index(found.suggested)
    assert found.smooth[at + 1] < found.smooth[at - 1]


def test_it_is_the_same_again_and_draws_nothing_of_the_callers():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one = found_for(TRIAL, SPLIT, steps=20)
    assert torch.equal(torch.get_rng_state(), before)
    assert one == found_for(TRIAL, SPLIT, steps=20)


def test_by_hand_the_steepest_fall():
    rates = [10 ** (i / 10) for i in range(30)]
    smooth = [1.0] * 15 + [0.9, 0.3] + [0.25] * 13
    assert suggestion(rates, smooth) == pytest.approx(rates[15])
    assert suggestion(rates, [float(i) for i in range(30)]) is None


def test_it_ends_when_the_loss_is_four_times_the_best():
    found = found_for(TRIAL, SPLIT, lowest=1e-3, highest=1e6, steps=60)
    assert len(found.rates) < 60
    assert all(math.isfinite(loss) for loss in found.losses)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(BadInput, match="0 < lowest < highest"):
        found_for(TRIAL, SPLIT, lowest=1.0, highest=0.1)
    with pytest.raises(BadInput, match="not fitted by gradient descent"):
        found_for(dataclasses.replace(TRIAL, model="mean_rate", hyperparameters={}, training=None), SPLIT)


def test_a_recording_in_one_piece_has_a_range_of_its_own():
    recording = made_up_recording()
    trial = Trial(
        model="poisson_counts",
        split=recording.name,
        hyperparameters=small("poisson_counts"),
        training=Training(batch_size=32),
        data="0" * 64,
    )
    found = found_for(trial, recording, lowest=1e-6, highest=1.0, steps=30)
    assert found.rates == sorted(found.rates)
    assert all(math.isfinite(loss) for loss in found.losses)
    assert found == found_for(trial, recording, lowest=1e-6, highest=1.0, steps=30)
