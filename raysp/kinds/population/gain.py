"""A network that gradient descent fitted is set right: a weight against the mean rate, then the gain of each unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from raysp.data.splits.population import PopulationSplit, TrialArrays
from raysp.errors import present
from raysp.evaluation.nlb import forward_counts
from raysp.kinds.population.weights import FORWARD, HELDIN, HELDOUT, chosen_weights, scaling
from raysp.models.calibration import Calibration
from raysp.models.means import expected_counts
from raysp.models.prediction import Predicted
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.predict import predict
from raysp.training.validation import validation_mask

if TYPE_CHECKING:
    from raysp.models.base import Model


def set_right(job: Job, fitted: Fitted, split: PopulationSplit) -> Fitted:
    """Return a fit whose rates have their weights against the mean rate, and as many spikes as were recorded.

    A network that has learnt nothing of use predicts worse than each unit's mean rate, since it is sure of what is not
    so. Its log rates are therefore taken towards the log mean rates as far as the validation trials say, see
    `weights`. And networks are trained on what is hidden from them, and weights move from step to step: what they
    predict with all held-in counts visible is some per cent too much or too little, which a gain of each unit mends.
    The curve's numbers are those before all this, since validation trials are among those that it is fitted to.

    Args:
        job: that fitted it.
        fitted: by gradient descent.
        split: all its training trials count, those that selected the weights included.
    """
    weights = _weights(job, fitted, split.train)
    found, before = _predicted(job, fitted, fitted.model, split), None
    if fitted.selected is not None:
        before = _calibration(_predicted(job, fitted, fitted.selected, split), split, weights)
    calibration = _calibration(found, split, weights)
    return dataclasses.replace(fitted, calibration=calibration, selected_calibration=before)


def _predicted(job: Job, fitted: Fitted, model: Model, split: PopulationSplit) -> Predicted:
    return predict(model, split.train, fitted.device, job.trial.seed)


def _weights(job: Job, fitted: Fitted, train: TrialArrays) -> Mapping[str, float]:
    if job.follow is not None:
        return job.follow.weights
    if fitted.selected_on != "validation":
        return {}
    model = fitted.model if fitted.selected is None else fitted.selected
    aside = validation_mask(train, job.training)

    def of(trials: TrialArrays) -> Predicted:
        return predict(model, trials, fitted.device, job.trial.seed)

    return chosen_weights(of, train.take(~aside), train.take(aside))


def _calibration(found: Predicted, split: PopulationSplit, weights: Mapping[str, float]) -> Calibration:
    train, sizes, forward = split.train, split.sizes, None
    means, forward_means = expected_counts(train, sizes)
    of_place = {place: weights.get(place, 1.0) for place in (HELDIN, HELDOUT, FORWARD)}
    weight = np.repeat([of_place[HELDIN], of_place[HELDOUT]], [sizes.heldin, sizes.heldout])
    counts = np.concatenate([train.heldin, present(train.heldout)], axis=2) if sizes.heldout else train.heldin
    if found.rates_forward is not None and (after := forward_counts(train, sizes.heldout)) is not None:
        forward = scaling(found.rates_forward, after, forward_means, np.full(sizes.units, of_place[FORWARD]))
    return Calibration(scaling(found.rates, counts, means, weight), forward, weights)
