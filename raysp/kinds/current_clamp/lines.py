"""The terminal's table of explained variance: models by measures, medians over units, with the ceiling behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from raysp.io.words import number
from raysp.kinds.current_clamp.metrics import CEILING, DEAD, EVR, LEAVE_ONE_OUT, LOSS, METRICS, QUANTISED, WIDE
from raysp.kinds.current_clamp.values import by_unit
from raysp.kinds.scores import Score, Scores, compared

if TYPE_CHECKING:
    import polars

COLUMNS = (EVR, LEAVE_ONE_OUT, QUANTISED, WIDE, CEILING, LOSS)


def over_units(table: polars.DataFrame, bounds: tuple[str, str]) -> Iterator[Scores]:
    """Yield a table per recording: medians over units, the mean over seeds of each first, and how many are dead.

    A median over fewer units than others' is no winner: cells that cannot be fitted are the hard ones.

    Args:
        table: rows of metrics.parquet, a polars frame.
        bounds: floor and ceiling.
    """
    values = by_unit(table)
    columns = [*((name, METRICS[name]) for name in (*COLUMNS, DEAD)), ("units", None)]
    for split in dict.fromkeys(split for split, _, _ in values):
        models = dict.fromkeys(model for one, model, _ in values if one == split)
        able = [model for model in models if model not in bounds] or list(models)
        most = {name: max(len(values.get((split, model, name), {})) for model in able) for name in COLUMNS}
        rows = {}
        for model in models:
            mine = {name: found for (one, other, name), found in values.items() if (one, other) == (split, model)}
            dead = mine.get(DEAD, {})
            silent = sum(value > 0 for value in dead.values())
            medians = [_median(mine.get(name, {}), most[name]) for name in COLUMNS]
            rows[model, model] = [*medians, Score(f"{silent}", silent), Score(f"{len(dead)}")]
        yield compared(split, columns, rows, bounds, "medians over units")


def _median(values: Mapping[int, float], most: int) -> Score:
    if not values:
        return Score("-")
    median = float(np.median(list(values.values())))
    return Score(number(median), median, whole=len(values) == most)
