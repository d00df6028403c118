"""Controller, inferred inputs, generator and factors of all bins: forward, and a backward of its own.

Of every bin, with k the factors and a tilde for what is dropped in training:

    c_t = GRU(c_{t-1}, [heard_t, ~k_{t-1}]);  (m_t, s_t) = c_t W + b;  u_t = m_t + exp(s_t / 2) noise_t
    g_t = GRU(g_{t-1}, u_t);  k_t = ~g_t F                                                       (Sussillo et al. 2016)

Values are (bins, lanes, trials, channels). Written as torch's own operations one by one, this takes several times as
long: see benchmarks/lfads_step.py.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch

from raysp.config.gradient import Context
from raysp.layers.clipped_gru import Cell, CellBackward, summed


class Drawn(NamedTuple):
    """What is drawn before the bins are run through.

    Attributes:
        noise: (bins, lanes or 1, trials, inputs) of inferred inputs.
        states: (bins + 1, lanes, trials, hidden) what the generator's states are multiplied with on their way to the
            factors, that before the first bin in front; None for dropping nothing.
        factors: (bins, lanes, trials, factors) what the factors are multiplied with on their way to the controller;
            None likewise.
    """

    noise: torch.Tensor
    states: torch.Tensor | None = None
    factors: torch.Tensor | None = None


class _Kept(NamedTuple):
    controller: Cell
    generator: Cell
    read: torch.Tensor
    spread: torch.Tensor
    drawn: Drawn
    to_inputs: torch.Tensor
    to_factors: torch.Tensor


def run(
    heard: torch.Tensor, bias: torch.Tensor, starts: tuple[torch.Tensor, torch.Tensor],
    controller: tuple[torch.Tensor, torch.Tensor], generator: tuple[torch.Tensor, torch.Tensor],
    to_inputs: tuple[torch.Tensor, torch.Tensor], to_factors: torch.Tensor, drawn: Drawn, limit: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    """Run all bins.

    Args:
        heard: (bins, lanes, trials, 3 controller) what the controller hears of the encoder, biases included.
        bias: (lanes, 3 generator) of the generator.
        starts: first states of the controller and of the generator, each (lanes, trials, hidden).
        controller: weights of gates and candidate, see `clipped_gru.Cell`; driven by factors, or by nothing.
        generator: likewise, driven by inferred inputs.
        to_inputs: (lanes, controller, 2 inputs) and (lanes, 2 inputs), means first, then log variances.
        to_factors: (lanes, generator, factors).
        drawn: noise, and what is dropped.
        limit: of both states.

    Returns:
        Factors (bins, lanes, trials, factors); means and log variances of inferred inputs, (bins, lanes, trials,
        2 inputs); the inputs that drove the generator, (bins, lanes, trials, inputs).
    """
    return cast(
        tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        _Bins.apply(heard, bias, *starts, *controller, *generator, *to_inputs, to_factors, drawn, limit),
    )


class _Bins(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Context[_Kept], heard: torch.Tensor, bias: torch.Tensor, control: torch.Tensor, start: torch.Tensor,
        gates: torch.Tensor, candidate: torch.Tensor, own_gates: torch.Tensor, own_candidate: torch.Tensor,
        to_inputs: torch.Tensor, offset: torch.Tensor, to_factors: torch.Tensor, drawn: Drawn, limit: float,
    ) -> tuple[torch.Tensor, ...]:  # fmt: skip
        bins, lanes, trials, _ = heard.shape
        steady = bias[None, :, None].expand(bins, lanes, trials, -1)
        con, gen = Cell(heard, control, gates, candidate, limit), Cell(steady, start, own_gates, own_candidate, limit)
        if con.alone:
            to_inputs, offset, to_factors = to_inputs[0], offset[0], to_factors[0]
            drawn = Drawn(drawn.noise[:, 0], _alone(drawn.states), _alone(drawn.factors))
        else:
            offset = offset[:, None]
        inputs, around = drawn.noise.shape[-1], heard.shape[1:3] if not con.alone else heard.shape[2:3]
        given, spread = (heard.new_empty(bins, *around, n) for n in (2 * inputs, inputs))
        factors = heard.new_empty(bins + 1, *around, to_factors.shape[-1])
        read = gen.states if drawn.states is None else heard.new_empty(bins + 1, *around, gen.hidden)
        reads, factored, noise = read.unbind(), factors.unbind(), drawn.noise.unbind()
        givens, spreads = given.unbind(), spread.unbind()
        means, variances = given[..., :inputs].unbind(), given[..., inputs:].unbind()
        states, left, passed = gen.states.unbind(), *(_unbound(one) for one in drawn[1:])
        matrix, product = (torch.mm, torch.addmm) if con.alone else (torch.bmm, torch.baddbmm)
        if left is not None:
            torch.mul(states[0], left[0], out=reads[0])
        if con.drive:
            # Elsewhere nothing reads the factors before the first bin.
            matrix(reads[0], to_factors, out=factored[0])
        for t in range(bins):
            if con.drive:
                for place in con.drives:
                    if passed is None:
                        place[t].copy_(factored[t])
                    else:
                        torch.mul(factored[t], passed[t], out=place[t])
            product(offset, con.step(t), to_inputs, out=givens[t])
            torch.mul(variances[t], 0.5, out=spreads[t]).exp_().mul_(noise[t])
            for place in gen.drives:
                torch.add(means[t], spreads[t], out=place[t])
            gen.step(t)
            if left is not None:
                torch.mul(states[t + 1], left[t + 1], out=reads[t + 1])
            if con.drive:
                matrix(reads[t + 1], to_factors, out=factored[t + 1])
        if not con.drive:
            torch.matmul(read[1:], to_factors, out=factors[1:])
        ctx.kept = _Kept(con, gen, read, spread, drawn, to_inputs, to_factors)
        found = factors[1:], given, gen.seen[:-1][..., :inputs].clone()
        return tuple(one[:, None] for one in found) if con.alone else found

    @staticmethod
    def backward(
        ctx: Context[_Kept], of_factors: torch.Tensor, of_given: torch.Tensor, of_inputs: torch.Tensor
    ) -> tuple[torch.Tensor | None, ...]:
        con, gen, read, spread, drawn, to_inputs, to_factors = ctx.kept
        if con.alone:
            of_factors, of_given, of_inputs = of_factors[:, 0], of_given[:, 0], of_inputs[:, 0]
        bins, inputs, controlled, generated = len(of_factors), of_inputs.shape[-1], CellBackward(con), CellBackward(gen)
        matrix = torch.mm if con.alone else torch.bmm
        back_factors, back_inputs = to_factors.mT.contiguous(), to_inputs.mT.contiguous()
        # Of u = m + exp(s / 2) noise, the derivative in s is half of what was added to the mean.
        halves, left, passed = (spread * 0.5).unbind(), *(_unbound(one) for one in drawn[1:])
        factors, given = _with_first(of_factors), of_given.clone()
        factored, asked, driven = factors.unbind(), given.unbind(), of_inputs.unbind()
        means, variances = given[..., :inputs].unbind(), given[..., inputs:].unbind()
        to_state, to_control = (torch.zeros_like(cell.proposed[0]) for cell in (gen, con))
        for t in range(bins - 1, -1, -1):
            through = matrix(factored[t + 1], back_factors)
            to_state = to_state.add(through) if left is None else to_state.addcmul(through, left[t + 1])
            found = generated.step(t, to_state)
            to_state, drive = found[..., inputs:], found[..., :inputs].add(driven[t])
            means[t].add_(drive)
            variances[t].addcmul_(drive, halves[t])
            back = controlled.step(t, matrix(asked[t], back_inputs).add_(to_control))
            to_control = back[..., con.drive :]
            if con.drive and passed is None:
                factored[t].add_(back[..., : con.drive])
            elif con.drive and passed is not None:
                factored[t].addcmul_(back[..., : con.drive], passed[t])
        if con.drive:
            through = matrix(factored[0], back_factors)
            to_state = to_state.add(through) if left is None else to_state.addcmul(through, left[0])
        first, one = (each[None] if con.alone else each for each in (to_control, to_state))
        heard = controlled.heard()
        steady, asked_for = generated.heard().sum(dim=(0, 2)), given[:, None] if con.alone else given
        weights = *controlled.weights(), *generated.weights()
        of_weights = summed(con.states[1:], given), asked_for.sum(dim=(0, 2)), summed(read, factors)
        return heard, steady, first, one, *weights, *of_weights, None, None


def _alone(values: torch.Tensor | None) -> torch.Tensor | None:
    return None if values is None else values[:, 0]


def _unbound(values: torch.Tensor | None) -> tuple[torch.Tensor, ...] | None:
    return None if values is None else values.unbind()


def _with_first(values: torch.Tensor) -> torch.Tensor:
    """Return a copy with zeros for what was before the first bin in front."""
    return torch.cat([torch.zeros_like(values[:1]), values])
