"""Which settings a study's objective depended on, by fANOVA. Optuna's own code; here it is only fed."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from raysp.errors import NotReady
from raysp.search.optuna_trials import frozen, new_study
from raysp.search.result import Result
from raysp.search.study import Candidate

TREES, FORESTS, MOST = 16, 3, 100
"""Trees of a forest; forests, each from a seed of its own; candidates they are grown on (the time goes with these)."""


@dataclass(frozen=True)
class Importance:
    """How much of the objective's variance over the space each setting accounts for by itself.

    Attributes:
        shares: setting -> (mean, standard deviation) over forests; the means sum to 1, the largest first.
        left_out: settings that only some candidates have, and those with one value only.
        used: candidates the forests were grown on.
        ended: candidates that could have been.
    """

    shares: Mapping[str, tuple[float, float]]
    left_out: tuple[str, ...]
    used: int
    ended: int


def importance(result: Result, low: float, high: float) -> Importance:
    """Return the importance of the settings all candidates have (Hutter, Hoos & Leyton-Brown 2014).

    Only candidates inside the space whose seeds all ended by themselves count. Over `MOST` of them are thinned evenly.

    Args:
        result: the study.
        low, high: values of the objective beyond these count as these, lest one diverged candidate be all variance.

    Raises:
        NotReady: fewer than two such candidates, or they do not differ.
    """
    objective = result.study.definition.objectives[0]
    ended = [c for c in result.candidates if c.inside and result.scores[c.number].state == "done"]
    values = {c.number: min(max(result.scores[c.number].values[objective], low), high) for c in ended}
    if len(ended) < 2 or len(set(values.values())) < 2:
        raise NotReady(
            "no importance of settings: expected at least two candidates of the space that ended with different "
            f"values of {objective}, got {len(set(values.values()))}; run more with a larger --samples"
        )
    used = [ended[i * len(ended) // MOST] for i in range(MOST)] if len(ended) > MOST else ended
    names = _common(used)
    if not names:
        raise NotReady("no importance of settings: none of them took two values in all candidates that ended")
    forests = [_forest(result, used, values, names, seed) for seed in range(FORESTS)]
    means = {name: statistics.fmean(one[name] for one in forests) for name in names}
    order = sorted(names, key=lambda name: -means[name])
    shares = {name: (means[name], statistics.stdev(one[name] for one in forests)) for name in order}
    left_out = tuple(entry.name for entry in result.study.definition.space.free if entry.name not in shares)
    return Importance(shares, left_out, len(used), len(ended))


def _common(candidates: list[Candidate]) -> list[str]:
    shared = [name for name in candidates[0].params if all(name in one.params for one in candidates)]
    return [name for name in shared if len({repr(one.params[name]) for one in candidates}) > 1]


def _forest(
    result: Result, used: list[Candidate], values: Mapping[int, float], names: list[str], seed: int
) -> dict[str, float]:
    import optuna

    definition = result.study.definition
    study = new_study(definition)
    study.add_trials([frozen(definition, one, result.scores[one.number]) for one in used])
    found = optuna.importance.get_param_importances(
        study,
        evaluator=optuna.importance.FanovaImportanceEvaluator(n_trees=TREES, seed=seed),
        params=names,
        target=lambda trial: values[trial.user_attrs["candidate"]],
    )
    return {name: float(share) for name, share in found.items()}
