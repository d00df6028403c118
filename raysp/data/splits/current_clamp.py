"""The data kind "current_clamp": cells with currents injected through a pipette, sweep by sweep, and their spikes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from raysp.data.splits.clamp_checks import check
from raysp.data.splits.header import Facts, Header, Provenance, Role, digest
from raysp.data.splits.split import Split as AnySplit
from raysp.data.splits.units import chosen_units, spell_units
from raysp.errors import BadInput

if TYPE_CHECKING:
    from raysp.data.splits.sealed import Stored

METADATA = ("species", "line", "dendrite", "layer")
PARTS = ("train", "validation", "test")
STEPS = "Long Square"
"""The stimulus of current steps."""

SWEEPS = ("current_ptr", "sweep_ptr", "sweep_unit", "sweep_current", "sweep_stimulus", "sweep_parts")
TABLES = ("gamma", "gamma_robust", *SWEEPS)

TEST = "test/"
"""Begins the paths of what only the test part has."""


@dataclass(frozen=True)
class CurrentClampSizes:
    """What a model must know of the data's shape.

    Attributes:
        dataset: the recording's name, "standin-" in front when it was generated.
        bin_ms: width of a bin, ms.
        units: cells.
    """

    dataset: str
    bin_ms: int
    units: int


@dataclass(frozen=True)
class FirstBins:
    """What each step begins with, by unit: the points that activation functions are fitted to.

    Attributes:
        unit: (points,) int32 index of the unit, ascending.
        current: (points,) float64 mean current, pA.
        rate: (points,) float64 spikes per ms.
    """

    unit: np.ndarray
    current: np.ndarray
    rate: np.ndarray


@dataclass(frozen=True)
class CurrentClampSplit(AnySplit):
    """Currents and spike counts of cells, sweep by sweep, at one bin width.

    Sweeps stand unit by unit, as do currents. Repeats of one current, equal to the bit or by protocol, share it; bins
    of a sweep are those of its current. Flat arrays hold one sweep after the other; sweep s has the counts
    `counts[sweep_ptr[s]:sweep_ptr[s + 1]]`, current c the values `current[current_ptr[c]:current_ptr[c + 1]]`.

    Attributes:
        name: of the split; a selection of units says which.
        sizes: its sizes.
        unit_ids: (units,) int64 the recording's own numbers of cells, strictly increasing.
        gamma: (units,) float64 highest rate, spikes/ms, as published: one over the shortest interval between two spikes
            of any sweep, test sweeps and stimuli that are not here included; NaN where no sweep has two spikes.
        gamma_robust: (units,) float64 highest rate, spikes/ms, of the training part alone; see `formats.highest_rate`.
        metadata: "species", "line", "dendrite" and "layer" -> one text per unit, empty where unknown.
        stimuli: names of stimuli.
        current: float32 pA, bins of the distinct currents.
        current_ptr: (currents + 1,) int64.
        counts: uint16 spikes per bin of the sweeps.
        sweep_ptr: (sweeps + 1,) int64.
        sweep_unit: (sweeps,) int32 index of the unit.
        sweep_current: (sweeps,) int32 index of the current.
        sweep_stimulus: (sweeps,) int8 index of the stimulus.
        sweep_parts: (sweeps, 2) int32 a and b: bins before a train, from a to b validate, from b on test.
        left_out: (unit number, reason) of units that cannot be used; a reason goes on after "it".
        provenance: where the numbers come from.
        role: what it is there for.

    Raises:
        BadInput: arrays do not fit each other, a current is not finite, unit numbers are not strictly increasing, a
            unit has no bin to train on, or sweeps of one current are shown to different bins.
    """

    kind: ClassVar[str] = "current_clamp"
    by_unit: ClassVar[bool] = True

    name: str
    sizes: CurrentClampSizes
    unit_ids: np.ndarray
    gamma: np.ndarray
    gamma_robust: np.ndarray
    metadata: Mapping[str, tuple[str, ...]]
    stimuli: tuple[str, ...]
    current: np.ndarray
    current_ptr: np.ndarray
    counts: np.ndarray
    sweep_ptr: np.ndarray
    sweep_unit: np.ndarray
    sweep_current: np.ndarray
    sweep_stimulus: np.ndarray
    sweep_parts: np.ndarray
    left_out: tuple[tuple[int, str], ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    role: Role = field(default_factory=Role)

    def __post_init__(self) -> None:
        check(self, METADATA)

    @property
    def sweep_bins(self) -> np.ndarray:
        """Bins of each sweep, (sweeps,) int64."""
        return np.diff(self.sweep_ptr)

    def bins_of(self, part: str) -> int:
        """Return how many bins a part has, all sweeps together."""
        first, last = self.edges(part)
        return int((last - first).sum())

    def edges(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the first bin of a part in each sweep, and the bin after its last, (sweeps,) each; equal for none."""
        edges = np.column_stack([np.zeros(len(self.sweep_parts), np.int64), self.sweep_parts, self.sweep_bins])
        place = PARTS.index(part)
        return edges[:, place], edges[:, place + 1]

    def sweeps_of(self, unit: int, stimulus: str | None = None) -> np.ndarray:
        """Return the sweeps of the unit of this index, in the recording's order; of one stimulus, or of all."""
        first, last = np.searchsorted(self.sweep_unit, [unit, unit + 1])
        sweeps = np.arange(first, last)
        if stimulus is None:
            return sweeps
        known = self.stimuli.index(stimulus) if stimulus in self.stimuli else -1
        return sweeps[self.sweep_stimulus[sweeps] == known]

    def current_of(self, sweep: int) -> np.ndarray:
        """Return a sweep's current, (bins,) pA, a view."""
        first = self.sweep_current[sweep]
        return self.current[self.current_ptr[first] : self.current_ptr[first + 1]]

    def counts_of(self, sweep: int) -> np.ndarray:
        """Return a sweep's counts, (bins,), a view."""
        return self.counts[self.sweep_ptr[sweep] : self.sweep_ptr[sweep + 1]]

    def first_bins(self, bin_ms: int) -> FirstBins:
        """Return mean current and rate of the first bin of this width of each step that trains.

        Raises:
            BadInput: the width is no multiple of the split's.
        """
        count, rest = divmod(bin_ms, self.sizes.bin_ms)
        if rest or count < 1:
            raise BadInput(
                f"{self.name}: an activation bin expected a multiple of its bins of {self.sizes.bin_ms} ms, got "
                f"{bin_ms} ms; choose another, or prepare the recording in bins that divide it"
            )
        steps = self.stimuli.index(STEPS) if STEPS in self.stimuli else -1
        chosen = np.flatnonzero((self.sweep_stimulus == steps) & (self.sweep_parts[:, 0] >= count))
        inside = np.arange(count)
        starts = self.current_ptr[self.sweep_current[chosen]]
        current = self.current[starts[:, None] + inside].astype(np.float64).mean(axis=1)
        spikes = self.counts[self.sweep_ptr[chosen][:, None] + inside].sum(axis=1, dtype=np.int64)
        return FirstBins(self.sweep_unit[chosen], current, spikes / bin_ms)

    def select(self, units: Sequence[int]) -> CurrentClampSplit:
        """Return the split with these units only; its name says which.

        Args:
            units: the recording's own numbers of cells, in any order; at least one.

        Raises:
            BadInput: a unit is unknown, was left out (then with the reason), or is named twice.
        """
        chosen = chosen_units(self.name, units, self.unit_ids, self.left_out)
        rows = np.searchsorted(self.unit_ids, chosen)
        found, sweeps, currents = _of_rows({name: getattr(self, name) for name in TABLES}, rows)
        return CurrentClampSplit(
            name=f"{self.name}[{spell_units(chosen)}]",
            sizes=dataclasses.replace(self.sizes, units=len(chosen)),
            unit_ids=chosen,
            metadata={key: tuple(texts[row] for row in rows) for key, texts in self.metadata.items()},
            current=self.current[np.repeat(currents, np.diff(self.current_ptr))],
            counts=self.counts[np.repeat(sweeps, self.sweep_bins)],
            stimuli=self.stimuli,
            **found,
            left_out=self.left_out,
            provenance=self.provenance,
            role=self.role,
        )

    def facts(self) -> Facts:
        """Return what the header says of bins, units and parts."""
        return {
            "trials": {"train": self.bins_of("train"), "eval": self.bins_of("test")},
            "units": tuple(self.unit_ids.tolist()),
            "left_out": self.left_out,
        }

    def fingerprint(self) -> str:
        """Return the SHA-256 of the split's sizes and arrays; what cells are, and no fit sees, is left out."""
        known = {"sizes": dataclasses.asdict(self.sizes), "stimuli": self.stimuli}
        arrays = {name: getattr(self, name) for name in ("unit_ids", "current", "counts", *TABLES)}
        return digest(known, arrays.items())

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by their paths in a file; bins of the test part apart from the others."""
        shown, seen = _shown_bins(self)
        counts, current = _apart(shown, self.sweep_bins), _apart(seen, np.diff(self.current_ptr))
        return {
            **{name: getattr(self, name) for name in TABLES},
            "about": _about(self.stimuli, self.metadata),
            "counts": self.counts[counts],
            "current": self.current[current],
            f"{TEST}counts": self.counts[~counts],
            f"{TEST}current": self.current[~current],
        }

    @classmethod
    def of(cls, header: Header, arrays: Mapping[str, np.ndarray]) -> CurrentClampSplit:
        """Return the split that a header and its arrays are of.

        Where bins of the test part are not among them, sweeps and currents end before it, and those that would be empty
        are not there; units are the same.
        """
        about = json.loads(arrays["about"].tobytes())
        whole = f"{TEST}counts" in arrays
        return cls(
            name=header.name,
            sizes=header.sizes,
            unit_ids=np.asarray(header.units, dtype=np.int64),
            gamma=arrays["gamma"],
            gamma_robust=arrays["gamma_robust"],
            metadata={key: tuple(texts) for key, texts in about["metadata"].items()},
            stimuli=tuple(about["stimuli"]),
            **(_joined(arrays) if whole else _cut(arrays)),
            left_out=header.left_out,
            provenance=header.provenance,
            role=header.role,
        )

    @classmethod
    def of_units(cls, header: Header, arrays: Stored, units: Sequence[int]) -> CurrentClampSplit:
        """Return the split with these units only, whose bins alone are read; equal to what `select` gives."""
        there = np.asarray(header.units, dtype=np.int64)
        chosen = chosen_units(header.name, units, there, header.left_out)
        rows, tables = np.searchsorted(there, chosen), {name: arrays[name] for name in TABLES}
        found, *kept = _of_rows(tables, rows)
        ends = _before_test(tables["sweep_parts"], tables["sweep_current"], len(tables["current_ptr"]) - 1)
        for name, ptr, shown, mine in zip(("counts", "current"), ("sweep_ptr", "current_ptr"), ends, kept, strict=True):
            for path, bins in ((name, shown), (TEST + name, np.diff(tables[ptr]) - shown)):
                last = np.cumsum(bins)
                found[path] = arrays.stretches(path, (last - bins)[mine], last[mine])
        about = json.loads(arrays["about"].tobytes())
        metadata = {key: [texts[row] for row in rows] for key, texts in about["metadata"].items()}
        own = dataclasses.replace(
            header,
            name=f"{header.name}[{spell_units(chosen)}]",
            sizes=dataclasses.replace(header.sizes, units=len(chosen)),
            units=tuple(chosen.tolist()),
        )
        return cls.of(own, {**found, "about": _about(about["stimuli"], metadata)})

    @staticmethod
    def shown(header: Header, name: str) -> bool:
        """Tell whether a search may see the array of this path: no bin of the test part."""
        return not name.startswith(TEST)


Split = CurrentClampSplit
Sizes = CurrentClampSizes
Answers = None


def pointers(lengths: np.ndarray) -> np.ndarray:
    """Return where each of some lengths begins in a flat array, and its end, (lengths + 1,) int64."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _about(stimuli: Sequence[str], metadata: Mapping[str, Sequence[str]]) -> np.ndarray:
    return np.frombuffer(json.dumps({"stimuli": stimuli, "metadata": dict(metadata)}).encode(), dtype=np.uint8)


def _of_rows(
    tables: Mapping[str, np.ndarray], rows: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return the tables of some units alone, and which sweeps and which currents are theirs, a bool each."""
    kept = np.isin(tables["sweep_unit"], rows)
    there, place = np.unique(tables["sweep_current"][kept], return_inverse=True)
    lengths = np.diff(tables["current_ptr"])
    found = {
        "gamma": tables["gamma"][rows],
        "gamma_robust": tables["gamma_robust"][rows],
        "current_ptr": pointers(lengths[there]),
        "sweep_ptr": pointers(np.diff(tables["sweep_ptr"])[kept]),
        "sweep_unit": np.searchsorted(rows, tables["sweep_unit"][kept]).astype(np.int32),
        "sweep_current": place.astype(np.int32),
        "sweep_stimulus": tables["sweep_stimulus"][kept],
        "sweep_parts": tables["sweep_parts"][kept],
    }
    return found, kept, np.isin(np.arange(len(lengths)), there)


def _shown_bins(split: CurrentClampSplit) -> tuple[np.ndarray, np.ndarray]:
    """Return how many bins of each sweep, and of each current, come before the test part."""
    return _before_test(split.sweep_parts, split.sweep_current, len(split.current_ptr) - 1)


def _before_test(parts: np.ndarray, current: np.ndarray, currents: int) -> tuple[np.ndarray, np.ndarray]:
    shown = parts[:, 1].astype(np.int64)
    seen = np.zeros(currents, dtype=np.int64)
    np.maximum.at(seen, current, shown)
    return shown, seen


def _apart(shown: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Mark, in a flat array of these lengths, the first so many of each."""
    return np.repeat(np.tile([True, False], len(lengths)), np.column_stack([shown, lengths - shown]).ravel())


def _joined(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    found = {name: arrays[name] for name in SWEEPS}
    ends = _before_test(found["sweep_parts"], found["sweep_current"], len(found["current_ptr"]) - 1)
    for name, ptr, shown in zip(("counts", "current"), ("sweep_ptr", "current_ptr"), ends, strict=True):
        marked = _apart(shown, np.diff(found[ptr]))
        found[name] = np.empty(len(marked), dtype=arrays[name].dtype)
        found[name][marked], found[name][~marked] = arrays[name], arrays[TEST + name]
    return found


def _cut(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    parts, current = arrays["sweep_parts"], arrays["sweep_current"]
    shown, seen = _before_test(parts, current, len(arrays["current_ptr"]) - 1)
    kept = shown > 0
    tables = {name: arrays[name][kept] for name in ("sweep_unit", "sweep_stimulus", "sweep_parts")}
    return {
        **tables,
        "counts": arrays["counts"],
        "current": arrays["current"],
        "sweep_ptr": pointers(shown[kept]),
        "current_ptr": pointers(seen[seen > 0]),
        "sweep_current": (np.cumsum(seen > 0) - 1)[current[kept]].astype(np.int32),
    }
