"""What models of injected currents come to: means and medians over units, and paired differences, unit by unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import scipy

from raysp.config.experiment import Trial
from raysp.evaluation.statistics import paired_difference, summarize
from raysp.io.rows import Row, Rows
from raysp.kinds.current_clamp.metrics import METRICS, OF_MODELS
from raysp.kinds.current_clamp.values import read_values
from raysp.runs.folder import RunFolder


def compare(run: RunFolder, trials: Sequence[Trial], bounds: tuple[str, str]) -> Rows:
    """Return the rows of comparison.parquet of the recordings of a run.

    Args:
        run: the run folder, which has a table of metrics.
        trials: the finished ones.
        bounds: floor and ceiling.

    Raises:
        BadInput: the table of metrics is damaged.
    """
    names = [trial.id for trial in trials]
    values = read_values(run, names)
    seeds = {(one.split, one.shown): str(len({t.seed for t in trials if t.shown == one.shown})) for one in trials}
    rows = []
    for (split, model, metric), own in values.items():
        common = {"split": split, "metric": metric, "seeds": seeds.get((split, model))}
        rows += [{**common, **row} for row in _alone(model, list(own.values()), bounds)]
    for split, metric in dict.fromkeys((split, metric) for split, _, metric in values if metric in OF_MODELS):
        mine = {model: own for (one, model, name), own in values.items() if (one, name) == (split, metric)}
        rows += [{"split": split, "metric": metric, **row} for row in _against(mine, metric, bounds)]
    return rows


def _alone(model: str, values: Sequence[float], bounds: tuple[str, str]) -> Iterator[Row]:
    role = {bounds[1]: "ceiling", bounds[0]: "floor"}.get(model, "model")
    found = summarize(values)
    yield {"comparison": "mean", "model": model, "role": role, **_known(found.count, found.mean, found.low, found.high)}
    low, high = median_interval(values)
    middle = float(np.median(values))
    yield {"comparison": "median", "model": model, "role": role, **_known(len(values), middle, low, high)}


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the 95 % interval of a median by order statistics; NaN for fewer than six values."""
    ranked, count = np.sort(values), len(values)
    # The largest number of values that may be cut at each end.
    cut = int(scipy.stats.binom.ppf(0.025, count, 0.5))
    return (float(ranked[cut - 1]), float(ranked[count - cut])) if cut >= 1 and count >= 6 else (np.nan, np.nan)


def _against(values: Mapping[str, Mapping[int, float]], metric: str, bounds: tuple[str, str]) -> Iterator[Row]:
    """Yield each model minus each other that comes before it in the plan, the floor first of all."""
    floor, ceiling = bounds
    order = sorted((model for model in values if model != ceiling), key=lambda model: model != floor)
    sign = -1 if METRICS[metric].better == "min" else 1
    for other, model in combinations(order, 2):
        mine, base = values[model], values[other]
        if mine.keys() & base.keys():
            row: Row = {"comparison": "difference", "model": model, "role": "model", "against": other}
            yield row | paired_difference(dict(sorted(mine.items())), base, sign).row()


def _known(count: int, mean: float, low: float, high: float) -> Row:
    ends = (None if np.isnan(one) else one for one in (low, high))
    return {"count": count, "mean": mean, **dict(zip(("low", "high"), ends, strict=True))}
