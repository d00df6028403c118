"""Which average of models' rates to take: ways of weighing, each judged on trials that had no part in its choice.

Whatever a way leaves open (how many members, how much its weights are shrunk) is chosen by cross-validation over
trials, and the way itself is judged by a second one around it: the trials of a fold score weights that were fitted and
chosen on the other folds alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from raysp.errors import BadInput, unknown
from raysp.evaluation.mixture import Evidence, best_first, equal, greedy, shrunk

FOLDS = 5
LEAST_TRIALS = 3
"""Of which one can be a fold inside, one a fold outside, and one fits."""

WAYS: Mapping[str, Callable[[Evidence], np.ndarray]] = {"equal": best_first, "greedy": greedy, "em": shrunk}
"""Each gives (rows, members) weights to choose a row of: equal ones of the best 1, 2, ... members; a growing choice
with replacement; the likeliest ones, shrunk more and more to equal ones."""


@dataclass(frozen=True)
class Way:
    """What one way of weighing comes to.

    Attributes:
        name: of `WAYS`.
        rows: (rows, members) weights fitted to all trials.
        scores: (rows,) bits per spike of each row, fitted on the other folds.
        row: the one with the highest score.
        nested: bits per spike of the whole way, row chosen on the other folds too.
        gain: what that is above the best member, chosen on the other folds likewise.
        gain_error: standard error of the gain over trials.
    """

    name: str
    rows: np.ndarray
    scores: np.ndarray
    row: int
    nested: float
    gain: float
    gain_error: float

    @property
    def weights(self) -> np.ndarray:
        """The (members,) weights of that row."""
        return self.rows[self.row]


@dataclass(frozen=True)
class Choice:
    """The weights that are taken, and what they were chosen from.

    Attributes:
        weights: (members,) >= 0, adding up to 1.
        taken: name of the way; the one with the highest nested score unless it was asked for.
        ways: all that were judged; none where the trials are too few.
        alone: (members,) bits per spike of each member.
        note: what a person must know of the choice; empty for nothing.
    """

    weights: np.ndarray
    taken: str
    ways: tuple[Way, ...]
    alone: np.ndarray
    note: str = ""


def choose(found: Evidence, way: str = "auto", top: int | None = None) -> Choice:
    """Return the average to take.

    Args:
        found: what counts of trials that no member was fitted to say of the members.
        way: of `WAYS`; "auto" for the one with the highest nested score.
        top: how many members, the best on the trials that weights are fitted to, are weighed; None leaves it to the
            cross-validation ("equal") and weighs all.

    Raises:
        BadInput: an unknown way, or fewer members than `top`.
    """
    if way not in ("auto", *WAYS):
        raise unknown("way of weighing", way, ("auto", *WAYS))
    if top is not None and not 1 <= top <= found.members:
        raise BadInput(f"expected the best 1 to {found.members} members, got the best {top}")
    alone = found.alone()
    if len(np.unique(found.trial)) < LEAST_TRIALS:
        return Choice(_few(found, top), "equal", (), alone, _too_few(found))
    folds = _Folds(found, top)
    ways = tuple(folds.judged(name) for name in WAYS)
    best = max(ways, key=lambda one: one.nested)
    taken = best if way == "auto" else next(one for one in ways if one.name == way)
    return Choice(taken.weights, taken.name, ways, alone)


def _few(found: Evidence, top: int | None) -> np.ndarray:
    return equal(found) if top is None else best_first(found)[top - 1]


def _too_few(found: Evidence) -> str:
    return (
        f"expected at least {LEAST_TRIALS} trials with spikes to choose weights by, got {len(np.unique(found.trial))}: "
        "weights are equal, and nothing tells how good they are"
    )


class _Folds:
    """Paths of weights by which folds they were not fitted to, each fitted once."""

    def __init__(self, found: Evidence, top: int | None) -> None:
        self._found, self._top, count = found, top, len(found.null)
        self._fold = np.random.default_rng(0).permutation(count) % min(FOLDS, count)
        self._all = range(min(FOLDS, count))
        self._path = functools.cache(self._fit)

    def judged(self, name: str) -> Way:
        """Return what a way comes to."""
        none = frozenset[int]()
        values = self._held(name, none)
        own, best = self._nested(name), self._nested("best")
        spikes = self._found.counts.sum() * np.log(2)
        gains = own - best
        return Way(
            name,
            self._path(name, none)[: len(values)],
            self._found.bits(values.sum(axis=1)),
            int(values.sum(axis=1).argmax()),
            float(self._found.bits(own.sum())),
            float(gains.sum() / spikes),
            float(gains.std(ddof=1) * np.sqrt(len(gains)) / spikes),
        )

    def _nested(self, name: str) -> np.ndarray:
        """Return (trials,) log-likelihoods, weights and row chosen without the trial's fold."""
        nats = np.empty(len(self._fold))
        for fold in self._all:
            without = frozenset([fold])
            row = int(self._held(name, without).sum(axis=1).argmax())
            inside = self._fold == fold
            nats[inside] = self._found.take(inside).nats(_rows(self._path(name, without), range(row, row + 1)))[0]
        return nats

    def _held(self, name: str, without: frozenset[int]) -> np.ndarray:
        """Return (rows, trials) log-likelihoods, each trial's by weights that were fitted without its fold.

        Trials of folds that are left `without` count 0.
        """
        rows = len(self._path(name, without))
        nats = np.zeros((rows, len(self._fold)))
        for fold, inside in self._others(without):
            nats[:, inside] = self._found.take(inside).nats(_rows(self._path(name, without | {fold}), range(rows)))
        return nats

    def _others(self, without: frozenset[int]) -> Iterator[tuple[int, np.ndarray]]:
        return ((fold, self._fold == fold) for fold in self._all if fold not in without)

    def _fit(self, name: str, without: frozenset[int]) -> np.ndarray:
        part = self._found.take(~np.isin(self._fold, list(without)))
        return _path_of(name, part, self._top)


def _path_of(name: str, found: Evidence, top: int | None) -> np.ndarray:
    """Return the (rows, members) weights of a way among the best members."""
    if name == "best":
        return best_first(found)[:1]
    if name == "equal":
        return best_first(found)[slice(None) if top is None else slice(top - 1, top)]
    if top is None:
        return WAYS[name](found)
    best = np.sort(np.argsort(-found.alone(), kind="stable")[:top])
    inside = WAYS[name](found.among(best))
    path = np.zeros((len(inside), found.members))
    path[:, best] = inside
    return path


def _rows(path: np.ndarray, rows: range) -> np.ndarray:
    """Return rows of weights; the last one again where a path ended before."""
    return path[np.minimum(rows, len(path) - 1)]
