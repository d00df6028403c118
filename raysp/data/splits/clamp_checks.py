"""What a current-clamp split must be: arrays that fit each other, unit by unit and sweep by sweep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import BadInput

if TYPE_CHECKING:
    from raysp.data.splits.current_clamp import CurrentClampSplit


def check(split: CurrentClampSplit, metadata: Sequence[str]) -> None:
    """Raise BadInput where a split does not fit together.

    Args:
        split: what is checked.
        metadata: what must be known of each unit, by name.
    """
    for problem in (*_sizes(split), *_shapes(split)):
        raise BadInput(f"{split.name}: {problem}")
    # What follows trusts shapes and pointers.
    for problem in (*_pointers(split), *_values(split, metadata)):
        raise BadInput(f"{split.name}: {problem}")
    for problem in (*_indices(split), *_parts(split)):
        raise BadInput(f"{split.name}: {problem}")


def _sizes(split: CurrentClampSplit) -> Iterator[str]:
    sizes = split.sizes
    if isinstance(sizes.bin_ms, bool) or not isinstance(sizes.bin_ms, int) or sizes.bin_ms < 1:
        yield f"bin_ms expected a whole number of ms from 1, got {sizes.bin_ms!r}"
    if sizes.units < 1 or len(split.sweep_unit) < 1:
        yield f"expected at least one unit and one sweep, got {sizes.units} and {len(split.sweep_unit)}"


def _shapes(split: CurrentClampSplit) -> Iterator[str]:
    units, sweeps = (split.sizes.units,), (len(split.sweep_unit),)
    expected = {
        "unit_ids": (units, np.int64),
        "gamma": (units, np.float64),
        "gamma_robust": (units, np.float64),
        "current": (split.current.shape[:1], np.float32),
        "current_ptr": (split.current_ptr.shape[:1], np.int64),
        "counts": (split.counts.shape[:1], np.uint16),
        "sweep_ptr": ((sweeps[0] + 1,), np.int64),
        "sweep_unit": (sweeps, np.int32),
        "sweep_current": (sweeps, np.int32),
        "sweep_stimulus": (sweeps, np.int8),
        "sweep_parts": ((*sweeps, 2), np.int32),
    }
    for name, (shape, dtype) in expected.items():
        array = getattr(split, name)
        if array.shape != shape or array.dtype != dtype:
            yield f"{name} expected shape {shape} of {np.dtype(dtype)}, got {array.shape} of {array.dtype}"


def _pointers(split: CurrentClampSplit) -> Iterator[str]:
    for name, values in (("current_ptr", split.current), ("sweep_ptr", split.counts)):
        found = getattr(split, name)
        if len(found) < 2 or found[0] != 0 or found[-1] != len(values) or (np.diff(found) < 1).any():
            yield (
                f"{name} expected ascending numbers from 0 to {len(values)}, at least one bin each, got "
                f"{found[:4].tolist()} to {found[-1:].tolist()}"
            )


def _values(split: CurrentClampSplit, metadata: Sequence[str]) -> Iterator[str]:
    if split.unit_ids[0] < 0 or (np.diff(split.unit_ids) <= 0).any():
        yield f"unit_ids expected numbers >= 0, strictly increasing, got {split.unit_ids[:8].tolist()}"
    if not np.isfinite(split.current).all():
        yield "current expected finite values, got NaN or infinity"
    if not (np.isnan(split.gamma) | ((split.gamma > 0) & np.isfinite(split.gamma))).all():
        yield f"gamma expected numbers above 0, or NaN where unknown, got {split.gamma.min()}"
    if not ((split.gamma_robust > 0) & np.isfinite(split.gamma_robust)).all():
        yield f"gamma_robust expected numbers above 0, got {split.gamma_robust[:8].tolist()}"
    if set(split.metadata) != set(metadata) or {len(one) for one in split.metadata.values()} != {split.sizes.units}:
        yield f"metadata expected {', '.join(metadata)}, a text per unit, got {sorted(split.metadata)}"
    if not split.stimuli or len(set(split.stimuli)) != len(split.stimuli):
        yield f"stimuli expected names, each once, got {split.stimuli}"
    gone = [unit for unit, _ in split.left_out]
    if len(set(gone)) < len(gone) or np.isin(gone, split.unit_ids).any():
        yield f"left_out expected each unit once, and none of those that are there, got {gone[:8]}"


def _indices(split: CurrentClampSplit) -> Iterator[str]:
    for name, ends in (
        ("sweep_unit", split.sizes.units),
        ("sweep_current", len(split.current_ptr) - 1),
        ("sweep_stimulus", len(split.stimuli)),
    ):
        found = getattr(split, name)
        if found.min() < 0 or found.max() >= ends:
            yield f"{name} expected indices from 0 to {ends - 1}, got {found.min()} to {found.max()}"
            return
    owners = np.full(len(split.current_ptr) - 1, -1)
    owners[split.sweep_current] = split.sweep_unit
    if (np.diff(split.sweep_unit) < 0).any() or (np.diff(owners) < 0).any() or owners[0] < 0:
        yield "sweeps and currents expected unit by unit, each current with a sweep, got another order"
    if (owners[split.sweep_current] != split.sweep_unit).any():
        yield "a current expected sweeps of one unit, got several units'; give each unit its own"
    if (np.diff(split.sweep_ptr) != np.diff(split.current_ptr)[split.sweep_current]).any():
        yield "a sweep expected as many bins as its current, got more or less"


def _parts(split: CurrentClampSplit) -> Iterator[str]:
    trained, shown = split.sweep_parts.T
    bins = np.diff(split.sweep_ptr)
    if not ((trained >= 0) & (trained <= shown) & (shown <= bins)).all():
        yield "sweep_parts expected bins a <= b from 0 to the sweep's end, got others"
    seen = np.zeros(len(split.current_ptr) - 1, dtype=np.int32)
    np.maximum.at(seen, split.sweep_current, shown)
    if ((shown > 0) & (shown != seen[split.sweep_current])).any():
        yield "sweeps of one current expected the same bin at which the test part begins, or none before, got several"
    without = np.setdiff1d(np.arange(split.sizes.units), split.sweep_unit[trained > 0])
    if len(without):
        yield f"unit {split.unit_ids[without[0]]} expected a bin to train on, got none"
