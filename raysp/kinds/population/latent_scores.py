"""What a trial's latents, its training, and rates of training trials say of faults of the fit: rows of its scores."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import numpy as np

from raysp.config.experiment import Trial
from raysp.data.splits.population import TrialArrays
from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.evaluation.latent_faults import order_r2, variance_between_trials
from raysp.evaluation.observed import observed
from raysp.evaluation.score import Score, known
from raysp.io import files
from raysp.kinds.population.latents_file import read_latents
from raysp.runs.curve import read_curve
from raysp.runs.folder import TrialFolder
from raysp.training.validation import fitted_mask

ALIKE, ORDER, DIVERGENCE = "latent variance between trials", "trial order R2", "posterior divergence"
TRAINING = "training co-bps"
OF_LATENTS, OF_COUNTS = "latents", "held-in counts"
PART = re.compile(r"validation (.+) KL loss")
"""How a curve names a divergence of a variational model, nats of a trial."""


def latent_scores(trial: Trial, trials: TrialArrays, folder: TrialFolder) -> list[Score]:
    """Return measures of faults that other scores do not show, see `diagnosis`; those that are defined.

    Args:
        trial: whose latents.
        trials: the evaluation trials.
        folder: of the trial.

    Raises:
        BadInput: latents or curve are damaged, or another trial's.
    """
    found = list(_divergences(trial, folder))
    if files.exists(folder.latents):
        found += _of_latents(read_latents(folder.latents, trial=trial)[:, : trials.heldin.shape[1]], trials)
    return found


def training_scores(trial: Trial, train: TrialArrays, rates: np.ndarray) -> list[Score]:
    """Return co-bps of the training trials that the model was fitted to; none where no unit was held out.

    Args:
        trial: whose rates.
        train: all training trials.
        rates: (training trials, bins, units) expected spikes per bin, held-in units first.
    """
    if train.heldout is None or not train.heldout.shape[2]:
        return []
    fitted, heldin, counts = fitted_mask(trial, train), train.heldin.shape[2], train.heldout
    return [known(TRAINING, bits_per_spike(rates[fitted][..., heldin:], counts[fitted]))]


def _of_latents(latents: np.ndarray, trials: TrialArrays) -> Iterator[Score]:
    # What is not defined is no score that anybody asked for.
    with contextlib.suppress(BadInput):
        yield known(ALIKE, variance_between_trials(latents, observed(trials)))
    if trials.ids is None:
        return
    with contextlib.suppress(BadInput):
        values = {OF_LATENTS: _means(latents, observed(trials)), OF_COUNTS: _mean_counts(trials.heldin)}
        found = {name: order_r2(one, trials.ids, trials.condition) for name, one in values.items()}
        yield from (known(ORDER, value, parameter=name) for name, value in found.items())


def _divergences(trial: Trial, folder: TrialFolder) -> Iterator[Score]:
    if not files.exists(folder.curve) or not files.exists(folder.done):
        return
    best = folder.read_done().get("best_epoch")
    row = next((one for one in read_curve(folder.curve, trial) if one["epoch"] == best), {})
    parts = {part[1]: value for name, value in row.items() if value is not None and (part := PART.fullmatch(name))}
    # A part that the model has not, such as inputs without a controller, diverges by exactly nothing.
    there = {name: value for name, value in parts.items() if value != 0} or parts
    yield from (known(DIVERGENCE, value, parameter=name) for name, value in there.items())


def _means(latents: np.ndarray, there: np.ndarray | None) -> np.ndarray:
    if there is None:
        return np.asarray(latents.mean(axis=1, dtype=np.float64))
    return np.asarray(latents.mean(axis=1, dtype=np.float64, where=there[..., None]))


def _mean_counts(counts: np.ndarray) -> np.ndarray:
    """Return (trials, units) mean counts of bins that were observed; of units that a trial has none of, their mean."""
    seen = (~np.isnan(counts)).sum(axis=1)
    means = np.nansum(counts, axis=1, dtype=np.float64) / np.maximum(seen, 1)
    usual = means.sum(axis=0) / np.maximum((seen > 0).sum(axis=0), 1)
    return np.where(seen > 0, means, usual)
