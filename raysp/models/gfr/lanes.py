"""Sequences of bins as tiles of lanes: every candidate of every unit under every distinct current of its own."""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass

import numpy as np

from raysp.models.gfr.kernels import WIDTH


@dataclass(frozen=True)
class Sequence:
    """What a unit did under one current. Repeats are one sequence, as the model's rate is the same in all.

    Attributes:
        unit: index of the unit.
        current: (bins,) pA.
        counts: (bins,) mean spikes per bin of the repeats.
        weight: (bins,) of each bin in the loss; 0 where it is run over, and not scored.
        group: sequences of one group are one optimiser step.
    """

    unit: int
    current: np.ndarray
    counts: np.ndarray
    weight: np.ndarray
    group: int = 0


@dataclass(frozen=True)
class Lanes:
    """Tiles of lanes, group by group, and which of them are a row's. A row is one set of parameters.

    Attributes:
        tile_ptr: (tiles + 1,) first bin of each tile in the flat arrays.
        group_ptr: (groups + 1,) first tile of each group.
        current: (bins of all tiles, WIDTH) pA.
        counts: likewise, mean spikes per bin.
        weight: likewise; 0 beyond a sequence's end.
        spike_ptr: (tiles + 1,) first of each tile's bins with spikes.
        spike_bin: (spiking,) bin of the tile.
        spike_lane: (spiking,) lane of the tile.
        spike_count: (spiking,) float64 weight times count.
        row: (tiles, WIDTH) row of each lane, -1 for none.
        lane_ptr: (groups, rows + 1) first of each row's lanes in lane_at.
        lane_at: lanes, tile times WIDTH + place, in the order of the unit's sequences.
        sequence: (tiles, WIDTH) which sequence a lane is, -1 for none.
        longest: bins of the longest tile.
    """

    tile_ptr: np.ndarray
    group_ptr: np.ndarray
    current: np.ndarray
    counts: np.ndarray
    weight: np.ndarray
    spike_ptr: np.ndarray
    spike_bin: np.ndarray
    spike_lane: np.ndarray
    spike_count: np.ndarray
    row: np.ndarray
    lane_ptr: np.ndarray
    lane_at: np.ndarray
    sequence: np.ndarray
    longest: int


def lay_out(
    sequences: Many[Sequence], unit_of_row: np.ndarray, groups: int = 1, dtype: type[np.floating] = np.float32
) -> Lanes:
    """Return the lanes of rows: each row has one for each sequence of its unit.

    Args:
        sequences: of all units, in any order of units.
        unit_of_row: (rows,) index of each row's unit.
        groups: how many there are.
        dtype: of the arrays.
    """
    tiles: list[tuple[int, list[tuple[int, int]]]] = []
    for group in range(groups):
        lanes = _lanes(sequences, unit_of_row, group)
        tiles += [(group, lanes[at : at + WIDTH]) for at in range(0, len(lanes), WIDTH)]
    lengths = [max(len(sequences[one].current) for _, one in lanes) for _, lanes in tiles]
    ptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    arrays = [np.zeros((ptr[-1], WIDTH), dtype) for _ in range(3)]
    row, which = np.full((len(tiles), WIDTH), -1, np.int64), np.full((len(tiles), WIDTH), -1, np.int64)
    for tile, (_, lanes) in enumerate(tiles):
        for place, (owner, one) in enumerate(lanes):
            found = sequences[one]
            bins = slice(ptr[tile], ptr[tile] + len(found.current))
            for into, values in zip(arrays, (found.current, found.counts, found.weight), strict=True):
                into[bins, place] = values
            row[tile, place], which[tile, place] = owner, one
    group_of = np.array([group for group, _ in tiles], np.int64)
    lane_ptr, lane_at = _by_row(row, which, group_of, groups, len(unit_of_row))
    current, counts, weight = arrays
    return Lanes(
        ptr, np.searchsorted(group_of, np.arange(groups + 1)), current, counts, weight, *_spikes(ptr, counts, weight),
        row, lane_ptr, lane_at, which, max(lengths, default=0),
    )  # fmt: skip


def _lanes(sequences: Many[Sequence], unit_of_row: np.ndarray, group: int) -> list[tuple[int, int]]:
    """Return (row, sequence) of a group, the longest first."""
    of_unit: dict[int, list[int]] = {}
    for one, found in enumerate(sequences):
        if found.group == group:
            of_unit.setdefault(found.unit, []).append(one)
    lanes = [(row, one) for row, unit in enumerate(unit_of_row) for one in of_unit.get(int(unit), [])]
    return sorted(lanes, key=lambda lane: -len(sequences[lane[1]].current))


def _by_row(
    row: np.ndarray, sequence: np.ndarray, group_of: np.ndarray, groups: int, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    ptr, found, before = np.zeros((groups, rows + 1), np.int64), [], 0
    for group in range(groups):
        tiles = np.flatnonzero(group_of == group)
        lanes = (tiles[:, None] * WIDTH + np.arange(WIDTH)).ravel()
        owners, which = row[tiles].ravel(), sequence[tiles].ravel()
        lanes, owners, which = lanes[owners >= 0], owners[owners >= 0], which[owners >= 0]
        order = np.lexsort([which, owners])
        found.append(lanes[order])
        ptr[group] = before + np.searchsorted(owners[order], np.arange(rows + 1))
        before += len(lanes)
    return ptr, np.concatenate(found) if found else np.zeros(0, np.int64)


def _spikes(
    ptr: np.ndarray, counts: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    bins, lanes = np.nonzero(counts * weight)
    tile = np.searchsorted(ptr, bins, side="right") - 1
    first = np.searchsorted(bins, ptr)
    scored = counts[bins, lanes].astype(np.float64) * weight[bins, lanes]
    return first.astype(np.int64), bins - ptr[tile], lanes, scored
