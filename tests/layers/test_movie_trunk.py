"""Convolutions over a movie: their sizes, and padding as the published code's."""

import pytest
import torch

from raysp.layers.movie_trunk import Convolution, MovieTrunk


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
