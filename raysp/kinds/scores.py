"""Scores for a person's eye: models by metrics, floor first and ceiling last, the best of each metric known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysp.io.words import number
from raysp.kinds.metric import Metric

if TYPE_CHECKING:
    import polars

Values = Sequence[float | None]


@dataclass(frozen=True)
class Score:
    """One cell.

    Attributes:
        text: as it is spelled.
        mean: over seeds or units; None where it has none.
        best: whether it is the best.
        whole: False where it is a mean over fewer units than others of its column, and so one of other units: it is
            compared with none.
    """

    text: str
    mean: float | None = None
    best: bool = False
    whole: bool = True


@dataclass(frozen=True)
class Row:
    """One model, or one of its decodings: its name, its scores, and whether it is "floor", "ceiling" or neither, ""."""

    name: str
    scores: tuple[Score, ...]
    role: str = ""

    @property
    def label(self) -> str:
        """The name, with what a floor or ceiling is beside it."""
        return f"{self.name} ({self.role})" if self.role else self.name


@dataclass(frozen=True)
class Scores:
    """The table of one split.

    Attributes:
        split: its name.
        columns: (name, metric) each; None for what is no metric of a model.
        rows: floor first, ceiling last.
        what: what a cell holds, in words.
    """

    split: str
    columns: tuple[tuple[str, Metric | None], ...]
    rows: tuple[Row, ...]
    what: str = ""


def over_units(table: polars.DataFrame, metrics: Mapping[str, Metric], bounds: tuple[str, str]) -> Iterator[Scores]:
    """Yield a table per split: models by metrics over all units, mean and spread over seeds.

    Args:
        table: rows of metrics.parquet, a polars frame.
        metrics: of the kind; those that are printed become columns, in this order.
        bounds: floor and ceiling.
    """
    from polars import col

    chosen = col("metric").is_in([name for name, one in metrics.items() if one.printed])
    table = table.filter(col("unit").is_null() & col("unit_index").is_null() & chosen)
    for (split,), rows in table.group_by("split", maintain_order=True):
        values: dict[str, dict[str, list[float | None]]] = {}
        for row in rows.to_dicts():
            values.setdefault(row["model"], {}).setdefault(_name(row["metric"], row["parameter"]), []).append(
                row["value"]
            )
        names = list(_columns(metrics, {name for found in values.values() for name in found}))
        cells = {(model, model): [found.get(name, ()) for name in names] for model, found in values.items()}
        yield spelled(split, [(name, metrics[name.partition(" (")[0]]) for name in names], cells, bounds, "seed")


def further(
    table: polars.DataFrame, metrics: Mapping[str, Metric], bounds: tuple[str, str], shown: Iterable[str]
) -> Iterator[Scores]:
    """Yield a table per split of the metrics over all units that have no column among those shown.

    Args:
        table: rows of metrics.parquet, a polars frame.
        metrics: of the kind; those that are none of its come last.
        bounds: floor and ceiling.
        shown: names of columns, with their parameter where they have one.
    """
    from polars import col

    whole = table.filter(col("unit").is_null() & col("unit_index").is_null())
    known, left_out = list(metrics), set(shown)
    for (split,), rows in whole.group_by("split", maintain_order=True):
        values: dict[tuple[str, str], dict[str, list[float | None]]] = {}
        for row in rows.to_dicts():
            label = row["model"] if row["decoding"] is None else f"{row['model']}, {row['decoding']}"
            name = _name(row["metric"], row["parameter"])
            if name not in left_out:
                values.setdefault((row["model"], label), {}).setdefault(name, []).append(row["value"])
        names = dict.fromkeys(name for found in values.values() for name in found)
        of = {name: metrics.get(name) or metrics.get(name.partition(" (")[0]) for name in names}
        places = {
            name: known.index(base) if (base := name.partition(" (")[0]) in metrics else len(known) for name in of
        }
        ordered_ = sorted(names, key=lambda name: places[name])
        cells = {key: [found.get(name, ()) for name in ordered_] for key, found in values.items()}
        if ordered_:
            yield spelled(f"{split}, further metrics", [(name, of[name]) for name in ordered_], cells, bounds, "seed")


def spelled(
    split: str,
    columns: Sequence[tuple[str, Metric | None]],
    cells: Mapping[tuple[str, str], Sequence[Values]],
    bounds: tuple[str, str],
    over: str,
) -> Scores:
    """Return the table of a split, of the mean and spread of each cell's values.

    Args:
        split: its name.
        columns: as of `Scores`.
        cells: (model, name of the row) -> the values of each column.
        bounds: floor and ceiling.
        over: what the values of a cell are of, e.g. "seed".
    """
    counts = {len(values) for row in cells.values() for values in row if len(values)}
    together = len(counts) == 1 and all(None not in values for row in cells.values() for values in row)
    what = f"mean ± SD over {max(counts)} {over}s" if together and max(counts) > 1 else ""
    spell = _spread if together else _spread_counted
    able = [row for (model, _), row in cells.items() if model not in bounds] or list(cells.values())
    most = [max(len(_known(one)) for one in column) for column in zip(*able, strict=True)]
    rows = {
        key: [
            Score(spell(values), _mean(values), whole=over != "unit" or len(_known(values)) == count)
            for values, count in zip(row, most, strict=True)
        ]
        for key, row in cells.items()
    }
    return compared(split, columns, rows, bounds, what)


def compared(
    split: str,
    columns: Sequence[tuple[str, Metric | None]],
    rows: Mapping[tuple[str, str], Sequence[Score]],
    bounds: tuple[str, str],
    what: str = "",
) -> Scores:
    """Return the table of a split with rows in order, and the best of each column marked; arguments as of `spelled`."""
    order = ordered(dict.fromkeys(model for model, _ in rows), bounds)
    roles = dict(zip(bounds, ("floor", "ceiling"), strict=True))
    found = [
        Row(name, tuple(rows[key, name]), roles.get(key, ""))
        for key in order
        for name in (name for model, name in rows if model == key)
    ]
    return Scores(split, tuple(columns), tuple(_ranked(found, columns)), what)


def with_ceilings(scores: Scores, ceilings: Collection[str]) -> Scores:
    """Return a table in which further models are ceilings, too: told what is asked of them, they compete with none.

    Args:
        scores: a table whose rows begin with a model's name.
        ceilings: names of models.
    """
    roles = [row.role or ("ceiling" if row.name.partition(",")[0] in ceilings else "") for row in scores.rows]
    rows = [
        Row(row.name, tuple(dataclasses.replace(one, best=False) for one in row.scores), role)
        for row, role in zip(scores.rows, roles, strict=True)
    ]
    return Scores(scores.split, scores.columns, tuple(_ranked(rows, scores.columns)), scores.what)


def ordered(models: Iterable[str], bounds: Sequence[str]) -> list[str]:
    """Return models with the floor first and the ceiling last."""
    floor, ceiling = bounds
    return sorted(models, key=lambda model: (model == ceiling) - (model == floor))


def _ranked(rows: Sequence[Row], columns: Sequence[tuple[str, Metric | None]]) -> list[Row]:
    found = list(rows)
    for at, (_, metric) in enumerate(columns):
        if metric is not None and metric.ranked:
            found = _marked(found, at, min if metric.better == "min" else max)
    return found


def _marked(rows: Sequence[Row], at: int, most: Callable[[Iterable[float]], float]) -> list[Row]:
    """Return rows with the best score of a column marked, unless all that compete have it, or the floor is as good.

    Floor and ceiling do not compete.
    """
    able = [row.scores[at] for row in rows if not row.role and row.scores[at].whole]
    known = [one.mean for one in able if one.mean is not None]
    if len(set(known)) < 2:
        return list(rows)
    best = most(known)
    floor = [mean for row in rows if row.role == "floor" and (mean := row.scores[at].mean) is not None]
    if floor and (best in floor or most([best, *floor]) != best):
        return list(rows)

    def mark(row: Row) -> Row:
        one = row.scores[at]
        if row.role or one.mean != best or not one.whole:
            return row
        return Row(row.name, (*row.scores[:at], dataclasses.replace(one, best=True), *row.scores[at + 1 :]), row.role)

    return [mark(row) for row in rows]


def _known(values: Values) -> list[float]:
    return [value for value in values if value is not None and value == value]


def _mean(values: Values) -> float | None:
    known = _known(values)
    return sum(known) / len(known) if known else None


def _spread(values: Values) -> str:
    """Spell mean and spread of the values that are defined."""
    known, mean = _known(values), _mean(values)
    if mean is None:
        return "undefined" if values else "-"
    if len(known) == 1:
        return number(mean)
    return f"{number(mean)} ± {number((sum((value - mean) ** 2 for value in known) / (len(known) - 1)) ** 0.5)}"


def _spread_counted(values: Values) -> str:
    """Spell the same, with how many values are in it and how many are not defined."""
    known = _known(values)
    tail = f"{left_out} undefined" if (left_out := len(values) - len(known)) and known else ""
    counted = ", ".join(text for text in (str(len(known)) if len(known) > 1 else "", tail) if text)
    return f"{_spread(values)} ({counted})" if counted else _spread(values)


def _name(metric: str, parameter: str | None) -> str:
    return metric if parameter is None else f"{metric} ({parameter})"


def _columns(metrics: Mapping[str, Metric], there: set[str]) -> Iterator[str]:
    for name, metric in metrics.items():
        if "" in metric.printed and name in there:
            yield name
        if "*" in metric.printed:
            yield from sorted((one for one in there if one.startswith(f"{name} (")), key=lambda one: (len(one), one))
