"""All cells that lie below a data root, in one split; where there are none, cells that stand in for them.

Looked for are `allen_cell_types` (NWB 1 files), `gfr` (pickles of the published fits), and `patch_clamp` or its folders
(arrays). There a file `layout.json` says what the groups of sweeps are: settings of the source `clamp_npz`, as JSON.
Without it they are called steps, train and test, and what the files do not say is read off the currents, with a note.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType

from raysp.config import settings
from raysp.config.ranges import Count, Natural
from raysp.data.sources import allen_cell_types, clamp_files, clamp_npz, clamp_standin, gfr_pickles
from raysp.data.sources.base import Built
from raysp.data.sources.clamp_cut import Cut
from raysp.data.sources.clamp_files import CellFiles, Reading, read_once
from raysp.data.splits.header import Provenance
from raysp.errors import BadInput
from raysp.io import files

__all__ = ["VERSION", "Config", "build", "build_together", "inputs", "is_standin", "read_once"]

VERSION = "clamp_cells-2"
LARGE = True

LAYOUT = "layout.json"
ALLEN, PICKLES, ARRAYS = "allen_cell_types", "gfr", "patch_clamp"

Part = tuple[ModuleType, CellFiles]


@dataclass(frozen=True, kw_only=True)
class Config(Cut):
    """Where cells are looked for.

    Attributes:
        root: the data root.
        standins: cells that are generated where there are none.
        seed: of those.
    """

    root: str
    standins: Count = 24
    seed: Natural = 0


def inputs(config: Config) -> list[str]:
    """Return the paths of all files that are read; none where cells are generated."""
    layouts = [files.join(one.path, LAYOUT) for source, one in _parts(config) if source is clamp_npz]
    return [path for source, one in _parts(config) for path in source.inputs(one)] + list(filter(files.exists, layouts))


def is_standin(config: Config) -> bool:
    """Tell whether cells are generated, since there are none."""
    return not _parts(config)


def build(config: Config, name: str) -> Built:
    """Build one split. Raises as `build_together` does."""
    return next(build_together([(config, name)]))


def build_together(wanted: Sequence[tuple[Config, str]]) -> Iterator[Built]:
    """Build splits that differ in bin width; the files are read once.

    Raises:
        BadInput: no cell can be used, or a layout is wrong.
    """
    if _parts(wanted[0][0]):
        return clamp_files.together(wanted, read, known)
    return (clamp_standin.build(_generated(config), name) for config, name in wanted)


def known(config: Config, name: str) -> Provenance:
    """Return where the numbers come from."""
    found = [source.known(one, name).recordings for source, one in _parts(config)]
    return Provenance(tuple(pair for pairs in found for pair in pairs), VERSION)


def read(config: Config, widths: tuple[int, ...]) -> Reading:
    """Read the cells of all folders; one that is in several is taken from the first of them."""
    readings = [source.read(one, widths) for source, one in _parts(config)]
    cells = {cell.unit: cell for reading in reversed(readings) for cell in reading.cells}
    gone = {unit: reason for reading in reversed(readings) for unit, reason in reading.left_out}
    again = sum(len(reading.cells) for reading in readings) - len(cells)
    notes = [note for reading in readings for note in reading.notes]
    notes += [f"{again} cells are there in several forms; NWB files come before pickles, and those before arrays"] * (
        again > 0
    )
    left_out = [(unit, reason) for unit, reason in gone.items() if unit not in cells]
    return Reading(list(cells.values()), left_out, tuple(notes))


def _parts(config: Config) -> list[Part]:
    """Return the folders that are there, each with the source that reads it."""
    roles = {field.name: getattr(config, field.name) for field in dataclasses.fields(Cut)}
    found: list[Part] = []
    allen, pickles = (files.join(config.root, name) for name in (ALLEN, PICKLES))
    if any(name.endswith(".nwb") or name.startswith("specimen_") for name in files.listing(allen)):
        found.append((allen_cell_types, allen_cell_types.Config(path=allen, **roles)))
    if gfr_pickles.PROCESSED in files.listing(pickles):
        found.append((gfr_pickles, gfr_pickles.Config(path=pickles, **roles)))
    for folder in _folders(files.join(config.root, ARRAYS)):
        found.append((clamp_npz, _arrays(folder, roles)))
    return found


def _folders(above: str) -> Iterator[str]:
    names = files.listing(above)
    for folder in (above, *(files.join(above, name) for name in names)):
        if files.exists(files.join(folder, LAYOUT)) or clamp_npz.has_groups(folder):
            yield folder


def _arrays(folder: str, roles: dict[str, object]) -> clamp_npz.Config:
    path = files.join(folder, LAYOUT)
    layout = files.read_object(path) if files.exists(path) else {}
    if taken := sorted({*roles, "path"} & layout.keys()):
        raise BadInput(f"{path} expected what groups of sweeps are, not {taken[0]}, which the experiment says")
    return settings.build(clamp_npz.Config, {**layout, **roles, "path": folder}, path)


def _generated(config: Config) -> clamp_standin.Config:
    roles = {field.name: getattr(config, field.name) for field in dataclasses.fields(Cut)}
    return clamp_standin.Config(count=config.standins, seed=config.seed, **roles)
