"""What a person must know beside the scores: judges that were not there, spikes too many, models below the floor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from raysp.evaluation.behavior import MEAN_R2
from raysp.evaluation.history import MEAN_HISTORY_R2
from raysp.evaluation.shortfalls import below_floor, means, still_better
from raysp.evaluation.uneven import uneven
from raysp.io.words import listed, number
from raysp.kinds.population.calibration import OF_TRAINING, RATIO
from raysp.kinds.population.diagnosis import diagnoses
from raysp.kinds.population.metrics import FLOOR
from raysp.kinds.population.silent import WITHOUT
from raysp.kinds.population.weights import FORWARD, HELDIN, HELDOUT, WEIGHT
from raysp.runs.metrics_table import metric_name

if TYPE_CHECKING:
    import polars

    from raysp.config.experiment import Trial

RATIO_NOTED, RATIO_NOTED_IN_TRAINING = 0.1, 0.03
"""So far from one spike predicted per recorded one is worth a remark: of evaluation trials, which may be others."""

WEIGHT_NOTED = 0.5
"""A network that is believed less against the mean rate is worth a remark."""

LEAST_DECODED = 0.01
"""R2 of behaviour, mean over its variables, below which nothing is decoded."""

BY_OWN_FORM = "computed by raysp's own exact form"


def remarks(
    table: polars.DataFrame,
    floor: str = FLOOR,
    last: Mapping[str, int] | None = None,
    trials: Sequence[Trial] = (),
) -> list[str]:
    """Return remarks on scores as sentences, each once, with the split or the model they are of in front.

    Args:
        table: of metrics, population splits only.
        floor: the model every result is read against from below.
        last: epochs of the trials that were best at their last one, by id, see `shortfalls.last_epochs`.
        trials: of the run, whose settings advice may name.
    """
    found = [*_judges(table), *below_floor(table, floor), *still_better(table, last or {}), *uneven(table)]
    found += [
        *diagnoses(table, trials),
        *_averages(table, floor),
        *_undecoded(table, floor),
        *_ratios(table),
        *_weights(table),
        *_silent(table),
    ]
    found += _undefined(table)
    return list(dict.fromkeys(found))


def _judges(table: polars.DataFrame) -> Iterator[str]:
    from polars import col

    reason = col("note").str.extract(f"(?s)({re.escape(BY_OWN_FORM)}.*)")
    for split, why, metrics in _together(table.with_columns(reason=reason), ("split", "reason"), "metric"):
        yield f"WARNING {split}: {', '.join(metrics)} {why}"


def _averages(table: polars.DataFrame, floor: str) -> Iterator[str]:
    """Yield a sentence for each split whose PSTHs judge models as worse than the floor that predict better than it."""
    found, low = means(table), dict[str, list[str]]()
    for (split, model, metric), mean in found.items():
        of_floor = found.get((split, floor, metric))
        better = found.get((split, model, "co-bps"), 0.0) > found.get((split, floor, "co-bps"), 0.0)
        if metric == "psth R2" and better and of_floor is not None and mean < min(of_floor, 0.0):
            low.setdefault(split, []).append(f"{model} ({number(mean)})")
    for split, models in low.items():
        yield (
            f"{split}: psth R2 of {listed(models)} is below {floor}'s, and co-bps above it: recorded averages that "
            "hardly vary are missed by whatever averages of few trials vary by; other conditions may tell more"
        )


def _undecoded(table: polars.DataFrame, floor: str) -> Iterator[str]:
    """Yield a sentence for each split whose behaviour no model tells anything of."""
    best = dict[str, float]()
    for (split, model, metric), mean in means(table).items():
        if model != floor and metric in (MEAN_R2, MEAN_HISTORY_R2):
            best[split] = max(mean, best.get(split, mean))
    for split, r2 in best.items():
        if r2 < LEAST_DECODED:
            yield (
                f"{split}: behaviour is decoded from no model's rates, R² {number(r2)} at most: lag_ms reads it later "
                "than the spikes, and a stimulus, which spikes follow, with lag_ms below 0 earlier; decode_history "
                "takes bins before into account"
            )


def _ratios(table: polars.DataFrame) -> Iterator[str]:
    for (split, model, metric), mean in means(table).items():
        if metric == RATIO and abs(mean - 1) > RATIO_NOTED:
            how = f"{abs(mean - 1):.0%} {'more' if mean > 1 else 'fewer'}"
            yield f"{split}: {model} predicted {how} spikes than were recorded on the evaluation trials"
    trained = table.filter(metric=RATIO, parameter=OF_TRAINING[0]).with_columns(parameter=None)
    for (split, model, _), mean in means(trained).items():
        if abs(mean - 1) > RATIO_NOTED_IN_TRAINING:
            yield f"{split}: {model} predicted {mean:.3f} spikes for each that was recorded on its own training trials"


def _weights(table: polars.DataFrame) -> Iterator[str]:
    for place in (HELDOUT, FORWARD, HELDIN):
        own = table.filter(metric=WEIGHT, parameter=place).with_columns(parameter=None)
        for (split, model, _), mean in means(own).items():
            if mean < WEIGHT_NOTED:
                yield (
                    f"{split}: {model} knows little of {place} beyond the mean rate: its log rates are best "
                    f"believed by {mean:.2f} on validation trials, and so they are predicted"
                )


def _silent(table: polars.DataFrame) -> Iterator[str]:
    """Yield one sentence for each set of units that were silent in training, with what they cost each model."""
    from polars import col

    found = means(table)
    for metric in ("co-bps", "fp-bps"):
        without = WITHOUT.format(metric)
        for split, note, models in _together(table.filter(col("metric") == without), ("split", "note"), "model"):
            each = "; ".join(
                f"{model} {number(found.get((split, model, metric)))} with them, "
                f"{number(found.get((split, model, without)))} without"
                for model in models
            )
            yield f"{split}: {note}; {metric} of {each}"


def _undefined(table: polars.DataFrame) -> Iterator[str]:
    from polars import String, coalesce, col, format, when

    of_unit = col("unit").is_not_null() | col("unit_index").is_not_null()
    undefined = table.filter(col("value").is_null()).with_columns(
        name=when(of_unit).then(format("{} of single units", metric_name())).otherwise(metric_name()),
        which=coalesce("unit_name", *(col(one).cast(String) for one in ("unit", "unit_index"))),
    )
    for split, metric, note, models, units in _together(undefined, ("split", "name", "note"), "model", "which"):
        which = f" ({', '.join(units[:20])}{' ...' if len(units) > 20 else ''})" if units else ""
        yield f"{split}: {metric}{which} undefined for {', '.join(models)}: {note.partition(f'; {BY_OWN_FORM}')[0]}"


def _together(table: polars.DataFrame, place: tuple[str, ...], *names: str) -> Iterator[tuple[Any, ...]]:
    """Yield each place of a table whose last part is no empty text, with the values of columns there, each once."""
    from polars import col

    there = table.filter(col(place[-1]).str.len_bytes() > 0)
    each = (col(name).drop_nulls().unique(maintain_order=True) for name in names)
    return there.group_by(place, maintain_order=True).agg(*each).iter_rows()
