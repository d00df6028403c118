"""Spikes with known rates in the HDF5 layout of LFADS: synthetic benchmarks such as the Lorenz system's.

The layout: train_data and valid_data (trials, bins, neurons) counts; train_truth and valid_truth, the rates they were
drawn from, in a unit of which `conversion_factor` make one expected spike per bin. Optional: train_inds and valid_inds,
the trials' original numbers (from 0, or from 1 as MATLAB writes them), and n_trials_per_init_cond.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Literal

import numpy as np

from raysp import files
from raysp.config import STANDIN
from raysp.data import count_file, partition
from raysp.data.partition import Whole
from raysp.data.split import PopulationSplit, Provenance, Targets
from raysp.errors import BadInput

VERSION = "lorenz-1"


@dataclass(frozen=True)
class Config:
    """How an LFADS file becomes a split. Its valid part is the evaluation part.

    Attributes:
        path: the file; "{root}/..." is below the data root.
        bin_ms: width of a bin, ms; the file does not say.
        conversion_factor: expected spikes per bin = truth / conversion_factor; None takes the file's. A file without
            one needs it here, e.g. 100 where truth is in Hz and bins are 10 ms.
        heldout: neurons hidden by a seeded draw, for co-smoothing; 0 for none.
        forward: last bins of each trial (or window) that must be predicted, bins.
        trial_length: trials are cut into windows of so many bins, the remainder dropped; 0 keeps them whole.
        split: "reference" keeps the file's parts; "conditions" hides whole conditions, drawn by the seed.
        trials_per_condition: trials number k * this to (k + 1) * this - 1 are condition k; None takes the file's.
        eval_fraction: of the conditions, hidden; used by split "conditions".
        seed: of the draws.
    """

    path: str
    bin_ms: float
    conversion_factor: float | None = None
    heldout: int = 0
    forward: int = 0
    trial_length: int = 0
    split: Literal["reference", "conditions"] = "reference"
    trials_per_condition: int | None = None
    eval_fraction: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("bin_ms", "conversion_factor", "trials_per_condition"):
            value = getattr(self, name)
            if value is not None and not 0 < value < np.inf:
                raise BadInput(f"lorenz, {name} expected a number > 0, got {value}")
        for name in ("heldout", "forward", "trial_length", "seed"):
            if getattr(self, name) < 0:
                raise BadInput(f"lorenz, {name} expected a number >= 0, got {getattr(self, name)}")
        if not 0 < self.eval_fraction < 1:
            raise BadInput(f"lorenz, eval_fraction expected a number between 0 and 1, got {self.eval_fraction}")


@dataclass(frozen=True)
class _Read:
    counts: np.ndarray
    rates: np.ndarray
    number: np.ndarray | None
    valid: np.ndarray
    per_condition: int | None


def inputs(config: Config) -> list[str]:
    """Return the paths of the recordings that are read."""
    return [config.path]


def build(config: Config, name: str) -> tuple[PopulationSplit, Targets]:
    """Make a split of an LFADS file, with the true rates, and its answers.

    Args:
        config: how it is cut.
        name: of the split; "standin-" in front when the data were generated to stand in for others.

    Raises:
        BadInput: an array is missing or does not fit the others, or the unit of the truth is not known.
    """
    where = os.path.basename(config.path)
    read = _read(config, where)
    condition = _conditions(read, config, where)
    valid = read.valid if config.split == "reference" else _whole_conditions(condition, config, where)
    whole = Whole(read.counts, rates=read.rates, condition=condition)
    whole, source = cut_windows(whole, config.trial_length, where)
    if config.forward >= whole.counts.shape[1]:
        raise BadInput(f"{where}: forward {config.forward} leaves none of {whole.counts.shape[1]} bins to observe")
    whole = dataclasses.replace(whole, forward=config.forward)
    neurons = whole.counts.shape[2]
    hidden = partition.how_many(neurons, config.heldout, 0.0, "neurons", where)
    heldout = partition.draw(neurons, hidden, config.seed, partition.NEURONS)
    rows = (np.flatnonzero(~valid[source]), np.flatnonzero(valid[source]))
    provenance = Provenance(((where, files.sha256(config.path)),), VERSION, name.startswith(STANDIN))
    return partition.partition(whole, (name, config.bin_ms), heldout, rows, provenance)


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
        BadInput: the trials are shorter than a window.
    """
    trials, bins, _ = whole.counts.shape
    if length == 0:
        return whole, np.arange(trials)
    if length > bins:
        raise BadInput(f"{where}: trial_length expected at most the trials' {bins} bins, got {length}")
    windows = bins // length
    pieces = [slice(k * length, (k + 1) * length) for k in range(windows)]
    condition = None
    if whole.condition is not None:
        groups = whole.condition.max() + 1
        condition = np.concatenate([whole.condition + k * groups for k in range(windows)])
    cut = Whole(
        counts=np.concatenate([whole.counts[:, piece] for piece in pieces]),
        rates=None if whole.rates is None else np.concatenate([whole.rates[:, piece] for piece in pieces]),
        condition=condition,
    )
    return cut, np.tile(np.arange(trials), windows)


def _read(config: Config, where: str) -> _Read:
    with count_file.arrays(config.path) as (names, read):
        counts = [
            count_file.checked_counts(read(f"{part}_data"), f"{where}: {part}_data") for part in ("train", "valid")
        ]
        factor = _factor(config, read("conversion_factor") if "conversion_factor" in names else None, where)
        rates = [
            count_file.checked_rates(read(f"{part}_truth"), array.shape, 1.0 / factor, f"{where}: {part}_truth")
            for part, array in zip(("train", "valid"), counts, strict=True)
        ]
        numbered = "train_inds" in names and "valid_inds" in names
        number = np.concatenate([read("train_inds").ravel(), read("valid_inds").ravel()]) if numbered else None
        given = int(read("n_trials_per_init_cond").item()) if "n_trials_per_init_cond" in names else None
    if counts[0].shape[1:] != counts[1].shape[1:]:
        raise BadInput(f"{where}: expected parts of one shape, got {counts[0].shape} and {counts[1].shape}")
    valid = np.repeat([False, True], [len(part) for part in counts])
    number = None if number is None else _numbers(number, len(valid), where)
    return _Read(np.concatenate(counts), np.concatenate(rates), number, valid, config.trials_per_condition or given)


def _factor(config: Config, found: np.ndarray | None, where: str) -> float:
    given = config.conversion_factor
    if found is None:
        if given is None:
            raise BadInput(
                f"{where} does not say what its truth means: set conversion_factor so that truth / conversion_factor "
                "is expected spikes per bin (100 for Hz and bins of 10 ms)"
            )
        return given
    if found.size != 1 or not 0 < found.item() < np.inf:
        raise BadInput(f"{where}: conversion_factor expected one number > 0, got {found}")
    if given is not None and not np.isclose(given, found.item()):
        raise BadInput(f"{where} holds conversion_factor {found.item()}, the settings say {given}; leave it out there")
    return float(found.item())


def _numbers(number: np.ndarray, trials: int, where: str) -> np.ndarray:
    number = number - (1 if number.size and number.min() > 0 else 0)
    if not np.array_equal(np.sort(number), np.arange(trials)):
        raise BadInput(f"{where}: train_inds and valid_inds expected each of {trials} trials exactly once")
    return number


def _conditions(read: _Read, config: Config, where: str) -> np.ndarray | None:
    if read.per_condition is None:
        return None
    if read.number is None:
        if config.trials_per_condition is None:
            return None
        raise BadInput(f"{where}: trials_per_condition needs train_inds and valid_inds, which the file lacks")
    return (read.number // read.per_condition).astype(np.int64)


def _whole_conditions(condition: np.ndarray | None, config: Config, where: str) -> np.ndarray:
    if condition is None:
        raise BadInput(f"{where}: split 'conditions' needs train_inds, valid_inds and the trials per condition")
    total = int(condition.max()) + 1
    count = partition.how_many(total, None, config.eval_fraction, "conditions", where)
    return np.isin(condition, partition.draw(total, count, config.seed, partition.CONDITIONS))
