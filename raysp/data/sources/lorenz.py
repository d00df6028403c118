"""Spikes with known rates in the HDF5 layout of LFADS: synthetic benchmarks such as the Lorenz system's.

The layout: train_data and valid_data (trials, bins, units) counts; train_truth and valid_truth, the rates they were
drawn from, in a unit of which `conversion_factor` make one expected spike per bin. Optional: train_inds and valid_inds,
the trials' original numbers (from 0, or from 1 as MATLAB writes them), n_trials_per_init_cond, and train_lowd and
valid_lowd, the system's own state (trials, bins, dimensions).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np

from raysp.config.experiment import STANDIN
from raysp.config.ranges import Count, Positive
from raysp.data.formats import count_file, plausibility
from raysp.data.sources.known_truth import Cut, cut
from raysp.data.sources.partition import UNNUMBERED, Whole
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.errors import BadInput
from raysp.io import files

VERSION = "lorenz-3"
PER_CONDITION = "n_trials_per_init_cond"
PARTS = ("train", "valid")


@dataclass(frozen=True)
class Config(Cut):
    """How an LFADS file becomes a split. Its valid part is the evaluation part of split "reference".

    Attributes:
        path: the file; "{root}/..." is below the data root.
        bin_ms: width of a bin, ms; the file does not say.
        conversion_factor: expected spikes per bin = truth / conversion_factor; None takes the file's. A file without
            one needs it here, e.g. 100 where truth is in Hz and bins are 10 ms.
        trials_per_condition: trials number k * this to (k + 1) * this - 1 are condition k; None takes the file's.
        accept: what is doubted about the file, and meant so: names of doubts, see `raysp.data.formats.plausibility`.
    """

    path: str = field(kw_only=True)
    bin_ms: Positive = field(kw_only=True)
    conversion_factor: Positive | None = None
    trials_per_condition: Count | None = None
    accept: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        plausibility.check_accept(self.accept, "lorenz")


@dataclass(frozen=True)
class _Read:
    counts: np.ndarray
    rates: np.ndarray
    states: np.ndarray | None
    ids: np.ndarray
    number: np.ndarray | None
    valid: np.ndarray
    per_condition: int | None


def build(config: Config, name: str) -> tuple[PopulationSplit, Answers]:
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
    doubts = [*plausibility.of_arrays(read.counts, read.rates, config.bin_ms)]
    notes = plausibility.settle(doubts, config.accept, f"{where}: train_data")
    whole = Whole(read.counts, 0, read.rates, condition, None, read.states, notes, read.ids)
    provenance = Provenance(((where, files.sha256(config.path)),), VERSION, name.startswith(STANDIN))
    return cut(whole, read.valid, config, (name, config.bin_ms), where, provenance)


def _read(config: Config, where: str) -> _Read:
    with count_file.arrays(config.path) as file:

        def both(what: str) -> list[np.ndarray] | None:
            names = [f"{part}_{what}" for part in PARTS]
            return [file.read(name) for name in names] if {*names} <= {*file.names} else None

        counts = [count_file.checked_counts(file.read(f"{part}_data"), f"{where}: {part}_data") for part in PARTS]
        factor = _factor(config, file.read("conversion_factor") if "conversion_factor" in file.names else None, where)
        rates = [
            count_file.checked_rates(file.read(f"{part}_truth"), array.shape, 1.0 / factor, f"{where}: {part}_truth")
            for part, array in zip(PARTS, counts, strict=True)
        ]
        states, given = both("lowd"), both("inds")
        per_condition = _per_condition(file.read(PER_CONDITION), where) if PER_CONDITION in file.names else None
    if counts[0].shape[1:] != counts[1].shape[1:]:
        raise BadInput(f"{where}: expected parts of one shape, got {counts[0].shape} and {counts[1].shape}")
    valid = np.repeat([False, True], [len(part) for part in counts])
    ids, number = (UNNUMBERED, None) if given is None else _numbers(given, len(valid), where)
    per_condition = config.trials_per_condition or per_condition
    return _Read(
        np.concatenate(counts), np.concatenate(rates), _states(states, counts, where), ids, number, valid, per_condition
    )


def _per_condition(array: np.ndarray, where: str) -> int:
    found = count_file.one_number(array, f"{where}: {PER_CONDITION}")
    if found % 1:
        raise BadInput(f"{where}: {PER_CONDITION} expected a whole number, got {found}")
    return int(found)


def _states(states: list[np.ndarray] | None, counts: list[np.ndarray], where: str) -> np.ndarray | None:
    if states is None:
        return None
    for part, array, other in zip(PARTS, states, counts, strict=True):
        count_file.check_numbers(array, f"{where}: {part}_lowd")
        if array.ndim != 3 or array.shape[:2] != other.shape[:2] or not (np.abs(array) <= count_file.LARGEST).all():
            told = f"{where}: {part}_lowd expected finite states of shape ({len(other)}, {other.shape[1]}, dimensions)"
            raise BadInput(f"{told}, got {array.shape}")
    return np.concatenate(states).astype(np.float32)


def _factor(config: Config, found: np.ndarray | None, where: str) -> float:
    given = config.conversion_factor
    if found is None:
        if given is None:
            raise BadInput(
                f"{where} does not say what its truth means: set conversion_factor so that truth / conversion_factor "
                "is expected spikes per bin (100 for Hz and bins of 10 ms)"
            )
        return given
    told = count_file.one_number(found, f"{where}: conversion_factor")
    if given is not None and not np.isclose(given, told):
        raise BadInput(f"{where} holds conversion_factor {told}, the settings say {given}; leave it out there")
    return told


def _numbers(parts: list[np.ndarray], trials: int, where: str) -> tuple[np.ndarray, np.ndarray]:
    given = np.concatenate([part.ravel() for part in parts])
    count_file.check_numbers(given, f"{where}: train_inds and valid_inds")
    number = given - (1 if given.size and given.min() > 0 else 0)
    if not np.array_equal(np.sort(number), np.arange(trials)):
        raise BadInput(f"{where}: train_inds and valid_inds expected each of {trials} trials exactly once")
    return given.astype(np.int64), number.astype(np.int64)


def _conditions(read: _Read, config: Config, where: str) -> np.ndarray | None:
    if read.per_condition is None or (read.number is None and config.trials_per_condition is None):
        return None
    if read.number is None:
        raise BadInput(f"{where}: trials_per_condition needs train_inds and valid_inds, which the file lacks")
    return read.number // read.per_condition
