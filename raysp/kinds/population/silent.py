"""Units without a spike in training or in evaluation, and what the former cost: rates near zero, and then spikes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from raysp.config.experiment import Training, Trial
from raysp.data.splits.population import Answers, PopulationSplit, TrialArrays
from raysp.data.splits.units import spell_units
from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.evaluation.nlb import forward_counts
from raysp.evaluation.score import Score, score
from raysp.io.words import counted
from raysp.models.prediction import Predicted
from raysp.training.validation import fitted_mask, validation_mask

WITHOUT = "{} without units silent in training"


def silent_scores(trial: Trial, split: PopulationSplit, answers: Answers, found: Predicted) -> list[Score]:
    """Return co-bps and fp-bps without the units that were silent in training and not in evaluation, where there are.

    The note of a score names these units. A unit's rate is learnt from its spikes: of one that had none it is near
    zero, and each spike it has afterwards costs up to 30 bits.

    Args:
        trial: the run's trial.
        split: the data, the trial's units already selected.
        answers: the answers, likewise.
        found: rates of the evaluation trials.
    """
    train, rows = split.train.take(fitted_mask(trial, split.train)), []
    for metric, first, rates, trained, counts in _cases(train, answers.trials, found):
        silent = np.flatnonzero((_spikes(trained) == 0) & (_spikes(counts) > 0))
        if not len(silent):
            continue
        others = np.setdiff1d(np.arange(counts.shape[2]), silent)
        rest = score(WITHOUT.format(metric), partial(_bits_per_spike, rates[..., others], counts[..., others]))
        note = (
            f"{named_units(split, first + silent)} without a spike in the {len(train)} training trials of the fit and "
            f"with {_spikes(counts)[silent].sum():.0f} on the evaluation trials"
        )
        reason = "" if rest.note is None else f"; {rest.note}"
        rows.append(Score(rest.metric, rest.value, note + reason))
    return rows


def unheard(trial: Trial, split: PopulationSplit) -> str | None:
    """Return why validation trials tell no model from another: none are there, or nothing hidden fired; else None.

    Args:
        trial: of a search; what it sets aside.
        split: the trial's units already selected.
    """
    train = split.train
    if len(train) < 2:
        return "of one training trial none can be set aside"
    aside = train.take(validation_mask(train, trial.training or Training()))
    hidden = [counts for counts in (aside.heldout, aside.heldin_forward, aside.heldout_forward) if counts is not None]
    if any(np.nansum(counts) for counts in hidden):
        return None
    return f"nothing that is hidden has a spike in the {counted(len(aside), 'validation trial')}"


def named_units(split: PopulationSplit, indices: Sequence[int] | np.ndarray) -> str:
    """Spell units by the recording's own numbers, by their positions where it has none."""
    chosen = np.asarray(indices, dtype=np.int64)
    if (ids := split.units) is not None:
        # Numbers of a recording may be in any order.
        return f"unit{'s' if len(chosen) > 1 else ''} {spell_units(np.unique(np.asarray(ids)[chosen]))}"
    return f"unit{'s' if len(chosen) > 1 else ''} {spell_units(chosen)} (by position)"


def _cases(
    train: TrialArrays, known: TrialArrays, found: Predicted
) -> Iterator[tuple[str, int, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield (metric, index of the first unit, rates, training counts, evaluation counts) of what can be compared."""
    heldin = known.heldin.shape[2]
    heldout = found.rates.shape[2] - heldin
    if heldout and known.heldout is not None and train.heldout is not None:
        yield "co-bps", heldin, found.rates[..., heldin:], train.heldout, known.heldout
    trained, forward = forward_counts(train, heldout), forward_counts(known, heldout)
    if found.rates_forward is not None and trained is not None and forward is not None:
        yield "fp-bps", 0, found.rates_forward, trained, forward


def _bits_per_spike(rates: np.ndarray, counts: np.ndarray) -> float:
    if not counts.shape[2]:
        raise BadInput("no unit is left")
    return bits_per_spike(rates, counts)


def _spikes(counts: np.ndarray) -> np.ndarray:
    return np.asarray(np.nansum(counts, axis=(0, 1), dtype=np.float64))
