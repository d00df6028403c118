"""What behaviour can be read out of rates: the benchmark's velocity as its judge does, any other variable by itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raysp.config.experiment import STANDIN
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import TrialArrays
from raysp.errors import BadInput, present
from raysp.evaluation.nlb import INTERVAL_DATASETS, is_velocity
from raysp.evaluation.observed import observed
from raysp.evaluation.score import Score
from raysp.evaluation.velocity import Decoded, decode

BEHAVIOR = "behavior R2"

MEAN_R2 = "behavior R2, mean over variables"


@dataclass(frozen=True)
class Decoding:
    """One regression of behaviour on rates: what is scored, and what is drawn.

    Attributes:
        variables: which of the behaviour's variables.
        found: the decoded behaviour; None where it could not be fitted or scored.
        reason: why not.
    """

    variables: tuple[int, ...]
    found: Decoded | None
    reason: str | None = None

    @property
    def r2(self) -> np.ndarray:
        """(variables,) R2 of each variable, averaged over decoders; nan where there is none."""
        return np.full(len(self.variables), np.nan) if self.found is None else self.found.r2.mean(axis=0)


def decodings(
    dataset: str, train: TrialArrays, known: TrialArrays, train_rates: np.ndarray, rates: np.ndarray
) -> list[Decoding]:
    """Decode every variable of behaviour, of bins or of trials; none where the benchmark has a score of its own for it.

    The two velocities of a recording of the benchmark are decoded together, over the bins in which the first is known:
    the benchmark's definition. Of any other recording each variable is decoded by itself, over the bins in which it is
    known and spikes were recorded; one that is known trial by trial, from each trial's mean rates.

    Args:
        dataset: the recording's name.
        train: the training trials with their behaviour.
        known: the evaluation trials with theirs.
        train_rates: (training trials, bins, units) predicted expected spikes per bin.
        rates: (evaluation trials, bins, units) likewise.
    """
    if train.behavior is None or known.behavior is None or dataset.removeprefix(STANDIN) in INTERVAL_DATASETS:
        return []
    together = is_velocity(dataset, known.behavior)
    if train.behavior.ndim == known.behavior.ndim == 2:
        train_rates, rates = _means(train, train_rates), _means(known, rates)
        train, known = _of_one_bin(train), _of_one_bin(known)
    elif present(train.behavior).ndim == present(known.behavior).ndim == 3 and not together:
        train, known = reaching(train, 0), reaching(known, 0)
    if present(train.behavior).ndim != 3 or present(known.behavior).ndim != 3:
        return []
    groups = [(0, 1)] if together else [(variable,) for variable in range(present(known.behavior).shape[2])]
    return [_decoding(group, train, known, train_rates, rates) for group in groups]


def decode_variables(
    train: TrialArrays, known: TrialArrays, train_rates: np.ndarray, rates: np.ndarray
) -> list[Decoding]:
    """Decode each variable of behaviour (trials, bins, variables) by itself, over the bins in which it is known."""
    variables = range(present(known.behavior).shape[2])
    return [_decoding((variable,), train, known, train_rates, rates) for variable in variables]


def reaching(trials: TrialArrays, history: int) -> TrialArrays:
    """Return trials whose behaviour of bins is unknown, NaN, where the bin, or one of so many before it, has no counts.

    Counts are masked after a shorter trial's end, where arrays of behaviour may be filled with anything.
    """
    behavior = present(trials.behavior).astype(np.float64)
    # Bins may be masked before a trial's begin and within it, too, not only after its end.
    masked = np.isnan(trials.heldin).all(axis=2)
    there = np.ones(behavior.shape[:2], dtype=bool) if trials.jitter is not None else ~masked
    whole = np.zeros_like(there)
    whole[:, history:] = np.lib.stride_tricks.sliding_window_view(there, history + 1, axis=1).all(axis=2)
    return dataclasses.replace(trials, behavior=np.where(whole[:, :, None], behavior, np.nan))


def behavior_scores(found: Sequence[Decoding], names: Sequence[str]) -> list[Score]:
    """Return the scores of variables that were decoded each by itself, and their mean under a name that says so.

    Args:
        found: of each variable.
        names: of the behaviour's variables.
    """
    if not found:
        return []
    each = [
        Score(BEHAVIOR, None if one.found is None else float(one.r2[0]), one.reason, names[one.variables[0]])
        for one in found
    ]
    values = [one.value for one in each if one.value is not None]
    left_out = f"{len(each) - len(values)} of {len(each)} variables have no R2" if len(values) < len(each) else None
    return [*each, Score(MEAN_R2, float(np.mean(values)) if values else None, left_out)]


def variables_of(provenance: Provenance, count: int) -> list[tuple[str, str]]:
    """Return name and unit of each of `count` variables of behaviour; "variable 0" and no unit where none is named."""
    known = [*provenance.behavior]
    return known if len(known) == count else [(f"variable {index}", "") for index in range(count)]


def _means(trials: TrialArrays, rates: np.ndarray) -> np.ndarray:
    """Return (trials, 1, units) the mean rates of each trial over the bins that were observed."""
    there = observed(trials)
    return np.asarray(
        rates.mean(axis=1, keepdims=True, dtype=np.float64, where=True if there is None else there[:, :, None])
    )


def _of_one_bin(trials: TrialArrays) -> TrialArrays:
    return dataclasses.replace(trials, behavior=present(trials.behavior)[:, None, :])


def _decoding(
    group: tuple[int, ...], train: TrialArrays, known: TrialArrays, train_rates: np.ndarray, rates: np.ndarray
) -> Decoding:
    columns = list(group)
    try:
        found = decode(
            train_rates,
            present(train.behavior)[..., columns],
            rates,
            present(known.behavior)[..., columns],
            train.decode_mask,
            known.decode_mask,
        )
    except (BadInput, IndexError) as reason:
        return Decoding(group, None, str(reason))
    return Decoding(group, found)
