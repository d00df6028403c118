"""How far predicted rates are from counts that were hidden: Poisson deviance or squared error, over those alone."""

from __future__ import annotations

from typing import Literal

import torch

from raysp.errors import BadInput
from raysp.objectives.links import Link

LossName = Literal["poisson", "mse"]


def hidden_loss(output: torch.Tensor, targets: torch.Tensor, link: Link, loss: LossName) -> dict[str, torch.Tensor]:
    """Return the mean loss over the known targets.

    Poisson: the deviance 2 [rate - k ln rate - k + k ln k] with 0 ln 0 = 0 (McCullagh & Nelder 1989): 0 for a perfect
    model, so that numbers compare across recordings. MSE: (rate - k)^2.

    Args:
        output: (trials, bins, neurons) the network's output, before the link.
        targets: the same shape, spikes per bin; NaN marks what does not count: visible, or unknown. Its value there
            changes neither the loss nor any gradient.
        link: from output to rates.
        loss: "poisson" or "mse".

    Returns:
        "loss", a float32 scalar, 0 with zero gradient when nothing counts; and "known", how many entries count.

    Raises:
        BadInput: the shapes differ.
    """
    if output.shape != targets.shape:
        raise BadInput(f"output and targets expected one shape, got {tuple(output.shape)} and {tuple(targets.shape)}")
    known = ~torch.isnan(targets)
    counts = torch.nan_to_num(targets.float())
    entries = _entries(output, counts, link, loss)
    number = known.sum()
    return {"loss": (entries * known).sum() / number.clamp(min=1), "known": number}


def _entries(output: torch.Tensor, counts: torch.Tensor, link: Link, loss: LossName) -> torch.Tensor:
    if loss == "mse":
        rates = output.float() if link.name == "identity" else link.mean_rates(output)
        return (rates - counts) ** 2
    saturated = torch.xlogy(counts, counts) - counts
    return 2.0 * (link.mean_rates(output) - counts * link.log_rates(output) + saturated)
