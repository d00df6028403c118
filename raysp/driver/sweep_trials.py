"""The trials of a sweep, with what the tracking store is told of their place in it."""

from __future__ import annotations

import contextlib
import itertools

from raysp.config.experiment import Trial
from raysp.errors import BadInput
from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.search.result import read_result
from raysp.search.scheduler import StudyScheduler
from raysp.search.study import Candidate, Study, read_studies


def described(run: RunFolder) -> list[tuple[Trial, dict[str, str]]]:
    """Return every trial of a sweep with the tags that place it there, for the tracking store."""
    found: dict[str, tuple[Trial, dict[str, str]]] = {}
    for result in map(read_result, read_studies(run)):
        for number, seed, chunk in result.trials:
            candidate = result.candidates[number]
            with contextlib.suppress(BadInput):
                # Today's code may not know a setting of then any more; the store keeps what it has of such a trial.
                trial = result.study.trial(candidate, seed, chunk)
                found.setdefault(trial.id, (trial, tags(result.study, candidate, seed)))
    return list(found.values())


def finals(scheduler: StudyScheduler) -> list[tuple[Trial, dict[str, str]]]:
    """Return the finals that earlier commands began; a study whose finished.json is gone does not tell of them."""
    found = []
    for active in scheduler.studies:
        parts = list(active.study.definition.parts(active.amount.final_seeds))
        for candidate, part in itertools.product(active.candidates, parts):
            trial = active.study.trial(candidate, *part)
            if files.exists(active.study.run.trial(trial.id).path):
                found.append((trial, tags(active.study, candidate, trial.seed)))
    return found


def tags(study: Study, candidate: Candidate, seed: int) -> dict[str, str]:
    """Return the tags of one trial of a candidate."""
    stage = "search" if seed in study.definition.seeds else "final"
    return {"candidate": str(candidate.number), "source": candidate.source, "stage": stage, "study": study.name}
