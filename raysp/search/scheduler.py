"""All studies of a sweep at work: what the workers ask for next, and what was settled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from raysp.config.experiment import Trial
from raysp.search.active_study import ActiveStudy
from raysp.search.outcome import Outcome

Turns = Callable[[Sequence[ActiveStudy]], Sequence[tuple[ActiveStudy, bool]]]
"""Of some studies, whom to ask first for a trial, and who may propose a new candidate for it."""


def in_order(studies: Sequence[ActiveStudy]) -> list[tuple[ActiveStudy, bool]]:
    """Have earlier studies go first."""
    return [(active, True) for active in studies]


class StudyScheduler:
    """The studies of a sweep, all at work.

    Args:
        studies: one active study each.
        turns: whose turn it is; earlier ones go first unless it is given.
    """

    def __init__(self, studies: list[ActiveStudy], turns: Turns = in_order) -> None:
        self.studies, self._turns = studies, turns
        self._owner: dict[str, ActiveStudy] = {}
        self._trials: dict[str, Trial] = {}
        self._kept: list[Trial] = []

    def next(self) -> Trial | Literal["over"] | None:
        """Return the next trial, None when some must end first, or "over"."""
        if self._kept:
            return self._kept.pop()
        for active, fresh in self._turns(self.studies):
            if (trial := active.next(fresh=fresh)) is not None:
                self._owner[trial.id], self._trials[trial.id] = active, trial
                return trial
        return "over" if all(active.over() for active in self.studies) else None

    def settle(self, trial_id: str) -> Outcome:
        """Note that a trial has ended; return how."""
        self._trials.pop(trial_id)
        return self._owner[trial_id].settle(trial_id)

    def give_back(self, trial_id: str) -> None:
        """Take back a trial that has not ended; `next` returns it again."""
        self._owner[trial_id].give_back(trial_id)

    def pending(self) -> bool:
        """Tell whether anything is left to run, without starting it."""
        found = self.next()
        if found is not None and found != "over":
            self._kept.append(found)
        return found != "over"

    def trial(self, trial_id: str) -> Trial:
        """Return a running trial by its name."""
        return self._trials[trial_id]

    def study_of(self, trial_id: str) -> ActiveStudy:
        """Return the study that a running trial belongs to."""
        return self._owner[trial_id]
