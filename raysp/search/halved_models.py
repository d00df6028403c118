"""Which models a search goes on with: successive halving over their studies, by time and by one number for all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from raysp.search.active_study import ActiveStudy
from raysp.search.objective import best_first

LAST = 2
"""Models that share the last round."""


class HalvedModels:
    """Successive halving over models (Jamieson & Talwalkar 2016), with time as what is shared out.

    The defaults of all models come first. What is left of the time falls into rounds: in the first, every model whose
    settings can be searched has its share; into each further one goes the better half, by the best value that a model
    has reached, whole trainings compared with whole trainings. Within a round, the model that has taken least time is
    next; one that stands still, as those with few settings soon do, leaves its time to the others. With more time, a
    model that was given up may have another turn.

    Args:
        passed: tells what share of the time is over.
    """

    def __init__(self, passed: Callable[[], float]) -> None:
        self._passed = passed

    def __call__(self, studies: Sequence[ActiveStudy]) -> list[tuple[ActiveStudy, bool]]:
        """Return the studies, whose turn it is first, and whether they may propose."""
        if new := [active for active in studies if not active.candidates]:
            others = [(active, False) for active in studies if active.candidates]
            return [*others, *((active, True) for active in new)]
        open_ones = [active for active in studies if active.wanted is None]
        begun = [active for active in open_ones if active.begun] or open_ones
        goes_on = sorted(begun, key=_place)[: kept(len(open_ones), self._passed())]
        first = sorted(goes_on, key=lambda active: (active.still, active.seconds))
        return [
            *((active, active in goes_on) for active in studies if active not in goes_on),
            *((a, True) for a in first),
        ]


def kept(models: int, passed: float) -> int:
    """Return how many models are left when a share of the time has passed.

    >>> [kept(8, share) for share in (0.0, 0.4, 0.9)]
    [8, 4, 2]
    """
    if models <= LAST:
        return models
    rounds = math.ceil(math.log2(models / LAST)) + 1
    now = min(int(passed * rounds), rounds - 1)
    return max(math.ceil(models / 2**now), LAST)


def _place(active: ActiveStudy) -> float:
    name = active.study.definition.objectives[0]
    return math.inf if active.best is None else best_first(name) * active.best
