"""Shares that lanes drop: as large as asked for, the same whichever lanes are beside, nested where shares differ."""

import pytest
import torch

from raysp.layers import lane_masks

SHARES = torch.tensor([0.0, 0.3, 0.9])


def draws(seed=0):
    return lane_masks.drawn((60, 501), torch.Generator().manual_seed(seed))


def test_as_much_is_kept_as_is_not_dropped():
    kept = lane_masks.kept(draws(), SHARES).float().mean(dim=(1, 2))
    assert kept.tolist() == pytest.approx([1.0, 0.7, 0.1], abs=0.01)


def test_the_mean_is_kept():
    assert lane_masks.kept_scale(draws(), SHARES).mean(dim=(1, 2)).tolist() == pytest.approx([1.0, 1.0, 1.0], abs=0.06)


def test_a_lane_drops_the_same_whichever_others_there_are():
    whole = lane_masks.kept(draws(), SHARES)
    assert torch.equal(whole[1], lane_masks.kept(draws(), SHARES[1:2])[0])
    assert not (whole[2] & ~whole[1]).any()


def test_a_share_of_almost_all_divides_by_no_zero():
    assert torch.isfinite(lane_masks.kept_scale(draws(), torch.tensor([1.0 - 1e-7]))).all()


def test_draws_follow_from_the_generator():
    assert torch.equal(draws(), draws())
    assert not torch.equal(draws(), draws(1))
