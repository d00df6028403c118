"""A search for the best model of a recording: what it found, by how much, and what more time would do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from raysp.driver.best_average import LABEL, Average, NoAverage
from raysp.driver.best_finals import Finals, Place, final_run, places
from raysp.driver.ensemble_members import LEAST, NAME
from raysp.errors import NotReady
from raysp.io import files
from raysp.io.words import counted
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import read_metrics
from raysp.search.objective import best_first
from raysp.search.page.tables import best_settings
from raysp.search.result import Result

if TYPE_CHECKING:
    import polars

FEWEST, DRAWS = 5, 10_000
"""Validation trials from which an interval is given, and draws of them (bootstrap)."""

FEW = 3
"""Candidates of a model that say little of its settings."""

LATE = 2 / 3
"""A model whose best candidate came after this share of them may well have a better one."""


@dataclass(frozen=True)
class Story:
    """A search for the best model, as its page tells it.

    Attributes:
        run: its folder.
        minutes: that it was given, over all commands.
        results: of the search, a model each.
        finals: what was trained anew.
        left_out: model -> why it was not tried.
        seconds: that it took, over all commands.
        average: what the average of what was trained anew comes to.
    """

    run: RunFolder
    minutes: float
    results: tuple[Result, ...]
    finals: Finals
    left_out: Mapping[str, str]
    seconds: float
    average: Average | NoAverage

    @property
    def split(self) -> str:
        """The split's name."""
        return self.results[0].study.definition.split

    @property
    def objective(self) -> str:
        """What all are compared by."""
        return self.results[0].study.definition.objectives[0]

    @property
    def lower(self) -> bool:
        """Whether less of it is better."""
        return best_first(self.objective) > 0

    @property
    def ranked(self) -> list[Place]:
        """All candidates that ended, best first."""
        return places(self.results)

    @property
    def winner(self) -> Place:
        """The best of all by validation trials; a baseline where no other is better."""
        return self.ranked[0]

    @property
    def floor(self) -> Place | None:
        """The floor's place; None where it is none of the models that were tried."""
        name = self.finals.experiment.floor or kinds.of(self._kind).floor
        return next((place for place in self.finals.baselines if place.model == name), None)

    @property
    def baseline(self) -> Place | None:
        """The best baseline's place, the floor's only where there is no other."""
        others = [place for place in self.finals.baselines if place is not self.floor]
        return next(iter(others or self.finals.baselines), None)

    @property
    def best_average(self) -> Average | None:
        """The average where it wins over the winner, too, which must be one of its members."""
        found = self.average
        return found if isinstance(found, Average) and found.wins and found.has(self.winner.label) else None

    @property
    def final(self) -> RunFolder:
        """The run of what was trained anew."""
        return final_run(self.run, self.finals, self.split)

    @property
    def search(self) -> RunFolder:
        """The sweep."""
        return self.results[0].study.run

    @property
    def told(self) -> str:
        """Path of best.json."""
        return files.join(self.run.path, "best.json")

    def margin(self, over: Place | None) -> float | None:
        """Return by how much the winner is better than another by validation trials; more is better."""
        if over is None:
            return None
        return best_first(self.objective) * (over.value - self.winner.value)

    def interval(self, over: Place | None) -> tuple[float, float, int] | None:
        """Return the 95 % interval of that margin over draws of validation trials, and how many trials there are.

        A trial counts as much as it has entries, as in the losses that are compared. None where losses of single
        trials are not known, as of kinds of data without.
        """
        if over is None:
            return None
        (mine, entries), (theirs, others) = self.winner.each, over.each
        if not np.array_equal(entries, others):
            return None
        some = entries > 0
        gain, entries = (theirs - mine)[some], entries[some]
        if len(gain) < FEWEST or not np.isfinite(gain).all():
            return None
        draws = np.random.default_rng(0).integers(len(gain), size=(DRAWS, len(gain)))
        margins = (gain * entries)[draws].sum(axis=1) / entries[draws].sum(axis=1)
        low, high = np.quantile(margins, [0.025, 0.975])
        return float(low), float(high), len(gain)

    @property
    def _kind(self) -> str:
        return catalog.kind(self.results[0].study.definition.model)

    def scores(self) -> tuple[list[str], dict[str, dict[str, list[float]]]]:
        """Return the metrics that the terminal prints, and label -> metric -> its values over seeds."""
        known, found = kinds.of(self._kind).metrics, dict[str, dict[str, list[float]]]()
        if isinstance(self.average, Average) and self.average.weighed >= LEAST:
            found[LABEL] = _scored(self.average.run).get(NAME, {})
        found = {label: values for label, values in {**found, **_scored(self.final)}.items() if values}
        names = [n for n, one in known.items() if one.printed and any(n in values for values in found.values())]
        return names, found

    def still_better(self) -> list[str]:
        """Return the models whose best candidate came late, so that more of them are likely to find a better one."""
        return [
            f"{one.study.definition.model} ({one.order[0] + 1} of {len(one.candidates)})"
            for one in self.results
            if len(one.candidates) > FEW and one.order and one.order[0] >= LATE * len(one.candidates)
        ]

    def hardly_tried(self) -> list[str]:
        """Return the models of whose settings no more than `FEW` candidates have ended."""
        searched = (one for one in self.results if one.study.definition.space.free)
        return [one.study.definition.model for one in searched if len(one.order) <= FEW]

    def advice(self) -> Iterator[str]:
        """Yield what more time would do, a sentence each."""
        known = self.scores()[1]
        if lost := [place.label for place in self.finals.members if place.label not in known]:
            yield f"{', '.join(lost)} could not be trained anew to the end in what was left of the time."
        out = [
            result.study.definition.model
            for result in self.results
            if any(one.record.get("out_of_time") for one in result.trials.values())
        ]
        waiting = sum(one.state == "waiting" for result in self.results for one in result.scores.values())
        if not self.finals.members and not all(catalog.fits_itself(one.study.definition.model) for one in self.results):
            yield "There was no time to train any candidate anew, beside floors and baselines."
        if out:
            yield (
                f"Trainings of {', '.join(out)} were ended after an eighth of the time, the most that one "
                "candidate gets; with more minutes each of them has more."
            )
        if failed := [one.study.definition.model for one in self.results if _all_failed(one)]:
            yield f"{', '.join(failed)} failed; their errors are in {self.search.path}, and --retry runs them again."
        if waiting:
            yield f"{counted(waiting, 'candidate')} had begun when the search's time was over; they go on first."
        if late := self.still_better():
            yield f"The best candidate came late among those of {', '.join(late)}: more may well find a better one."
        elif few := self.hardly_tried():
            yield f"Of {', '.join(few)} no more than {FEW} candidates ended: more time tries more of their settings."
        elif self.finals.members:
            yield "No model's best candidate came late: more time may well find nothing better."
        edges = [one["name"] for one in best_settings(self.winner.result) if one["at_edge"] and one["changed"]]
        if edges:
            names = ", ".join(map(str, edges))
            yield f"The winner lies at the edge of the range of {names}: give a wider space with --space."
        yield f"The same command with --minutes {2 * self.minutes:g} goes on from here."


def _all_failed(result: Result) -> bool:
    return {score.state for score in result.scores.values()} == {"failed"}


def _scored(run: RunFolder) -> dict[str, dict[str, list[float]]]:
    try:
        return _over_all(read_metrics(run))
    except NotReady:
        return {}


def _over_all(table: polars.DataFrame) -> dict[str, dict[str, list[float]]]:
    from polars import col

    whole = table.filter(
        col("parameter").is_null() & col("unit_index").is_null() & col("unit").is_null() & col("value").is_not_null()
    ).sort("seed")
    found: dict[str, dict[str, list[float]]] = {}
    for model, metric, value in whole.select("model", "metric", "value").iter_rows():
        found.setdefault(model, {}).setdefault(metric, []).append(value)
    return found
