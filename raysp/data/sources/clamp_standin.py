"""Cells that stand in for recordings: generalised firing rate neurons whose parameters are known."""

from __future__ import annotations

from dataclasses import dataclass

from raysp.config.ranges import Count, Natural
from raysp.data.formats.sweeps import Cell
from raysp.data.sources import clamp_neurons
from raysp.data.sources.base import Built
from raysp.data.sources.clamp_cut import Cut, assemble
from raysp.data.splits.header import Provenance

VERSION = "clamp_standin-1"

TOGETHER = 64
"""Cells that are run side by side."""


@dataclass(frozen=True, kw_only=True)
class Config(Cut):
    """How many cells, and what is injected.

    Attributes:
        count: cells.
        seed: of all that is drawn; a cell is the same whatever others there are.
        steps: amplitudes of long squares.
        ramps: sweeps of the ramp.
        noises: sweeps of each of the two noises.
    """

    count: Count = 24
    seed: Natural = 0
    steps: Count = 20
    ramps: Count = 3
    noises: Count = 4


def is_standin(config: Config) -> bool:
    """Tell that nothing here was measured."""
    return True


def build(config: Config, name: str) -> Built:
    """Generate cells and make a split of them.

    Raises:
        BadInput: see `clamp_cut.assemble`.
    """
    repeats = {"Ramp": config.ramps, "Noise 1": config.noises, "Noise 2": config.noises}
    cells: list[Cell] = []
    for first in range(0, config.count, TOGETHER):
        indices = range(first, min(first + TOGETHER, config.count))
        cells += clamp_neurons.cells(indices, config.bin_ms, config.steps, repeats, config.seed)
    note = "the cells were generated from known parameters; nothing was measured"
    return assemble(cells, (), config, name, Provenance((), VERSION, True, (note,))), None
