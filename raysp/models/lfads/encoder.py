"""Recurrent encoders that read the observed bins forwards and backwards, several of them in one loop."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from raysp.layers import clipped_gru
from raysp.layers.clipped_gru import LIMIT, normal
from raysp.layers.lanes import affine


class Encoder(nn.Module):
    """One layer in one or both directions, for each lane; first states are learned, from zero.

    Args:
        lanes: how many.
        inputs: channels.
        hidden: units of each direction.
        directions: 2, or 1 for forwards alone.
    """

    def __init__(self, lanes: int, inputs: int, hidden: int, directions: int = 2) -> None:
        super().__init__()
        self.hidden, self.directions = hidden, directions
        fan_in = inputs + hidden
        self.weight = nn.Parameter(normal(lanes, inputs, directions * 3 * hidden, fan_in))
        self.bias = nn.Parameter(gate_bias(hidden).repeat(lanes, directions))
        pair = (normal(lanes, hidden, directions * width, fan_in) for width in (2 * hidden, hidden))
        gates, candidate = (one.unflatten(2, (directions, -1)).transpose(1, 2).contiguous() for one in pair)
        self.gates, self.candidate = nn.Parameter(gates), nn.Parameter(candidate)
        self.first = nn.Parameter(torch.zeros(lanes, directions, hidden))


def gate_bias(hidden: int) -> torch.Tensor:
    """Return the biases that a layer starts from, (3 hidden,): 1 of both gates, 0 of the candidate."""
    return torch.cat([torch.ones(2 * hidden), torch.zeros(hidden)])


def read(encoders: Sequence[Encoder], x: torch.Tensor) -> list[torch.Tensor]:
    """Return what each encoder's units were after each bin that they read, (bins, lanes, directions, trials, hidden).

    Bins stand in the order in which a direction reads them: of the second one the last bin comes first. Encoders of one
    size run side by side in one loop.

    Args:
        encoders: of the same lanes and inputs.
        x: (lanes, trials, bins, inputs).
    """
    if len({one.hidden for one in encoders}) == 1:
        return _together(encoders, x)
    return [found for one in encoders for found in _together([one], x)]


def _together(encoders: Sequence[Encoder], x: torch.Tensor) -> list[torch.Tensor]:
    lanes, trials, hidden = x.shape[0], x.shape[1], encoders[0].hidden
    weight, bias = (torch.cat([getattr(one, name) for one in encoders], dim=-1) for name in ("weight", "bias"))
    heard = affine(x, weight, bias).unflatten(3, (-1, 3 * hidden)).permute(2, 0, 3, 1, 4)
    backwards = [direction == 1 for one in encoders for direction in range(one.directions)]
    each = [one.flip(0) if turned else one for one, turned in zip(heard.unbind(2), backwards, strict=True)]
    heard = torch.stack(each, dim=2).flatten(1, 2)
    gates, candidate, first = (
        torch.cat([getattr(one, name) for one in encoders], dim=1).flatten(0, 1)
        for name in ("gates", "candidate", "first")
    )
    start = first[:, None].expand(-1, trials, -1)
    states = clipped_gru.run(heard, start, gates, candidate, LIMIT).unflatten(1, (lanes, -1))
    return list(states.split([one.directions for one in encoders], dim=2))
