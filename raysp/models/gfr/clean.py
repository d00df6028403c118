"""The protocol that is better than the published one: activation and filters together, by likelihood, from starts.

From each start Levenberg-Marquardt goes down, first where the likelihood is softest; each harder one goes on from
there, while its dead zone, where a silent bin has no gradient, is closed step by step. What each came to is a
candidate; they are chosen on bins that nothing was trained on.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from collections.abc import Sequence as Many
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch

from raysp.config.ranges import Count, Natural, NonNegative, Positive, Several
from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.errors import BadInput
from raysp.models import base
from raysp.models.base import Stages
from raysp.models.gfr import descent, second_order, validation
from raysp.models.gfr.groups import part
from raysp.models.gfr.lanes import Sequence, lay_out
from raysp.models.gfr.outcome import Outcome, best
from raysp.models.gfr.paper import Train
from raysp.models.gfr.parameters import Filters
from raysp.models.gfr.running import poisson, rates_of

BLOCK = 16
"""Units between two places to resume from."""

Descend = Callable[..., None]

CONTINUATION = (0.3, 0.03, 1e-3, 1e-8)
"""Within the logarithm, one fit after the other, as long as it is more than what softens the likelihood."""

FLOOR = 0.02
"""Least expected count that the Fisher matrix divides by."""

WARM_RATE, WARM_EPS = 1e-2, 0.03
TOLERANCE, COARSE, EVALUATIONS = 1e-5, 1e-4, 40
PARTS = ("alpha", "beta", "activation")
SIMPLER = (("alpha", "activation"), ("activation",))
"""Parts of neurons that are candidates too, so that no fit validates worse than they do."""


@dataclass(frozen=True)
class CleanConfig(base.Config):
    """Settings of the protocol "clean", which floors share.

    Attributes:
        degree: of the activation's polynomial.
        starts: of each setting.
        warm_up: epochs of Adam before Levenberg-Marquardt.
        softness: spikes per bin added to recorded and expected counts; each a candidate, which goes on from that of
            the next larger one. 0 is Poisson's likelihood; more is nearer to squared errors.
        ridges: penalties on half the squared distance from a neuron without memory, of a loss per spike; each a
            candidate.
        gamma_least: bound of the highest rate, as a multiple of the robust one.
        gamma_most: likewise.
        weigh: what counts alike in the loss, "bins" or "stimuli".
        chosen_by: "evr", explained variance, or "loss", Poisson, both of the bins that validate.
    """

    degree: Count = 1
    starts: Count = 2
    warm_up: Natural = 0
    softness: Several[NonNegative] = (0.0, 0.1, 1.0)
    ridges: Several[NonNegative] = (1e-4,)
    gamma_least: Positive = 0.5
    gamma_most: Positive = 10.0
    weigh: Literal["bins", "stimuli"] = "bins"
    chosen_by: Literal["evr", "loss"] = "evr"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gamma_least > self.gamma_most:
            raise BadInput(f"{self.where}, gamma_least expected at most gamma_most, got {self.gamma_least}")


@dataclass(frozen=True)
class Choice:
    """What a candidate is.

    Attributes:
        start: number of its start.
        softness: spikes per bin added to recorded and expected counts.
        ridge: penalty.
        parts: of the parameters that are fitted; the others stay as without memory or feedback.
        bent: bent inputs are fitted too; else they are silent.
        step: 0 at a start; else it goes on from the candidate before it, and so on so many times.
    """

    start: int
    softness: float
    ridge: float
    parts: Many[str]
    bent: bool = False
    step: int = 0

    def free(self, filters: Filters, size: int) -> np.ndarray:
        """Return which of so many parameters are fitted, (parameters,) bool."""
        bends, terms = len(filters.bend), len(filters.decay)
        fitted = [self.bent, *(part in self.parts for part in PARTS)]
        return np.repeat(fitted, [bends, terms, terms, size - bends - 2 * terms])


def choices(config: CleanConfig, filters: Filters, parts: Many[str]) -> list[Choice]:
    """Return the candidates of each unit: without and with bent inputs, and simpler neurons than were asked for."""
    falling = sorted(set(config.softness), reverse=True)
    found = [
        Choice(number, softness, ridge, parts, bent, step)
        for bent in ((False, True) if len(filters.bend) else (False,))
        for number, ridge in itertools.product(range(config.starts), config.ridges)
        for step, softness in enumerate(falling)
    ]
    simpler = [one for one in SIMPLER if set(one) < set(parts)]
    return found + [Choice(0, falling[-1], config.ridges[-1], one) for one in simpler]


def fit(
    split: CurrentClampSplit, config: CleanConfig, filters: Filters, seed: int, stages: Stages,
    train: Train = descent.train, parts: Many[str] = PARTS, descend: Descend = second_order.descend,
    together: int | None = None,
) -> Outcome:  # fmt: skip
    """Fit units; one without a spike in its training bins has no candidate.

    Args:
        split: of the units.
        config: settings of the model.
        filters: of its neurons.
        seed: of starts, with each unit's number.
        stages: see `models.base`.
        train: what runs Adam.
        parts: of the parameters that are fitted; the others stay as without memory or feedback.
        descend: what runs Levenberg-Marquardt.
        together: units between two places to resume from; None for BLOCK.
    """
    together = together or BLOCK
    sequences: dict[int, list[Sequence]] = {}
    for one in part(split, "train"):
        sequences.setdefault(one.unit, []).append(one)
    units = np.array([unit for unit, own in sequences.items() if any(one.counts.any() for one in own)], np.int64)
    found, candidates = [], choices(config, filters, parts)

    def block(some: np.ndarray) -> Outcome:
        rows = Rows.begin(split, config, filters, seed, some, sequences, candidates)
        return _fitted(split, config, filters, rows, sequences, train, descend)

    def tensors(some: np.ndarray) -> dict[str, torch.Tensor]:
        return block(some).tensors()

    for at in range(0, len(units), together):
        some = units[at : at + together]
        found.append(Outcome.of(stages.once(f"units {at + len(some)}", partial(tensors, some))))
    return Outcome.joined(found) if found else block(units)


def missing(split: CurrentClampSplit, unit: int, config: CleanConfig) -> str:
    """Return why a unit has no fit, going on after "it"."""
    return "has no spike in the bins that it trains on, or its loss is not finite"


@dataclass
class Rows:
    """Candidates of units; (rows,) each unless said.

    Attributes:
        unit: index of the unit; rows of one unit stand together.
        candidate: number among the unit's.
        theta: (rows, parameters), which fits change.
        anchor: (rows, parameters) what the ridge pulls to.
        free: (rows, parameters) bool, which are fitted.
        sigma: pA.
        softness: of the likelihood.
        ridge: penalty.
        bent: with bent inputs.
        step: see `Choice`.
        bounds: (rows, 2) of log gamma.
    """

    unit: np.ndarray
    candidate: np.ndarray
    theta: np.ndarray
    anchor: np.ndarray
    free: np.ndarray
    sigma: np.ndarray
    softness: np.ndarray
    ridge: np.ndarray
    bent: np.ndarray
    step: np.ndarray
    bounds: np.ndarray

    @classmethod
    def begin(
        cls, split: CurrentClampSplit, config: CleanConfig, filters: Filters, seed: int, units: np.ndarray,
        sequences: dict[int, list[Sequence]], candidates: list[Choice],
    ) -> Rows:  # fmt: skip
        """Return the candidates of some units at their starts."""
        bends, terms = len(filters.bend), len(filters.decay)
        size = bends + 2 * terms + config.degree + 3
        unit, number = np.repeat(units, len(candidates)), np.tile(np.arange(len(candidates)), len(units))
        theta, free = np.zeros((len(unit), size)), np.zeros((len(unit), size), bool)
        for row, (owner, which) in enumerate(zip(unit, number, strict=True)):
            theta[row, bends:] = start(split, owner, candidates[which].start, terms, config.degree, seed)
            free[row] = candidates[which].free(filters, size)
        anchor = np.concatenate([theta[:, :bends], start_anchor(theta[:, bends:], terms)], axis=1)
        taken = [candidates[which] for which in number]
        softness, ridge = (np.array([getattr(one, name) for one in taken]) for name in ("softness", "ridge"))
        sigma = np.array([max(np.abs(one.current).max() for one in sequences[owner]) for owner in unit], np.float64)
        bounds = np.log(split.gamma_robust[unit])[:, None] + np.log([config.gamma_least, config.gamma_most])
        bent, step = np.array([one.bent for one in taken], bool), np.array([one.step for one in taken], np.int64)
        begun = np.where(free, theta, anchor)
        return cls(unit, number, begun, anchor, free, sigma, softness, ridge, bent, step, bounds)


def _fitted(
    split: CurrentClampSplit, config: CleanConfig, filters: Filters, rows: Rows, sequences: dict[int, list[Sequence]],
    train: Train, descend: Descend,
) -> Outcome:  # fmt: skip
    units, bin_ms = np.unique(rows.unit), split.sizes.bin_ms
    own = [one for unit in units for one in scaled(sequences[unit], config.weigh)]
    losses = np.full((config.warm_up, len(rows.unit)), np.nan)
    if config.warm_up and len(units):
        _warm(own, rows, filters, bin_ms, losses, train)
    loss, evaluations = descended(own, rows, filters, bin_ms, descend)
    ratio, validated, trained = (np.full(len(rows.unit), np.nan) for _ in range(3))
    for one in units:
        mine, found = rows.unit == one, validation.windows(split, one)
        ratio[mine], validated[mine] = validation.measure(found, rows.theta[mine], rows.sigma[mine], filters, bin_ms)
        trained[mine] = logged(sequences[one], rows.theta[mine], rows.sigma[mine], filters, bin_ms)
    by = ratio if config.chosen_by == "evr" else -validated
    by, epochs = np.where(np.isnan(by), -loss, by), (rows.step == 0) * len(losses)
    return Outcome(
        rows.unit, rows.candidate, rows.theta, rows.sigma, rows.ridge, rows.softness, trained, validated, ratio,
        evaluations + epochs, epochs, best(rows.unit, by, np.isfinite(loss)),
        losses.T.copy(), np.full((len(rows.unit), len(losses)), np.nan),
    )  # fmt: skip


def scaled(sequences: list[Sequence], by: str) -> list[Sequence]:
    """Return a unit's sequences with weights per spike, so that penalties mean the same for all units.

    Args:
        sequences: of the unit.
        by: what counts alike: "bins", or "stimuli", each of which then counts as much as the others.
    """
    total = {one.group: 0.0 for one in sequences}
    for one in sequences:
        total[one.group] += float(one.weight.sum()) if by == "stimuli" else 0.0
    share = {group: 1 / bins if bins else 1.0 for group, bins in total.items()}
    spikes = sum(share[one.group] * float((one.weight * one.counts).sum()) for one in sequences)
    return [Sequence(one.unit, one.current, one.counts, one.weight * (share[one.group] / spikes)) for one in sequences]


def logged(
    sequences: list[Sequence], theta: np.ndarray, sigma: np.ndarray, filters: Filters, bin_ms: int
) -> np.ndarray:
    """Return the loss that the published protocol logs, (rows,): of a bin, as the mean over stimuli."""
    losses: dict[int, np.ndarray] = {}
    weights: dict[int, float] = {}
    for one, rates in zip(sequences, rates_of(sequences, theta, sigma, filters), strict=True):
        losses[one.group] = losses.get(one.group, 0) + poisson(one, rates, bin_ms)
        weights[one.group] = weights.get(one.group, 0) + one.weight.sum()
    return np.mean([losses[group] / weights[group] for group in losses], axis=0)


def start(split: CurrentClampSplit, unit: int, number: int, terms: int, degree: int, seed: int) -> np.ndarray:
    """Return a unit's start, (parameters,): every bin of positive current is live.

    The first has no memory and no feedback; others have small random filters and feedback that is mostly negative, as
    published cells have.
    """
    theta = np.zeros(2 * terms + degree + 3)
    # A root of 0 has no gradient.
    theta[0], theta[2 * terms], theta[2 * terms + 1], theta[2 * terms + 2 : -2] = terms, 0.2, 1.0, 0.1
    theta[-1] = np.log(split.gamma_robust[unit])
    if number:
        rng = np.random.default_rng([seed, int(split.unit_ids[unit]), number])
        theta[1:terms] = rng.normal(0.1, 0.1, terms - 1)
        theta[terms : 2 * terms] = -np.abs(rng.normal(0.3, 0.2, terms))
        theta[-2] = rng.uniform(-0.2, 0.5)
    return theta


def start_anchor(theta: np.ndarray, terms: int) -> np.ndarray:
    """Return what the ridge pulls to, (rows, parameters): no memory, no feedback, the start's activation."""
    anchor = theta.copy()
    anchor[:, : 2 * terms] = 0
    anchor[:, 0] = terms
    return anchor


def _warm(
    own: list[Sequence], rows: Rows, filters: Filters, bin_ms: int, losses: np.ndarray, train: Train
) -> None:  # fmt: skip
    """Train starts by Adam, in place, with bent inputs silent; write the logged losses, (epochs, rows)."""
    unit, bends = rows.unit, len(filters.bend)
    # What is free is the same for all rows of a plan.
    for free in np.unique(rows.free[:, bends:], axis=0):
        mine = np.flatnonzero((rows.free[:, bends:] == free).all(axis=1) & (rows.step == 0))
        plan = descent.Plan(
            rows.sigma[mine], filters.decay, filters.feedback, bin_ms, np.full(len(mine), WARM_RATE), free,
            np.ones((2, len(mine))), np.zeros(len(mine)), rows.ridge[mine], WARM_EPS,
        )  # fmt: skip
        lanes = lay_out(own, unit[mine]), lay_out([], unit[mine])
        state = train(*lanes, plan, descent.State.begin(rows.theta[mine, bends:]), len(losses))
        rows.theta[mine, bends:], losses[:, mine] = state.theta, state.losses
    rows.theta[:, -1] = np.clip(rows.theta[:, -1], rows.bounds[:, 0], rows.bounds[:, 1])


def descended(
    own: list[Sequence], rows: Rows, filters: Filters, bin_ms: int, descend: Descend
) -> tuple[np.ndarray, np.ndarray]:
    """Descend by Levenberg-Marquardt, in place; return losses with penalties, and evaluations, (rows,) each."""
    loss, evaluations = np.full(len(rows.unit), np.inf), np.zeros(len(rows.unit), np.int64)
    units, place = np.unique(rows.unit, return_inverse=True)
    if len(units) == 0:
        return loss, evaluations
    position = {int(one): at for at, one in enumerate(units)}
    moved = [dataclasses.replace(one, unit=position[one.unit]) for one in own]
    sigma = rows.sigma[np.searchsorted(rows.unit, units)]
    # Silent inputs would take their time.
    for bent in np.unique(rows.bent):
        heard = filters if bent else Filters.plain(filters.decay, filters.feedback)
        tape, first = second_order.Tape.of(moved, sigma, heard).arrays(), len(filters.bend) - len(heard.bend)
        for step in range(rows.step.max(initial=0) + 1):
            mine = np.flatnonzero((rows.bent == bent) & (rows.step == step))
            before = np.full(len(mine), np.inf)
            if step:
                before, rows.theta[mine] = rows.softness[mine - 1], rows.theta[mine - 1]
            for eps in CONTINUATION:
                last = eps == CONTINUATION[-1]
                taken = mine[((rows.softness[mine] < eps) & (eps < before)) | last]
                _descend(descend, tape, place, rows, taken, first, heard, bin_ms, eps, last, loss, evaluations)
    return loss, evaluations


def _descend(
    descend: Descend, tape: tuple[np.ndarray, ...], place: np.ndarray, rows: Rows, taken: np.ndarray, first: int,
    heard: Filters, bin_ms: int, eps: float, last: bool, loss: np.ndarray, evaluations: np.ndarray,
) -> None:  # fmt: skip
    theta, anchor, free = (values[taken, first:] for values in (rows.theta, rows.anchor, rows.free))
    found, count = loss[taken], evaluations[taken]
    penalties = np.repeat(rows.ridge[taken, None], theta.shape[1], axis=1)
    descend(
        tape, place[taken], theta, rows.sigma[taken], len(heard.bend) + len(heard.decay), len(heard.decay),
        heard.feedback, float(bin_ms), eps, max(eps, FLOOR), rows.softness[taken], free, penalties, anchor,
        rows.bounds[taken], EVALUATIONS, TOLERANCE if last else COARSE, found, count,
    )  # fmt: skip
    rows.theta[taken, first:], loss[taken], evaluations[taken] = theta, found, count
