"""Mixing repeats: every neuron's counts are those of a trial of the same condition, whole in time."""

import pytest
import torch

from raysp.data.batch import Batch
from raysp.errors import BadInput
from raysp.objectives.augment import Repeats

CONDITION = torch.tensor([0, 1, 0, 2, 1, 0, -1, -1])


def trials(condition=CONDITION):
    # The count tells trial and neuron apart, in every bin.
    counts = torch.arange(8.0)[:, None, None] * 100 + torch.arange(5.0) + torch.zeros(8, 4, 5)
    return Batch(heldin=counts[..., :3], heldout=counts[..., 3:], condition=condition)


def mixed(share, seed=0):
    train = trials()
    rows = torch.arange(8)
    return Repeats.of(train, "here").mixed(train.take(rows), share, torch.Generator().manual_seed(seed))


def test_each_neuron_comes_whole_from_a_trial_of_the_same_condition():
    found = torch.stack([mixed(1.0, seed) for seed in range(40)])
    assert (found == found[:, :, :1]).all(), "neurons are not torn apart in time"
    source, neuron = found[:, :, 0] // 100, found[:, :, 0] % 100
    assert (neuron == torch.arange(5.0)).all()
    for trial, condition in enumerate(CONDITION.tolist()):
        members = {i for i, c in enumerate(CONDITION.tolist()) if c == condition} if condition >= 0 else {trial}
        assert {int(one) for one in source[:, trial].unique()} == members


def test_no_share_changes_nothing():
    assert torch.equal(mixed(0.0), trials().whole())


def test_the_generator_decides():
    assert torch.equal(mixed(0.5, 1), mixed(0.5, 1))
    assert not torch.equal(mixed(0.5, 1), mixed(0.5, 2))


@pytest.mark.parametrize("condition", [None, torch.full((8,), -1), torch.arange(8)])
def test_without_repeats_it_is_refused(condition):
    with pytest.raises(BadInput, match="mix_repeats expected training trials that repeat conditions"):
        Repeats.of(trials(condition), "here")
