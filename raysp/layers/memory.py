"""How long a recurrent network remembers before it has learned anything."""

from __future__ import annotations

import torch
from torch import nn


def remember(recurrent: nn.GRU, steps: int) -> None:
    """Let the units of a new GRU forget after 1 to `steps` steps, each after another number of them.

    The chrono initialisation of Tallec & Ollivier (2018): a gate that keeps a state with bias log(u) forgets it in
    about u steps; u is uniform from 1 to `steps` - 1. Of torch's GRU that gate is the update gate z, the second of
    three, where z = 1 keeps the state. At its own initialisation a GRU forgets in two steps, and what it is to carry
    through hundreds of them gets no gradient.

    Args:
        recurrent: of any layers and directions.
        steps: of a sequence.
    """
    gate = slice(recurrent.hidden_size, 2 * recurrent.hidden_size)
    with torch.no_grad():
        for name, bias in recurrent.named_parameters():
            if name.startswith("bias_ih"):
                bias[gate] = 0.0
            elif name.startswith("bias_hh"):
                bias[gate] = torch.empty(recurrent.hidden_size).uniform_(1.0, max(steps - 1.0, 1.0)).log()
