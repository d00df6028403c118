"""Levenberg-Marquardt through torch, on any device: what `second_order` computes, all rows and sequences side by side.

A row is decided on by its own numbers alone, in the same order; sums are taken in another, so that the last digits
differ. Matrices are so nearly singular that some rows part for good in the end, as many as of the compiled form's own
where starts are moved by one part in 1e14; what is chosen fares alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

TOGETHER = 16
"""Bins whose products are added at once."""

MOST = 1e8
"""Damping at which a row ends."""


def on(device: torch.device) -> Callable[..., None]:
    """Return what fits on a device as `second_order.descend` does; arguments are the same."""

    def descend(
        tape: tuple[np.ndarray, ...], unit_of_row: np.ndarray, theta: np.ndarray, sigma: np.ndarray, inputs: int,
        terms: int, feedback: float, bin_ms: float, eps: float, floor: float, soft: np.ndarray, free: np.ndarray,
        ridge: np.ndarray, anchor: np.ndarray, bounds: np.ndarray, most: int, tolerance: float, losses: np.ndarray,
        evaluations: np.ndarray,
    ) -> None:  # fmt: skip
        if len(theta):
            maths = Maths(inputs, terms, feedback, bin_ms, eps, floor)
            lanes = Lanes.of(tape, unit_of_row, inputs, terms, device)
            rows = Rows(*(_moved(one, device) for one in (theta, sigma, soft, free, ridge, anchor, bounds)))
            found, best, count = fitted(lanes, rows, maths, most, tolerance)
            theta[:], losses[:] = found.cpu().numpy(), best.cpu().numpy()
            evaluations += count.cpu().numpy()

    return descend


@dataclass(frozen=True)
class Maths:
    """What all rows share. Attributes as arguments of `second_order.descend`."""

    inputs: int
    terms: int
    feedback: float
    bin_ms: float
    eps: float
    floor: float


@dataclass(frozen=True)
class Rows:
    """How rows begin, and what binds them; (rows, ...) each, as arguments of `second_order.descend`."""

    theta: torch.Tensor
    sigma: torch.Tensor
    soft: torch.Tensor
    free: torch.Tensor
    ridge: torch.Tensor
    anchor: torch.Tensor
    bounds: torch.Tensor


@dataclass(frozen=True)
class Lanes:
    """Each row under each of its unit's sequences, the longest first.

    Attributes:
        heard: (bins, sequences, inputs) what each filter of the current makes of it, zeros beyond a sequence's end.
        counts: (bins, sequences).
        weight: (bins, sequences).
        decay: (terms,).
        row: (lanes,) of each lane.
        sequence: (lanes,) likewise.
        bins: (lanes,) likewise, on the host.
    """

    heard: torch.Tensor
    counts: torch.Tensor
    weight: torch.Tensor
    decay: torch.Tensor
    row: torch.Tensor
    sequence: torch.Tensor
    bins: np.ndarray

    @classmethod
    def of(
        cls, tape: tuple[np.ndarray, ...], unit_of_row: np.ndarray, inputs: int, terms: int, device: torch.device
    ) -> Lanes:
        """Return the lanes of rows, given a Tape's arrays."""
        unit_ptr, ptr, heard, counts, weight, decay = tape
        lengths, many = np.diff(ptr), np.diff(unit_ptr)[unit_of_row]
        row = np.repeat(np.arange(len(unit_of_row)), many)
        sequence = np.arange(len(row)) + np.repeat(unit_ptr[unit_of_row] - np.cumsum(many) + many, many)
        order = np.argsort(-lengths[sequence], kind="stable")
        own, bins = np.repeat(np.arange(len(lengths)), lengths), np.arange(ptr[-1]) - np.repeat(ptr[:-1], lengths)

        def side_by_side(flat: np.ndarray) -> torch.Tensor:
            found = np.zeros((lengths.max(), len(lengths), *flat.shape[1:]))
            found[bins, own] = flat
            return _moved(found, device)

        return cls(
            side_by_side(heard[:, :inputs]), side_by_side(counts), side_by_side(weight), _moved(decay[:terms], device),
            _moved(row[order], device), _moved(sequence[order], device), lengths[sequence[order]],
        )  # fmt: skip

    def of_rows(self, at: torch.Tensor, rows: int) -> Lanes:
        """Return the lanes of these of so many rows, which are numbered anew."""
        number = self.row.new_full((rows,), -1)
        number[at] = torch.arange(len(at), device=at.device)
        mine = number[self.row] >= 0
        return Lanes(
            self.heard, self.counts, self.weight, self.decay, number[self.row[mine]], self.sequence[mine],
            self.bins[mine.cpu().numpy()],
        )  # fmt: skip


def fitted(
    lanes: Lanes, rows: Rows, maths: Maths, most: int, tolerance: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return each row's parameters, loss with its penalty, and number of evaluations; arguments as of `descend`."""
    theta, here = rows.theta.clone(), rows.theta.clone()
    gradient, fisher = torch.zeros_like(theta), torch.diag_embed(torch.ones_like(theta))
    damping, best = torch.full_like(rows.sigma, 1e-2), torch.full_like(rows.sigma, torch.inf)
    going, evaluations = torch.ones_like(best, dtype=torch.bool), torch.zeros_like(best, dtype=torch.int64)
    for _ in range(most):
        at = going.nonzero()[:, 0]
        if not len(at):
            break
        loss, slope, matrix = _penalised(
            evaluate(lanes.of_rows(at, len(theta)), here[at], rows, at, maths), here[at], rows, at
        )
        evaluations[at] += 1
        better = loss < best[at]
        small = better & (best[at] - loss < tolerance * loss.abs()) & (damping[at] < 1)
        taken, free = at[better], rows.free[at[better]]
        best[taken], theta[taken] = loss[better], here[taken]
        gradient[taken] = torch.where(free, slope[better], gradient[taken])
        fisher[taken] = torch.where(free[:, :, None] & free[:, None, :], matrix[better], fisher[taken])
        damping[at] = torch.where(better, (damping[at] * 0.3).clamp(min=1e-9), damping[at] * 6)
        going[at] = ~small & (better | (damping[at] <= MOST))
        here = theta - damped(fisher, gradient, damping)
        here[:, -1] = here[:, -1].clamp(rows.bounds[:, 0], rows.bounds[:, 1])
    return theta, best, evaluations


def evaluate(
    lanes: Lanes, theta: torch.Tensor, rows: Rows, at: torch.Tensor, maths: Maths
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return losses, (rows,), gradients, (rows, parameters), and Fisher matrices, (rows, parameters, parameters).

    Args:
        lanes: of these rows alone.
        theta: (rows, parameters).
        rows: all rows.
        at: (rows,) which of them these are.
        maths: what they share.
    """
    along, longest = _Pass(lanes, theta, rows.sigma[at], rows.soft[at], maths), int(lanes.bins[0])
    for first in range(0, longest, TOGETHER):
        along.some(first, min(first + TOGETHER, longest))
    return along.loss, along.gradient, along.fisher


class _Pass:
    """A pass over all bins; sensitivities run along."""

    def __init__(
        self, lanes: Lanes, theta: torch.Tensor, sigma: torch.Tensor, soft: torch.Tensor, maths: Maths
    ) -> None:
        self.lanes, self.maths, count, size = lanes, maths, len(lanes.row), theta.shape[1]
        own = theta[lanes.row]
        alpha, beta, roots, rest = own.split(
            [maths.inputs, maths.terms, size - maths.inputs - maths.terms - 2, 2], dim=1
        )
        self.alpha, self.beta, self.roots = alpha, maths.feedback * beta, roots
        self.threshold, self.gamma = rest[:, 0], rest[:, 1].exp()
        self.scale, self.soft = 1 / (sigma[lanes.row] * maths.terms), soft[lanes.row]
        self.fired, self.rate = theta.new_zeros(count, maths.terms), theta.new_zeros(count)
        self.sensitivity, self.slope = theta.new_zeros(count, maths.terms, size), theta.new_zeros(count, size)
        self.loss, self.gradient = theta.new_zeros(len(theta)), torch.zeros_like(theta)
        self.fisher = theta.new_zeros(len(theta), size, size)

    def some(self, first: int, last: int) -> None:
        """Go on through these bins, and add what they come to."""
        maths, alive = self.maths, int((self.lanes.bins > first).sum())
        sequence, row = self.lanes.sequence[:alive], self.lanes.row[:alive]
        found = [self._bin(self.lanes.heard[t, sequence], alive) for t in range(first, last)]
        rates, slopes = (torch.stack(one) for one in zip(*found, strict=True))
        counts, weight = (one[first:last, sequence] for one in (self.lanes.counts, self.lanes.weight))
        # What is run over, and not scored, may be anything.
        scored, soft = weight > 0, self.soft[:alive]
        rates, slopes = torch.where(scored, rates, 0.0), torch.where(scored[:, :, None], slopes, 0.0)
        counts, mean = counts + soft, rates * maths.bin_ms + soft
        losses = weight * (mean - soft - counts * torch.log(mean + maths.eps))
        pull = weight * maths.bin_ms * (1 - counts / (mean + maths.eps))
        heavy = weight * maths.bin_ms**2 / (mean + maths.floor)
        self.loss.index_add_(0, row, losses.sum(0))
        self.gradient.index_add_(0, row, (pull[:, :, None] * slopes).sum(0))
        self.fisher.index_add_(0, row, torch.einsum("tlj,tlk->ljk", heavy[:, :, None] * slopes, slopes))

    def _bin(self, heard: torch.Tensor, alive: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return rates, (lanes,), and their slopes, (lanes, parameters), of lanes that are not at their end."""
        decay, inputs = self.lanes.decay, self.maths.inputs
        terms, beta, roots = self.maths.terms, self.beta[:alive], self.roots[:alive]
        fired = self.fired[:alive].mul_(decay).add_(self.rate[:alive, None])
        sensitivity = self.sensitivity[:alive].mul_(decay[:, None]).add_(self.slope[:alive, None])
        drive = (self.alpha[:alive] * heard).sum(1) + (beta * fired).sum(1)
        x = drive * self.scale[:alive] - self.threshold[:alive]
        inner, steepness = torch.zeros_like(x), torch.zeros_like(x)
        for root in roots.T.flip(0):
            inner, steepness = inner * x + root**2, steepness * x + inner
        th = torch.tanh(inner)
        rate, steep = self.gamma[:alive] * th, self.gamma[:alive] * (1 - th * th)
        slope = torch.einsum("li,lik->lk", beta, sensitivity)
        slope[:, :inputs] += heard
        slope[:, inputs : inputs + terms] += self.maths.feedback * fired
        slope *= (steep * steepness * self.scale[:alive])[:, None]
        powers = x[:, None] ** torch.arange(roots.shape[1], device=x.device)
        slope[:, inputs + terms : -2] += 2 * roots * powers * steep[:, None]
        slope[:, -2] -= steep * steepness
        slope[:, -1] += rate
        live = inner > 0
        self.rate, self.slope = torch.where(live, rate, 0.0), torch.where(live[:, None], slope, 0.0)
        return self.rate, self.slope


def damped(fisher: torch.Tensor, gradient: torch.Tensor, damping: torch.Tensor) -> torch.Tensor:
    """Return Marquardt's steps, (rows, parameters); more damping where a matrix is no better, the gradient at last."""
    diagonal = fisher.diagonal(dim1=1, dim2=2)
    least = torch.maximum(diagonal, 1e-10 * diagonal.amax(1, keepdim=True).clamp(min=0) + 1e-12)
    while True:
        added = damping[:, None] * least + 1e-9 * diagonal
        factors, failed = torch.linalg.cholesky_ex(fisher + torch.diag_embed(added))
        more = (failed > 0) & (damping <= MOST)
        if not more.any():
            break
        damping = torch.where(more, (damping * 10).clamp(min=1e-6), damping)
    steps = torch.cholesky_solve(gradient[:, :, None], factors)[:, :, 0]
    return torch.where(failed[:, None] > 0, gradient, steps)


def _penalised(
    found: tuple[torch.Tensor, torch.Tensor, torch.Tensor], theta: torch.Tensor, rows: Rows, at: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Add the ridges to losses, gradients and Fisher matrices."""
    loss, gradient, fisher = found
    away, ridge = theta - rows.anchor[at], rows.ridge[at]
    loss = loss + 0.5 * (ridge * away**2).sum(1)
    return loss, gradient + ridge * away, fisher + torch.diag_embed(ridge)


def _moved(values: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)
