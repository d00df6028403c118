"""Which counts are withheld: by trial, bin and unit alone."""

import torch

from raysp.objectives.withheld import withheld


def test_a_trials_entries_are_the_same_in_every_batch():
    numbers = torch.arange(40)
    whole = withheld(numbers, (9, 7), 0.3, seed=0)
    chosen = torch.tensor([31, 2, 2, 17])
    assert torch.equal(withheld(numbers[chosen], (9, 7), 0.3, seed=0), whole[chosen])


def test_as_many_are_withheld_as_asked_for_in_every_bin_and_unit():
    found = withheld(torch.arange(4000), (6, 5), 0.2, seed=0).float()
    assert abs(found.mean(dim=0) - 0.2).max() < 4 * (0.2 * 0.8 / 4000) ** 0.5
    # Entries that are next to each other know nothing of each other.
    pairs = (
        (found[:, 1:] * found[:, :-1]).mean(),
        (found[:, :, 1:] * found[:, :, :-1]).mean(),
        (found[1:] * found[:-1]).mean(),
    )
    assert max(abs(pair - 0.04) for pair in pairs) < 0.004


def test_seeds_choose_others_and_a_share_of_nothing_none():
    numbers = torch.arange(20)
    assert not torch.equal(withheld(numbers, (9, 7), 0.3, seed=0), withheld(numbers, (9, 7), 0.3, seed=1))
    assert not withheld(numbers, (9, 7), 0.0, seed=0).any()
