"""The spike-distance network: the paper's, unit by unit, and settings that cannot be are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from raysp.data.splits.stimulus import StimulusSizes
from raysp.data.splits.windows import Tape
from raysp.errors import BadInput
from raysp.models import catalog
from raysp.objectives.spike_distance import mean_log_distance
from tests.models.made_up_stimulus import made_up_recording, shaken, small
from tests.models.plain_networks import plain_network, translated

STARTS = (1000, 1013, 1100)


def network(settings, split, seed=0):
    torch.manual_seed(seed)
    model = catalog.build("distance_unet", settings, split.sizes)
    tape = Tape.of(split, "cpu")
    model.start(tape, split.parts["train"])
    shaken(model, seed)
    return model, tape


def seen(tape, start, unit, bins):
    """What one unit's network is shown, (channels, bins): the lights, and its own spikes."""
    return torch.cat([tape.stimulus[start - bins : start].T, tape.spikes[unit : unit + 1, start - bins : start]])


def true_log_distances(spikes, start, config):
    """The definition: the nearest spike from t = 0 on, as far as the look-ahead goes."""
    last = start + config.output_bins - config.past + config.lookahead
    future = [bin for bin in range(start, last) if spikes[bin]]
    bins = range(start - config.past, start - config.past + config.output_bins)
    found = [min((abs(bin - spike) for spike in future), default=config.clamp) for bin in bins]
    return torch.tensor([0.25 if d == 0 else min(d, config.clamp) for d in found]).log()


@pytest.mark.parametrize("loss", ["l2", "l1"])
def test_each_units_network_is_the_papers_in_outputs_losses_and_gradients(loss):
    split = made_up_recording(bins=3000, units=2)
    model, tape = network({"dropout": 0.0, "loss": loss}, split)
    model.train()
    found = model.loss(tape.windows(torch.tensor(STARTS), model.reach.before))
    found.total.backward()
    ours = {name: weights.grad for name, weights in model.named_parameters()}
    for unit in range(2):
        plain = plain_network("distance_unet", model, unit, 2).train()
        x = torch.stack([seen(tape, start, unit, 992) for start in STARTS])
        wanted = torch.stack([true_log_distances(split.spikes[:, unit], start, model.config) for start in STARTS])
        error = plain(x) - wanted
        expected = 3.0 * error.square().mean() if loss == "l2" else 1.7 * error.abs().mean()
        torch.testing.assert_close(found.each[unit], expected)
        expected.backward()
        for name, grad in translated({name: grad[unit] for name, grad in ours.items()}, model.config):
            largest = plain.get_parameter(name).grad.abs().max().item()
            assert largest > 0, name
            torch.testing.assert_close(grad, plain.get_parameter(name).grad, rtol=1e-3, atol=1e-4 * largest, msg=name)
    torch.testing.assert_close(found.total, found.each.sum())


def test_in_evaluation_the_running_statistics_of_each_unit_are_used():
    split = made_up_recording(bins=3000, units=2)
    model, tape = network({}, split)
    with torch.no_grad():
        found = model.eval().output(tape.windows(torch.tensor(STARTS), 992))
        for unit in range(2):
            plain = plain_network("distance_unet", model, unit, 2).eval()
            x = torch.stack([seen(tape, start, unit, 992) for start in STARTS])
            torch.testing.assert_close(found[unit], plain(x), rtol=1e-4, atol=1e-4)
    assert found.std() > 0.1


def test_a_unit_has_as_many_weights_as_the_papers_network():
    sizes = StimulusSizes("x", 1.0, 4, 3)
    model = catalog.on_paper("distance_unet", {}, sizes)
    assert sum(weights.numel() for weights in model.parameters()) == 3 * 331_441
    assert sum(weights.numel() for weights in model.trunk.parameters()) == 3 * 302_400
    assert all(weights.shape[0] == 3 for weights in model.state_dict().values())
    assert (model.reach.before, model.reach.after, model.config.coarsest) == (992, 294, 8)


def test_all_units_start_from_the_same_weights_and_the_output_at_the_units_own_mean():
    split = made_up_recording(units=3)
    torch.manual_seed(0)
    model = catalog.build("distance_unet", small("distance_unet"), split.sizes)
    model.start(Tape.of(split, "cpu"), split.parts["train"])
    for name, weights in model.named_parameters():
        assert torch.equal(weights, weights[:1].expand_as(weights)), name
    expected = mean_log_distance(split.spikes, split.parts["train"], model.config.clamp)
    np.testing.assert_allclose(model.mean.numpy(), expected, rtol=1e-6)
    assert len(set(expected)) == 3


def test_targets_are_asked_for_after_the_start_alone():
    split = made_up_recording()
    model = catalog.build("distance_unet", small("distance_unet"), split.sizes)
    with pytest.raises(BadInput, match=r"before start\(tape, stretches\)"):
        model.loss(Tape.of(split, "cpu").windows(torch.tensor([100]), model.reach.before))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": 97}, "step expected 1 to 96 bins"),
        ({"step": 0}, "step expected 1 to 96 bins"),
        ({"clamp": 199}, "clamp expected at most the look-ahead of 198"),
        ({"clamp": 32}, "clamp expected at least 1 bin, and more than the 32 past"),
        ({"past": 128}, "expected 0 <= past < length"),
        ({"output_bins": 96, "step": 60}, "output_bins expected 8 .* times 2, 4, 8 ..., got 96"),
        ({"output_bins": 8, "past": 4, "step": 2}, "output_bins expected 8 .* times 2, 4, 8 ..., got 8"),
        ({"input_bins": 1200}, "output_bins expected 10 "),
        ({"channels": 31}, "channels expected an even number, got 31"),
        ({"channels": 8}, r"output_channels expected 1 to 8 \(channels\), got 16"),
        ({"output_channels": 0}, "output_channels expected 1 to 64"),
        ({"dropout": 1.0}, "dropout expected a share"),
        ({"halvings": 0}, "halvings expected at least 1"),
        ({"refractory": -1}, "refractory expected at least 0"),
        ({"loss": "l3"}, "loss"),
        ({"intervall": 3}, "unknown setting"),
    ],
)
@pytest.mark.parametrize("name", ["distance_unet", "perfect_distance"])
def test_settings_that_do_not_go_together_are_refused_by_the_models_own_name(name, changes, message):
    with pytest.raises(BadInput, match=message) as refused:
        catalog.config(name, changes)
    assert f"model {name}" in str(refused.value)


def test_jitter_takes_draws_that_follow_from_the_seed_and_changes_spikes():
    split = made_up_recording(units=2)
    model, tape = network(small("distance_unet", jitter=3.0), split)
    windows = tape.windows(torch.arange(100, 400, 7), model.reach.before)

    def inferred(seed):
        generators = [torch.Generator().manual_seed(seed + unit) for unit in range(2)]
        with torch.no_grad():
            return model.eval().spikes(model.output(windows), windows.history, "nearest", generators)

    assert torch.equal(inferred(1), inferred(1))
    assert not torch.equal(inferred(1), inferred(2))
