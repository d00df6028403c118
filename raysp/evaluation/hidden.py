"""Masked deviance: how well counts hidden from the input are predicted. Copying gains nothing, and no truth is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from raysp.data.splits.population import TrialArrays
from raysp.evaluation.rates import poisson_deviance
from raysp.models.prediction import Predicted

SHARE = 0.25
"""Of the held-in counts that were observed, hidden one by one, whatever a model was trained to tell."""

SEED = 20_210_804


def masked_deviance(predict: Callable[[TrialArrays], Predicted], trials: TrialArrays) -> float:
    """Return the mean Poisson deviance over held-in counts that were hidden; all models meet the same ones.

    A hidden count reaches the model as NaN, like one that was never observed; each model does with it what it does
    with those.

    Args:
        predict: from trials to expected spikes per bin, (trials, bins, units) with held-in units first.
        trials: with (trials, bins, heldin) counts.

    Returns:
        The deviance, nats per count; nan where nothing was observed.
    """
    hidden = hidden_entries(trials.heldin.shape)
    asked = np.where(hidden, trials.heldin, np.nan)
    if np.isnan(asked).all():
        return float("nan")
    shown = np.where(hidden, np.float32(np.nan), trials.heldin)
    rates = predict(dataclasses.replace(trials, heldin=shown)).rates
    return poisson_deviance(rates[..., : shown.shape[2]], asked)


def hidden_entries(shape: tuple[int, int, int]) -> np.ndarray:
    """Return which entries of (trials, bins, heldin) are hidden."""
    return np.random.default_rng(SEED).random(shape, dtype=np.float32) < SHARE
