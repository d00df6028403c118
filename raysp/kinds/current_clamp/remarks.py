"""What a person must know beside explained variance: units without a fit, models below the floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.io.words import counted, listed, number
from raysp.kinds.current_clamp.metrics import DEAD, EVR
from raysp.kinds.current_clamp.values import by_unit

if TYPE_CHECKING:
    import polars


def remarks(table: polars.DataFrame, floor: str) -> list[str]:
    """Return remarks on scores as sentences, the split in front.

    Args:
        table: rows of metrics.parquet, a polars frame.
        floor: the model every result is read against from below.
    """
    values = by_unit(table)
    found = []
    for (split, model, metric), own in values.items():
        if metric == DEAD and (dead := [unit for unit, value in own.items() if value > 0]) and len(dead) < len(own):
            found.append(
                f"{split}: {model} has no fit, or one that never fires, of {counted(dead, 'unit')} of {len(own)} "
                f"({listed(dead)})"
            )
        beneath = values.get((split, floor, EVR))
        if metric == EVR and model != floor and beneath:
            mine, below = (float(np.median(list(one.values()))) for one in (own, beneath))
            if mine < below:
                found.append(
                    f"{split}: {model} is below the floor {floor}: median EVR {number(mine)} against {number(below)}"
                )
    return found
