"""Convolutions over a movie: their sizes, and padding as the published code's."""

import pytest
import torch
from torch.nn import functional

from raysp.layers.movie_trunk import Convolution, MovieTrunk, pooled
from tests.published_sampler import SMALL, Published


def test_numbers_are_those_of_the_published_code():
    own = Published(SMALL)
    assert own.trunk(own.movie).sum().item() == pytest.approx(377.42123, rel=1e-6)


@pytest.mark.parametrize(("height", "width"), [(9, 8), (1, 31)])
def test_what_comes_out_is_as_large_as_it_says(height, width):
    trunk = MovieTrunk(3, height, width, (4, 5, 2), (3, 4, 1), (3, 1, 2), (2, 1, 2))
    assert trunk(torch.rand(7, height, width)).shape == (5, trunk.latent)


def test_even_kernels_see_one_pixel_more_after_than_before():
    layer = Convolution(1, 1, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 10.0], [100.0, 1000.0]]))
    found = layer(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
    assert found.flatten().tolist() == [4321.0, 402.0, 43.0, 4.0]


@pytest.mark.parametrize(("side", "stride"), [(3, 2), (2, 2), (3, 1)])
def test_pools_are_torchs_maximum_of_relus_with_its_gradient(side, stride):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 4, 6, 7, generator=generator, requires_grad=True)
    before = [max((-(-size // stride) - 1) * stride + side - size, 0) for size in (7, 6)]
    padding = [one for total in before for one in (total // 2, total - total // 2)]
    known = functional.max_pool2d(functional.pad(x.relu(), padding), side, stride)
    upstream = torch.randn(known.shape, generator=generator)
    found = pooled(x, side, stride)
    torch.testing.assert_close(found, known, rtol=0, atol=0)
    for one, other in zip(*(torch.autograd.grad(each, x, upstream) for each in (found, known)), strict=True):
        torch.testing.assert_close(one, other)
