"""One study at work: which of its trials to run next, from what its folders say and what has ended since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from raysp.config import settings
from raysp.config.experiment import Trial
from raysp.config.ranges import Count, Natural, Positive
from raysp.errors import BadInput
from raysp.io import files
from raysp.models import catalog
from raysp.search.objective import best_first
from raysp.search.outcome import Outcome, Score, joined, outcome, ranking, score
from raysp.search.proposer import ATTEMPTS, Proposer
from raysp.search.result import Finished, finished_path, read_result
from raysp.search.study import Candidate, Part, Study

STILL, STEP = 20, 1e-3
"""Candidates in a row that brought no more than so small a part of the best value: a study stands still there."""

HOPELESS = 3
"""Candidates that failed, and none that did not: a study without a number of samples ends there."""


@dataclass(frozen=True)
class Amount:
    """How much of a study is wanted; more of it extends the study.

    Attributes:
        samples: candidates; None for all of a grid.
        finalists: the best so many candidates are trained again over `final_seeds`, whose mean decides; 0 for none.
        final_seeds: seeds of the final.
        minutes: of wall time, over all commands that worked on the sweep; None for no limit. When they are over no new
            candidate is proposed.
    """

    samples: Count | None = None
    finalists: Natural = 0
    final_seeds: tuple[int, ...] = ()
    minutes: Positive | None = None

    def __post_init__(self) -> None:
        settings.check(self, "sweep")
        if bool(self.finalists) != bool(self.final_seeds):
            raise BadInput("a final expected both how many finalists and how many seeds, got one of them")


class ActiveStudy:
    """One study at work.

    Args:
        study: the study.
        amount: how much of it is wanted.
        retry: run failed trials again.
        late: tells whether the wall time is over, so that no new candidate is proposed.
        cut: tells whether it is over for what runs, too: trials that are stopped then are not settled.

    Floors and baselines, without which nothing can be compared, have time for one candidate whatever the clock says.
    """

    def __init__(
        self,
        study: Study,
        amount: Amount,
        *,
        retry: bool,
        late: Callable[[], bool],
        cut: Callable[[], bool] = lambda: False,
    ) -> None:
        self.study, self.amount, self._clock_late, self._clock_cut = study, amount, late, cut
        self._first_always = catalog.fits_itself(study.definition.model)
        self._proposer = Proposer(study.definition)
        self.candidates = [study.named(one, study.definition.seeds) for one in study.candidates()]
        self._outcomes: dict[str, Outcome] = {}
        self._trials: dict[tuple[int, int, int], Trial] = {}
        self._first_with: dict[str, int] = {}
        self._scores: dict[int, Score] = {}
        self._first_open, self._ended = 0, 0
        self._running: set[str] = set()
        self.closed_by_time = self._exhausted = self._stopped = False
        self._retry = retry
        for candidate in self.candidates:
            for part in self._parts():
                self._look(candidate, part)

    @property
    def wanted(self) -> int | None:
        """How many candidates there shall be: those that are there already, too; None while a grid has no end."""
        limits = [n for n in (self.amount.samples, self._proposer.total) if n is not None]
        return len(self.candidates) if self._exhausted else max(min(limits), len(self.candidates)) if limits else None

    @property
    def seconds(self) -> float:
        """What its trials have taken; those that run count as the mean of those that ended."""
        ended = [one.record.get("seconds", 0.0) for one in self._outcomes.values()]
        return sum(ended) * (1 + len(self._running) / max(len(ended), 1))

    @property
    def begun(self) -> bool:
        """Whether its first candidate, the defaults, has been settled."""
        return bool(self.candidates) and self._settled(self.candidates[0])

    @property
    def best(self) -> float | None:
        """The first objective's best value so far; None while no candidate has ended by itself."""
        name = self.study.definition.objectives[0]
        values = [
            one.values[name] for one in map(self.score, self.candidates) if one.state == "done" and name in one.values
        ]
        return min(values, key=lambda value: best_first(name) * value, default=None)

    @property
    def still(self) -> bool:
        """Whether the last candidates that ended by themselves have brought the first objective no further."""
        name = self.study.definition.objectives[0]
        scores = map(self.score, self.candidates)
        values = [best_first(name) * one.values[name] for one in scores if one.state == "done" and name in one.values]
        if len(values) <= STILL:
            return False
        before = min(values[:-STILL])
        return min(values[-STILL:]) >= before - STEP * abs(before)

    def next(self, *, fresh: bool = True) -> Trial | None:
        """Return a trial that can start now and count it as running; None when none can.

        Args:
            fresh: propose a new candidate where no trial of the earlier ones waits.
        """
        if self._cut():
            return None
        found = self._open() or (self._fresh() if fresh else None) or self._final()
        if found is None:
            return None
        self._running.add(self._id(*found))
        return self._trials[found[0].number, *found[1]]

    def settle(self, trial_id: str) -> Outcome:
        """Note that a trial has ended, however it did; return how, as its folder says."""
        self._running.discard(trial_id)
        found = outcome(self.study.run.trial(trial_id))
        if found.state == "waiting" and self._clock_cut():
            # It was stopped with its state saved, and goes on another time: even of a floor, there is no time left.
            self._stopped = True
            return found
        if found.state == "waiting":
            # Its folder could not even take the error: the same command runs it again.
            found = Outcome("failed", error="it left nothing on disk")
        self._outcomes[trial_id] = found
        return found

    def give_back(self, trial_id: str) -> None:
        """Note that a trial is not running any more and has not ended."""
        self._running.discard(trial_id)

    def over(self) -> bool:
        """Tell whether all that is wanted has been settled."""
        return not self._running and (self._cut() or (self._all_settled() and self._final() is None))

    def score(self, candidate: Candidate, seeds: tuple[int, ...] | None = None) -> Score:
        """Return a candidate's score over the study's seeds, or over those given."""
        key = candidate.number
        if seeds is None and key in self._scores:
            return self._scores[key]
        chosen = self.study.definition.seeds if seeds is None else seeds
        found = score([self._joined(candidate, seed) for seed in chosen])
        if seeds is None and found.state != "waiting":
            self._scores[key] = found
        return found

    def candidate_of(self, trial_id: str) -> Candidate:
        """Return the first candidate that a trial belongs to."""
        return self.candidates[self._first_with[trial_id]]

    def finalists(self) -> list[int]:
        """Return the best candidates, as many as the final takes; those whose numbers are known."""
        if not self.amount.finalists:
            return []
        scores = {c.number: self.score(c) for c in self.candidates}
        return ranking(scores, self.study.definition.objectives)[: self.amount.finalists]

    def finish(self) -> None:
        """Write finished.json: what the study holds now is a result."""
        result: Finished = {
            "candidates": len(self.candidates),
            "ended_by": "minutes" if self.closed_by_time else "samples",
            "finalists": self.finalists(),
            "final_seeds": list(self.amount.final_seeds),
        }
        files.write_json(finished_path(self.study), result)
        found = read_result(self.study)
        result |= {"winner": found.winner, "trials": len(found.trials)}
        files.write_json(finished_path(self.study), result)

    def _late(self) -> bool:
        return self._clock_late() and (self.begun or not self._first_always)

    def _cut(self) -> bool:
        return self._clock_cut() and (self.begun or self._stopped or not self._first_always)

    def _parts(self) -> list[Part]:
        return list(self.study.definition.parts(self.study.definition.seeds))

    def _joined(self, candidate: Candidate, seed: int) -> Outcome:
        definition, waiting = self.study.definition, Outcome("waiting")
        each = [self._outcomes.get(self._id(candidate, part), waiting) for part in definition.parts([seed])]
        return joined(each, definition.weights)

    def _id(self, candidate: Candidate, part: Part) -> str:
        """Return the id of a candidate's trial, which is made once."""
        key = (candidate.number, *part)
        if key not in self._trials:
            self._trials[key] = self.study.trial(candidate, *part)
            self._first_with.setdefault(self._trials[key].id, candidate.number)
        return self._trials[key].id

    def _look(self, candidate: Candidate, part: Part) -> bool:
        """Tell whether a trial has to be run, as its folder says; settle it where it has not."""
        name = self._id(candidate, part)
        if name in self._outcomes:
            return False
        folder = self.study.run.trial(name)
        found = outcome(folder)
        if found.state == "failed" and self._retry:
            files.remove(folder.error)
            return True
        if found.state == "waiting":
            return True
        self._outcomes[name] = found
        return False

    def _open(self) -> tuple[Candidate, Part] | None:
        """Return the first trial of a known candidate that waits."""
        for candidate in self.candidates[self._first_open :]:
            for part in self._parts():
                name = self._id(candidate, part)
                if name not in self._outcomes and name not in self._running:
                    return candidate, part
            if candidate.number == self._first_open and self._settled(candidate):
                self._first_open += 1
        return None

    def _settled(self, candidate: Candidate) -> bool:
        return all(self._id(candidate, part) in self._outcomes for part in self._parts())

    def _enough(self) -> bool:
        return self.wanted is not None and len(self.candidates) >= self.wanted

    def _closed(self) -> bool:
        self.closed_by_time = self.closed_by_time or (not self._enough() and self._late())
        return self.closed_by_time

    def _fresh(self) -> tuple[Candidate, Part] | None:
        """Propose candidates until one of them has a trial to run."""
        tried = 0
        while not self._enough() and not self._closed():
            tried += 1
            # Without a number of samples, a small space would be proposed again and again until the time is over; and
            # what fails at once has the least time on its account.
            self._exhausted = self.amount.samples is None and (tried > ATTEMPTS or self._hopeless())
            needed = self._proposer.needs(len(self.candidates))
            while self._ended < needed and self._settled(self.candidates[self._ended]):
                self._ended += 1
            if self._ended < needed:
                return None
            scores = {c.number: self.score(c) for c in self.candidates[:needed]}
            candidate = self._proposer.propose(self.candidates, scores)
            # With the names of its trials, before any of them starts.
            self.candidates.append(candidate := self.study.named(candidate, self.study.definition.seeds))
            for part in self._parts():
                # Settings that were tried before are not run again: their trial has the same name.
                self._look(candidate, part)
            if (found := self._open()) is not None:
                return found
        return None

    def _hopeless(self) -> bool:
        ended = [self.score(candidate).state for candidate in self.candidates]
        return len(ended) >= HOPELESS and set(ended) == {"failed"}

    def _final(self) -> tuple[Candidate, Part] | None:
        if not self.amount.finalists or not self._all_settled():
            return None
        for number in self.finalists():
            self.candidates[number] = self.study.named(self.candidates[number], self.amount.final_seeds)
            for part in self.study.definition.parts(self.amount.final_seeds):
                candidate = self.candidates[number]
                if self._id(candidate, part) not in self._running and self._look(candidate, part):
                    return candidate, part
        return None

    def _all_settled(self) -> bool:
        return (self._enough() or self._closed()) and all(self._settled(c) for c in self.candidates)
