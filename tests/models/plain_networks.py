"""The two networks of Doran et al. 2024 for one unit, in torch's own layers, and our weights put into them.

Written from the paper's description alone, with channels before bins as torch has them: (windows, channels, bins).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional


class PlainBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, width: int, expansion: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(inputs, inputs, width, padding=width // 2, groups=inputs)
        self.norm = nn.LayerNorm(inputs, eps=1e-6)
        self.wide = nn.Linear(inputs, expansion * inputs)
        self.gamma = nn.Parameter(torch.zeros(expansion * inputs))
        self.beta = nn.Parameter(torch.zeros(expansion * inputs))
        self.narrow = nn.Linear(expansion * inputs, outputs)
        self.scale = nn.Parameter(torch.full((outputs,), 1e-6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = functional.gelu(self.wide(self.norm(self.depthwise(x).transpose(1, 2))))
        norm = torch.linalg.vector_norm(found, dim=1, keepdim=True)
        share = norm / (norm.mean(dim=2, keepdim=True) + 1e-6)
        found = self.gamma * (found * share) + self.beta + found
        found = self.scale * self.narrow(found)
        return x[:, : found.shape[2]] + found.transpose(1, 2)


class PlainTrunk(nn.Module):
    def __init__(self, stimuli: int, input_bins: int, channels: int, halvings: int, middle: int) -> None:
        super().__init__()
        self.stem = nn.Conv1d(stimuli + 1, channels, 15, stride=2, padding=7, bias=False)
        self.batch_norm = nn.BatchNorm1d(channels)
        self.position = nn.Parameter(torch.zeros(channels, (input_bins + 1) // 2))
        self.norms = nn.ModuleList(nn.LayerNorm(channels, eps=1e-6) for _ in range(halvings))
        self.halvings = nn.ModuleList(nn.Conv1d(channels, channels, 3, stride=2, padding=1) for _ in range(halvings))
        self.down = nn.ModuleList(PlainBlock(channels, channels, 5, 2) for _ in range(halvings))
        self.middle = nn.ModuleList(PlainBlock(channels, channels, 3, 2) for _ in range(middle))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.leaky_relu(self.batch_norm(self.stem(x)), 0.1) + self.position
        for norm, halving, block in zip(self.norms, self.halvings, self.down, strict=True):
            x = block(halving(norm(x.transpose(1, 2)).transpose(1, 2)))
        for block in self.middle:
            x = block(x)
        return x


class PlainDistance(nn.Module):
    def __init__(self, config, stimuli: int) -> None:
        super().__init__()
        self.past, inside, channels = config.past, config.output_channels, config.channels
        self.trunk = PlainTrunk(stimuli, config.input_bins, channels, config.halvings, config.middle)
        pairs = [(channels, inside)] + [(inside, inside)] * (config.doublings - 1)
        self.up = nn.ModuleList(PlainBlock(*pair, 5, 4) for pair in pairs)
        self.early, self.late = nn.Parameter(torch.zeros(inside)), nn.Parameter(torch.zeros(inside))
        self.head = nn.Conv1d(inside, 1, 1)
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spread = torch.full((x.shape[1], 1), 0.5)
        spread[-1] = 1.0
        x = self.trunk((x - 0.5) / spread)
        for block in self.up:
            x = block(functional.interpolate(x, scale_factor=2, mode="linear", align_corners=False))
        past = self.past
        x = torch.cat([x[:, :, :past] * (1 + self.early[:, None]), x[:, :, past:] * (1 + self.late[:, None])], dim=2)
        return self.head(x)[:, 0] * 2.0 + self.mean


class PlainPoisson(nn.Module):
    def __init__(self, config, stimuli: int) -> None:
        super().__init__()
        self.trunk = PlainTrunk(stimuli, config.input_bins, config.channels, config.halvings, config.middle)
        self.head = nn.Linear(config.coarsest * config.channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.softplus(self.head(self.trunk(x).flatten(1)))[:, 0]


PLAIN = {"distance_unet": PlainDistance, "poisson_counts": PlainPoisson}

NAMES = (
    (r"stem\.scale", "batch_norm.weight"),
    (r"stem\.shift", "batch_norm.bias"),
    (r"stem\.running", "batch_norm.running"),
    (r"norms\.(\d+)\.scale", r"norms.\1.weight"),
    (r"norms\.(\d+)\.shift", r"norms.\1.bias"),
    (r"depthwise$", "depthwise.weight"),
    (r"depthwise_bias", "depthwise.bias"),
    (r"norm_scale", "norm.weight"),
    (r"norm_shift", "norm.bias"),
    (r"response_scale", "gamma"),
    (r"response_shift", "beta"),
)
"""Our names, as patterns, and torch's for the same."""


def plain_network(name: str, model: nn.Module, unit: int, stimuli: int) -> PlainDistance | PlainPoisson:
    """Return a plain network with one unit's weights."""
    plain = PLAIN[name](model.config, stimuli)
    ours = {key: value[unit] for key, value in model.state_dict().items()}
    found = dict(translated(ours, model.config))
    missing, unexpected = plain.load_state_dict(found, strict=False)
    assert not unexpected
    assert set(missing) <= {"trunk.batch_norm.num_batches_tracked"}
    return plain


def translated(ours: dict[str, torch.Tensor], config=None) -> Iterator[tuple[str, torch.Tensor]]:
    """Give each of one unit's arrays, weights or gradients, under its name and in its shape in a plain network.

    A block alone needs no configuration.
    """
    for name, value in ours.items():
        if name == "gain":
            yield from zip(("early", "late"), value, strict=True)
            continue
        theirs = name
        for pattern, other in NAMES:
            theirs = re.sub(pattern, other, theirs)
        yield theirs, _as_torch_has_it(name, value, config)


def _as_torch_has_it(name: str, value: torch.Tensor, config) -> torch.Tensor:
    if name == "trunk.stem.weight":
        return value.view(-1, 15, value.shape[1]).permute(2, 0, 1)
    if "halvings" in name and name.endswith("weight"):
        return value.view(3, *[value.shape[1]] * 2).permute(2, 1, 0)
    if name.endswith("depthwise"):
        return value.T[:, None]
    if name == "head.weight" and len(value) == config.coarsest * config.channels:
        return value.view(config.coarsest, config.channels).T.reshape(1, -1)
    if name == "head.weight":
        return value.T[..., None]
    return value.T if value.ndim == 2 else value
