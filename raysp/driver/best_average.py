"""What an average of the trainings that a search for the best model ended with comes to, beside the best of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars
from polars import col

from raysp.driver.ensemble import Request, ensemble
from raysp.driver.ensemble_members import LEAST, UNJUDGED
from raysp.errors import BadInput, NotReady
from raysp.io import files, tables
from raysp.io.words import number
from raysp.runs.ensemble_tables import AGAIN, CHOICES, read_members
from raysp.runs.folder import RunFolder

NAME, LABEL = "average", "average"
"""What its run folder is called, and the average in tables of scores."""


@dataclass(frozen=True)
class Average:
    """A weighted mean of rates of what was trained anew, weighed and judged on validation trials.

    Attributes:
        run: its own run, with predictions, scores and report.
        by: the score that weighed its members.
        way: of weighing, the one with the highest nested score.
        nested: that score, of validation trials that had no part in the choice of weights and members.
        gain: by how much it is above that of the best member, chosen likewise.
        gain_error: standard error of the gain over trials.
        weights: (label, seed) of each member -> its weight, the heaviest first; 0 where it has none.
    """

    run: RunFolder
    by: str
    way: str
    nested: float
    gain: float
    gain_error: float
    weights: Mapping[tuple[str, int], float]

    @property
    def weighed(self) -> int:
        """How many members have weight."""
        return sum(weight > 0 for weight in self.weights.values())

    @property
    def wins(self) -> bool:
        """Whether its best member is not better by a standard error, on trials that chose neither.

        The burden of proof lies with the single one: it is the luckiest of many on the trials that chose it, and the
        likelihood of a mean of rates is never below the members' mean.
        """
        return self.gain > -self.gain_error and self.weighed >= LEAST

    def has(self, label: str) -> bool:
        """Whether a model or candidate is among its members, with weight or without."""
        return any(one == label for one, _ in self.weights)

    @property
    def models(self) -> list[tuple[str, float]]:
        """Each label with weight, and the sum of its seeds' weights, the heaviest first."""
        sums: dict[str, float] = {}
        for (label, _), weight in self.weights.items():
            sums[label] = sums.get(label, 0.0) + weight
        return sorted(((label, one) for label, one in sums.items() if one > 0), key=lambda pair: -pair[1])

    def words(self, winner: str) -> str:
        """Say what it is made of, what it gains, and what follows.

        Args:
            winner: label of the search's, which is no member where there was no time to train it anew.
        """
        if self.weighed < LEAST:
            return f"no average of the {len(self.weights)} trainings is better than {self.models[0][0]} by itself"
        of = ", ".join(f"{label} {weight:.0%}" for label, weight in self.models)
        follows = "it is the winner" if self.wins else "the best single one stays the winner"
        if not self.has(winner):
            follows = f"{winner}, which won the search, was not trained anew, so that it is not among them"
        return (
            f"the average of {self.weighed} of {len(self.weights)} trainings ({of}): {self.by} "
            f"{number(self.nested)} on validation trials that chose neither members nor weights, "
            f"{number(self.gain, signed=True)} ± {number(self.gain_error)} above the best of them: {follows}"
        )

    def told(self) -> dict[str, object]:
        """Return it for best.json."""
        plain = {name: getattr(self, name) for name in ("by", "way", "nested", "gain", "gain_error", "wins")}
        members = [{"label": label, "seed": seed, "weight": one} for (label, seed), one in self.weights.items()]
        return {"run": self.run.path, **plain, "members": members}


@dataclass(frozen=True)
class NoAverage:
    """Why there is none."""

    why: str


def averaged(final: RunFolder, root: str, say: Callable[[str], None]) -> Average | NoAverage:
    """Average what a run of the best candidates and the baselines predicts, and return what that comes to.

    Args:
        final: that run; what is not finished of it has no part.
        root: the data root.
        say: prints one line for a person.
    """
    asked = Request(root, final.path.rpartition("/")[0], NAME, partial=True)
    try:
        run = ensemble([final.path], asked, lambda text: None)
    except (BadInput, NotReady) as reason:
        return NoAverage(str(reason).removesuffix(UNJUDGED))
    say(f"  averaged     {run.path}")
    return read_average(run)


def read_average(run: RunFolder) -> Average | NoAverage:
    """Return what the run of an average came to. Raises NotReady, BadInput where its files are gone or damaged."""
    (trial,) = run.trials()
    folder = run.trial(trial.id)
    members = read_members(folder).sort("weight", "trial", descending=[True, False])
    chosen = tables.read_table(path, again=AGAIN) if files.exists(path := files.join(folder.path, CHOICES)) else None
    taken = polars.DataFrame() if chosen is None else chosen.filter(col("taken"))
    if taken.is_empty():
        return NoAverage("there were too few validation trials with spikes to choose weights by")
    row = taken.row(0, named=True)
    weights = {(one["model"], one["seed"]): one["weight"] for one in members.iter_rows(named=True)}
    numbers = {name: float(row[name]) for name in ("nested", "gain", "gain_error")}
    return Average(run, str(trial.hyperparameters["by"]), row["way"], weights=weights, **numbers)
