from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp.objectives.masking import coordinated_dropout


@settings(deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 0.9))
def test_an_entry_is_either_shown_or_a_target(seed, share):
    heldin = torch.ones(5, 6, 4)
    targets = torch.ones(5, 8, 7)
    generator = torch.Generator().manual_seed(seed)
    shown, left = coordinated_dropout(heldin, targets, share, generator)
    assert ((shown == 0) == ~torch.isnan(left[:, :6, :4])).all()
    assert torch.allclose(shown[shown != 0], torch.tensor(1 / (1 - share)))
    assert (left[:, 6:] == 1).all()
    assert (left[:, :, 4:] == 1).all()
    assert (targets == 1).all()


def test_the_share_hidden_is_the_one_asked_for():
    shown, _ = coordinated_dropout(
        torch.ones(100, 100, 10), torch.ones(100, 100, 10), 0.3, torch.Generator().manual_seed(0)
    )
    assert abs((shown == 0).float().mean().item() - 0.3) < 0.01
