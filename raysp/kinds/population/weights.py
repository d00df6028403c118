"""How far a network is to be believed against the mean rate: the power of its rates, chosen on validation trials."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from raysp.data.splits.population import TrialArrays
from raysp.evaluation.bits_per_spike import SMALLEST_RATE
from raysp.evaluation.hidden import hidden_entries
from raysp.evaluation.nlb import forward_counts
from raysp.models.calibration import Scaling, powered
from raysp.models.prediction import Predicted
from raysp.objectives.sureness import believed

HELDIN, HELDOUT, FORWARD = "held-in units", "held-out units", "forward bins"
WEIGHT = "weight against the mean rate"
UNCHOSEN = "no validation trial was there to choose it by: the network is believed as it is, and may be below the floor"

BELIEVED = 3.0
"""Spikes that a unit is taken to have had as predicted, beside its own: a gain from very few spikes is near 1."""

MOST = 300
"""Training trials that the gains within the choice are taken from; changes time, and gains by a per cent at most."""

Pair = tuple[np.ndarray, np.ndarray]
"""Rates and counts, each (trials, bins, units), NaN where counts are not known or not asked for."""


def chosen_weights(
    predict: Callable[[TrialArrays], Predicted], fitted: TrialArrays, aside: TrialArrays
) -> dict[str, float]:
    """Return the weight of a network's rates against the mean rates by what is hidden from it.

    That of held-out units, and of forward bins, is chosen by their counts; that of held-in units by counts hidden from
    the input, as `hidden_scores` hides them.

    Args:
        predict: from trials to the network's own rates.
        fitted: the trials that trained it.
        aside: the validation trials.
    """
    before, after = _pairs(predict, fitted.take(np.arange(min(len(fitted), MOST)))), _pairs(predict, aside)
    return {place: chosen_weight(before[place], pair) for place, pair in after.items()}


def chosen_weight(fitted: Pair, aside: Pair) -> float:
    """Return the weight of the lowest Poisson loss of trials that did not train the network, where that is sure.

    Sure are weights at which the loss is below the mean rate's by some standard errors of the difference, see
    `surely_below`: few validation trials flatter some network, and these have chosen its epoch. Where no weight is,
    nothing is known to be better than the mean rate, and the network is given up.

    Args:
        fitted: rates and counts of trials that trained the network: these give mean rates and gains.
        aside: of the trials that decide.
    """
    fired = np.nansum(fitted[1], axis=(0, 1)) > 0
    (before, counts), (rates, asked) = ([array[..., fired] for array in pair] for pair in (fitted, aside))
    known = ~np.isnan(asked)
    means = np.asarray(np.nanmean(counts, axis=(0, 1), dtype=np.float64))
    floor = np.broadcast_to(means, asked.shape)

    def differences(weight: float) -> tuple[np.ndarray, float]:
        own = scaling(before, counts, means, np.full(len(means), weight)).of(rates)
        ratio = np.where(known, np.log(np.maximum(own, SMALLEST_RATE) / floor), 0.0)
        losses = np.where(known, own - floor, 0.0) - np.where(known, asked, 0.0) * ratio
        return losses.sum(axis=(1, 2)), float(np.sqrt((np.where(known, floor, 0.0) * ratio**2).sum()))

    return believed(differences)


def scaling(rates: np.ndarray, counts: np.ndarray, means: np.ndarray, weight: np.ndarray) -> Scaling:
    """Return the scaling of such a weight with which each unit's rates have as many spikes as its counts.

    Args:
        rates: (trials, bins, units) of a network.
        counts: the same shape, NaN where unknown.
        means: (units,) mean counts.
        weight: (units,) of the network.
    """
    known = ~np.isnan(counts)
    predicted, recorded = (
        one.sum(axis=(0, 1), where=known, dtype=np.float64) for one in (powered(rates, means, weight), counts)
    )
    # The mean rate has the recorded spikes already.
    gain = np.where(weight > 0, (recorded + BELIEVED) / (predicted + BELIEVED), 1.0)
    return Scaling(means, weight, gain)


def _pairs(predict: Callable[[TrialArrays], Predicted], trials: TrialArrays) -> Mapping[str, Pair]:
    heldin = trials.heldin.shape[2]
    hidden = hidden_entries(trials.heldin.shape)
    shown = np.where(hidden, np.float32(np.nan), trials.heldin)
    asked = np.where(hidden, trials.heldin, np.float32(np.nan))
    pairs = {HELDIN: (predict(dataclasses.replace(trials, heldin=shown)).rates[..., :heldin], asked)}
    found = predict(trials)
    heldout = found.rates.shape[2] - heldin
    if heldout and trials.heldout is not None:
        pairs[HELDOUT] = found.rates[..., heldin:], trials.heldout
    forward = forward_counts(trials, heldout)
    if found.rates_forward is not None and forward is not None:
        pairs[FORWARD] = found.rates_forward, forward
    return pairs
