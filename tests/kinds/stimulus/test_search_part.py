"""What a search may see of a continuous recording gives the numbers that the whole recording gives."""

from __future__ import annotations

import pytest
import torch

from raysp.config.experiment import Training, Trial
from raysp.kinds.stimulus.kind import KIND
from tests.models.made_up_stimulus import made_up_recording, small
from tests.training.made_up import made_up_job

FAST = Training(epochs=2, batch_size=16, learning_rate=3e-3, schedule="one_cycle", clip_norm=0, measure_every=0)


@pytest.mark.parametrize("name", ["distance_unet", "poisson_counts", "distance_shared"])
def test_a_fit_without_the_test_part_is_the_same_to_the_bit(name):
    split = made_up_recording()
    trial = Trial(name, small(name), FAST, "made_up", "0" * 64)
    whole, part = (KIND.fit(made_up_job(trial), one) for one in (split, split.training()))
    for row in (*whole.curve, *part.curve):
        del row["seconds"]
    assert whole.curve == part.curve
    ours, theirs = whole.model.state_dict(), part.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
