"""How trials and candidates of a study ended, read from the trial folders: these are the record."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from raysp.errors import BadInput, damaged, last_line, present
from raysp.io import files
from raysp.runs.folder import TrialFolder
from raysp.runs.records import Done
from raysp.search.objective import best_first, dominates, searched

State = Literal["done", "stopped", "failed", "waiting"]


@dataclass(frozen=True)
class Outcome:
    """How one trial ended.

    Attributes:
        state: done; stopped (by ASHA); failed; waiting (not started, or not ended).
        values: numbers of the validation trials at the best epoch, by name.
        rungs: what ASHA compared, by epoch.
        record: what done.json says; empty where there is none.
        error: the last line of the traceback of a failed one.
    """

    state: State
    values: Mapping[str, float] = field(default_factory=dict)
    rungs: Mapping[int, float] = field(default_factory=dict)
    record: Done = field(default_factory=Done)
    error: str = ""


def outcome(folder: TrialFolder) -> Outcome:
    """Return how the trial in a folder ended. Raises BadInput when its done.json is damaged."""
    if files.exists(folder.done):
        done = folder.read_done("validation")
        values = {k: float(v) for k, v in done["validation"].items() if _finite(v)}
        return Outcome("stopped" if done.get("stopped_at") else "done", values, read_rungs(folder), done)
    if files.exists(folder.error):
        return Outcome("failed", rungs=read_rungs(folder), error=last_line(files.read_text(folder.error)))
    return Outcome("waiting")


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def read_rungs(folder: TrialFolder) -> dict[int, float]:
    """Return what a trial reached at ASHA's rungs so far, by epoch. Raises BadInput when the file is damaged."""
    if not files.exists(folder.rungs):
        return {}
    found = files.read_object(folder.rungs)
    folder.check_own(folder.rungs, found)
    found.pop("trial", None)
    if not all(epoch.isdecimal() and _finite(value) for epoch, value in found.items()):
        raise damaged(folder.rungs, f"expected numbers by epoch, got {str(found)[:80]}", "remove it")
    return {int(epoch): value for epoch, value in found.items()}


@dataclass(frozen=True)
class Score:
    """How a candidate did over its seeds.

    Attributes:
        state: done when all seeds are; failed or stopped when one is; waiting otherwise.
        values: mean over seeds, by metric; what every seed has.
        spread: standard deviation over seeds (n - 1), by metric; from two seeds on.
        seeds: how many seeds are in the mean.
        stopped_at: the epoch of the first rung at which ASHA ended a seed; None where it ended none.
    """

    state: State
    values: Mapping[str, float]
    spread: Mapping[str, float]
    seeds: int
    stopped_at: int | None = None


def joined(outcomes: Sequence[Outcome], weights: Sequence[int]) -> Outcome:
    """Return how trials that share out the units of one ended, as if it had been one.

    Args:
        outcomes: of each chunk of units; of a single one, its own.
        weights: units of each. A number is the mean over those chunks that have it.
    """
    if len(outcomes) == 1:
        return outcomes[0]
    names = {name for one in outcomes for name in one.values}
    having = {name: [i for i, one in enumerate(outcomes) if name in one.values] for name in sorted(names)}
    means = {
        name: statistics.fmean([outcomes[i].values[name] for i in there], [weights[i] for i in there])
        for name, there in having.items()
    }
    return Outcome(_worst(outcomes), means, error=next((one.error for one in outcomes if one.error), ""))


def _worst(outcomes: Sequence[Outcome]) -> State:
    states = {one.state for one in outcomes}
    return next(s for s in ("waiting", "failed", "stopped", "done") if s in states or s == "done")


def score(outcomes: list[Outcome]) -> Score:
    """Return the score of a candidate from its seeds' outcomes."""
    state = _worst(outcomes)
    ended = [one.values for one in outcomes if one.state in ("done", "stopped")]
    names = set.intersection(*(set(values) for values in ended)) if ended else set()
    means = {name: statistics.fmean(values[name] for values in ended) for name in sorted(names)}
    enough = len(ended) > 1
    spread = {n: statistics.stdev(values[n] for values in ended) for n in sorted(names)} if enough else {}
    rungs = [present(one.record["stopped_at"]) for one in outcomes if one.state == "stopped"]
    return Score(state, means, spread, len(ended), min(rungs, default=None))


def ranking(scores: Mapping[int, Score], objectives: tuple[str, ...]) -> list[int]:
    """Return the candidates that may win, best first: those whose seeds all ended by themselves.

    With several objectives the Pareto front comes first; within it, and behind it, the first objective decides. A
    candidate without one of the objectives, such as one whose rates overflowed, cannot win.

    Args:
        scores: by candidate.
        objectives: their names.

    Raises:
        BadInput: no candidate that ended reports an objective, so that the objective does not fit the data.
    """
    ended = {number: one for number, one in scores.items() if one.state == "done"}
    for name in objectives:
        if ended and not any(name in one.values for one in ended.values()):
            reported = sorted({n for one in ended.values() for n in one.values} & set(searched()))
            raise BadInput(f"no candidate reports the objective {name}; reported: {', '.join(reported) or 'none'}")
    ended = {number: one for number, one in ended.items() if all(name in one.values for name in objectives)}
    points = {number: [one.values[name] for name in objectives] for number, one in ended.items()}
    beaten: set[int] = set()
    if len(objectives) > 1:
        beaten = {n for n, mine in points.items() if any(dominates(one, mine, objectives) for one in points.values())}
    return sorted(ended, key=lambda n: (n in beaten, best_first(objectives[0]) * points[n][0], n))


def front(scores: Mapping[int, Score], objectives: tuple[str, ...]) -> list[int]:
    """Return the candidates that no other one dominates, best in the first objective first."""
    order = ranking(scores, objectives)
    points = {n: [scores[n].values[name] for name in objectives] for n in order}
    return [n for n in order if not any(dominates(points[m], points[n], objectives) for m in order)]
