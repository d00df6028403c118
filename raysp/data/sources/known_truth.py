"""Trials whose true rates are known, cut into a split: windows, forward bins, hidden units, hidden conditions."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from raysp.config.ranges import Between, Natural
from raysp.config.settings import Settings
from raysp.data.sources import odd_units, partition
from raysp.data.sources.partition import Whole
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.errors import BadInput


@dataclass(frozen=True)
class Cut(Settings):
    """How trials become a split.

    Attributes:
        heldout: units hidden by a seeded draw, for co-smoothing; 0 for none.
        forward: last bins of each trial (or window) that must be predicted, bins.
        trial_length: trials are cut into windows of so many bins, which must divide their length; 0 keeps them whole.
        split: "reference" keeps the source's own parts; "conditions" hides whole conditions, drawn by the seed.
        eval_fraction: of the conditions, hidden; used by split "conditions".
        seed: of the draws.
        training_trials: so many are kept, from the first to the last, since trials may be in order of conditions; 0
            keeps all.
    """

    heldout: Natural = 0
    forward: Natural = 0
    trial_length: Natural = 0
    split: Literal["reference", "conditions"] = "reference"
    eval_fraction: Between = 0.2
    seed: Natural = 0
    training_trials: Natural = 0


def cut(
    whole: Whole, valid: np.ndarray, config: Cut, sizes: tuple[str, float], where: str, provenance: Provenance
) -> tuple[PopulationSplit, Answers]:
    """Return the split and its answers.

    Args:
        whole: all trials, with their true rates.
        valid: (trials,) True for the evaluation trials of split "reference".
        config: how they are cut.
        sizes: name of the split, and width of a bin, ms.
        where: the beginning of errors' sentences.
        provenance: where the numbers come from.

    Raises:
        BadInput: a window does not divide the trials, nothing is left to observe, or conditions are not known.
    """
    if config.split == "conditions":
        valid = _whole_conditions(whole.condition, config, where)
    whole, source = cut_windows(whole, config.trial_length, where)
    if config.forward >= whole.counts.shape[1]:
        raise BadInput(f"{where}: forward {config.forward} leaves none of {whole.counts.shape[1]} bins to observe")
    whole = dataclasses.replace(whole, forward=config.forward)
    heldout = partition.hidden_units(whole, config.heldout, 0.0, config.seed, where)
    training = np.flatnonzero(~valid[source])
    count = min(config.training_trials or len(training), len(training))
    kept = training[np.linspace(0, len(training) - 1, count).round().astype(int)]
    rows = (kept, np.flatnonzero(valid[source]))
    return partition.partition(odd_units.noted(whole, heldout, rows, (), where), sizes, heldout, rows, provenance)


def cut_windows(whole: Whole, length: int, where: str) -> tuple[Whole, np.ndarray]:
    """Cut trials into windows: the first windows of all trials, then the second ones, and so on.

    Windows of one condition at different times are different conditions.

    Args:
        whole: the trials.
        length: of a window, bins; 0 keeps the trials whole.
        where: the beginning of the error's sentence.

    Returns:
        The windows, and the (windows,) trial each was cut from.

    Raises:
        BadInput: a window does not divide the trials' length.
    """
    trials, bins, _ = whole.counts.shape
    if length == 0:
        return whole, np.arange(trials)
    if bins % length:
        fit = ", ".join(str(n) for n in range(2, bins + 1) if bins % n == 0)
        raise BadInput(f"{where}: trial_length expected a divisor of the trials' {bins} bins ({fit}), got {length}")
    windows = bins // length
    changed: dict[str, Any] = {
        name: np.concatenate(np.split(array, windows, axis=1))
        for name in ("counts", "rates", "states")
        if (array := getattr(whole, name)) is not None
    }
    if whole.condition is not None:
        groups = whole.condition.max() + 1
        changed["condition"] = np.concatenate([whole.condition + k * groups for k in range(windows)])
    cut = dataclasses.replace(whole, **changed, ids=np.tile(whole.ids, windows))
    return cut, np.tile(np.arange(trials), windows)


def _whole_conditions(condition: np.ndarray | None, config: Cut, where: str) -> np.ndarray:
    if condition is None:
        told = "an LFADS file tells it by train_inds, valid_inds and n_trials_per_init_cond"
        raise BadInput(f"{where}: split 'conditions' needs each trial's condition; {told}")
    total = int(condition.max()) + 1
    count = partition.how_many(total, None, config.eval_fraction, "conditions", where)
    return np.isin(condition, partition.draw(total, count, config.seed, partition.CONDITIONS))
