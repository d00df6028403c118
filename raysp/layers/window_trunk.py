"""The twelve layers that see the past of a stimulus and of a unit's own spikes (Doran et al. 2024), in many lanes."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from raysp.layers.lanes import Block, ChannelNorm, Halving, alike

STEM_WIDTH, SLOPE, EPS = 15, 0.1, 1e-5

Modulate = Callable[[int, torch.Tensor], torch.Tensor]


def bins_after(bins: int, halvings: int) -> int:
    """Return how many bins are left when each halving rounds up."""
    for _ in range(halvings):
        bins = (bins + 1) // 2
    return bins


class Stem(nn.Module):
    """A convolution of 15 bins over stimulus and spikes, every second kept, batch normalised, leaky ReLU.

    The stimulus is the same for all lanes, so it is cut into windows once.
    """

    running_mean: torch.Tensor
    running_var: torch.Tensor

    def __init__(self, lanes: int, stimuli: int, channels: int) -> None:
        super().__init__()
        inputs = (stimuli + 1) * STEM_WIDTH
        gain = math.sqrt(2.0 / (1.0 + SLOPE**2))
        self.weight = alike(lanes, torch.randn(inputs, channels) * gain / math.sqrt(inputs))
        self.scale = alike(lanes, torch.full((channels,), 0.1))
        self.shift = alike(lanes, torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(lanes, channels))
        self.register_buffer("running_var", torch.ones(lanes, channels))
        self.momentum = 0.1

    def reset_running_stats(self) -> None:
        """Forget the spread that was seen so far."""
        self.running_mean.zero_()
        self.running_var.fill_(1.0)

    def forward(self, stimulus: torch.Tensor, history: torch.Tensor) -> torch.Tensor:
        """Return (lanes, windows, ceil(bins / 2), channels) of (windows, bins, stimuli) and (lanes, windows, bins)."""
        reach = STEM_WIDTH // 2
        seen = functional.pad(stimulus, (0, 0, reach, reach)).unfold(1, STEM_WIDTH, 2).flatten(2)
        own = functional.pad(history, (reach, reach)).unfold(2, STEM_WIDTH, 2)
        windows, bins, inputs = seen.shape
        found = torch.matmul(seen.reshape(1, windows * bins, inputs), self.weight[:, :inputs])
        found = found + torch.matmul(own.reshape(len(own), windows * bins, STEM_WIDTH), self.weight[:, inputs:])
        return functional.leaky_relu(self._normalised(found), SLOPE).view(len(own), windows, bins, -1)

    def kernels(self) -> torch.Tensor:
        """Return (lanes, channels, stimuli + 1, taps) weights, own spikes last, the normalisation multiplied in."""
        gain = self.scale / (self.running_var + EPS).sqrt()
        return (self.weight * gain[:, None]).transpose(1, 2).unflatten(2, (-1, STEM_WIDTH))

    def _normalised(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise (lanes, entries, channels) with the spread of the batch, or in evaluation with that seen so far."""
        lanes, entries, channels = x.shape
        flat = x.transpose(0, 1).reshape(entries, lanes * channels)
        stats = (self.running_mean.view(-1), self.running_var.view(-1))
        # One number has no spread to divide by: what was seen so far must do.
        training = self.training and entries > 1
        found = functional.batch_norm(
            flat, *stats, self.scale.view(-1), self.shift.view(-1), training, self.momentum, EPS
        )
        return found.view(entries, lanes, channels).transpose(0, 1)


def sinusoids(bins: int, channels: int) -> torch.Tensor:
    """Return (bins, channels): sines in the first half of the channels, cosines in the second (Vaswani et al. 2017)."""
    half = channels // 2
    frequency = torch.exp(-math.log(10000.0) * torch.arange(half) / max(half - 1, 1))
    angle = torch.arange(bins)[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class Trunk(nn.Module):
    """Stem, learned positions, six halvings with a block each, five blocks at the coarsest level.

    Args:
        lanes: how many networks.
        stimuli: channels of the stimulus.
        input_bins: of a window.
        channels: of every level, even.
        dropout: of every block.
        halvings: blocks on the way down.
        middle: blocks at the coarsest level.
    """

    def __init__(
        self, lanes: int, stimuli: int, input_bins: int, channels: int, dropout: float, halvings: int, middle: int
    ) -> None:
        super().__init__()
        self.stem = Stem(lanes, stimuli, channels)
        self.position = alike(lanes, sinusoids(bins_after(input_bins, 1), channels))
        pair = (channels, channels)
        self.norms = nn.ModuleList(ChannelNorm(lanes, channels) for _ in range(halvings))
        self.halvings = nn.ModuleList(Halving(lanes, channels) for _ in range(halvings))
        self.down = nn.ModuleList(Block(lanes, pair, 5, 2, dropout) for _ in range(halvings))
        self.middle = nn.ModuleList(Block(lanes, pair, 3, 2, dropout) for _ in range(middle))

    def forward(
        self, stimulus: torch.Tensor, history: torch.Tensor, modulate: Modulate = lambda level, x: x
    ) -> torch.Tensor:
        """Return (lanes, windows, coarsest bins, channels) of (windows, bins, stimuli) and (lanes, windows, bins).

        Args:
            stimulus: (windows, bins, stimuli).
            history: (lanes, windows, bins).
            modulate: given a level, 0 for the stem, and its values, returns what goes on.
        """
        x = modulate(0, self.stem(stimulus, history) + self.position[:, None])
        for level, (norm, halving, block) in enumerate(zip(self.norms, self.halvings, self.down, strict=True)):
            x = modulate(level + 1, block(halving(norm(x))))
        for block in self.middle:
            x = block(x)
        return x
