"""Repeats of a condition: mixed, every unit's counts whole in time; and what the others have in common."""

import pytest
import torch

from raysp.data.splits.batch import Batch
from raysp.errors import BadInput
from raysp.objectives.augment import Repeats

CONDITION = torch.tensor([0, 1, 0, 2, 1, 0, -1, -1])


def trials(condition=CONDITION):
    # The count tells trial and unit apart, in every bin.
    counts = torch.arange(8.0)[:, None, None] * 100 + torch.arange(5.0) + torch.zeros(8, 4, 5)
    return Batch(heldin=counts[..., :3], heldout=counts[..., 3:], condition=condition)


def mixed(share, seed=0):
    train = trials()
    rows = torch.arange(8)
    return Repeats.of(train, "here").mixed(train.take(rows), share, torch.Generator().manual_seed(seed))


def test_each_unit_comes_whole_from_a_trial_of_the_same_condition():
    found = torch.stack([mixed(1.0, seed) for seed in range(40)])
    assert (found == found[:, :, :1]).all(), "units are not torn apart in time"
    source, unit = found[:, :, 0] // 100, found[:, :, 0] % 100
    assert (unit == torch.arange(5.0)).all()
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
    with pytest.raises(
        BadInput, match="mix_repeats and repeat_targets expected training trials that repeat conditions"
    ):
        Repeats.of(trials(condition), "here")


def test_what_others_have_in_common_leaves_out_what_is_shown():
    counts = torch.poisson(torch.full((8, 4, 5), 3.0), generator=torch.Generator().manual_seed(0))
    counts[0, 1, 2], counts[2, 3, :] = torch.nan, torch.nan
    train = Batch(heldin=counts[..., :3], heldout=counts[..., 3:], condition=CONDITION)
    found = Repeats.of(train, "here").others(counts, CONDITION)
    for trial, condition in enumerate(CONDITION.tolist()):
        other = [i for i, c in enumerate(CONDITION.tolist()) if c == condition and i != trial and condition >= 0]
        expected = counts[other].nanmean(dim=0) if other else torch.full((4, 5), torch.nan)
        torch.testing.assert_close(found[trial], expected, equal_nan=True)


def test_what_others_have_in_common_of_a_mixture_leaves_out_each_entry_that_was_used():
    train = trials()
    repeats = Repeats.of(train, "here")
    shown = repeats.mixed(train.take(torch.arange(8)), 1.0, torch.Generator().manual_seed(0))
    found = repeats.others(shown, CONDITION)
    # Trials 1 and 4 are all there is of their condition: what is asked for is the other of the two, unit by unit.
    torch.testing.assert_close(found[1] + shown[1], train.whole()[[1, 4]].sum(dim=0))
    assert found[3].isnan().all(), "a condition of one trial has no other"
    assert found[6:].isnan().all(), "no condition, no other"
