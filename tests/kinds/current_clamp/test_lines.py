"""The terminal's table of cells: medians over units, and who wins."""

import polars

from raysp.kinds.current_clamp.lines import over_units
from raysp.kinds.current_clamp.metrics import EVR, PART


def rows(model, values):
    own = {"split": "cells", "model": model, "part": PART, "metric": EVR}
    return [{**own, "unit": unit, "value": value} for unit, value in enumerate(values)]


def test_a_median_over_fewer_units_than_others_is_shown_and_wins_nothing():
    hard, easy = [0.1, 0.5, 0.6], [None, 0.7, 0.8]
    table = polars.DataFrame([*rows("all", hard), *rows("easy", easy), *rows("worse", [0.0, 0.4, 0.5])])
    (found,) = over_units(table, ("clamp_mean_rate", "clamp_psth"))
    shown = {row.name: row.scores[0] for row in found.rows}
    assert {name: one.mean for name, one in shown.items()} == {"all": 0.5, "easy": 0.75, "worse": 0.4}
    assert [name for name, one in shown.items() if one.best] == ["all"]
