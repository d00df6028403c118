"""The best candidates of a search over models as an experiment: trained anew, over seeds, as far as there is time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raysp.config import settings
from raysp.config.experiment import STANDIN, Experiment, ModelChoice
from raysp.config.settings import Plain
from raysp.data.splits.header import Header
from raysp.driver.plan import unfit
from raysp.io import files
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.runs.folder import RunFolder
from raysp.search.objective import best_first
from raysp.search.result import Result
from raysp.search.space_check import parted

MOST, OF_ONE_MODEL = 5, 3
"""Candidates that are trained anew, beside the baselines; and of one model, whose neighbours err alike."""

TWICE, OVERHEAD_S = 2.0, 4.0
"""What a fit takes here, in multiples of the search: once without the validation trials, once with them. What any trial
takes beside its fit."""


PAIRS = tuple[tuple[float | None, int], ...]
"""(loss, entries) of each validation trial; no loss where there is no such entry."""


@dataclass(frozen=True)
class Place:
    """A candidate of a search over models.

    Attributes:
        result: its study.
        number: its own.
        value: of the number that all are compared by.
    """

    result: Result
    number: int
    value: float

    @property
    def model(self) -> str:
        """Its model."""
        return self.result.study.definition.model

    @property
    def baseline(self) -> bool:
        """Whether its model fits itself, as floors and baselines do."""
        return catalog.fits_itself(self.model)

    @property
    def label(self) -> str:
        """What it is called among those that are trained anew."""
        return self.model if self.baseline else f"{self.model}-{self.number}"

    @property
    def each(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The loss of each validation trial, mean over its seeds, and of how many entries it is.

        Those of trials without such entries are NaN; both are empty where its kind of data has no such thing.
        """
        study, candidate = self.result.study, self.result.candidates[self.number]
        folders = [study.run.trial(study.trial_id(candidate, seed)) for seed in study.definition.seeds]
        found = [folder.read_metrics().get("each_unseen") for folder in folders if files.exists(folder.metrics)]
        # Searches of earlier versions wrote losses alone, which do not say how much each of them counts.
        known = [
            settings.coerce(PAIRS, one, "each_unseen")
            for one in found
            if isinstance(one, list) and one and isinstance(one[0], list)
        ]
        if not known:
            return np.zeros(0), np.zeros(0, dtype=np.int64)
        losses = np.asarray([[loss for loss, _ in one] for one in known], dtype=np.float64)
        return losses.mean(axis=0), np.asarray([entries for _, entries in known[0]])

    @property
    def seconds(self) -> float:
        """What its trials took."""
        return sum(one.record.get("seconds", 0.0) for (n, _), one in self.result.outcomes.items() if n == self.number)

    def choice(self) -> ModelChoice:
        """Return it as an experiment's model, trained anew to all training trials once its epochs are selected."""
        definition = self.result.study.definition
        candidate = self.result.candidates[self.number]
        parts = parted(definition.space.complete(candidate.params, definition.base))
        label = "" if self.baseline else self.label
        return ModelChoice(self.model, parts["model"], self._training(parts["training"]), label=label)

    def _training(self, training: Mapping[str, Plain]) -> dict[str, Plain]:
        if not training:
            return {}
        seed = self.result.study.definition.seeds[0]
        record = self.result.outcomes[self.number, seed].record
        ended = {"epochs": record["epochs"]} if record.get("out_of_time") else {}
        return {**training, **ended, "refit": True, "measure_every": 0}


def places(results: Sequence[Result]) -> list[Place]:
    """Return the candidates of all models that ended by themselves, the best first."""
    found = [
        Place(result, number, result.scores[number].values[result.study.definition.objectives[0]])
        for result in results
        for number in result.order
    ]
    return sorted(found, key=lambda place: best_first(place.result.study.definition.objectives[0]) * place.value)


@dataclass(frozen=True)
class Finals:
    """What is trained anew.

    Attributes:
        experiment: the run.
        members: the best candidates, best first; none where there was no time for any.
        baselines: floors and baselines, each at the best settings that the search found.
        baselines_s: what these will take, s.
    """

    experiment: Experiment
    members: tuple[Place, ...]
    baselines: tuple[Place, ...]
    baselines_s: float = 0.0


def finals(experiment: Experiment, header: Header, results: Sequence[Result], room_s: float, seeds: int) -> Finals:
    """Return what there is time to train anew.

    Seeds come before candidates: how much a score depends on chance is worth more than a second model.

    Args:
        experiment: with the split; its models are the search's.
        header: of the split.
        results: of the search.
        room_s: seconds of all workers together.
        seeds: so many, as far as there is time.
    """
    ranked = places(results)
    own = [place for place in ranked if place.baseline]
    baselines = [place for i, place in enumerate(own) if place.model not in {one.model for one in own[:i]}]
    candidates = list(_few_of_each(place for place in ranked if not place.baseline))
    always = sum(map(_cost, baselines))
    for count in range(seeds, 0, -1):
        members = _fitting(candidates, room_s / count - always)
        if members:
            break
    known = {place.model for place in baselines}
    bounds = [ModelChoice(name) for name in _bounds(experiment, header) if name not in known]
    # Without floor and baselines beside them, the others' scores say little: whatever the time, these come first.
    chosen = [*bounds, *(place.choice() for place in [*baselines, *members])]
    made = dataclasses.replace(experiment, name="final", models=tuple(chosen), seeds=tuple(range(count)))
    return Finals(made, tuple(members), tuple(baselines), always)


def final_run(run: RunFolder, found: Finals, split: str) -> RunFolder:
    """Return the run of what is trained anew, in the folder of a search for the best model of a split."""
    return RunFolder(files.join(run.path, f"{STANDIN if split.startswith(STANDIN) else ''}{found.experiment.name}"))


def _bounds(experiment: Experiment, header: Header) -> Iterator[str]:
    kind = kinds.of(header.kind)
    for name in (experiment.floor or kind.floor, experiment.ceiling or kind.ceiling):
        if name and unfit(name, header) is None:
            yield name


def _few_of_each(ranked: Iterator[Place]) -> Iterator[Place]:
    counts: dict[str, int] = {}
    for place in ranked:
        counts[place.model] = counts.get(place.model, 0) + 1
        if counts[place.model] <= OF_ONE_MODEL:
            yield place


def _fitting(candidates: Sequence[Place], room_s: float) -> list[Place]:
    """Return the first of them that there is room for; the best, if it has room at all, is among them."""
    members: list[Place] = []
    for place in candidates[:MOST]:
        wanted = [*members, place]
        if sum(map(_cost, wanted)) <= room_s:
            members = wanted
        elif not members:
            break
    return members


def _cost(place: Place) -> float:
    return TWICE * place.seconds + OVERHEAD_S
