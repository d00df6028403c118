"""How far predicted rates are from counts that were hidden: Poisson deviance or squared error, over those alone."""

from __future__ import annotations

from typing import Literal

import torch
from torch.autograd.function import once_differentiable

from raysp.config.gradient import Context
from raysp.errors import BadInput
from raysp.objectives.links import Link
from raysp.objectives.loss import Loss
from raysp.objectives.poisson import MAX_LOG_RATE

LossName = Literal["poisson", "mse"]

TINY = 1e-30
"""Stands for 0 inside a logarithm that is multiplied by 0."""


def hidden_loss(output: torch.Tensor, targets: torch.Tensor, link: Link, loss: LossName) -> Loss:
    """Return the mean loss over the known targets, float32; 0 with zero gradient where none is known.

    Poisson: the deviance 2 [rate - k ln rate - k + k ln k] with 0 ln 0 = 0 (McCullagh & Nelder 1989): 0 for a perfect
    model, so that numbers compare across recordings. MSE: (rate - k)^2.

    Args:
        output: (trials, bins, units) the network's output, before the link.
        targets: the same shape, spikes per bin; NaN marks what does not count: visible, or unknown. Its value there
            changes neither the loss nor any gradient.
        link: from output to rates.
        loss: "poisson" or "mse".

    Raises:
        BadInput: the shapes differ.
    """
    if output.shape != targets.shape:
        raise BadInput(f"output and targets expected one shape, got {tuple(output.shape)} and {tuple(targets.shape)}")
    return chosen_loss(output, torch.nan_to_num(targets), ~torch.isnan(targets), link, loss)


def chosen_loss(output: torch.Tensor, counts: torch.Tensor, known: torch.Tensor, link: Link, loss: LossName) -> Loss:
    """Return `hidden_loss` of counts without NaN over the `known` entries, (trials, bins, units) booleans."""
    number, counts = known.sum(), counts.float()
    # As numbers, once: a product with booleans makes numbers of them each time.
    weights = _unexpanded(known).to(counts.dtype)
    if loss == "poisson" and link.name == "exp":
        total = _ExpDeviance.apply(output.float(), counts, weights)
    else:
        total = (_entries(output, counts, link, loss) * weights).sum()
    return Loss.mean(total, number)


def _unexpanded(x: torch.Tensor) -> torch.Tensor:
    """Return x with one entry along axes that repeat one."""
    return x[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in x.stride())]


class _ExpDeviance(torch.autograd.Function):
    """The sum of deviances under the exponential link: its gradient, 2 (rate - count), is all that is kept."""

    @staticmethod
    def forward(ctx: Context[None], output: torch.Tensor, counts: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        rates = output.clamp(max=MAX_LOG_RATE)
        # One array for all that comes and goes: to fetch memory for a new one takes longer than to fill it.
        spare = output - rates
        rates.exp_()
        grad = torch.sub(rates, counts).mul_(weights)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(grad)
        # Above the bound, the tangent: rate (1 + output - bound).
        rates.addcmul_(rates, spare)
        rates.addcmul_(counts, output, value=-1.0)
        torch.clamp(counts, min=TINY, out=spare).log_()
        rates.addcmul_(counts, spare).sub_(counts)
        return 2.0 * rates.mul_(weights).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Context[None], upstream: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (grad,) = ctx.saved_tensors
        return grad * (2.0 * upstream), None, None


def _entries(output: torch.Tensor, counts: torch.Tensor, link: Link, loss: LossName) -> torch.Tensor:
    if loss == "mse":
        rates = output.float() if link.name == "identity" else link.mean_rates(output)
        return (rates - counts) ** 2
    # Not xlogy, which takes several times as long; 0 log 0 is 0 here too.
    saturated = counts * counts.clamp(min=TINY).log() - counts
    return 2.0 * (link.mean_rates(output) - counts * link.log_rates(output) + saturated)
