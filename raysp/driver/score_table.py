"""A run's numbers as lines of text: floor first, ceiling last, mean and spread over seeds (or over cells)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from raysp.config.experiment import Experiment
from raysp.io.words import number
from raysp.kinds.population.remarks import remarks_of
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import read_metrics

ORDER = (
    "co-bps", "vel R2", "behavior R2, mean over variables", "tp corr", "psth R2", "fp-bps",
    "co-bps without units silent in training", "fp-bps without units silent in training",
    "true-rate R2", "true-rate R2 pooled", "true-rate Pearson r squared, pooled", "state R2", "masked deviance",
    "reconstruction bits/spike", "predicted / recorded spikes",
)  # fmt: skip
"""The columns that are printed, in this order; those with a parameter follow the one without."""

WITH_PARAMETER = ("behavior R2",)
TRAINS, WIDTHS_MS = ("Schreiber", "van Rossum"), ("10", "50")


def lines(run: RunFolder, phase: str) -> Iterator[str]:
    """Yield one block per split, models by metrics over all units, then what else must be known of the scores.

    Args:
        run: the run folder, evaluated.
        phase: "val" or "test".

    Raises:
        BadInput: the table of metrics is damaged.
    """
    from polars import col

    record = run.record()["experiment"]
    whole = read_metrics(run, col("phase") == phase)
    yield from _trains(whole, record)
    shown = col("parameter").is_null() | col("metric").is_in(WITH_PARAMETER)
    table = whole.filter(col("unit").is_null() & col("unit_index").is_null() & shown)
    for (split,), rows in table.group_by("split", maintain_order=True):
        values: dict[str, dict[str, list[float | None]]] = {}
        for row in rows.to_dicts():
            values.setdefault(row["model"], {}).setdefault(_name(row), []).append(row["value"])
        metrics = _columns({name for found in values.values() for name in found})
        yield ""
        yield from aligned(
            [split, *metrics],
            [[model, *(_cell(values[model].get(name, ())) for name in metrics)] for model in _ordered(values, record)],
        )
    if notes := remarks_of(run, phase):
        yield ""
        yield from (f"note: {note}" for note in notes)


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table's lines: the first column to the left, the others to the right, two spaces between any two."""
    table = [list(head), *([f"  {first}", *rest] for first, *rest in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *rest in table:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def _name(row: dict[str, Any]) -> str:
    return row["metric"] if row["parameter"] is None else f"{row['metric']} ({row['parameter']})"


def _columns(names: set[str]) -> list[str]:
    order = {name: place for place, name in enumerate(ORDER)}
    shown = [name for name in names if name in order or name.startswith(WITH_PARAMETER)]
    return sorted(shown, key=lambda name: (order.get(name, order["behavior R2, mean over variables"]), len(name), name))


def _trains(table: Any, record: dict[str, Any]) -> Iterator[str]:
    """Yield a block per recording in one piece: models and decodings by measures, mean and spread over cells."""
    from polars import col

    keys = ["split", "model", "decoding", "metric", "parameter"]
    shown = col("metric").is_in(TRAINS) & col("parameter").is_in(WIDTHS_MS) & col("decoding").is_not_null()
    # Seeds first: a cell with three of them is still one cell.
    means = table.filter(shown).group_by([*keys, "unit"], maintain_order=True).agg(col("value").mean())
    columns = [(name, width) for name in TRAINS for width in WIDTHS_MS]
    for (split,), rows in means.group_by("split", maintain_order=True):
        values: dict[str, dict[str, dict[tuple[str, str], list[float | None]]]] = {}
        for row in rows.to_dicts():
            one = values.setdefault(row["model"], {}).setdefault(row["decoding"], {})
            one.setdefault((row["metric"], row["parameter"]), []).append(row["value"])
        yield ""
        yield from aligned(
            [split, *(f"{name} {width} ms" for name, width in columns)],
            [
                [f"{model}, {decoding}", *(_cell(found.get(column, ())) for column in columns)]
                for model in _ordered(values, record)
                for decoding, found in values[model].items()
            ],
        )


def _ordered(models: Any, record: dict[str, Any]) -> list[str]:
    rank = {record.get("floor", Experiment.floor): 0, record.get("ceiling", Experiment.ceiling): 2}
    return sorted(models, key=lambda model: rank.get(model, 1))


def _cell(values: Sequence[float | None]) -> str:
    """Spell the mean and spread of the values that are defined, and how many are not."""
    known = [value for value in values if value is not None and value == value]
    if not known:
        return "undefined" if values else "-"
    mean, left_out = sum(known) / len(known), len(values) - len(known)
    tail = f", {left_out} undefined" if left_out else ""
    if len(known) == 1:
        return f"{number(mean)}{tail}"
    spread = (sum((value - mean) ** 2 for value in known) / (len(known) - 1)) ** 0.5
    return f"{number(mean)} ± {number(spread)} ({len(known)}{tail})"
