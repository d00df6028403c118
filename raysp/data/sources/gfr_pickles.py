"""Cells as the published fits of generalised firing rate neurons keep them: a pickle of binned sweeps for each.

A folder holds `processed_data/processed_I_and_firing_rate_{cell}.pickle`, a list of sweeps, each with its stimulus and,
by bin width in ms, mean current (pA) and rate (spikes/ms); `max_firing_rates/{cell}.pickle`, one number; and maybe
`labels.pickle`, species by cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raysp.data.formats.cell_table import known_of
from raysp.data.formats.restricted_pickle import load_values
from raysp.data.formats.sweeps import LARGEST_PA, Cell, Sweep
from raysp.data.sources import clamp_files
from raysp.data.sources.base import Built
from raysp.data.sources.clamp_files import CellFiles, Reading, read_once
from raysp.data.splits.header import Provenance
from raysp.errors import BadInput
from raysp.io import files

__all__ = ["VERSION", "Config", "build", "build_together", "inputs", "is_standin", "read_once"]

VERSION = "gfr_pickles-1"
LARGE = True

PROCESSED, GAMMAS, LABELS = "processed_data", "max_firing_rates", "labels.pickle"
NAME = re.compile(r"processed_I_and_firing_rate_(\d{1,18})\.pickle")
NOT_WHOLE = 0.01
"""By how much a rate times its bin may miss a whole number of spikes: rates are float32."""


@dataclass(frozen=True, kw_only=True)
class Config(CellFiles):
    """Which folder; its cells, unless a table chooses, are all that have a file of sweeps."""


def inputs(config: Config) -> list[str]:
    """Return the paths of sweeps, of highest rates and of tables."""
    there = _there(config)
    gammas = [path for unit in there if files.exists(path := _gamma_path(config, unit))]
    labels = [path] if files.exists(path := files.join(config.path, LABELS)) else []
    return [*there.values(), *gammas, *labels, *([config.cells] if config.cells else [])]


def is_standin(config: Config) -> bool:
    """Tell that such files were recorded."""
    return False


def build(config: Config, name: str) -> Built:
    """Build one split. Raises as `build_together` does."""
    return next(build_together([(config, name)]))


def build_together(wanted: Sequence[tuple[Config, str]]) -> Iterator[Built]:
    """Build splits that differ in bin width; the files are read once.

    Raises:
        BadInput: there is no cell, or none can be used.
    """
    return clamp_files.together(wanted, read, known)


def known(config: Config, name: str) -> Provenance:
    """Return where the numbers come from."""
    return clamp_files.provenance(config, [path for path in inputs(config) if path != config.cells], VERSION)


def read(config: Config, widths: tuple[int, ...]) -> Reading:
    """Read the cells in bins of these widths, ms."""
    labels = _labels(config)

    def one(unit: int, path: str) -> Cell:
        sweeps, notes, dropped = _sweeps(load_values(files.read_bytes(path), path), config, widths, path)
        gamma, missing = _gamma(_gamma_path(config, unit))
        return Cell(unit, tuple(sweeps), gamma, labels.get(unit, {}), (*missing, *notes), tuple(dropped))

    return clamp_files.read_all(_there(config), config, one, clamp_files.table(config))


def _there(config: Config) -> dict[int, str]:
    folder = files.join(config.path, PROCESSED)
    paths = [files.join(folder, name) for name in files.listing(folder)]
    found = clamp_files.by_number(paths, _number, folder)
    if not found:
        raise BadInput(f"{folder} expected files processed_I_and_firing_rate_NUMBER.pickle, found none")
    return found


def _number(path: str) -> int | None:
    found = NAME.fullmatch(path.rpartition("/")[2])
    return int(found[1]) if found else None


def _gamma_path(config: Config, unit: int) -> str:
    return files.join(config.path, GAMMAS, f"{unit}.pickle")


def _gamma(path: str) -> tuple[float, list[str]]:
    """Return a cell's highest rate, spikes/ms, NaN where it is not known; then with the reason."""
    if not files.exists(path):
        return float("nan"), [f"its highest rate is not known: {path} is not there"]
    found = load_values(files.read_bytes(path), path)
    value = found.item() if isinstance(found, np.ndarray) and found.size == 1 else found
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
        return float("nan"), [f"its highest rate is not known: {path} expected a number above 0, got {str(value)[:40]}"]
    return float(value), []


def _labels(config: Config) -> dict[int, dict[str, str]]:
    path = files.join(config.path, LABELS)
    found = load_values(files.read_bytes(path), path) if files.exists(path) else {}
    if not isinstance(found, Mapping):
        raise BadInput(f"{path} expected species by cell, got {type(found).__name__}")
    return {int(unit): known_of({"species": species}) for unit, species in found.items() if str(unit).isdecimal()}


def _sweeps(
    found: Any, config: Config, widths: tuple[int, ...], path: str
) -> tuple[list[Sweep], list[str], list[tuple[str, str]]]:
    """Return sweeps, what is odd about others, and (stimulus, reason) of those."""
    if not isinstance(found, list):
        raise BadInput(f"{path} expected a list of sweeps, got {type(found).__name__}")
    sweeps, notes, dropped = [], [], []
    for index, one in enumerate(found):
        match one:
            case {"stimulus_name": str() as stimulus, "current": dict() as current, "firing_rate": dict() as rates}:
                if stimulus not in config.stimuli:
                    continue
            case _:
                notes.append(f"sweep {index} was left out: it has no stimulus_name, current and firing_rate")
                continue
        try:
            bins = {width: _bins(current.get(width), rates.get(width), width) for width in widths}
        except BadInput as error:
            notes.append(f"sweep {index} ({stimulus}) was left out: it {error}")
            dropped.append((stimulus, str(error)))
            continue
        sweeps.append(Sweep(stimulus, {width: one for width, one in bins.items() if len(one[0])}, None))
    return sweeps, notes, dropped


def _bins(current: Any, rate: Any, width: int) -> tuple[np.ndarray, np.ndarray]:
    if not all(isinstance(one, np.ndarray) and one.ndim == 1 and one.dtype.kind in "iuf" for one in (current, rate)):
        raise BadInput(f"has no arrays of bins of {width} ms")
    if len(current) != len(rate):
        raise BadInput(f"has {len(current)} bins of {width} ms of current, and {len(rate)} of rate")
    if not (np.abs(current.astype(np.float64)) <= LARGEST_PA).all():
        raise BadInput(f"has a current that is not finite, or above {LARGEST_PA:g} pA")
    spikes = rate.astype(np.float64) * width
    counts = np.round(spikes)
    if not ((spikes >= -NOT_WHOLE) & (np.abs(spikes - counts) <= NOT_WHOLE) & (counts <= 10 * width)).all():
        raise BadInput(f"has rates that are no whole numbers of spikes in {width} ms")
    return current.astype(np.float32), counts.astype(np.uint16)
