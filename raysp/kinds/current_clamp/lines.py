"""The terminal's table of explained variance: models by measures, medians over units, with the ceiling behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from raysp.io.words import number
from raysp.kinds.current_clamp.metrics import CEILING, DEAD, EVR, LEAVE_ONE_OUT, LOSS, QUANTISED, WIDE
from raysp.kinds.current_clamp.values import by_unit
from raysp.kinds.lines import aligned, ordered

if TYPE_CHECKING:
    import polars

COLUMNS = (EVR, LEAVE_ONE_OUT, QUANTISED, WIDE, CEILING, LOSS)


def over_units(table: polars.DataFrame, bounds: tuple[str, str]) -> Iterator[str]:
    """Yield a block per recording: medians over units, the mean over seeds of each first, and the share of dead ones.

    Args:
        table: rows of metrics.parquet, a polars frame.
        bounds: floor and ceiling.
    """
    values = by_unit(table)
    for split in dict.fromkeys(split for split, _, _ in values):
        models = dict.fromkeys(model for one, model, _ in values if one == split)
        rows = []
        for model in ordered(models, bounds):
            mine = {name: found for (one, other, name), found in values.items() if (one, other) == (split, model)}
            dead = mine.get(DEAD, {})
            rows.append([
                model,
                *(_median(mine.get(name, {})) for name in COLUMNS),
                f"{sum(value > 0 for value in dead.values())}",
                f"{len(dead)}",
            ])  # fmt: skip
        yield ""
        yield from aligned([f"{split}, medians", *COLUMNS, DEAD, "units"], rows)


def _median(values: Mapping[int, float]) -> str:
    return number(float(np.median(list(values.values())))) if values else "-"
