"""Cells as arrays, a file for each: groups of sweeps whose stimuli, onsets and offsets the settings name.

The layout of a file is that of `raysp.data.formats.clamp_arrays`. Recorded currents, which no two sweeps have in
common to the bit, say by protocol which are the same; what the amplifier adds is measured where nothing is injected.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from raysp.data.formats import clamp_arrays, clamp_protocol
from raysp.data.formats.clamp_arrays import Group
from raysp.data.formats.sweeps import Cell, Sweep, binned, highest_rate
from raysp.data.sources import clamp_files
from raysp.data.sources.base import Built
from raysp.data.sources.clamp_files import CellFiles, Reading, read_once
from raysp.data.splits.header import Provenance
from raysp.errors import BadInput, unknown
from raysp.io import files

__all__ = ["VERSION", "Config", "build", "build_together", "inputs", "is_standin", "read_once"]

VERSION = "clamp_npz-2"
LARGE = True
ENDINGS = (".npz", ".h5", ".hdf5")
STEPS = "Long Square"
LEAST_PA, MOST_PA = 1.0, 1e6
"""Currents that vary by less, or by more, in all sweeps of a group are hardly injected into a cell."""


@dataclass(frozen=True, kw_only=True)
class Config(CellFiles):
    """Which files, and what their groups of sweeps are.

    Attributes:
        groups: name of a group of sweeps in the files -> its stimulus; empty text for arrays without a group's name.
        repeats: groups whose sweeps had one current by protocol; each is given the mean of all.
        onset_s: group -> s from the sweep's begin; samples before are dropped. Else what the file says, what the
            currents say, or 0.
        rest_s: from when to when in each sweep nothing is injected, s: its mean over a group's sweeps is subtracted
            from their currents. Empty for what the currents say.
        rest_of: a group whose offset is subtracted from all groups; empty for each its own.
        by_currents: read off the currents what neither these settings nor a file say: when the steps of "Long Square"
            begin, which groups had one current, and the offset; a note says what was found.
    """

    groups: Mapping[str, str] = field(
        default_factory=lambda: {"steps": "Long Square", "train": "Noise 1", "test": "Noise 2"}
    )
    repeats: tuple[str, ...] = ()
    onset_s: Mapping[str, float] = field(default_factory=dict)
    rest_s: tuple[float, ...] = ()
    rest_of: str = ""
    by_currents: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for what, names in (("repeats", self.repeats), ("onset_s", self.onset_s), ("rest_of", [self.rest_of])):
            for name in names:
                if name not in self.groups and (name or what != "rest_of"):
                    raise unknown(f"group in {what} of clamp_npz", name, self.groups)
        if strange := [one for one in self.groups.values() if one not in self.stimuli]:
            raise BadInput(f"clamp_npz, groups expected stimuli to train or test on, got {strange[0]!r}")
        for group, at in self.onset_s.items():
            if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at < np.inf:
                raise BadInput(f"clamp_npz, onset_s of {group} expected a time in s from 0, got {at!r}")
        if len(self.rest_s) not in (0, 2) or (self.rest_s and not 0 <= self.rest_s[0] < self.rest_s[1]):
            raise BadInput(f"clamp_npz, rest_s expected two ascending times in s, or none, got {self.rest_s}")


def inputs(config: Config) -> list[str]:
    """Return the paths of the cells' files, and of their table."""
    return [*_there(config).values(), *([config.cells] if config.cells else [])]


def has_groups(folder: str) -> bool:
    """Tell whether a folder has files of cells, numbered, whose groups of sweeps are called as by default."""
    paths = [files.join(folder, name) for name in files.listing(folder) if name.endswith(ENDINGS)]
    groups = tuple(Config(path=folder).groups)
    return any(_number(path) is not None and clamp_arrays.has(path, groups) for path in paths)


def is_standin(config: Config) -> bool:
    """Tell that files of arrays were recorded."""
    return False


def build(config: Config, name: str) -> Built:
    """Build one split. Raises as `build_together` does."""
    return next(build_together([(config, name)]))


def build_together(wanted: Sequence[tuple[Config, str]]) -> Iterator[Built]:
    """Build splits that differ in bin width; the files are read once.

    Raises:
        BadInput: no cell can be used, or two files are of one cell.
    """
    return clamp_files.together(wanted, read, known)


def known(config: Config, name: str) -> Provenance:
    """Return where the numbers come from."""
    return clamp_files.provenance(config, list(_there(config).values()), VERSION)


def read(config: Config, widths: tuple[int, ...]) -> Reading:
    """Read the cells in bins of these widths, ms."""

    def one(unit: int, path: str) -> Cell:
        return _cell(unit, path, config, widths)

    return clamp_files.read_all(_there(config), config, one, clamp_files.table(config))


def _there(config: Config) -> dict[int, str]:
    """Return the files by the numbers in their names; of a single file without any it is 0."""
    if config.path.endswith(ENDINGS):
        return {_number(config.path) or 0: config.path}
    paths = [files.join(config.path, name) for name in files.listing(config.path) if name.endswith(ENDINGS)]
    if not paths:
        raise BadInput(f"{config.path} expected a folder with a file ({', '.join(ENDINGS)}) for each cell, found none")
    if nameless := [path for path in paths if _number(path) is None]:
        raise BadInput(f"{nameless[0]} expected the cell's number in the file's name, such as cell_012.npz")
    return clamp_files.by_number(paths, _number, config.path)


def _number(path: str) -> int | None:
    found = re.search(r"\d{1,18}", os.path.basename(path).rpartition(".")[0])
    return int(found[0]) if found else None


def _cell(unit: int, path: str, config: Config, widths: tuple[int, ...]) -> Cell:
    groups = clamp_arrays.read(path, tuple(config.groups))
    notes: list[str] = []
    if config.by_currents:
        config = _by_currents(config, groups, notes)
    notes += _other_units(groups)
    dropped: list[tuple[str, str]] = []
    sweeps = [
        sweep
        for name, group in groups.items()
        for sweep in _sweeps(name, group, groups, config, widths, notes, dropped)
    ]
    trains = [train * (1000 / group.rate_hz) for group in groups.values() for train in group.spikes]
    return Cell(unit, tuple(sweeps), highest_rate(trains), notes=tuple(notes), dropped=tuple(dropped))


def _other_units(groups: Mapping[str, Group]) -> Iterator[str]:
    """Yield a note on each group whose currents are no currents of a patch clamp in pA."""
    for name, group in groups.items():
        low, high = (float(found.reduce(group.current, axis=None)) for found in (np.fmin, np.fmax))
        if 0 < (spread := (high - low) * group.unit_pa) < LEAST_PA or MOST_PA < spread < np.inf:
            of = f" of {name}" if name else ""
            yield f"currents{of} vary by {spread:.3g} pA in all: are they in another unit, A or nA?"


def _sweeps(
    name: str, group: Group, groups: Mapping[str, Group], config: Config, widths: tuple[int, ...], notes: list[str],
    dropped: list[tuple[str, str]],
) -> Iterator[Sweep]:  # fmt: skip
    onset_s = config.onset_s.get(name, group.onset_s or 0.0)
    first = round(onset_s * group.rate_hz)
    offset = _offset(groups.get(config.rest_of, group), config.rest_s)
    alike = name if name in config.repeats or group.shared else ""
    for index, train in enumerate(group.spikes):
        current = (group.sweep(index) - offset)[first:].astype(np.float32)
        spikes = train[train >= first] - first
        try:
            bins = binned(current, spikes, group.rate_hz, widths)
        except BadInput as error:
            notes.append(f"sweep {index} of {name or 'the file'} was left out: it {error}")
            dropped.append((config.groups[name], str(error)))
            continue
        yield Sweep(config.groups[name], bins, spikes * (1000 / group.rate_hz), alike)


def _by_currents(config: Config, groups: Mapping[str, Group], notes: list[str]) -> Config:
    """Return settings with what a cell's currents say of its protocol; what is said by settings or file stays."""
    unsaid = {name: one for name, one in groups.items() if one.onset_s is None and name not in config.onset_s}
    steps = {name: clamp_protocol.onset_s(one) for name, one in unsaid.items() if config.groups[name] == STEPS}
    onsets = {name: at for name, at in steps.items() if at is not None}
    alike = () if config.repeats else tuple(name for name, one in groups.items() if clamp_protocol.one_current(one))
    rest = config.rest_s or clamp_protocol.rest_s(groups.values())
    found = [f"{name} begin at {at:g} s" for name, at in onsets.items()]
    found += [f"sweeps of {name} had one current" for name in alike]
    if rest and not config.rest_s:
        found.append(f"nothing is injected in the first {rest[1]:g} s")
    if found:
        notes.append(f"by the currents themselves, {', '.join(found)}; settings of the source win over it")
    onsets |= dict(config.onset_s)
    return dataclasses.replace(config, repeats=config.repeats or alike, onset_s=onsets, rest_s=rest)


def _offset(group: Group, rest_s: tuple[float, ...]) -> float:
    """Return the mean current of a group's sweeps where nothing is injected, pA; 0 where nobody says where that is."""
    if not rest_s:
        return 0.0
    first, last = (round(at * group.rate_hz) for at in rest_s)
    rest = group.current[..., first:last]
    return float(rest.mean(dtype=np.float64)) * group.unit_pa if rest.size else 0.0
