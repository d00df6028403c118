"""The few numbers worth watching while a model trains, on its validation trials."""

from __future__ import annotations

from collections.abc import Callable

from raysp.data.splits.population import TrialArrays
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.evaluation.nlb import measures_of_counts
from raysp.evaluation.rates import measures_of_truth, roughness
from raysp.evaluation.score import scores
from raysp.models.prediction import Predicted


def live_metrics(prediction: Predicted, trials: TrialArrays) -> dict[str, float]:
    """Return what the known counts allow: co-bps, fp-bps, reconstruction bits/spike, true-rate R2.

    Args:
        prediction: rates of the validation trials, (trials, bins, units), held-in units first.
        trials: the validation trials.

    Returns:
        "co-bps" over held-out units (these were not in the input), "fp-bps" over the bins after the observed ones,
        "reconstruction bits/spike" over held-in units (these were the input); where truth is known, "true-rate R2",
        and the "roughness" of the predicted rates.
    """
    wanted = live_measures(prediction, trials)
    if trials.rates is not None:
        of_truth = measures_of_truth(prediction.rates, trials.rates[:, : trials.heldin.shape[1]])
        wanted["true-rate R2"] = of_truth["true-rate R2"]
        wanted["roughness"] = lambda: roughness(prediction.rates)
    return {one.metric: one.value for one in scores(wanted) if one.value is not None}


def live_measures(found: Predicted, trials: TrialArrays) -> dict[str, Callable[[], float]]:
    """Return the measures of counts among `live_metrics`, each to be computed when it is wanted.

    Args:
        found: rates of the trials, as arrays.
        trials: whose counts are known; what is not known has no measure.
    """
    shown = found.rates[..., : trials.heldin.shape[2]]
    # Another name than co-bps, since copying the input scores high here: it describes and does not predict.
    metrics = {"reconstruction bits/spike": lambda: bits_per_spike(shown, trials.heldin)}
    return metrics | measures_of_counts(trials, found.rates, found.rates_forward)
