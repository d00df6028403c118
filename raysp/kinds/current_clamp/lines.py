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

    Args:
        table: rows of metrics.parquet, a polars frame.
        bounds: floor and ceiling.
    """
    values = by_unit(table)
    columns = [*((name, METRICS[name]) for name in (*COLUMNS, DEAD)), ("units", None)]
    for split in dict.fromkeys(split for split, _, _ in values):
        models = dict.fromkeys(model for one, model, _ in values if one == split)
        rows = {}
        for model in models:
            mine = {name: found for (one, other, name), found in values.items() if (one, other) == (split, model)}
            dead = mine.get(DEAD, {})
            silent = sum(value > 0 for value in dead.values())
            rows[model, model] = [
                *(_median(mine.get(name, {})) for name in COLUMNS), Score(f"{silent}", silent), Score(f"{len(dead)}")
            ]  # fmt: skip
        yield compared(split, columns, rows, bounds, "medians over units")


def _median(values: Mapping[int, float]) -> Score:
    if not values:
        return Score("-")
    median = float(np.median(list(values.values())))
    return Score(number(median), median)
