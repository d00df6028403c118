"""The published protocol: an activation from the steps' first bins, then Adam on stimulus after stimulus."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.models.base import Stages
from raysp.models.gfr import activation, descent, validation
from raysp.models.gfr.groups import TESTS, VALIDATES, published, stimulus
from raysp.models.gfr.lanes import lay_out
from raysp.models.gfr.outcome import Outcome, best
from raysp.models.gfr.parameters import Filters, untrained

if TYPE_CHECKING:
    from raysp.models.gfr.model import Config

SEGMENT = 50
"""Epochs between two places to resume from."""

Train = Callable[..., descent.State]


def fit(
    split: CurrentClampSplit, config: Config, filters: Filters, seed: int, stages: Stages, train: Train = descent.train
) -> Outcome:
    """Fit units: a candidate for each learning rate, chosen by the explained variance of "Noise 1".

    Units without an activation, or without "Noise 1", have none.

    Args:
        split: of the units.
        config: settings of the model.
        filters: of the neurons.
        seed: of orders of groups and of activations, with each unit's number.
        stages: see `models.base`.
        train: what runs Adam.
    """
    decay, functions = filters.decay, _activations(split, config, seed)
    units = np.flatnonzero(np.isfinite(functions.loss) & _validated(split))
    rates = np.array(config.learning_rates, np.float64)
    unit, candidate = np.repeat(units, len(rates)), np.tile(np.arange(len(rates)), len(units))
    start = untrained(functions.poly[unit], functions.threshold[unit], functions.sigma[unit], split.gamma[unit], decay)
    theta = dataclasses.replace(start, feedback=config.feedback).theta()
    groups, held = published(split, seed), stimulus(split, TESTS)
    free = np.zeros(theta.shape[1], bool)
    free[: 2 * len(decay)] = True
    plan = descent.Plan(
        start.sigma, decay, config.feedback, split.sizes.bin_ms, rates[candidate], free,
        np.concatenate([groups.normal, held.normal])[:, unit], np.full(len(unit), config.lasso), np.zeros(len(unit)),
    )  # fmt: skip
    lanes = lay_out(groups.sequences, unit, groups.count), lay_out(held.sequences, unit)
    state = descent.State.begin(theta)
    for done in range(0, config.epochs, SEGMENT):
        count = min(SEGMENT, config.epochs - done)
        state = _segment(stages, f"epoch {done + count}", partial(train, *lanes, plan, state, count))
    return _outcome(split, filters, plan, state, unit, candidate)


def _segment(stages: Stages, name: str, make: Callable[[], descent.State]) -> descent.State:
    kept = stages.once(
        name, lambda: {key: torch.from_numpy(values) for key, values in dataclasses.asdict(make()).items()}
    )
    return descent.State(**{key: values.numpy() for key, values in kept.items()})


def _activations(split: CurrentClampSplit, config: Config, seed: int) -> activation.Activations:
    points = split.first_bins(config.activation_bin_ms)
    return activation.fit(
        points.current, points.rate, np.searchsorted(points.unit, np.arange(split.sizes.units + 1)), split.gamma,
        config.activation_bin_ms, split.unit_ids, seed, config.degree, config.activation_epochs,
        config.activation_starts, second_order=config.activation_second_order,
    )  # fmt: skip


def _validated(split: CurrentClampSplit) -> np.ndarray:
    return np.array([len(validation.published_windows(split, unit)) > 0 for unit in range(split.sizes.units)])


def _outcome(
    split: CurrentClampSplit, filters: Filters, plan: descent.Plan, state: descent.State,
    unit: np.ndarray, candidate: np.ndarray,
) -> Outcome:  # fmt: skip
    ratio, loss = np.full(len(unit), np.nan), np.full(len(unit), np.nan)
    for one in np.unique(unit):
        rows, found = unit == one, validation.published_windows(split, one)
        ratio[rows], loss[rows] = validation.measure(
            found, state.theta[rows], plan.sigma[rows], filters, split.sizes.bin_ms
        )
    epochs = np.where(state.stopped > 0, state.stopped, len(state.losses))
    beyond = np.arange(len(state.losses))[:, None] >= epochs
    return Outcome(
        unit, candidate, state.theta, plan.sigma, plan.lasso, plan.rates, state.losses[-1], loss, ratio, state.steps,
        epochs, best(unit, ratio, np.isfinite(ratio)),
        np.where(beyond, np.nan, state.losses).T.copy(), np.where(beyond, np.nan, state.held_losses).T.copy(),
    )  # fmt: skip


def missing(split: CurrentClampSplit, unit: int, config: Config) -> str:
    """Return why a unit has no fit, going on after "it"."""
    if not np.isfinite(split.gamma[unit]):
        return "has no known highest rate: no sweep has two spikes, or no file says it"
    if not validation.published_windows(split, unit):
        return f"has no sweep of {VALIDATES}"
    if not (split.first_bins(config.activation_bin_ms).unit == unit).any():
        return "has no Long Square sweep, so that its activation cannot be fitted"
    return "came to no activation: the published start divides by the distance of two currents, which is 0"
