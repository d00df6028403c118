"""Layers of many units against torch's own layers of one, unit by unit: outputs and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from raysp.layers.lanes import Block, ChannelNorm, Dropout, Halving, Linear, doubled
from raysp.layers.shifted import channelwise
from tests.models.plain_networks import PlainBlock, translated

UNITS, WINDOWS = 3, 2


def random_weights(layer: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    for weights in layer.parameters():
        nn.init.normal_(weights, 0.0, 0.5, generator=generator)
    return layer


def double(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, dtype=torch.float64, generator=generator, requires_grad=True)


def same_with_gradients(found, expected, leaves):
    """Compare outputs, and gradients of the leaves along one random direction."""
    torch.testing.assert_close(found, expected)
    direction = torch.randn(expected.shape, dtype=expected.dtype, generator=torch.Generator().manual_seed(1))
    wanted = torch.autograd.grad((expected * direction).sum(), leaves)
    for one, other in zip(torch.autograd.grad((found * direction).sum(), leaves), wanted, strict=True):
        torch.testing.assert_close(one, other)


def each(function) -> torch.Tensor:
    return torch.stack([function(unit) for unit in range(UNITS)])


def convolved(x, weight, bias, **options):
    """torch's own convolution of one unit's (windows, bins, channels)."""
    return functional.conv1d(x.transpose(1, 2), weight, bias, **options).transpose(1, 2)


def test_linear_is_torchs_for_each_unit():
    layer, x = random_weights(Linear(UNITS, 5, 4).double()), double(UNITS, WINDOWS, 7, 5)
    expected = each(lambda unit: functional.linear(x[unit], layer.weight[unit].T, layer.bias[unit]))
    same_with_gradients(layer(x), expected, [x, *layer.parameters()])


def test_channel_norm_is_torchs_layer_norm_for_each_unit():
    layer, x = random_weights(ChannelNorm(UNITS, 6).double()), double(UNITS, WINDOWS, 5, 6)
    expected = each(lambda unit: functional.layer_norm(x[unit], (6,), layer.scale[unit], layer.shift[unit], eps=1e-6))
    same_with_gradients(layer(x), expected, [x, *layer.parameters()])


@pytest.mark.parametrize("bins", [1, 2, 7, 8])
def test_halving_is_torchs_convolution_of_three_bins_with_stride_two(bins):
    layer, x = random_weights(Halving(UNITS, 4).double()), double(UNITS, WINDOWS, bins, 4)

    def plain(unit):
        weight = layer.weight[unit].view(3, 4, 4).permute(2, 1, 0)
        return convolved(x[unit], weight, layer.bias[unit], stride=2, padding=1)

    same_with_gradients(layer(x), each(plain), [x, *layer.parameters()])
    assert layer(x).shape[2] == (bins + 1) // 2


@pytest.mark.parametrize("bins", [1, 2, 7])
@pytest.mark.parametrize("width", [1, 3, 5])
def test_channelwise_with_weights_of_each_units_own_is_torchs_grouped_convolution(bins, width):
    x, weight, bias = double(UNITS, WINDOWS, bins, 4), double(width, UNITS, 1, 1, 4), double(UNITS, 1, 1, 4)

    def plain(unit):
        own = weight[:, unit, 0, 0].T[:, None]
        return convolved(x[unit], own, bias[unit, 0, 0], groups=4, padding=width // 2)

    found = channelwise(x, weight, bias)
    same_with_gradients(found, each(plain), [x, weight, bias])
    torch.autograd.gradcheck(channelwise, (x, weight, bias))


@pytest.mark.parametrize("bins", [1, 2, 8])
def test_doubled_is_torchs_linear_interpolation_between_bin_centres(bins):
    x = double(UNITS, WINDOWS, bins, 3)

    def plain(unit):
        channels_first = x[unit].transpose(1, 2)
        found = functional.interpolate(channels_first, scale_factor=2, mode="linear", align_corners=False)
        return found.transpose(1, 2)

    same_with_gradients(doubled(x), each(plain), [x])


@pytest.mark.parametrize(("channels", "width", "expansion"), [((6, 6), 5, 2), ((6, 6), 3, 2), ((6, 4), 5, 4)])
@pytest.mark.parametrize("bins", [1, 3, 16])
def test_a_block_is_convnext_v2_for_each_unit(channels, width, expansion, bins):
    layer = random_weights(Block(UNITS, channels, width, expansion, 0.2)).eval()
    x = torch.randn(UNITS, WINDOWS, bins, channels[0], generator=torch.Generator().manual_seed(0), requires_grad=True)
    found = layer(x)
    direction = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    to_x, *to_weights = torch.autograd.grad((found * direction).sum(), [x, *layer.parameters()])
    named = [name for name, _ in layer.named_parameters()]
    for unit in range(UNITS):
        plain = PlainBlock(*channels, width, expansion)
        plain.load_state_dict(dict(translated({k: v[unit] for k, v in layer.state_dict().items()})))
        own = x[unit].detach().transpose(1, 2).requires_grad_()
        expected = plain(own)
        torch.testing.assert_close(found[unit], expected.transpose(1, 2), rtol=1e-4, atol=1e-5)
        (expected * direction[unit].transpose(1, 2)).sum().backward()
        _close(to_x[unit], own.grad.transpose(1, 2))
        ours = {name: grad[unit] for name, grad in zip(named, to_weights, strict=True)}
        for name, grad in translated(ours):
            _close(grad, plain.get_parameter(name).grad, name)


def test_a_block_starts_as_almost_nothing_beside_its_shortcut():
    x = torch.randn(UNITS, WINDOWS, 8, 6)
    found = Block(UNITS, (6, 4), 5, 2, 0.0)(x)
    torch.testing.assert_close(found, x[..., :4], rtol=0, atol=1e-4)
    assert not torch.equal(found, x[..., :4])


def test_layers_start_as_torchs_do_and_alike_in_every_unit():
    torch.manual_seed(0)
    for layer, bound in ((Linear(UNITS, 100, 50), 0.1), (Halving(UNITS, 30), 1 / 90**0.5)):
        for weights in layer.parameters():
            assert torch.equal(weights, weights[:1].expand_as(weights))
            assert 0.9 * bound < weights.abs().max() <= bound
    block = Block(UNITS, (50, 50), 5, 2, 0.0)
    assert 0.9 / 5**0.5 < block.depthwise.abs().max() <= 1 / 5**0.5
    assert (block.scale == 1e-6).all()
    assert not block.response_scale.any()


def test_dropout_drops_a_share_the_same_in_every_unit_and_keeps_the_mean():
    torch.manual_seed(0)
    layer, x = Dropout(0.2), torch.ones(UNITS, 50, 20, 8)
    found = layer.train()(x)
    assert torch.equal(found, found[:1].expand_as(found))
    # The share is rounded to 51 of 256.
    assert found.unique().tolist() == pytest.approx([0.0, 256 / 205])
    assert abs((found == 0).float().mean().item() - 0.2) < 0.02
    assert not torch.equal(layer(x), found)
    assert layer.eval()(x) is x
    assert Dropout(0.0).train()(x) is x


def _close(found, expected, name=""):
    largest = expected.abs().max().item()
    assert largest > 0, name
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * largest)
