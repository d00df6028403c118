import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp.errors import BadInput
from raysp.objectives import masks

MODES = ["timestep", "neuron", "full", "span", "block"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@settings(deadline=None)
@given(
    st.sampled_from(MODES),
    st.floats(0.05, 0.9),
    st.integers(1, 12),
    st.tuples(st.integers(1, 5), st.integers(1, 20), st.integers(1, 7)),
    st.integers(0, 99),
)
def test_every_trial_keeps_something_and_hides_something(mode, ratio, span, shape, seed):
    hidden = masks.draw(shape, mode, ratio, generator(seed), span)
    assert hidden.shape == shape
    entries = {"timestep": shape[1], "span": shape[1], "neuron": shape[2]}.get(mode, shape[1] * shape[2])
    if entries > 1:
        assert hidden.flatten(1).any(dim=1).all()
        assert not hidden.flatten(1).all(dim=1).any()
    if mode in ("timestep", "span"):
        assert (hidden == hidden[:, :, :1]).all()
    if mode == "neuron":
        assert (hidden == hidden[:, :1]).all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ratio", [0.1, 0.25, 0.6, 0.9])
@pytest.mark.parametrize("span", [1, 5])
def test_the_hidden_share_is_the_one_asked_for_in_every_bin(mode, ratio, span):
    # So many that no trial hides all or nothing by chance.
    bins, units = (90, 4) if mode in ("timestep", "span") else (8, 90)
    hidden = masks.draw((3000, bins, units), mode, ratio, generator(), span).float()
    slack = 5 * (ratio * (1 - ratio) / 3000) ** 0.5
    assert (hidden.mean(dim=0) - ratio).abs().max() < slack


def test_trials_have_masks_of_their_own():
    hidden = masks.draw((200, 30, 2), "timestep", 0.5, generator())[..., 0].float()
    correlation = torch.corrcoef(hidden)
    off = correlation - torch.eye(200)
    assert off.abs().mean() < 0.2


def test_spans_are_runs():
    hidden = masks.draw((500, 200, 1), "span", 0.2, generator(), 6)[..., 0].int()
    padded = torch.nn.functional.pad(hidden, (1, 1))
    starts, ends = (padded.diff() == 1).nonzero()[:, 1], (padded.diff() == -1).nonzero()[:, 1]
    inner = (starts > 0) & (ends < 200)
    assert ((ends - starts)[inner] >= 5).float().mean() > 0.99


def test_the_same_generator_draws_the_same():
    one, two = (masks.draw((3, 9, 4), "block", 0.3, generator(7), 2) for _ in range(2))
    assert torch.equal(one, two)


@pytest.mark.parametrize(
    ("mode", "ratio", "span", "message"),
    [
        ("full", 0.0, 1, "hides nothing"),
        ("full", 0.95, 1, "too much"),
        ("full", 1.0, 1, "too much"),
        ("span", 0.5, 0, "at least 1 bin"),
        ("all", 0.5, 1, "expected one of timestep, neuron"),
    ],
)
def test_masks_that_make_no_sense_are_refused(mode, ratio, span, message):
    with pytest.raises(BadInput, match=message):
        masks.draw((2, 5, 3), mode, ratio, generator(), span)
