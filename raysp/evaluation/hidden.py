"""How counts hidden from the input are predicted: copying gains nothing there, and no truth is read."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable

import numpy as np

from raysp.data.splits.population import TrialArrays
from raysp.errors import BadInput
from raysp.evaluation.latent_faults import own_spike_gain
from raysp.evaluation.rates import poisson_deviance
from raysp.models.prediction import Predicted

SHARE = 0.25
"""Of the held-in counts that were observed, hidden one by one, whatever a model was trained to tell."""

SEED = 20_210_804


def hidden_scores(
    predict: Callable[[TrialArrays], Predicted], trials: TrialArrays, seen: np.ndarray
) -> dict[str, float]:
    """Return what is said of held-in counts that were hidden; all models meet the same ones.

    A hidden count reaches the model as NaN, like one that was never observed; each model does with it what it does
    with those.

    Args:
        predict: from trials to expected spikes per bin, (trials, bins, units) with held-in units first.
        trials: with (trials, bins, heldin) counts.
        seen: (trials, bins, units) what is predicted where nothing is hidden.

    Returns:
        "masked deviance", the mean Poisson deviance, nats per count, nan where nothing was observed; and
        "own-spike gain", see `latent_faults.own_spike_gain`, where it is defined.
    """
    hidden = hidden_entries(trials.heldin.shape)
    asked = np.where(hidden, trials.heldin, np.nan)
    known = ~np.isnan(asked)
    if not known.any():
        return {"masked deviance": float("nan")}
    shown, heldin = np.where(hidden, np.float32(np.nan), trials.heldin), trials.heldin.shape[2]
    rates = predict(dataclasses.replace(trials, heldin=shown)).rates[..., :heldin]
    found = {"masked deviance": poisson_deviance(rates, asked)}
    with contextlib.suppress(BadInput):
        found["own-spike gain"] = own_spike_gain(seen[..., :heldin][known], rates[known], asked[known])
    return found


def hidden_entries(shape: tuple[int, int, int]) -> np.ndarray:
    """Return which entries of (trials, bins, heldin) are hidden."""
    return np.random.default_rng(SEED).random(shape, dtype=np.float32) < SHARE
