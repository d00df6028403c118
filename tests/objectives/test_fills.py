import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp.objectives.fills import fill

HOWS = ["zero", "mean", "nearest", "linear", "random", "token"]
MEANS = torch.tensor([0.5, 7.0])


def filled(counts, hidden, how, **more):
    return fill(torch.tensor(counts).float(), torch.tensor(hidden, dtype=torch.bool), how, MEANS, **more)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(HOWS), st.integers(0, 999))
def test_visible_counts_stay_and_hidden_ones_never_matter(how, seed):
    draw = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, 5, (3, 8, 2), generator=draw).float()
    hidden = torch.rand(3, 8, 2, generator=draw) < 0.6
    other = torch.where(hidden, counts + 9, counts)
    options = {"token": torch.tensor([1.0, 2.0])}
    one = fill(counts, hidden, how, MEANS, torch.Generator().manual_seed(1), **options)
    two = fill(other, hidden, how, MEANS, torch.Generator().manual_seed(1), **options)
    assert torch.equal(one, two)
    assert torch.equal(one[~hidden], counts[~hidden])
    assert torch.isfinite(one).all()


COUNTS = [[[4.0, 1.0], [9.0, 9.0], [9.0, 2.0], [9.0, 9.0], [8.0, 9.0]]]
HIDDEN = [[[0, 0], [1, 1], [1, 0], [1, 1], [0, 1]]]


@pytest.mark.parametrize(
    ("how", "first", "second"),
    [
        ("zero", [4, 0, 0, 0, 8], [1, 0, 2, 0, 0]),
        ("mean", [4, 6, 6, 6, 8], [1, 1.5, 2, 1.5, 1.5]),
        ("nearest", [4, 4, 4, 8, 8], [1, 1, 2, 2, 2]),
        ("linear", [4, 5, 6, 7, 8], [1, 1.5, 2, 2, 2]),
        ("random", [4, 0.5, 0.5, 0.5, 8], [1, 7, 2, 7, 7]),
    ],
)
def test_by_hand_edges_included(how, first, second):
    assert filled(COUNTS, HIDDEN, how)[0].T.tolist() == [first, second]


@pytest.mark.parametrize("how", ["mean", "nearest", "linear", "random"])
def test_a_row_without_any_visible_bin_takes_the_training_mean(how):
    found = filled([[[3.0, 3.0], [3.0, 3.0]]], [[[1, 0], [1, 0]]], how)
    assert found[0, :, 0].tolist() == [0.5, 0.5]


def test_random_counts_have_the_units_mean():
    counts, hidden = torch.zeros(500, 40, 2), torch.ones(500, 40, 2, dtype=torch.bool)
    found = fill(counts, hidden, "random", MEANS, torch.Generator().manual_seed(0))
    assert found.mean(dim=(0, 1)).tolist() == pytest.approx([0.5, 7.0], rel=0.02)
