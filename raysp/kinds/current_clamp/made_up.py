"""Small current-clamp splits of made-up numbers: steps, a ramp, two noises with repeats."""

from __future__ import annotations

import numpy as np

from raysp.data.splits.current_clamp import METADATA, CurrentClampSizes, CurrentClampSplit, pointers
from raysp.data.splits.header import Provenance

STIMULI = ("Long Square", "Ramp", "Noise 1", "Noise 2")


def made_up(
    units: int = 3, seed: int = 0, bin_ms: int = 20, *, timed: bool = False, name: str = "made-up", longest: int = 30
) -> CurrentClampSplit:
    """Return a split of so many cells, numbers 5, 8, 11 and so on: steps, a ramp, and two noises with repeats.

    Args:
        units: cells.
        seed: of lengths, currents and counts.
        bin_ms: width of a bin, ms.
        timed: the last share of "Noise 1" validates; else "Noise 1" trains whole, and its last repeat validates. Where
            timed, the last bins of it test, too.
        name: of the split.
        longest: bins of a sweep.
    """
    rng = np.random.default_rng(seed)
    currents: list[np.ndarray] = []
    sweeps: list[tuple[int, int, int, tuple[int, int], int]] = []
    for unit in range(units):
        for stimulus, repeats in ((0, 1), (0, 1), (0, 1), (1, 1), (2, 3), (3, 2)):
            length = int(rng.integers(6, longest))
            # The first is silent; each later step is stronger.
            values = rng.normal(50 * stimulus, 40, length) if stimulus else np.full(length, 60.0 * len(sweeps))
            currents.append(values.astype(np.float32))
            sweeps += [
                (unit, len(currents) - 1, stimulus, _parts(stimulus, one, repeats, length, timed), length)
                for one in range(repeats)
            ]
    owner, current, stimuli, parts, bins = (np.array(column) for column in zip(*sweeps, strict=True))
    return CurrentClampSplit(
        name=name,
        sizes=CurrentClampSizes(name, bin_ms, units),
        unit_ids=5 + 3 * np.arange(units, dtype=np.int64),
        gamma=rng.uniform(0.1, 0.4, units),
        gamma_robust=rng.uniform(0.1, 0.2, units),
        metadata={key: tuple(f"{key} {unit}" for unit in range(units)) for key in METADATA},
        stimuli=STIMULI,
        current=np.concatenate(currents),
        current_ptr=pointers(np.array([len(one) for one in currents])),
        counts=rng.poisson(0.4, int(bins.sum())).astype(np.uint16),
        sweep_ptr=pointers(bins),
        sweep_unit=owner.astype(np.int32),
        sweep_current=current.astype(np.int32),
        sweep_stimulus=stimuli.astype(np.int8),
        sweep_parts=parts.astype(np.int32),
        left_out=((4, "has no spike"),),
        provenance=Provenance((("mine.npz", "0" * 64),), "clamp-1", True),
    )


def _parts(stimulus: int, repeat: int, repeats: int, bins: int, timed: bool) -> tuple[int, int]:
    if stimulus == 3:
        return (0, 0)
    if stimulus == 2 and timed:
        return (bins // 2, bins // 2 + 2)
    return (0, bins) if stimulus == 2 and repeat == repeats - 1 else (bins, bins)
