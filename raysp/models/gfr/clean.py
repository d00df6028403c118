"""The protocol that is better than the published one: activation and filters together, by likelihood, from many starts.

Every start is trained by a short Adam and goes on by Levenberg-Marquardt while the dead zone of the likelihood, where
a silent bin has no gradient, is closed step by step. Candidates are chosen on bins that nothing was trained on.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence as Many
from functools import partial
from typing import Any

import numpy as np
import torch

from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.models.base import Stages
from raysp.models.gfr import descent, second_order, validation
from raysp.models.gfr.groups import part
from raysp.models.gfr.lanes import Sequence, lay_out
from raysp.models.gfr.outcome import Outcome, best
from raysp.models.gfr.paper import Train
from raysp.models.gfr.running import poisson, rates_of

BLOCK = 16
"""Units between two places to resume from."""

CONTINUATION = (0.3, 0.03, 1e-3, 1e-8)
"""Within the logarithm, one fit after the other, as long as it is more than what softens the likelihood."""

FLOOR = 0.02
"""Least expected count that the Fisher matrix divides by."""

WARM_RATE, WARM_EPS = 1e-2, 0.03
TOLERANCE, COARSE, EVALUATIONS = 1e-5, 1e-4, 40
PARTS = ("alpha", "beta", "activation")


def fit(
    split: CurrentClampSplit, config: Any, decay: np.ndarray, seed: int, stages: Stages, train: Train = descent.train,
    parts: Many[str] = PARTS,
) -> Outcome:  # fmt: skip
    """Fit units; one without a spike in its training bins has no candidate.

    Args:
        split: of the units.
        config: settings of the model.
        decay: (terms,).
        seed: of starts, with each unit's number.
        stages: see `models.base`.
        train: what runs Adam.
        parts: of the parameters that are fitted; the others stay as without memory or feedback.
    """
    sequences: dict[int, list[Sequence]] = {}
    for one in part(split, "train"):
        sequences.setdefault(one.unit, []).append(one)
    units = np.array([unit for unit, own in sequences.items() if any(one.counts.any() for one in own)], np.int64)
    found, free = [], _free(parts, len(decay), config.degree)

    def tensors(block: np.ndarray) -> dict[str, torch.Tensor]:
        return _block(split, config, decay, seed, block, sequences, train, free).tensors()

    for at in range(0, len(units), BLOCK):
        block = units[at : at + BLOCK]
        found.append(Outcome.of(stages.once(f"units {at + len(block)}", partial(tensors, block))))
    return Outcome.joined(found) if found else _block(split, config, decay, seed, units, sequences, train, free)


def missing(split: CurrentClampSplit, unit: int, config: Any) -> str:
    """Return why a unit has no fit, going on after "it"."""
    return "has no spike in the bins that it trains on, or its loss is not finite"


def _block(
    split: CurrentClampSplit, config: Any, decay: np.ndarray, seed: int, units: np.ndarray,
    sequences: dict[int, list[Sequence]], train: Train, free: np.ndarray,
) -> Outcome:  # fmt: skip
    choices = list(itertools.product(range(config.starts), config.softness, config.ridges))
    unit, candidate = np.repeat(units, len(choices)), np.tile(np.arange(len(choices)), len(units))
    own = [one for unit_ in units for one in scaled(sequences[unit_], config.weigh)]
    sigma = np.array([max(np.abs(one.current).max() for one in sequences[unit_]) for unit_ in unit], np.float64)
    theta = np.stack([
        start(split, unit_, choices[which][0], len(decay), config.degree, seed)
        for unit_, which in zip(unit, candidate, strict=True)
    ]) if len(unit) else np.zeros((0, 2 * len(decay) + config.degree + 3))  # fmt: skip
    soft = np.array([choices[which][1] for which in candidate], np.float64)
    ridge = np.array([choices[which][2] for which in candidate], np.float64)
    anchor = start_anchor(theta, len(decay))
    theta[:, ~free] = anchor[:, ~free]
    bounds = np.log(split.gamma_robust[unit])[:, None] + np.log([config.gamma_least, config.gamma_most])
    losses = np.zeros((0, len(unit)))
    if config.warm_up and len(unit):
        theta, losses = _warm(own, unit, theta, sigma, decay, ridge, split.sizes.bin_ms, config, train, free)
        theta[:, -1] = np.clip(theta[:, -1], bounds[:, 0], bounds[:, 1])
    loss, evaluations = descended(
        own, units, unit, theta, sigma, decay, config.feedback, split.sizes.bin_ms, soft, ridge, anchor, bounds, free
    )
    ratio, validated, trained = (np.full(len(unit), np.nan) for _ in range(3))
    for one in units:
        rows, found = unit == one, validation.windows(split, one)
        ratio[rows], validated[rows] = validation.measure(
            found, theta[rows], sigma[rows], decay, config.feedback, split.sizes.bin_ms
        )
        trained[rows] = logged(sequences[one], theta[rows], sigma[rows], decay, config.feedback, split.sizes.bin_ms)
    by = ratio if config.chosen_by == "evr" else -validated
    by = np.where(np.isnan(by), -loss, by)
    return Outcome(
        unit, candidate, theta, sigma, ridge, soft, trained, validated, ratio,
        evaluations + len(losses), np.full(len(unit), len(losses)), best(unit, by, np.isfinite(loss)),
        losses.T.copy(), np.full((len(unit), len(losses)), np.nan),
    )  # fmt: skip


def _free(parts: Many[str], terms: int, degree: int) -> np.ndarray:
    """Return which parameters belong to some parts, (parameters,) bool."""
    return np.repeat([part in parts for part in PARTS], [terms, terms, degree + 3])


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
    sequences: list[Sequence], theta: np.ndarray, sigma: np.ndarray, decay: np.ndarray, feedback: float, bin_ms: int
) -> np.ndarray:
    """Return the loss that the published protocol logs, (rows,): of a bin, as the mean over stimuli."""
    losses: dict[int, Any] = {}
    weights: dict[int, float] = {}
    for one, rates in zip(sequences, rates_of(sequences, theta, sigma, decay, feedback), strict=True):
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
    own: list[Sequence], unit: np.ndarray, theta: np.ndarray, sigma: np.ndarray, decay: np.ndarray, ridge: np.ndarray,
    bin_ms: int, config: Any, train: Train, free: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    rows = len(unit)
    plan = descent.Plan(
        sigma, decay, config.feedback, bin_ms, np.full(rows, WARM_RATE), free,
        np.ones((2, rows)), np.zeros(rows), ridge, WARM_EPS,
    )  # fmt: skip
    state = train(lay_out(own, unit), lay_out([], unit), plan, descent.State.begin(theta), config.warm_up)
    return state.theta.copy(), state.losses


def descended(
    own: list[Sequence], units: np.ndarray, unit: np.ndarray, theta: np.ndarray, sigma: np.ndarray, decay: np.ndarray,
    feedback: float, bin_ms: int, soft: np.ndarray, ridge: np.ndarray, anchor: np.ndarray, bounds: np.ndarray,
    free: np.ndarray, continuation: tuple[float, ...] = CONTINUATION,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Descend by Levenberg-Marquardt, theta in place; return losses with penalties, and evaluations, (rows,) each."""
    place = {int(one): at for at, one in enumerate(units)}
    moved = [Sequence(place[one.unit], one.current, one.counts, one.weight) for one in own]
    loss, evaluations = np.full(len(unit), np.inf), np.zeros(len(unit), np.int64)
    if len(unit) == 0:
        return loss, evaluations
    tape = second_order.Tape.of(moved, len(units), decay).arrays()
    penalties = np.repeat(ridge[:, None], theta.shape[1], axis=1)
    for eps in continuation:
        last = eps == continuation[-1]
        taken = np.flatnonzero((soft < eps) | last)
        some, found, count = theta[taken], loss[taken], evaluations[taken]
        second_order.descend(
            tape, np.array([place[int(unit[row])] for row in taken], np.int64), some, sigma[taken], len(decay),
            float(feedback), float(bin_ms), eps, max(eps, FLOOR), soft[taken], free, penalties[taken], anchor[taken],
            bounds[taken], EVALUATIONS, TOLERANCE if last else COARSE, found, count,
        )  # fmt: skip
        theta[taken], loss[taken], evaluations[taken] = some, found, count
    return loss, evaluations
