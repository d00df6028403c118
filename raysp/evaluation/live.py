"""The few numbers worth watching while a model trains, on its validation trials."""

from __future__ import annotations

import numpy as np

from raysp.data.split import Trials
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.evaluation.nlb import forward_counts
from raysp.evaluation.rates import against_truth, reconstruction_bits_per_spike, roughness
from raysp.models.prediction import Prediction


def live_metrics(prediction: Prediction, trials: Trials) -> dict[str, float]:
    """Return what the known counts allow: co-bps, fp-bps, reconstruction bits/spike, true-rate R2.

    Args:
        prediction: rates of the validation trials, (trials, bins, neurons), held-in neurons first.
        trials: the validation trials.

    Returns:
        "co-bps" over held-out neurons (these were not in the input), "fp-bps" over the bins after the observed ones,
        "reconstruction bits/spike" over held-in neurons (these were the input); where truth is known, "true-rate R2",
        and the "roughness" of the predicted rates.
    """
    found = prediction.numpy()
    heldin = trials.heldin.shape[2]
    metrics = {}
    if _spikes(trials.heldin):
        rates = found.rates[..., :heldin]
        metrics["reconstruction bits/spike"] = reconstruction_bits_per_spike(rates, trials.heldin)
    if _spikes(trials.heldout):
        metrics["co-bps"] = bits_per_spike(found.rates[..., heldin:], trials.heldout)
    heldout = found.rates.shape[2] - heldin
    if _spikes(forward := forward_counts(trials, heldout)) and found.rates_forward is not None:
        metrics["fp-bps"] = bits_per_spike(found.rates_forward, forward)
    if trials.rates is not None:
        bins = trials.heldin.shape[1]
        metrics["true-rate R2"] = against_truth(found.rates, trials.rates[:, :bins])["true-rate R2"]
        metrics["roughness"] = roughness(found.rates)
    return metrics


def _spikes(counts: np.ndarray | None) -> bool:
    return counts is not None and bool(np.nansum(counts) > 0)
