"""What to try next: the defaults, the warm-start points, then a sampler. A pure function of what is on disk."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING

from raysp.config.settings import Plain
from raysp.errors import BadInput
from raysp.search.optuna_trials import frozen, new_study, token
from raysp.search.outcome import Score
from raysp.search.space import Entry
from raysp.search.study import Candidate, Definition, Source

if TYPE_CHECKING:
    import optuna

STARTUP = 10
"""Candidates that TPE draws at random before it models anything: Optuna's own number."""

ATTEMPTS = 50
"""Draws of one candidate, where the model refuses some settings that a space allows together."""


class Proposer:
    """Proposes the candidates of one study, one after the other.

    Candidate n depends on the study's seed, on n, on the results of candidates 0 to n - in_flight, and on the settings
    (not the results) of those after. The sampler is seeded anew for each candidate and nothing of its state is kept,
    so a study that was killed goes on exactly as if it had not been.
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self._fixed = _fixed(definition)
        self._grid = _grid(definition, [params for _, params, _ in self._fixed])
        self._optuna = new_study(definition)
        self._added = 0

    @property
    def total(self) -> int | None:
        """How many candidates there can be; None for no end."""
        if not self.definition.space.free:
            return len(self._fixed)
        return len(self._fixed) + len(self._grid) if self.definition.sampler == "grid" else None

    def needs(self, number: int) -> int:
        """Return how many of the first candidates must have ended before this one can be proposed."""
        learns = self.definition.sampler == "tpe" and number >= len(self._fixed)
        needed = max(0, number + 1 - self.definition.in_flight)
        return needed if learns and needed >= STARTUP else 0

    def propose(self, earlier: list[Candidate], scores: Mapping[int, Score]) -> Candidate:
        """Return the next candidate.

        Args:
            earlier: all candidates so far, in order.
            scores: of the first `needs(len(earlier))` of them at least.
        """
        number, sampler = len(earlier), self.definition.sampler
        if number < len(self._fixed):
            source, params, inside = self._fixed[number]
            return Candidate(number, source, params, inside)
        after = number - len(self._fixed)
        if sampler == "grid":
            return Candidate(number, "grid", self._grid[after])
        combination = self._grid[after % len(self._grid)]
        for attempt in range(ATTEMPTS):
            params = self._sample(attempt, combination, earlier, scores)
            if _accepted(self.definition, params):
                return Candidate(number, sampler, params)
        raise BadInput(
            f"the search space of {self.definition.model} gave {ATTEMPTS} settings in a row that it refuses, the "
            f"last one {params}; narrow the ranges so that they go together"
        )

    def _sample(
        self, attempt: int, combination: dict[str, Plain], earlier: list[Candidate], scores: Mapping[int, Score]
    ) -> dict[str, Plain]:
        import optuna

        study, number = self._optuna, len(earlier)
        known = self.needs(number)
        for candidate in earlier[self._added : known]:
            if candidate.inside:
                study.add_trial(frozen(self.definition, candidate, scores[candidate.number]))
        self._added = max(self._added, known)
        running = [self._running(candidate) for candidate in earlier[known:] if known and candidate.inside]
        seed = _seed(self.definition.seed, number, attempt)
        if self.definition.sampler == "tpe":
            study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
        else:
            study.sampler = optuna.samplers.RandomSampler(seed=seed)
        study.enqueue_trial({name: token(value) for name, value in combination.items()})
        trial = study.ask()
        chosen = self._suggest(trial)
        # Optuna forgets no trial; one that failed teaches it nothing, and the real one is added when its turn comes.
        for one in (*running, trial.number):
            study.tell(one, state=optuna.trial.TrialState.FAIL)
        return chosen

    def _running(self, candidate: Candidate) -> int:
        self._optuna.add_trial(frozen(self.definition, candidate, _NOTHING, running=True))
        return len(self._optuna.get_trials(deepcopy=False)) - 1

    def _suggest(self, trial: optuna.Trial) -> dict[str, Plain]:
        space = self.definition.space
        chosen: dict[str, Plain] = {}
        for entry in space.free:
            if space.active(entry, space.complete(chosen, self.definition.base)):
                chosen[entry.name] = _suggested(trial, entry)
        return chosen


def _suggested(trial: optuna.Trial, entry: Entry) -> Plain:
    if entry.kind == "uniform":
        return trial.suggest_float(entry.name, entry.low, entry.high, log=entry.log, step=entry.step)
    if entry.kind == "int":
        return trial.suggest_int(entry.name, int(entry.low), int(entry.high), log=entry.log, step=int(entry.step or 1))
    tokens = [token(value) for value in entry.choices]
    return entry.choices[tokens.index(trial.suggest_categorical(entry.name, tokens))]


_NOTHING = Score("waiting", {}, {}, 0)


def _fixed(definition: Definition) -> list[tuple[Source, dict[str, Plain], bool]]:
    """Return (source, params, inside) of the defaults and the warm-start points, each once."""
    space, base = definition.space, definition.base
    found: list[tuple[Source, dict[str, Plain], bool]] = [("defaults", *_defaults(definition))]
    for point in space.start:
        values = space.complete({**{e.name: base[e.name] for e in space.free}, **point}, base)
        params = {e.name: values[e.name] for e in space.free if space.active(e, values)}
        inside = all(space.entry(name).contains(value) for name, value in params.items())
        if all(params != other for _, other, _ in found):
            found.append(("start", params, inside))
    return found


def _defaults(definition: Definition) -> tuple[dict[str, Plain], bool]:
    """Return the experiment's own settings as a candidate's params, and whether they lie in the space."""
    space, base = definition.space, definition.base
    params = {e.name: base[e.name] for e in space.free if space.active(e, base)}
    coupled = space.complete(params, base)
    # What the experiment couples otherwise, or not at all, is no point of the space; it is tried as it is.
    own = {e.name: base[e.name] for e in space.entries if coupled[e.name] != base[e.name]}
    return params | own, not own and all(space.entry(name).contains(value) for name, value in params.items())


def _grid(definition: Definition, fixed: list[dict[str, Plain]]) -> list[dict[str, Plain]]:
    """Return the grid's combinations, in an order drawn from the study's seed; a single empty one without a grid."""
    everything = definition.sampler == "grid"
    grid = list(definition.space.combinations(definition.base, all_entries=everything))
    if everything:
        grid = [one for one in grid if one not in fixed and _accepted(definition, one)]
    random.Random(definition.seed).shuffle(grid)
    return grid


def _accepted(definition: Definition, params: dict[str, Plain]) -> bool:
    """Tell whether the model's Config and Training take these settings together."""
    try:
        definition.trial(params, 0)
    except BadInput:
        return False
    return True


def _seed(seed: int, number: int, attempt: int) -> int:
    """Return the sampler's seed for a candidate; the same on every split, so that random draws can be compared."""
    return int.from_bytes(hashlib.sha256(f"{seed} {number} {attempt}".encode()).digest()[:4], "little")
