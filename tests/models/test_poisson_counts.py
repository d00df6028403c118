"""The Poisson network: the paper's, unit by unit; its counts and how they become spikes."""

from __future__ import annotations

import pytest
import torch

from raysp.data.splits.stimulus import StimulusSizes
from raysp.data.splits.windows import Tape
from raysp.errors import BadInput
from raysp.models import catalog
from tests.models.made_up_stimulus import made_up_recording, shaken, small
from tests.models.plain_networks import plain_network, translated

STARTS = (1000, 1013, 1100)


@pytest.mark.parametrize("interval", [5, 80])
def test_each_units_network_is_the_papers_in_outputs_losses_and_gradients(interval):
    split = made_up_recording(bins=3000, units=2)
    torch.manual_seed(0)
    model = catalog.build("poisson_counts", {"dropout": 0.0, "interval": interval}, split.sizes)
    shaken(model)
    tape = Tape.of(split, "cpu")
    found = model.train().loss(tape.windows(torch.tensor(STARTS), 992))
    found.total.backward()
    ours = {name: weights.grad for name, weights in model.named_parameters()}
    for unit in range(2):
        plain = plain_network("poisson_counts", model, unit, 2).train()
        own = tape.spikes[unit]
        x = torch.stack([torch.cat([tape.stimulus.T, own[None]])[:, start - 992 : start] for start in STARTS])
        counts = torch.stack([own[start : start + interval].sum() for start in STARTS])
        rates = plain(x)
        expected = (rates - counts * torch.log(rates + 1e-8)).mean()
        torch.testing.assert_close(found.each[unit], expected, rtol=1e-5, atol=1e-6)
        expected.backward()
        for name, grad in translated({name: grad[unit] for name, grad in ours.items()}, model.config):
            largest = plain.get_parameter(name).grad.abs().max().item()
            assert largest > 0, name
            torch.testing.assert_close(grad, plain.get_parameter(name).grad, rtol=1e-3, atol=1e-4 * largest, msg=name)
    torch.testing.assert_close(found.total, found.each.sum())


def test_in_evaluation_the_running_statistics_of_each_unit_are_used():
    split = made_up_recording(bins=3000, units=2)
    torch.manual_seed(0)
    model = catalog.build("poisson_counts", {}, split.sizes)
    shaken(model)
    tape = Tape.of(split, "cpu")
    with torch.no_grad():
        found = model.eval().output(tape.windows(torch.tensor(STARTS), 992))
        for unit in range(2):
            plain = plain_network("poisson_counts", model, unit, 2).eval()
            both = torch.cat([tape.stimulus.T, tape.spikes[unit][None]])
            x = torch.stack([both[:, start - 992 : start] for start in STARTS])
            torch.testing.assert_close(found[unit], plain(x), rtol=1e-4, atol=1e-5)
    assert found.std() > 1e-3


def test_a_unit_has_as_many_weights_as_the_papers_network():
    model = catalog.on_paper("poisson_counts", {}, StimulusSizes("x", 1.0, 4, 3))
    assert sum(weights.numel() for weights in model.parameters()) == 3 * 302_913
    assert sum(weights.numel() for weights in model.trunk.parameters()) == 3 * 302_400


def test_counts_become_spikes_spread_over_the_interval():
    split = made_up_recording(units=2)
    model = catalog.build("poisson_counts", small("poisson_counts", interval=12), split.sizes)
    output, history = torch.tensor([[2.6], [0.4]]), torch.zeros(2, 1, 64)
    for decoding, counts in (("round", [3, 0]), ("floor", [2, 0])):
        found = model.spikes(output, history, decoding, [])
        assert found.dtype == torch.uint8
        assert found.shape == (2, 1, 12)
        assert found.sum(dim=(1, 2)).tolist() == counts
    assert model.spikes(output, history, "round", [])[0, 0].nonzero().flatten().tolist() == [3, 6, 9]


def test_drawn_counts_have_the_rate_for_their_mean_and_a_units_draws_are_its_own():
    split = made_up_recording(units=2)
    model = catalog.build("poisson_counts", small("poisson_counts", interval=12), split.sizes)
    output, history = torch.tensor([2.6, 0.4])[:, None].expand(2, 4000), torch.zeros(2, 4000, 64)

    def drawn(output, *seeds):
        return model.spikes(output, history, "sample", [torch.Generator().manual_seed(seed) for seed in seeds])

    found = drawn(output, 1, 2).sum(dim=2).double()
    torch.testing.assert_close(found.mean(dim=1), torch.tensor([2.6, 0.4]).double(), rtol=0, atol=0.1)
    torch.testing.assert_close(found.var(dim=1), torch.tensor([2.6, 0.4]).double(), rtol=0.1, atol=0)
    assert torch.equal(drawn(output[1:], 2), drawn(output, 1, 2)[1:])
    assert not torch.equal(drawn(output, 3, 2)[0], drawn(output, 1, 2)[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"interval": 0}, "interval expected at least 1"),
        ({"channels": 9}, "channels expected an even number, got 9"),
        ({"train_stride": 0}, "train_stride expected at least 1"),
        ({"validation_stride": 0}, "validation_stride expected at least 1"),
        ({"middle": -1}, "middle expected at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(BadInput, match=f"model poisson_counts, {message}"):
        catalog.config("poisson_counts", changes)
