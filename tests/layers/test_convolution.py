import pytest
import torch
from torch import nn

from raysp.layers.convolution import Depthwise, Full, Shrinking
from raysp.layers.doubling import Doubling


def convolved(x, weight, bias, **options):
    """torch's own convolution of (trials, bins, channels)."""
    found = nn.functional.conv1d(x.transpose(1, 2), weight, bias, **options)
    return found.transpose(1, 2)


def same_with_gradients(layer, x, expected, arrange=lambda found: found):
    """Compare outputs, and the gradients of the weights and of the input under one random direction."""
    found, direction = arrange(layer(x)), torch.randn_like(expected)
    torch.testing.assert_close(found, expected)
    wanted = torch.autograd.grad((expected * direction).sum(), list(layer.parameters()))
    got = torch.autograd.grad((found * direction).sum(), list(layer.parameters()))
    for one, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(one, other)
    torch.autograd.gradcheck(layer, (x.clone().requires_grad_(),))


@pytest.mark.parametrize("bins", [1, 2, 9])
@pytest.mark.parametrize("width", [3, 7])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("times", [1, 2])
def test_depthwise_is_torchs_grouped_convolution(bins, width, stride, times):
    layer, x = Depthwise(4, times, width, stride).double(), torch.randn(3, bins, 4, dtype=torch.float64)
    order = [4 * j + c for c in range(4) for j in range(times)]
    weight, bias = layer.weight.T[order][:, None], layer.bias[order]
    expected = convolved(x, weight, bias, groups=4, padding=width // 2, stride=stride)
    same_with_gradients(layer, x, expected, lambda found: found[..., order])


def test_shrinking_is_torchs_grouped_convolution():
    layer, x = Shrinking(6).double(), torch.randn(3, 5, 6, dtype=torch.float64)
    weight = layer.weight.T.reshape(3, 2, 3)
    same_with_gradients(layer, x, convolved(x, weight, layer.bias, groups=3, padding=1))


@pytest.mark.parametrize("bins", [1, 3, 20])
def test_full_is_torchs_convolution(bins):
    layer, x = Full(5, 4, 13).double(), torch.randn(2, bins, 5, dtype=torch.float64)
    weight, bias = layer.row.weight[:, :, 0], layer.row.bias
    same_with_gradients(layer, x, convolved(x, weight, bias, padding=6))


def test_deconvolution_is_torchs_transposed_convolution():
    layer, x = Doubling("deconv", 4), torch.randn(2, 7, 4)
    torch.nn.init.normal_(layer.bias)
    weight = layer.weight.permute(1, 2, 0)
    expected = nn.functional.conv_transpose1d(x.transpose(1, 2), weight, layer.bias, stride=2, padding=1)
    torch.testing.assert_close(layer(x), expected.transpose(1, 2))


def test_a_constant_stays_constant_under_the_mean_and_alternates_under_the_sum():
    x = torch.ones(1, 4, 2)
    assert (Doubling("mean", 2)(x) == 1).all()
    assert Doubling("sum", 2)(x)[0, :, 0].tolist() == [1, 2, 1, 2, 1, 2, 1]


@pytest.mark.parametrize("name", ["mean", "sum", "deconv"])
def test_one_bin_stays_one(name):
    assert Doubling(name, 3)(torch.randn(2, 1, 3)).shape == (2, 1, 3)


@pytest.mark.parametrize("bins", [1, 2, 6])
@pytest.mark.parametrize("name", ["mean", "sum"])
def test_gradients_of_what_is_put_between(name, bins):
    x = torch.randn(2, bins, 3, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(Doubling(name, 3), (x,))
