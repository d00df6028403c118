"""What the models of continuous recordings come to: means over units, and networks against counts, unit by unit.

A network is compared on three terms: with the decodings of its paper against counts with theirs, the best count chosen
anew at every width; with every decoding, both sides chosen anew; and over the whole range of widths, where no choice
can be made per width, against each count by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from raysp.config.experiment import Trial
from raysp.evaluation.statistics import paired_difference
from raysp.io.rows import Row, Rows
from raysp.kinds.stimulus.lines import ORDER, PART, PREDICTED, RECORDED, SIGMAS, SIGN, Line, Mean, Means
from raysp.models import catalog
from raysp.models.windowed import CALIBRATED
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import read_metrics

if TYPE_CHECKING:
    import polars

    from raysp.models.windowed import Role, WindowModel

WIDTHS = (5, 10, 20, 50, 100, 150)
"""At which differences are tested, ms."""


class About(TypedDict):
    """What a comparison needs to know of a model: its role, and which of its decodings its paper has; None for all."""

    role: Role
    published: list[str] | None


Values = Mapping[tuple[Line, str, int | None], Mapping[int, float]]
"""(line, metric, width in ms or None) -> unit -> mean over seeds."""


def compare(run: RunFolder, trials: Sequence[Trial], bounds: tuple[str, str]) -> Rows:
    """Return the rows of comparison.parquet of the recordings of a run.

    Args:
        run: the run folder, which has a table of metrics.
        trials: the finished ones.
        bounds: floor and ceiling.

    Raises:
        BadInput: the table of metrics is damaged.
    """
    from polars import col

    wanted = col("run_trial").is_in([trial.id for trial in trials]) & col("decoding").is_not_null()
    shown = col("metric").is_in(list(SIGN)) & col("parameter").is_in([str(sigma) for sigma in SIGMAS])
    counted = col("metric").is_in([PREDICTED, RECORDED])
    there = (col("part") == PART) & col("unit").is_not_null() & col("value").is_finite()
    table = read_metrics(run, wanted & there & (shown | counted))
    rows, known = [], run.record().get("models", {})
    for (split,), part in table.group_by("split", maintain_order=True):
        first: dict[str, Trial] = {}
        for trial in trials:
            if trial.split == split:
                first.setdefault(trial.shown, trial)
        values, seeds = _read(part, first, known, bounds)
        rows += [{"split": split, "seeds": seeds[row["model"], row["decoding"]], **row} for row in compared(values)]
    return rows


def compared(values: Values) -> Iterator[Row]:
    """Yield the rows of one recording: means of every line, floor first, then differences of networks."""
    lines = tuple(dict.fromkeys(line for line, _, _ in values))
    means = Means(lines, {key: Mean.of(found.values()) for key, found in values.items()})
    for (line, metric, sigma), found in means.found.items():
        yield _row("mean", line, metric, sigma) | found._asdict()
    yield from _at_each_width(values, means)
    yield from _over_widths(values, means)


def difference(mine: Mapping[int, float], other: Mapping[int, float], metric: str) -> Row | None:
    """Return the paired difference over the units that both have, mine minus the other; None where they share none."""
    if not set(mine) & set(other):
        return None
    return paired_difference(dict(sorted(mine.items())), other, SIGN[metric]).row()


def spacing() -> dict[int, float]:
    """Return what share of the range of widths each compared width stands for: trapezoids, the sum is 1."""
    ends = (SIGMAS[0], *SIGMAS, SIGMAS[-1])
    whole = 2.0 * (SIGMAS[-1] - SIGMAS[0])
    return {sigma: (ends[i + 2] - ends[i]) / whole for i, sigma in enumerate(SIGMAS)}


def over_widths(values: Values, line: Line, metric: str) -> dict[int, float]:
    """Return each unit's mean over the range of widths; only of units that were scored at every one."""
    curves = [(share, values.get((line, metric, sigma), {})) for sigma, share in spacing().items()]
    units = set.intersection(*(set(found) for _, found in curves))
    return {unit: sum(share * found[unit] for share, found in curves) for unit in sorted(units)}


def about(model: type[WindowModel]) -> About:
    """Return what a comparison needs to know of a model."""
    return {"role": model.role, "published": None if model.published is None else list(model.published)}


def _read(
    table: polars.DataFrame, first: Mapping[str, Trial], known: Mapping[str, About], bounds: tuple[str, str]
) -> tuple[Values, dict[Any, str]]:
    """Return a recording's values by line in the order of the lines, and how many seeds each one's units have."""
    from polars import col

    place = ["model", "decoding", "metric", "parameter"]
    by_unit = table.group_by([*place, "unit"], maintain_order=True).agg(col("value").mean(), col("seed").n_unique())
    together = by_unit.group_by(place, maintain_order=True).agg(
        "unit", "value", low=col("seed").min(), high=col("seed").max()
    )
    seeds: dict[tuple[str, str], str] = {}
    rows: list[tuple[str, str, str, str | None, list[int], list[float]]] = []
    for *where, low, high in together.iter_rows():
        rows.append(tuple(where))
        seeds.setdefault((where[0], where[1]), str(low) if low == high else f"{low}–{high}")
    lines = {(line.model, line.decoding): line for line in lines_of(list(seeds), first, known, *bounds)}
    values = {
        (lines[model, decoding], metric, None if width is None else int(width)): dict(zip(units, found, strict=True))
        for model, decoding, metric, width, units, found in rows
        if (model, decoding) in lines
    }
    order = {line: i for i, line in enumerate(lines.values())}
    return dict(sorted(values.items(), key=lambda item: order[item[0][0]])), seeds


def lines_of(
    scored: Sequence[tuple[str, str]], first: Mapping[str, Trial], known: Mapping[str, About], floor: str, ceiling: str
) -> list[Line]:
    """Return what is compared on a recording: floors first, networks, counts by interval, ceilings last.

    Args:
        scored: (model, decoding) of all that was scored, decodings in the order they shall have.
        first: by name, a trial of each model of the plan, in its order.
        known: what the run's record says of models by name (`about`); an earlier version's says nothing.
        floor: name of the floor.
        ceiling: name of the ceiling.
    """
    models, plan = [model for model, _ in scored], list(first)

    def line(model: str, decoding: str) -> Line:
        trial = first[model]
        own = known.get(trial.model) or about(catalog.module(trial.model).Model)
        role: Role = "floor" if model == floor else "ceiling" if model == ceiling else own["role"]
        published = decoding not in CALIBRATED and (own["published"] is None or decoding in own["published"])
        interval = trial.hyperparameters.get("interval")
        counted = interval if isinstance(interval, int) else None
        return Line(model, decoding, role, counted, models.count(model) == 1, published)

    def place(one: Line) -> tuple[int, ...]:
        counts = one.interval if one.interval is not None else 1 << 30
        return (ORDER.index(one.role), one.model == ceiling, counts * (one.role != "network"), plan.index(one.model))

    return sorted((line(*which) for which in scored if which[0] in first), key=place)


def _at_each_width(values: Values, means: Means) -> Iterator[Row]:
    """Yield networks against the best counts and the floor, on equal terms: as published, or with every decoding."""
    networks, counts, floors = (means.having(role) for role in ("network", "poisson", "floor"))
    further = dict.fromkeys(line.model for line in networks if not line.published)
    sides = {
        "published": [[line] for line in networks if line.published],
        "every decoding": [[line for line in networks if line.model == model] for model in further],
    }
    for terms, metric in ((terms, metric) for terms in sides for metric in SIGN):
        rivals = [line for line in counts if line.published or terms != "published"]
        for mine, others in ((mine, others) for mine in sides[terms] for others in (rivals, floors[:1])):
            for sigma in WIDTHS:
                one, other = (means.best(lines, metric, sigma) for lines in (mine, others))
                if one and other and (found := _versus(values, one, other, metric, sigma)):
                    yield _row(terms, one, metric, sigma, other) | found


def _over_widths(values: Values, means: Means) -> Iterator[Row]:
    """Yield networks against the floor and each count, like against like: as published, or calibrated alike."""
    for one, other in ((one, other) for one in means.having("network") for other in means.having("floor", "poisson")):
        alike = one.decoding == other.decoding if one.decoding in CALIBRATED else other.published
        for metric in SIGN if alike or other.role == "floor" else ():
            found = difference(over_widths(values, one, metric), over_widths(values, other, metric), metric)
            if found:
                yield (
                    _row("over widths", one, metric, None, other)
                    | found
                    | {"share": _ahead(values, one, other, metric)}
                )


def _versus(values: Values, one: Line, other: Line, metric: str, sigma: int) -> Row | None:
    return difference(values[one, metric, sigma], values[other, metric, sigma], metric)


def _ahead(values: Values, one: Line, other: Line, metric: str) -> float:
    """Return at what share of the range of widths the mean of the one is better, over the units of both."""
    share = 0.0
    for sigma, part in spacing().items():
        mine, theirs = values[one, metric, sigma], values[other, metric, sigma]
        share += part * (sum(SIGN[metric] * (mine[unit] - theirs[unit]) for unit in mine.keys() & theirs.keys()) > 0)
    return share


def _row(comparison: str, line: Line, metric: str, sigma: int | None, other: Line | None = None) -> Row:
    return {
        "comparison": comparison,
        "model": line.model,
        "decoding": line.decoding,
        "role": line.role,
        "interval": line.interval,
        "published": line.published,
        "metric": metric,
        "parameter": None if sigma is None else str(sigma),
        **({} if other is None else {"against": other.model, "against_decoding": other.decoding}),
    }
