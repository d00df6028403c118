"""The data of one unit of work: trials of a population, which check themselves when built."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from raysp.data.formats.binning import check_counts
from raysp.data.splits.header import Facts, Header, Provenance, Role, digest
from raysp.data.splits.split import Answers as AnyAnswers
from raysp.data.splits.split import Split as AnySplit
from raysp.data.splits.units import spell_units
from raysp.errors import BadInput, present


@dataclass(frozen=True)
class Sizes:
    """What a model must know of the data's shape; nothing of it is ever typed into a configuration.

    Attributes:
        dataset: the recording's name, "standin-" in front when it was generated.
        bin_ms: width of a bin, ms.
        bins: observed bins of a trial.
        heldin: units whose counts are the input.
        heldout: units that must be predicted from the others (co-smoothing).
        forward: bins after the observed ones that must be predicted.
        behavior: behaviour variables; 0 when none were recorded.
    """

    dataset: str
    bin_ms: float
    bins: int
    heldin: int
    heldout: int = 0
    forward: int = 0
    behavior: int = 0

    @property
    def units(self) -> int:
        """Held-in and held-out units together; in every array the held-in ones come first."""
        return self.heldin + self.heldout


@dataclass(frozen=True)
class TrialArrays:
    """One part (training or evaluation) of a population split. Absent arrays are None.

    Counts are spikes per bin, float32; NaN marks a bin in which the unit was not observed.

    Attributes:
        heldin: (trials, bins, heldin) counts of the input units.
        heldout: (trials, bins, heldout) counts of the units to be predicted.
        heldin_forward: (trials, forward, heldin) counts in the bins after the observed ones.
        heldout_forward: (trials, forward, heldout) likewise.
        behavior: (trials, bins, variables), or (trials, variables) where there is one row per trial; NaN allowed.
        condition: (trials,) index of the trial's condition, -1 for none.
        decode_mask: (trials, decoders) True where a trial belongs to a decoder.
        jitter: (trials,) shift of the trial's window, bins.
        rates: (trials, bins + forward, heldin + heldout) true expected spikes per bin, where truth is known.
        states: (trials, bins, dimensions) the generating system's own state, where truth is known.
        validation: (trials,) True for training trials set aside to select a model, where the source says which.
        ids: (trials,) int64 the recording's own number of each trial, its row where the recording numbers none; windows
            cut from one trial share its number.
    """

    heldin: np.ndarray
    heldout: np.ndarray | None = None
    heldin_forward: np.ndarray | None = None
    heldout_forward: np.ndarray | None = None
    behavior: np.ndarray | None = None
    condition: np.ndarray | None = None
    decode_mask: np.ndarray | None = None
    jitter: np.ndarray | None = None
    rates: np.ndarray | None = None
    states: np.ndarray | None = None
    validation: np.ndarray | None = None
    ids: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.heldin)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that are there, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @property
    def recorded(self) -> np.ndarray | None:
        """(trials, bins) False after the end of a shorter trial; None where none is, or windows are jittered."""
        if self.jitter is not None:
            return None
        lasting = ~np.isnan(self.heldin).all(axis=2)
        ended = ~np.logical_or.accumulate(lasting[:, ::-1], axis=1)[:, ::-1]
        return ~ended if ended.any() else None

    def take(self, rows: np.ndarray) -> TrialArrays:
        """Return the given trials (indices, or a mask of (trials,) booleans) in that order."""
        return TrialArrays(**{name: value[rows] for name, value in self.arrays().items()})


COUNTS = ("heldin", "heldout", "heldin_forward", "heldout_forward")


@dataclass(frozen=True)
class PopulationSplit(AnySplit):
    """Training trials, whole, and evaluation trials, of which only what a model may see.

    The evaluation trials' answers (held-out counts, forward bins, behaviour) are `Answers`, kept in a file of their
    own and read by evaluation alone.

    Attributes:
        name: of the split; a selection of units says which.
        sizes: its sizes.
        train: the training trials.
        eval: what a model may see of the evaluation trials; None of what a search sees.
        provenance: where the numbers come from.
        units: (units,) int64 the recording's own number of each, held-in ones first; its row where the
            recording numbers none. None where nobody knows.
        role: what it is there for.

    Raises:
        BadInput: an array has another shape than `sizes` says, counts are negative or not whole, or a part is empty.
    """

    kind: ClassVar[str] = "population"

    name: str
    sizes: Sizes
    train: TrialArrays
    eval: TrialArrays | None
    provenance: Provenance = field(default_factory=Provenance)
    units: np.ndarray | None = None
    role: Role = field(default_factory=Role)

    def __post_init__(self) -> None:
        _check_units(self.units, self.sizes, self.name)
        check_trials(self.train, self.sizes, f"{self.name}, training part")
        if self.eval is not None:
            check_trials(self.eval, self.sizes, f"{self.name}, evaluation part")

    def select(self, units: Sequence[int]) -> PopulationSplit:
        """Return the split with these units only; its name says which.

        Args:
            units: indices into held-in followed by held-out units, strictly increasing; at least one held-in.

        Raises:
            BadInput: an index is out of range, repeated or out of order, or no held-in unit is left.
        """
        chosen, changes = _chosen(self, units)
        return dataclasses.replace(self, **changes, train=chosen(self.train), eval=self.eval and chosen(self.eval))

    def facts(self) -> Facts:
        """Return what the header says of trials, arrays and units."""
        shown = present(self.eval)
        return {
            "trials": {"train": len(self.train), "eval": len(shown)},
            "arrays": tuple(sorted(shown.arrays())),
            "units": None if self.units is None else tuple(self.units.tolist()),
        }

    def fingerprint(self) -> str:
        """Return the SHA-256 of the split's sizes and arrays: what a trial's name takes of its data."""
        units = [] if self.units is None else [("units", self.units)]
        arrays = [*sorted(self.train.arrays().items()), *sorted(present(self.eval).arrays().items()), *units]
        return digest(dataclasses.asdict(self.sizes), arrays)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of both parts by their paths in a file."""
        return {**_below("train", self.train), **_below("eval", self.eval)}

    @classmethod
    def of(cls, header: Header, arrays: Mapping[str, np.ndarray]) -> PopulationSplit:
        """Return the split that a header and its arrays are of."""
        train, evaluation = present(_inside("train", arrays)), _inside("eval", arrays)
        return cls(header.name, header.sizes, train, evaluation, header.provenance, _own_units(header), header.role)

    @staticmethod
    def shown(header: Header, name: str) -> bool:
        """Tell whether a search may see the array of this path: of the training trials, but no behaviour.

        Known true rates are there to be measured against on validation trials. No objective reads them, and what is
        trained never does. Stand-ins come without: theirs are large, and prove nothing.
        """
        hidden = ("behavior", "states", *(("rates",) if header.provenance.standin else ()))
        part, _, array = name.partition("/")
        return part == "train" and array not in hidden


@dataclass(frozen=True)
class Answers(AnyAnswers):
    """The answers of a split's evaluation trials: what held-out scoring needs, never training or tuning.

    A loss has targets, of what a model is shown while it trains; answers are of what it is not shown.

    Attributes:
        name: the split's name.
        trials: the evaluation trials with every array that is known.
        psth: (conditions, bins, units) expected spikes per bin by condition; NaN where there are no data.
        units: as in `PopulationSplit`.
    """

    name: str
    sizes: Sizes
    trials: TrialArrays
    psth: np.ndarray | None = None
    units: np.ndarray | None = None

    def __post_init__(self) -> None:
        _check_units(self.units, self.sizes, f"{self.name}, answers")
        check_trials(self.trials, self.sizes, f"{self.name}, answers", whole=False)
        if self.psth is not None and self.psth.shape[1:] != (self.sizes.bins, self.sizes.units):
            shape = f"(conditions, {self.sizes.bins}, {self.sizes.units})"
            raise BadInput(f"{self.name}: PSTH expected {shape}, got {self.psth.shape}")

    def select(self, units: Sequence[int]) -> Answers:
        """Return the answers for these units only; see `PopulationSplit.select`."""
        chosen, changes = _chosen(self, units)
        psth = None if self.psth is None else self.psth[:, :, check_units(units, self.sizes)]
        return dataclasses.replace(self, **changes, trials=chosen(self.trials), psth=psth)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by their paths in a file."""
        return {**_below("trials", self.trials), **({} if self.psth is None else {"psth": self.psth})}

    @classmethod
    def of(cls, header: Header, arrays: Mapping[str, np.ndarray]) -> Answers:
        """Return the answers to a prepared split from their arrays."""
        trials = present(_inside("trials", arrays))
        return cls(header.name, header.sizes, trials, arrays.get("psth"), _own_units(header))


Split = PopulationSplit


def own_ids(found: np.ndarray | None, count: int) -> np.ndarray:
    """Return a recording's own numbers of its trials or units, (count,) int64; rows where it numbers none."""
    if found is None or found.shape != (count,) or found.dtype.kind not in "iu":
        return np.arange(count)
    return found.astype(np.int64)


def check_units(units: Sequence[int], sizes: Sizes) -> np.ndarray:
    """Return the indices as an array, or raise BadInput when they are not a proper subset; see `select`."""
    chosen = np.asarray(units, dtype=np.int64)
    if chosen.ndim != 1 or chosen.size == 0 or (np.diff(chosen) <= 0).any():
        raise BadInput(f"units expected strictly increasing indices, at least one, got {list(units)[:8]}")
    if chosen[0] < 0 or chosen[-1] >= sizes.units:
        raise BadInput(f"units expected indices 0 to {sizes.units - 1}, got {chosen[0]} to {chosen[-1]}")
    if chosen[0] >= sizes.heldin:
        raise BadInput(f"a subset needs one held-in unit (0 to {sizes.heldin - 1}) as input, got none")
    return chosen


def check_trials(trials: TrialArrays, sizes: Sizes, where: str, *, whole: bool = True) -> None:
    """Check one part against the sizes.

    Args:
        trials: the part.
        sizes: what its shapes must be.
        where: the beginning of the error's sentence.
        whole: counts must be whole numbers or NaN.

    Raises:
        BadInput: see `PopulationSplit`.
    """
    count = len(trials)
    if count == 0:
        raise BadInput(f"{where}: expected at least one trial, got none; check the recording's split column")
    expected = {
        "heldin": (count, sizes.bins, sizes.heldin),
        "heldout": (count, sizes.bins, sizes.heldout),
        "heldin_forward": (count, sizes.forward, sizes.heldin),
        "heldout_forward": (count, sizes.forward, sizes.heldout),
        **dict.fromkeys(("condition", "jitter", "validation", "ids"), (count,)),
        "rates": (count, sizes.bins + sizes.forward, sizes.units),
    }
    for name, array in trials.arrays().items():
        if name in expected and array.shape != expected[name]:
            raise BadInput(f"{where}: {name} expected shape {expected[name]}, got {array.shape}")
        if len(array) != count:
            raise BadInput(f"{where}: {name} expected {count} trials, got {len(array)}")
    for name in COUNTS:
        if (array := getattr(trials, name)) is not None:
            check_counts(array, f"{where}: {name}", whole=whole)
    if trials.rates is not None and not ((trials.rates >= 0) & (trials.rates < np.inf)).all():
        raise BadInput(f"{where}: true rates expected finite spikes per bin >= 0, got NaN, infinite or negative values")
    if trials.behavior is not None and np.isinf(trials.behavior).any():
        raise BadInput(f"{where}: behaviour expected finite values, NaN where unknown, got infinity")
    if trials.states is not None and (trials.states.ndim != 3 or trials.states.shape[:2] != (count, sizes.bins)):
        raise BadInput(f"{where}: states expected shape ({count}, {sizes.bins}, dimensions), got {trials.states.shape}")
    if trials.states is not None and not np.isfinite(trials.states).all():
        raise BadInput(f"{where}: states expected finite values, got NaN or infinity")


def _check_units(units: np.ndarray | None, sizes: Sizes, where: str) -> None:
    if units is not None and units.shape != (sizes.units,):
        raise BadInput(f"{where}: units expected a number for each of {sizes.units} units, got {units.shape}")


def _chosen(
    of: PopulationSplit | Answers, units: Sequence[int]
) -> tuple[Callable[[TrialArrays], TrialArrays], dict[str, Any]]:
    """Return what selects units of trials, and what else changes with them."""
    chosen = check_units(units, of.sizes)
    heldin = chosen[chosen < of.sizes.heldin]
    heldout = chosen[chosen >= of.sizes.heldin] - of.sizes.heldin
    parts = {"heldin": heldin, "heldout": heldout}
    columns = {**parts, **{f"{name}_forward": own for name, own in parts.items()}, "rates": chosen}
    changes = {
        "name": f"{of.name}[{spell_units(chosen)}]",
        "sizes": dataclasses.replace(of.sizes, heldin=len(heldin), heldout=len(heldout)),
        "units": None if of.units is None else of.units[chosen],
    }

    def select(trials: TrialArrays) -> TrialArrays:
        found = trials.arrays().items()
        return TrialArrays(**{name: array[..., columns[name]] if name in columns else array for name, array in found})

    return select, changes


def _below(group: str, trials: TrialArrays | None) -> dict[str, np.ndarray]:
    return {} if trials is None else {f"{group}/{name}": array for name, array in trials.arrays().items()}


def _inside(group: str, arrays: Mapping[str, np.ndarray]) -> TrialArrays | None:
    found = {name.removeprefix(f"{group}/"): array for name, array in arrays.items() if name.startswith(f"{group}/")}
    return TrialArrays(**found) if found else None


def _own_units(header: Header) -> np.ndarray | None:
    return None if header.units is None else np.asarray(header.units, dtype=np.int64)
