"""The numbers of predicted rates, unit by unit: explained variance with its ceiling, and the loss."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import groupby

import numpy as np

from raysp.config.experiment import Trial
from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.io import files
from raysp.io.rows import Row, Rows
from raysp.kinds.current_clamp.metrics import (
    CEILING,
    CEILING_LEAST,
    DEAD,
    EVR,
    LEAVE_ONE_OUT,
    LOSS,
    PART,
    QUANTISED,
    WIDE,
)
from raysp.kinds.current_clamp.parameters_file import read_parameters
from raysp.kinds.current_clamp.rates_file import read_rates
from raysp.kinds.current_clamp.repeats import Measures, Repeats, measures
from raysp.runs.folder import TrialFolder

ODD = "its rates are NaN, infinite or negative on some current"
FIELDS = {
    EVR: "ratio",
    LEAVE_ONE_OUT: "leave_one_out",
    QUANTISED: "quantised",
    WIDE: "wide",
    CEILING_LEAST: "least",
    CEILING: "estimate",
    LOSS: "loss",
}


def rows(trial: Trial, split: CurrentClampSplit, folder: TrialFolder) -> Rows:
    """Return the rows of one trial: every measure of every unit, and the median over its units.

    Args:
        trial: whose rates are scored.
        split: its recording, with all units.
        folder: of the trial.

    Raises:
        NotReady: nothing was predicted.
        BadInput: the predictions are damaged.
    """
    found, sees_counts = read_rates(folder.predictions)
    reasons = _reasons(folder)
    places = {unit: place for place, unit in enumerate(split.unit_ids.tolist())}
    common: Row = {
        "run_trial": trial.id,
        "model": trial.shown,
        "split": trial.split,
        "dataset": split.sizes.dataset,
        "phase": "val",
        "bin_ms": float(split.sizes.bin_ms),
        "seed": trial.seed,
        "part": PART,
        "standin": split.provenance.standin,
        "judge": "raysp",
    }
    each: Rows = []
    for unit, group in groupby(found, lambda one: one.unit):
        currents, reason = list(group), reasons.get(unit, "")
        if not reason and any(_is_odd(one.rates) for one in currents):
            # Else its score would be that of the currents on which nothing went wrong.
            currents, reason = [_without_rates(one) for one in currents], ODD
        own = measures(currents, split.sizes.bin_ms, sees_counts=sees_counts)
        place = {**common, "unit": unit, "unit_index": places.get(unit)}
        each += [{**place, **one} for one in _of_unit(own, reason)]
    return [*({**common, **one} for one in _medians(each)), *each]


def _is_odd(rates: np.ndarray) -> bool:
    return not np.isfinite(rates).all() or bool((rates < 0).any())


def _without_rates(one: Repeats) -> Repeats:
    return dataclasses.replace(one, rates=np.full_like(one.rates, np.nan))


def _of_unit(own: Measures, reason: str) -> Iterator[Row]:
    for metric, name in FIELDS.items():
        value = getattr(own, name)
        if np.isfinite(value):
            yield {"metric": metric, "value": value}
        else:
            note = f"undefined: {reason}" if reason else "undefined: nothing varies, or there is one repeat alone"
            yield {"metric": metric, "value": None, "note": note}
    # A unit without a fit explains nothing, like one whose rate is always 0.
    yield {"metric": DEAD, "value": float(own.dead or bool(reason))}


def _medians(each: Rows) -> Iterator[Row]:
    for metric in FIELDS:
        values = _values(each, metric)
        yield {"metric": metric, "value": float(np.median(values)) if values else None}
    yield {"metric": DEAD, "value": float(np.mean(_values(each, DEAD)))}


def _values(each: Rows, metric: str) -> list[float]:
    return [value for row in each if row["metric"] == metric and isinstance(value := row["value"], float)]


def _reasons(folder: TrialFolder) -> dict[int, str]:
    path = files.join(folder.path, "parameters.parquet")
    if not files.exists(path):
        return {}
    table = read_parameters(path)
    failed = table.filter(table["status"] == "failed")
    return dict(zip(failed["unit"].to_list(), failed["reason"].fill_null("it has no fit").to_list(), strict=True))
