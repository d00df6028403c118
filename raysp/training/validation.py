"""Which training trials are set aside to select a model: never evaluation trials, unless that is asked for by name."""

from __future__ import annotations

import numpy as np

from raysp.config.experiment import Training, Trial
from raysp.data.splits.population import TrialArrays
from raysp.errors import BadInput


def validation_mask(trials: TrialArrays, training: Training) -> np.ndarray:
    """Return (trials,) booleans, True for training trials that select the model and train nothing.

    Where the source says which (`trials.validation`), those; else each `validation_every`-th trial of an order drawn
    from `validation_seed`, or of the recorded order when that is None.

    Args:
        trials: a split's training part.
        training: how the model is fitted.

    Raises:
        BadInput: nothing would be left to train or to validate on.
    """
    if trials.validation is not None:
        mask = trials.validation.astype(bool)
    else:
        mask = np.zeros(len(trials), dtype=bool)
        mask[_order(len(trials), training.validation_seed)[:: training.validation_every]] = True
    if mask.all() or not mask.any():
        raise BadInput(
            f"expected training trials to train on and others to validate on, got {len(trials)} trials of which "
            f"{mask.sum()} are for validation; give more trials, or set training.validate_on to eval; models that fit "
            "themselves, such as smoothing, need none"
        )
    return mask


def fitted_mask(trial: Trial, train: TrialArrays) -> np.ndarray:
    """Return (trials,) booleans, True for the training trials that a run's trial was fitted to.

    All of them, or those that did not select the model.
    """
    training = trial.training
    if training is None or training.refit or trial.follows is not None or training.validate_on == "eval":
        return np.ones(len(train), dtype=bool)
    return ~validation_mask(train, training)


def _order(trials: int, seed: int | None) -> np.ndarray:
    return np.arange(trials) if seed is None else np.random.default_rng(seed).permutation(trials)
