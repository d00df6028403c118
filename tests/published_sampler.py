"""Sample-and-measure's published network with weights, movie, spikes and uniforms that follow from counters alone.

Its own code's numbers for these are known to seven digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt

import numpy as np
import torch

from raysp.layers.movie_trunk import MovieTrunk


@dataclass(frozen=True)
class Sizes:
    side: int
    frames: int
    units: int
    hidden: int
    repeats: int
    back: int
    lags: int
    filters: tuple[int, int]
    kernel: int

    @property
    def neurons(self) -> int:
        return self.units + self.hidden

    @property
    def first(self) -> int:
        """The first frame that has all of its past."""
        return max(self.back - 1, self.lags)


SMALL = Sizes(9, 40, 5, 3, 4, 4, 3, (4, 6), 3)
DEFAULT = Sizes(27, 750, 74, 0, 20, 10, 9, (16, 32), 7)


def frac(shape, key):
    """Return fractions of 24 bits that follow from a counter alone."""
    with np.errstate(over="ignore"):
        z = np.arange(prod(shape), dtype=np.uint64) + np.uint64((key << 32) + 1)
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return torch.from_numpy(((z >> np.uint64(40)) / 2**24).astype(np.float32)).reshape(shape)


def sym(shape, key, most):
    return np.float32(most) * (2 * frac(shape, key) - 1)


class Published:
    """The movie (frames, y, x), spikes (repeats, frames, units) and what the network is made of.

    `inward` is (latent, neurons), `couplings` (post, pre, lags) lag 1 first, `bias` (neurons,). Uniforms are (repeats,
    frames - first, neurons).
    """

    def __init__(self, sizes: Sizes) -> None:
        side, count, kernel, first = sizes.side, sizes.neurons, sizes.kernel, sizes.first
        self.sizes = sizes
        self.movie = frac((side, side, sizes.frames), 1).permute(2, 0, 1).contiguous()
        rates = 0.05 + 0.25 * frac((1, 1, sizes.units), 2) + 0.2 * frac((1, sizes.frames, sizes.units), 3)
        self.spikes = (frac((sizes.repeats, sizes.frames, sizes.units), 4) < rates).float()
        self.trunk = MovieTrunk(sizes.back, side, side, sizes.filters, (kernel,) * 2, (3, 3), (2, 2))
        for layer, key in zip(self.trunk.convolutions, (8, 10), strict=True):
            outputs, inputs = layer.weight.shape[:2]
            drawn = sym((kernel, kernel, inputs, outputs), key, sqrt(6 / (kernel**2 * (inputs + outputs))))
            layer.weight.data.copy_(drawn.permute(3, 2, 0, 1))
            layer.bias.data.copy_(sym((outputs,), key + 1, 0.05))
        self.inward = sym((self.trunk.latent, count), 5, sqrt(3 / self.trunk.latent))
        newest_last = sym((count, count, sizes.lags), 6, sqrt(3 / (count * sizes.lags)))
        self.couplings = newest_last.flip(2)
        self.bias = sym((count,), 7, 0.2)
        times = sizes.frames - first
        self.free, self.clamped = (frac((times, sizes.repeats, count), key).transpose(0, 1) for key in (12, 13))

    @property
    def recorded(self) -> torch.Tensor:
        """Spikes that are predicted."""
        return self.spikes[:, self.sizes.first :]

    @property
    def silence(self) -> torch.Tensor:
        return torch.zeros(self.sizes.repeats, self.sizes.lags, self.sizes.neurons)

    @property
    def before(self) -> torch.Tensor:
        """The recorded spikes before those; hidden neurons are silent."""
        start, first = self.silence, self.sizes.first
        start[..., : self.sizes.units] = self.spikes[:, first - self.sizes.lags : first]
        return start

    def drive(self) -> torch.Tensor:
        """Return the drive of the frames that are predicted."""
        skipped = self.sizes.first - (self.sizes.back - 1)
        return (self.trunk(self.movie) @ self.inward + self.bias)[skipped:]
