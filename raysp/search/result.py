"""What a study has come to: every candidate's score, the finalists, the winner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict, cast

from raysp.config import settings
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.search.outcome import Outcome, Score, front, joined, outcome, ranking, score
from raysp.search.study import Candidate, Study


class Finished(TypedDict, total=False):
    """finished.json of a study.

    Attributes:
        candidates: how many it has.
        ended_by: "samples" or "minutes".
        finalists: candidates that were trained again.
        final_seeds: over which seeds.
        winner: a candidate; None where none ended.
        trials: of all candidates.
    """

    candidates: int
    ended_by: str
    finalists: list[int]
    final_seeds: list[int]
    winner: int | None
    trials: int


NEEDED = ("finalists", "final_seeds")
FINISHED = {"finalists": tuple[int, ...], "final_seeds": tuple[int, ...], "winner": int | None}


@dataclass(frozen=True)
class Result:
    """A study's candidates and how they did, as the folders say now.

    Attributes:
        study: the study.
        candidates: in the order of proposal.
        trials: (candidate, seed, chunk of units) -> how that trial ended; the final's seeds included.
        outcomes: (candidate, seed) -> how its trials ended, all chunks together.
        scores: candidate -> score over the study's own seeds.
        finals: finalist -> score over the final's seeds; empty where no final was asked for.
        order: candidates that may win, best first.
        front: with several objectives, those that no other one dominates.
        winner: None while no candidate has ended.
        finished: what finished.json says; empty while the study is not finished.
    """

    study: Study
    candidates: tuple[Candidate, ...]
    trials: Mapping[tuple[int, int, int], Outcome]
    outcomes: Mapping[tuple[int, int], Outcome]
    scores: Mapping[int, Score]
    finals: Mapping[int, Score]
    order: tuple[int, ...]
    front: tuple[int, ...]
    winner: int | None
    finished: Finished


def read_result(study: Study) -> Result:
    """Return what a study has come to. Raises BadInput when a file of its record is damaged."""
    candidates = tuple(study.candidates())
    path = finished_path(study)
    finished = _finished(path) if files.exists(path) else Finished()
    own, final = study.definition.seeds, tuple(finished.get("final_seeds", ()))
    finalists = finished.get("finalists", [])
    if not all(0 <= number < len(candidates) for number in finalists):
        raise BadInput(f"{path} names finalists that the study does not have; remove it and run the sweep again")
    wanted = {(c.number, seed): c for c in candidates for seed in own}
    wanted |= {(n, seed): candidates[n] for n in finalists for seed in final}
    weights = study.definition.weights
    trials = {
        (number, *part): outcome(study.run.trial(study.trial_id(c, *part)))
        for (number, seed), c in wanted.items()
        for part in study.definition.parts([seed])
    }
    outcomes = {key: joined([trials[*key, i] for i in range(len(weights))], weights) for key in wanted}
    scores = {c.number: score([outcomes[c.number, seed] for seed in own]) for c in candidates}
    finals = {n: score([outcomes[n, seed] for seed in final]) for n in finalists}
    names = study.definition.objectives
    order = tuple(ranking(scores, names))
    # A final that overflowed decides nothing; the search's own order stands then.
    known = {n: one for n, one in finals.items() if all(name in one.values for name in names)}
    won = tuple(ranking(known, names))
    winner = won[0] if won else order[0] if order else None
    pareto = tuple(front(scores, names)) if len(names) > 1 else ()
    return Result(study, candidates, trials, outcomes, scores, finals, order, pareto, winner, finished)


def _finished(path: str) -> Finished:
    return cast(Finished, settings.check_kinds(files.read_object(path, *NEEDED), FINISHED, path))


def lines(result: Result) -> list[str]:
    """Return a study's state as lines to print: the best first, then the others, then what failed."""
    name = result.study.definition.objectives[0]
    states = [one.state for one in result.scores.values()]
    head = ", ".join(f"{states.count(state)} {state}" for state in ("done", "stopped", "failed", "waiting"))
    found = [f"{result.study.name}: {len(states)} candidates, {head}{'' if result.finished else '; NOT FINISHED'}"]
    for number in result.order[:5]:
        params = ", ".join(f"{key} {_short(value)}" for key, value in result.candidates[number].params.items())
        mark = "  winner" if number == result.winner else "        "
        found.append(f"{mark}  candidate {number:4}  {name} {result.scores[number].values[name]:.5g}  {params}")
    failed = [(*key, one.error) for key, one in result.outcomes.items() if one.state == "failed"]
    return found + [f"  FAILED  candidate {number:4}  seed {seed}: {error}" for number, seed, error in failed[:20]]


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def finished_path(study: Study) -> str:
    """Return where a study says that it is finished; written last, removed when it is extended."""
    return files.join(study.path, "finished.json")


def unfinished(results: list[Result]) -> NotReady:
    """Return the error for a sweep that is not finished."""
    names = [result.study.name for result in results if not result.finished]
    run = results[0].study.run.path
    return NotReady(
        f"the sweep {run} is not finished ({', '.join(names[:3])}{' ...' if len(names) > 3 else ''}); "
        "run the command that started it again"
    )
