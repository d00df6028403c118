"""Gated recurrent units as LFADS has them, over all bins at once: states are clipped, and reset before the product.

    r = s(W_r x + U_r h + b_r),  q = s(W_q x + U_q h + b_q),  c = tanh(W_c x + U_c (r * h) + b_c)
    h' = clip(q * h + (1 - q) * c, -limit, limit)                              (Sussillo et al. 2016; Cho et al. 2014)

torch's own GRU resets after the product and clips nothing: its weights are other ones. Products with what is known of
all bins stay outside: they are one product. Backward is by hand: of a bin two small products, and of the weights one
large product each when all bins are done, in place of one for every bin.

Values are (bins, lanes, trials, channels); a lane has weights of its own, in front. Gates come first reset, then keep.
"""

from __future__ import annotations

from typing import cast

import torch

from raysp.config.gradient import Context

LIMIT = 5.0
"""Largest value of a state."""


class Cell:
    """The bins of one layer of units, written one after another, and what their gradients need.

    A driven cell has inputs that come from its own past by way of others, `drive`: they stand beside the state, so
    that one product serves both.

    Args:
        heard: (bins, lanes, trials, 3 hidden) what the gates, then the candidate, get from outside, biases included.
        start: (lanes, trials, hidden) first state.
        gates: (lanes, drive + hidden, 2 hidden) weights of reset and keep.
        candidate: (lanes, drive + hidden, hidden) weights.
        limit: of the state.
    """

    def __init__(
        self, heard: torch.Tensor, start: torch.Tensor, gates: torch.Tensor, candidate: torch.Tensor, limit: float
    ) -> None:
        # One lane needs no axis: a product of two matrices starts sooner than one of two piles of one matrix.
        self.alone = heard.shape[1] == 1
        if self.alone:
            heard, start, gates, candidate = heard[:, 0], start[0], gates[0], candidate[0]
        bins, hidden, inputs = len(heard), start.shape[-1], gates.shape[-2]
        self.hidden, self.drive, self.limit = hidden, inputs - hidden, limit
        self.gates, self.candidate = gates, candidate
        around = heard.shape[1:-1]
        self.seen, self.reset_seen = heard.new_empty(bins + 1, *around, inputs), heard.new_empty(bins, *around, inputs)
        self.opened, self.proposed = heard.new_empty(bins, *around, 2 * hidden), heard.new_empty(bins, *around, hidden)
        self.states = self.seen[..., self.drive :]
        self.states[0] = start
        self._heard = heard[..., : 2 * hidden].unbind(), heard[..., 2 * hidden :].unbind()
        self._seen, self._reset_seen = self.seen.unbind(), self.reset_seen.unbind()
        self._opened, self._proposed, self._states = self.opened.unbind(), self.proposed.unbind(), self.states.unbind()
        self._reset, self._keep = self.opened[..., :hidden].unbind(), self.opened[..., hidden:].unbind()
        self._reset_states = self.reset_seen[..., self.drive :].unbind()
        self.drives = self.seen[..., : self.drive].unbind(), self.reset_seen[..., : self.drive].unbind()
        self._product = torch.addmm if self.alone else torch.baddbmm

    def step(self, t: int) -> torch.Tensor:
        """Write the state after bin t, and return it; the bin's drive, if any, has been written."""
        product, before = self._product, self._states[t]
        product(self._heard[0][t], self._seen[t], self.gates, out=self._opened[t]).sigmoid_()
        torch.mul(self._reset[t], before, out=self._reset_states[t])
        proposed = product(self._heard[1][t], self._reset_seen[t], self.candidate, out=self._proposed[t]).tanh_()
        after = torch.lerp(proposed, before, self._keep[t], out=self._states[t + 1])
        return after.clamp_(-self.limit, self.limit)


class CellBackward:
    """The same bins backwards.

    Args:
        cell: whose bins have all been written.
    """

    def __init__(self, cell: Cell) -> None:
        hidden, drive = cell.hidden, cell.drive
        before, after, proposed = cell.states[:-1], cell.states[1:], cell.proposed
        reset, keep = cell.opened[..., :hidden], cell.opened[..., hidden:]
        # Nothing reaches a state that was clipped; derivatives of all bins at once, from values.
        free = (after.abs() < cell.limit).to(after.dtype)
        kept = free * keep
        slope = (free - kept) * (1 - proposed * proposed)
        of_keep = kept * (1 - keep) * (before - proposed)
        of_reset = before * reset * (1 - reset)
        self.to_heard = torch.empty(*proposed.shape[:-1], 3 * hidden, dtype=proposed.dtype, device=proposed.device)
        self._cell, self._drive = cell, drive
        self._factors = [one.unbind() for one in (slope, of_keep, of_reset, kept, reset)]
        self._to_reset = self.to_heard[..., :hidden].unbind()
        self._to_keep = self.to_heard[..., hidden : 2 * hidden].unbind()
        self._to_gates = self.to_heard[..., : 2 * hidden].unbind()
        self._to_candidate = self.to_heard[..., 2 * hidden :].unbind()
        self._gates, self._candidate = cell.gates.mT.contiguous(), cell.candidate.mT.contiguous()
        self._plain = torch.mm if cell.alone else torch.bmm

    def step(self, t: int, given: torch.Tensor) -> torch.Tensor:
        """Return the gradient in (drive, state before bin t), (lanes, trials, drive + hidden), of that after it.

        Args:
            t: bin.
            given: (lanes, trials, hidden), without lanes where there is one.
        """
        slope, of_keep, of_reset, kept, reset = (one[t] for one in self._factors)
        found = self._plain(torch.mul(given, slope, out=self._to_candidate[t]), self._candidate)
        states = found[..., self._drive :]
        torch.mul(given, of_keep, out=self._to_keep[t])
        torch.mul(states, of_reset, out=self._to_reset[t])
        states.mul_(reset).addcmul_(given, kept)
        if self._cell.alone:
            return found.addmm_(self._to_gates[t], self._gates)
        return found.baddbmm_(self._to_gates[t], self._gates)

    def weights(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the gradients in the weights of gates and candidate, with lanes in front."""
        cell, hidden = self._cell, self._cell.hidden
        return (
            summed(cell.seen[:-1], self.to_heard[..., : 2 * hidden]),
            summed(cell.reset_seen, self.to_heard[..., 2 * hidden :]),
        )

    def heard(self) -> torch.Tensor:
        """Return the gradient in what was heard, with lanes."""
        return self.to_heard[:, None] if self._cell.alone else self.to_heard


def summed(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return the sum over bins and trials of outer products, (lanes, left, right).

    Args:
        left: (bins, trials, left), or with lanes (bins, lanes, trials, left).
        right: likewise.
    """
    if left.ndim == 3:
        return (left.flatten(0, 1).mT @ right.flatten(0, 1))[None]
    one, other = (each.transpose(0, 1).flatten(1, 2) for each in (left, right))
    return one.mT @ other


class _Run(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Context[Cell], heard: torch.Tensor, start: torch.Tensor, gates: torch.Tensor, candidate: torch.Tensor,
        limit: float,
    ) -> torch.Tensor:  # fmt: skip
        cell = Cell(heard, start, gates, candidate, limit)
        for t in range(len(heard)):
            cell.step(t)
        ctx.kept = cell
        # A copy: what a caller writes into it must not change what backward reads.
        found = cell.states[1:].clone()
        return found[:, None] if cell.alone else found

    @staticmethod
    def backward(ctx: Context[Cell], given: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        back, cell = CellBackward(ctx.kept), ctx.kept
        each = (given[:, 0] if cell.alone else given).unbind()
        to_state = torch.zeros_like(each[0])
        for t in range(len(each) - 1, -1, -1):
            to_state = back.step(t, to_state.add(each[t]))
        to_start = to_state[None] if cell.alone else to_state
        return back.heard(), to_start, *back.weights(), None


def run(
    heard: torch.Tensor, start: torch.Tensor, gates: torch.Tensor, candidate: torch.Tensor, limit: float = LIMIT
) -> torch.Tensor:
    """Return the states after each bin, (bins, lanes, trials, hidden); arguments as of `Cell`, without a drive."""
    return cast(torch.Tensor, _Run.apply(heard, start, gates, candidate, limit))


def normal(lanes: int, inputs: int, outputs: int, fan_in: int) -> torch.Tensor:
    """Return weights (lanes, inputs, outputs) drawn from N(0, 1 / fan_in), the same ones for every lane."""
    drawn = torch.randn(inputs, outputs) / fan_in**0.5
    return drawn.expand(lanes, inputs, outputs).clone()
