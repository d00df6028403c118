"""What the models of a recording came to, read from the run's tables: means, differences, each unit's headline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from raysp.kinds.stimulus.lines import HEADLINE, PART, SIGN, Line, Mean, Means
from raysp.report.run_data import RunData, Task
from raysp.runs.metrics_table import read_metrics


@dataclass(frozen=True)
class Difference:
    """A network's paired difference to another model; numbers as in `raysp.runs.comparison_table`.

    Attributes:
        terms: on which they are compared.
        line: the network.
        other: what it is compared with.
        metric: the measure.
        sigma: the width, ms; None over all of them.
    """

    terms: str
    line: Line
    other: Line
    metric: str
    sigma: int | None
    count: int
    mean: float
    low: float | None = None
    high: float | None = None
    p: float | None = None
    won: int = 0
    share: float | None = None

    @property
    def verdict(self) -> int:
        """1 where the whole interval is on the better side of zero, -1 on the worse side, else 0."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return 0
        return SIGN[self.metric] if self.low > 0 else -SIGN[self.metric]


@dataclass(frozen=True)
class Numbers(Means):
    """Means over units, and what else is shown of them.

    Attributes:
        differences: of networks to others.
        by_unit: line -> unit -> its value by `HEADLINE`, mean over seeds.
    """

    differences: tuple[Difference, ...] = ()
    by_unit: Mapping[Line, Mapping[int, float]] = field(default_factory=dict)

    @property
    def main(self) -> Line | None:
        """The network whose predictions are shown: the best by `HEADLINE`; of Poisson counts where there is no other.

        Decoded as published: the network's output is kept beside its first decoding alone. None where nothing but
        floors and ceilings was scored.
        """
        for role in ("network", "poisson"):
            if found := self.best([line for line in self.having(role) if line.published], *HEADLINE):
                return found
        return None


def read_numbers(data: RunData, task: Task) -> Numbers:
    """Read what was measured of a recording's finished trials; nothing where a table is missing or damaged.

    That one is damaged is among the run's problems already.
    """
    from polars import col

    if (compared := data.comparisons(task)).is_empty():
        return Numbers()
    rows, own = compared.to_dicts(), compared.filter(comparison="mean").to_dicts()
    ways = dict.fromkeys((row["model"], row["decoding"]) for row in own)
    models = [model for model, _ in ways]
    lines: dict[tuple[str, str], Line] = {}
    found = {}
    for row in own:
        way, only = (row["model"], row["decoding"]), models.count(row["model"]) == 1
        line = lines.setdefault(way, Line(*way, row["role"], row["interval"], only, row["published"]))
        found[line, row["metric"], _width(row)] = Mean(*(row[name] for name in Mean._fields))
    differences = (
        Difference(
            row["comparison"],
            lines[row["model"], row["decoding"]],
            lines[row["against"], row["against_decoding"]],
            row["metric"],
            _width(row),
            *(row[name] for name in ("count", "mean", "low", "high", "p", "won", "share")),
        )
        for row in rows
        if row["against"] is not None
    )
    by_unit: dict[Line, dict[int, float]] = {}
    metric, sigma = HEADLINE
    wanted = (col("metric") == metric) & (col("parameter") == str(sigma)) & (col("part") == PART)
    done = col("run_trial").is_in([trial.id for trial in data.finished(task)]) & col("value").is_finite()
    table = read_metrics(data.run, wanted & done).group_by("model", "decoding", "unit", maintain_order=True)
    for model, decoding, unit, value in table.agg(col("value").mean()).iter_rows():
        if (model, decoding) in lines:
            by_unit.setdefault(lines[model, decoding], {})[unit] = value
    return Numbers(tuple(lines.values()), found, tuple(differences), by_unit)


def _width(row: Mapping[str, str | None]) -> int | None:
    return None if row["parameter"] is None else int(row["parameter"])
