"""How many spikes are predicted for each that was recorded: over all units, of each, by what was hidden."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from raysp.config.experiment import Trial
from raysp.data.splits.population import Answers, TrialArrays
from raysp.evaluation.nlb import forward_counts
from raysp.evaluation.score import Score
from raysp.models.prediction import Predicted
from raysp.training.validation import fitted_mask

RATIO = "predicted / recorded spikes"
OF_TRAINING = ("training trials", "validation trials")


def ratios(answers: Answers, prediction: Predicted) -> list[Score]:
    """Return how many spikes of evaluation trials were predicted for each, over all units and by what was hidden."""
    sums = {name: _sums(*pair).sum(axis=1) for name, pair in _cases(prediction, answers.trials)}
    places: dict[str | None, np.ndarray] = {}
    if sums:
        places[None] = np.sum(list(sums.values()), axis=0)
    return [_ratio(name, *pair) for name, pair in (places | (sums if len(sums) > 1 else {})).items()]


def ratios_of_training(trial: Trial, train: TrialArrays, prediction: Predicted) -> list[Score]:
    """Return the same of training and of validation trials, over all units and of each that had a spike there."""
    fitted, rows = fitted_mask(trial, train), []
    for name, chosen in zip(OF_TRAINING, (fitted, ~fitted), strict=True):
        if not chosen.any():
            continue
        forward = None if prediction.rates_forward is None else prediction.rates_forward[chosen]
        totals = of_units(Predicted(prediction.rates[chosen], forward), train.take(chosen))
        if totals[1].any():
            rows.append(_ratio(name, *totals.sum(axis=1)))
        rows += [
            Score(RATIO, float(predicted / recorded), None, name, unit)
            for unit, (predicted, recorded) in enumerate(totals.T)
            if recorded
        ]
    return rows


def _cases(found: Predicted, known: TrialArrays) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    """Yield what was predicted and what is known, by what was hidden."""
    heldin = known.heldin.shape[2]
    for name, rates, counts in (
        ("held-in units", found.rates[..., :heldin], known.heldin),
        ("held-out units", found.rates[..., heldin:], known.heldout),
        ("forward bins", found.rates_forward, forward_counts(known, found.rates.shape[2] - heldin)),
    ):
        if rates is not None and counts is not None and counts.size:
            yield name, (rates, counts)


def of_units(found: Predicted, known: TrialArrays) -> np.ndarray:
    """Return predicted and recorded spikes of each unit, (2, units), observed and forward bins together."""
    total, heldin = np.zeros((2, found.rates.shape[2])), known.heldin.shape[2]
    place = {"held-in units": slice(None, heldin), "held-out units": slice(heldin, None), "forward bins": slice(None)}
    for name, pair in _cases(found, known):
        total[:, place[name]] += _sums(*pair)
    return total


def _sums(rates: np.ndarray, counts: np.ndarray) -> np.ndarray:
    seen = ~np.isnan(counts)
    return np.stack([one.sum(axis=(0, 1), where=seen, dtype=np.float64) for one in (rates, counts)])


def _ratio(what: str | None, predicted: float, recorded: float) -> Score:
    if recorded == 0:
        return Score(RATIO, None, "no spike was recorded there on the evaluation trials", what)
    return Score(RATIO, float(predicted / recorded), None, what)
