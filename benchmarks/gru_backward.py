"""CPU time of torch's GRU, as sae and masked_gru have it, against the same with a backward of its own.

    PYTHONPATH=. python benchmarks/gru_backward.py [--rounds 5]

Of an own backward, the gradient of each weight is one product when all bins are done, in place of one for every bin, as
in raysp/layers/clipped_gru.py; torch's GRU resets after the product, so the equations are other ones. First all
gradients are compared. Then the two forms take turns in one process with one thread: medians of CPU milliseconds of
forward and backward.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from raysp.errors import present

SIZES = {
    "masked_gru at its defaults, 50 units": (64, 100, 50, 64, 2, True),
    "sae's encoder at its defaults, 107 units": (64, 45, 107, 100, 1, True),
    "sae's generator at its defaults": (64, 45, 1, 100, 1, False),
    "5 ms bins": (64, 180, 137, 100, 1, True),
    "fewer trials a step": (16, 180, 50, 64, 2, True),
    "fewer units": (64, 45, 107, 38, 3, True),
}
"""Trials, bins, inputs, hidden units, layers, both directions or one."""


class Own(torch.autograd.Function):
    """States of one direction after each bin: r = s(x_r + U_r h + b_r), q likewise, c = tanh(x_c + r * (U_c h + b_c)),
    h' = q * h + (1 - q) * c. Arguments: heard (bins, trials, 3 hidden), weight (hidden, 3 hidden), bias (3 hidden,).
    """

    @staticmethod
    def forward(ctx: Any, heard: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        bins, trials, hidden = len(heard), heard.shape[1], len(weight)
        states, product = heard.new_zeros(bins + 1, trials, hidden), torch.empty_like(heard)
        gates, proposed = heard.new_empty(bins, trials, 2 * hidden), heard.new_empty(bins, trials, hidden)
        to_gates, to_proposed = heard[..., : 2 * hidden], heard[..., 2 * hidden :]
        for t in range(bins):
            torch.addmm(bias, states[t], weight, out=product[t])
            torch.add(product[t, :, : 2 * hidden], to_gates[t], out=gates[t]).sigmoid_()
            own = product[t, :, 2 * hidden :]
            torch.addcmul(to_proposed[t], gates[t, :, :hidden], own, out=proposed[t]).tanh_()
            torch.lerp(proposed[t], states[t], gates[t, :, hidden:], out=states[t + 1])
        ctx.kept = states, product, gates, proposed, weight
        return states[1:].clone()

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        states, product, gates, proposed, weight = ctx.kept
        hidden, before, back = len(weight), states[:-1], weight.T.contiguous()
        reset, keep = gates[..., :hidden], gates[..., hidden:]
        slope = (1 - keep) * (1 - proposed.square())
        of_keep = keep * (1 - keep) * (before - proposed)
        of_reset = product[..., 2 * hidden :] * reset * (1 - reset)
        found, inner, to_state = torch.empty_like(product), torch.empty_like(proposed), torch.zeros_like(before[0])
        for t in range(len(proposed) - 1, -1, -1):
            to_state = to_state + given[0][t]
            torch.mul(to_state, slope[t], out=inner[t])
            torch.mul(inner[t], of_reset[t], out=found[t, :, :hidden])
            torch.mul(to_state, of_keep[t], out=found[t, :, hidden : 2 * hidden])
            torch.mul(inner[t], reset[t], out=found[t, :, 2 * hidden :])
            to_state = torch.addmm(to_state.mul_(keep[t]), found[t], back)
        heard = torch.cat([found[..., : 2 * hidden], inner], dim=2)
        return heard, before.flatten(0, 1).T @ found.flatten(0, 1), found.sum(dim=(0, 1))


def with_own_backward(gru: nn.GRU, x: torch.Tensor) -> torch.Tensor:
    """Return what the layers give of (trials, bins, inputs), from the same weights."""
    x = x.transpose(0, 1)
    for layer in range(gru.num_layers):
        found = []
        for suffix in ("", "_reverse") if gru.bidirectional else ("",):
            weight, own, bias, own_bias = (
                getattr(gru, f"{kind}_l{layer}{suffix}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            heard = functional.linear(x.flip(0) if suffix else x, weight, bias)
            states = Own.apply(heard, own.T, own_bias)
            found.append(states.flip(0) if suffix else states)
        x = torch.cat(found, dim=2)
    return x.transpose(0, 1)


def milliseconds(form: Callable[[torch.Tensor], torch.Tensor], gru: nn.GRU, x: torch.Tensor, steps: int) -> float:
    each = []
    for _ in range(steps + 2):
        gru.zero_grad()
        start = time.process_time()
        form(x).square().mean().backward()
        each.append(time.process_time() - start)
    return statistics.median(each[2:]) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="of five steps each")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for name, (trials, bins, inputs, hidden, layers, both) in SIZES.items():
        torch.manual_seed(0)
        gru = nn.GRU(inputs, hidden, layers, batch_first=True, bidirectional=both)
        x = torch.randn(trials, bins, inputs)
        forms = (lambda x, gru=gru: gru(x)[0], lambda x, gru=gru: with_own_backward(gru, x))
        gradients = []
        for form in forms:
            gru.zero_grad()
            form(x).square().mean().backward()
            gradients.append([present(one.grad).clone() for one in gru.parameters()])
        apart = max(((one - other).norm() / one.norm()).item() for one, other in zip(*gradients, strict=True))
        times = [[milliseconds(form, gru, x, 5) for form in forms] for _ in range(args.rounds)]
        slow, fast = (statistics.median(one) for one in zip(*times, strict=True))
        ratio = statistics.median(one / other for one, other in times)
        print(
            f"{name:<42} torch {slow:6.1f} CPU ms   own {fast:6.1f}   ratio {ratio:.2f}   gradients apart {apart:.0e}"
        )


if __name__ == "__main__":
    main()
