"""The gain of each unit by which a network that gradient descent fitted is set right."""

from __future__ import annotations

import torch

from raysp.data.splits.population import TrialArrays
from raysp.kinds.population.calibration import of_units
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.predict import predict

BELIEVED = 3.0
"""Spikes that a unit is taken to have had as predicted, beside its own: a gain from very few spikes is near 1."""


def set_right(job: Job, fitted: Fitted, train: TrialArrays) -> None:
    """Give a network the gain of each unit with which it predicts as many spikes of training trials as were recorded.

    Networks are trained on what is hidden from them, and weights move from step to step: what they predict with all
    held-in counts visible is some per cent too much or too little. Models without a `gain` are left as they are. The
    curve's numbers are those before it, since validation trials are among those that it is fitted to.

    Args:
        job: that fitted it.
        fitted: its model is changed in place.
        train: all training trials, those that selected the weights included.
    """
    if not isinstance(gain := getattr(fitted.model, "gain", None), torch.Tensor):
        return
    totals = of_units(predict(fitted.model, train, fitted.device, job.trial.seed), train)
    found = (totals[1] + BELIEVED) / (totals[0] + BELIEVED)
    gain.copy_(torch.as_tensor(found))
