"""The trunk of the window networks against torch's own layers, unit by unit, in training and in evaluation."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from raysp.layers.window_trunk import Stem, Trunk, bins_after, sinusoids

UNITS, WINDOWS, STIMULI, CHANNELS = 2, 3, 4, 6


def inputs(bins: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    stimulus = torch.randn(WINDOWS, bins, STIMULI, generator=generator)
    return stimulus, torch.randn(UNITS, WINDOWS, bins, generator=generator)


def plain_stem(stem: Stem, unit: int) -> nn.Sequential:
    conv = nn.Conv1d(STIMULI + 1, CHANNELS, 15, stride=2, padding=7, bias=False)
    norm = nn.BatchNorm1d(CHANNELS)
    with torch.no_grad():
        conv.weight.copy_(stem.weight[unit].view(STIMULI + 1, 15, CHANNELS).permute(2, 0, 1))
        norm.weight.copy_(stem.scale[unit])
        norm.bias.copy_(stem.shift[unit])
    return nn.Sequential(conv, norm, nn.LeakyReLU(0.1))


@pytest.mark.parametrize("bins", [1, 2, 31, 40])
def test_a_stem_is_convolution_and_batch_norm_in_training_and_in_evaluation(bins):
    torch.manual_seed(0)
    stem = Stem(UNITS, STIMULI, CHANNELS)
    for weights in stem.parameters():
        nn.init.normal_(weights)
    plain = [plain_stem(stem, unit) for unit in range(UNITS)]
    for step in range(3):
        stimulus, history = inputs(bins, step)
        found = stem.train()(stimulus, history)
        for unit, network in enumerate(plain):
            both = torch.cat([stimulus.transpose(1, 2), history[unit][:, None]], dim=1)
            expected = network.train()(both).transpose(1, 2)
            torch.testing.assert_close(found[unit], expected, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(stem.running_mean[unit], network[1].running_mean, rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(stem.running_var[unit], network[1].running_var, rtol=1e-5, atol=1e-5)
    before = stem.running_mean.clone()
    found = stem.eval()(stimulus, history)
    for unit, network in enumerate(plain):
        both = torch.cat([stimulus.transpose(1, 2), history[unit][:, None]], dim=1)
        torch.testing.assert_close(found[unit], network.eval()(both).transpose(1, 2), rtol=1e-4, atol=1e-4)
    assert torch.equal(stem.running_mean, before)
    assert found.shape == (UNITS, WINDOWS, (bins + 1) // 2, CHANNELS)


def test_kernels_are_those_of_the_convolution_with_its_normalisation():
    torch.manual_seed(0)
    stem = Stem(UNITS, STIMULI, CHANNELS)
    for weights in (*stem.parameters(), stem.running_var):
        nn.init.uniform_(weights, 0.5, 2.0)
    found = stem.kernels()
    assert found.shape == (UNITS, CHANNELS, STIMULI + 1, 15)
    for unit in range(UNITS):
        conv, norm = plain_stem(stem, unit)[:2]
        expected = conv.weight * (norm.weight / (stem.running_var[unit] + norm.eps).sqrt())[:, None, None]
        torch.testing.assert_close(found[unit], expected)


def test_a_stems_gradients_are_those_of_convolution_and_batch_norm():
    torch.manual_seed(0)
    stem = Stem(UNITS, STIMULI, CHANNELS).train()
    nn.init.normal_(stem.scale)
    stimulus, history = inputs(31)
    direction = torch.randn(UNITS, WINDOWS, 16, CHANNELS)
    (stem(stimulus, history) * direction).sum().backward()
    for unit in range(UNITS):
        plain = plain_stem(stem, unit).train()
        both = torch.cat([stimulus.transpose(1, 2), history[unit][:, None]], dim=1)
        (plain(both).transpose(1, 2) * direction[unit]).sum().backward()
        weight = stem.weight.grad[unit].view(STIMULI + 1, 15, CHANNELS).permute(2, 0, 1)
        torch.testing.assert_close(weight, plain[0].weight.grad, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(stem.scale.grad[unit], plain[1].weight.grad, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(stem.shift.grad[unit], plain[1].bias.grad, rtol=1e-4, atol=1e-4)


def test_a_stem_starts_with_small_normalised_values_and_weights_for_a_leaky_relu():
    torch.manual_seed(0)
    stem = Stem(UNITS, STIMULI, 200)
    assert (stem.scale == 0.1).all()
    assert not stem.shift.any()
    spread = math.sqrt(2 / (1 + 0.1**2) / (5 * 15))
    assert stem.weight.std().item() == pytest.approx(spread, rel=0.03)


def test_positions_are_sines_then_cosines_of_falling_frequency():
    found = sinusoids(496, 64)
    frequency = [math.exp(-math.log(10000) * k / 31) for k in range(32)]
    for bin in (0, 1, 77, 495):
        expected = [math.sin(bin * f) for f in frequency] + [math.cos(bin * f) for f in frequency]
        torch.testing.assert_close(found[bin], torch.tensor(expected), rtol=0, atol=1e-4)
    assert sinusoids(5, 2).shape == (5, 2)


@pytest.mark.parametrize(
    ("bins", "halvings", "expected"), [(992, 1, 496), (992, 7, 8), (5, 1, 3), (5, 9, 1), (7, 0, 7)]
)
def test_bins_after_halvings_round_up(bins, halvings, expected):
    assert bins_after(bins, halvings) == expected


def test_a_trunks_positions_are_learned_and_its_levels_are_those_of_the_paper():
    trunk = Trunk(1, STIMULI, 992, 64, 0.2, 6, 5)
    assert sum(weights.numel() for weights in trunk.parameters()) == 302_400
    assert trunk.position.shape == (1, 496, 64)
    assert trunk.position.requires_grad
    assert [block.depthwise.shape[1] for block in (*trunk.down, *trunk.middle)] == [5] * 6 + [3] * 5
    with torch.no_grad():
        assert trunk(torch.zeros(1, 992, STIMULI), torch.zeros(1, 1, 992)).shape == (1, 1, 8, 64)


def test_in_training_a_window_alone_does_not_divide_by_nothing():
    stem = Stem(1, STIMULI, CHANNELS).train()
    window = torch.randn(1, 1, STIMULI), torch.randn(1, 1, 1)
    found = stem(*window)
    assert torch.isfinite(found).all()
    assert torch.equal(stem.running_var, torch.ones_like(stem.running_var))
    assert torch.equal(found, stem.eval()(*window))
