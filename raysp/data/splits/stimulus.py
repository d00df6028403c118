"""The data kind "stimulus": one long recording of units that respond to a known stimulus, cut in parts by time."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from raysp.data.splits.header import Facts, Header, Provenance, Role, Stretch, digest
from raysp.data.splits.split import Split as AnySplit
from raysp.data.splits.units import chosen_units, spell_units
from raysp.errors import BadInput

PARTS = ("train", "validation", "test")
SEARCHED = PARTS[:2]
"""The parts that a search may see."""


@dataclass(frozen=True)
class StimulusSizes:
    """What a model must know of the data's shape; nothing of it is ever typed into a configuration.

    Attributes:
        dataset: the recording's name, "standin-" in front when it was generated.
        bin_ms: width of a bin, ms.
        channels: of the stimulus.
        units: whose spikes are there.
    """

    dataset: str
    bin_ms: float
    channels: int
    units: int


@dataclass(frozen=True)
class StimulusSplit(AnySplit):
    """A stimulus and the spikes of the units that saw it, with the stretches of time that form each part.

    Attributes:
        name: of the split; a selection of units says which.
        sizes: its sizes.
        stimulus: (bins, channels) float32.
        spikes: (bins, units) uint8 spikes per bin.
        units: (units,) int64 the recording's own unit numbers, strictly increasing.
        global_ids: (units,) int64 each unit's number among the units of all recordings, -1 where unknown.
        parts: "train", "validation" and "test" -> stretches (first bin, bin after the last) in the order of time.
        left_out: (unit number, reason) of the units that filters removed; a reason goes on after "it".
        provenance: where the numbers come from.
        role: what it is there for.

    Raises:
        BadInput: an array has another shape or type than `sizes` says, unit numbers are not strictly increasing, or a
            part is empty, lies outside the recording or overlaps another.
    """

    kind: ClassVar[str] = "stimulus"

    name: str
    sizes: StimulusSizes
    stimulus: np.ndarray
    spikes: np.ndarray
    units: np.ndarray
    global_ids: np.ndarray
    parts: Mapping[str, tuple[Stretch, ...]]
    left_out: tuple[tuple[int, str], ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    role: Role = field(default_factory=Role)

    def __post_init__(self) -> None:
        _check_arrays(self)
        _check_numbers(self)
        _check_parts(self)

    def bins_of(self, part: str) -> int:
        """Return how many bins a part has, all its stretches together."""
        return sum(stop - start for start, stop in self.parts[part])

    def select(self, units: Sequence[int]) -> StimulusSplit:
        """Return the split with these units only; its name says which.

        Args:
            units: the recording's own unit numbers, in any order; at least one.

        Raises:
            BadInput: a unit is unknown, was left out by a filter (then with the reason), or is named twice.
        """
        chosen = chosen_units(self.name, units, self.units, self.left_out)
        columns = np.searchsorted(self.units, chosen)
        return dataclasses.replace(
            self,
            name=f"{self.name}[{spell_units(chosen)}]",
            sizes=dataclasses.replace(self.sizes, units=len(chosen)),
            spikes=self.spikes[:, columns],
            units=chosen,
            global_ids=self.global_ids[columns],
        )

    def facts(self) -> Facts:
        """Return what the header says of bins, units and parts."""
        return {
            "trials": {"train": self.bins_of("train"), "eval": self.bins_of("test")},
            "units": tuple(self.units.tolist()),
            "left_out": self.left_out,
            "parts": self.parts,
        }

    def fingerprint(self) -> str:
        """Return the SHA-256 of the split's sizes, parts and arrays: what a trial's name takes of its data."""
        # Units under the name that they had when the first fingerprints were taken.
        sizes = {"units" if name == "units" else name: size for name, size in dataclasses.asdict(self.sizes).items()}
        known = {"sizes": sizes, "parts": dict(self.parts)}
        arrays = {"stimulus": self.stimulus, "spikes": self.spikes, "units": self.units, "global_ids": self.global_ids}
        return digest(known, arrays.items())

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by their paths in a file; what runs in time by pieces, so that no part needs another's."""
        pieces = _pieces(self.parts, len(self.stimulus))
        found = {f"{name}/{i}-{j}": getattr(self, name)[i:j] for name in ("stimulus", "spikes") for i, j in pieces}
        return {**found, "global_ids": self.global_ids}

    @classmethod
    def of(cls, header: Header, arrays: Mapping[str, np.ndarray]) -> StimulusSplit:
        """Return the split that a header and its arrays are of.

        Where pieces are not among them, bins are counted anew, and parts that would lack one are not there. Windows
        never leave a stretch, so that they, and what is drawn for them, are the same.
        """
        pieces = sorted(_stretch(path) for path in arrays if path.startswith("spikes/"))
        ends = itertools.accumulate(stop - start for start, stop in pieces)
        moved = {(start, stop): (end - stop + start, end) for (start, stop), end in zip(pieces, ends, strict=True)}
        in_time = {
            name: np.concatenate([arrays[f"{name}/{start}-{stop}"] for start, stop in pieces])
            for name in ("stimulus", "spikes")
        }
        kept = {part: each for part, each in header.parts.items() if moved.keys() >= {*each}}
        parts = {part: tuple(moved[one] for one in each) for part, each in kept.items()}
        return cls(
            name=header.name,
            sizes=header.sizes,
            **in_time,
            units=np.asarray(header.units, dtype=np.int64),
            global_ids=arrays["global_ids"],
            parts=parts,
            left_out=header.left_out,
            provenance=header.provenance,
            role=header.role,
        )

    @staticmethod
    def shown(header: Header, name: str) -> bool:
        """Tell whether a search may see the array of this path: no bin of the test part, nor of none."""
        return "/" not in name or any(_stretch(name) in header.parts[part] for part in SEARCHED)


Split = StimulusSplit
Sizes = StimulusSizes
Answers = None


def _check_arrays(split: StimulusSplit) -> None:
    sizes, bins = split.sizes, len(split.stimulus)
    if not 0 < sizes.bin_ms < np.inf or bins == 0 or sizes.channels < 1 or sizes.units < 1:
        raise BadInput(f"{split.name} expected a bin width > 0 and at least one bin, channel and unit, got {sizes}")
    expected = {
        "stimulus": ((bins, sizes.channels), np.float32),
        "spikes": ((bins, sizes.units), np.uint8),
        "units": ((sizes.units,), np.int64),
        "global_ids": ((sizes.units,), np.int64),
    }
    for name, (shape, kind) in expected.items():
        array = getattr(split, name)
        if array.shape != shape or array.dtype != kind:
            told = f"{split.name}: {name} expected shape {shape} of {np.dtype(kind)}"
            raise BadInput(f"{told}, got {array.shape} of {array.dtype}")
    if not np.isfinite(split.stimulus).all():
        raise BadInput(f"{split.name}: stimulus expected finite values, got NaN or infinity")


def _check_numbers(split: StimulusSplit) -> None:
    if split.units[0] < 0 or (np.diff(split.units) <= 0).any():
        raise BadInput(f"{split.name}: units expected numbers >= 0, strictly increasing, got {split.units[:8]}")
    if (split.global_ids < -1).any():
        raise BadInput(f"{split.name}: global_ids expected numbers >= 0, or -1 for unknown, got {split.global_ids[:8]}")
    gone = [unit for unit, _ in split.left_out]
    if len(set(gone)) < len(gone) or np.isin(gone, split.units).any():
        raise BadInput(f"{split.name}: left_out expected each unit once, and none of those that are there, got {gone}")


def _check_parts(split: StimulusSplit) -> None:
    # What a search sees has no test part.
    if set(split.parts) not in (set(PARTS), set(SEARCHED)) or not all(split.parts.values()):
        raise BadInput(f"{split.name}: parts expected at least one stretch in each of {PARTS}, got {split.parts}")
    bins, before = len(split.stimulus), 0
    for start, stop in sorted(stretch for part in split.parts.values() for stretch in part):
        if not before <= start < stop <= bins:
            told = (
                f"{split.name}: parts expected stretches of at least one bin that do not overlap, in bins 0 to {bins}"
            )
            raise BadInput(f"{told}, got {start} to {stop} after {before}")
        before = stop


def _pieces(parts: Mapping[str, Sequence[Stretch]], bins: int) -> list[Stretch]:
    """Return the stretches of all parts and what lies between them, in the order of time."""
    edges = {0, bins, *(edge for part in parts.values() for stretch in part for edge in stretch)}
    return list(itertools.pairwise(sorted(edges)))


def _stretch(path: str) -> Stretch:
    first, _, last = path.rpartition("/")[2].partition("-")
    return int(first), int(last)
