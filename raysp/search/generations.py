"""From one generation of a population to the next: a pure function of its history and its seeds."""

from __future__ import annotations

from collections.abc import Sequence

from raysp.runs.genealogy import Genealogy, Row, best_row
from raysp.search.explore import beaten, explored, first_settings, opponents
from raysp.search.pbt import Population

LEAST_GAIN = 5e-4
"""A population that gains less, as a share of its score, over as many generations as its patience has, is over."""


def first_generation(population: Population) -> list[Row]:
    """Return the members as they begin."""
    found = []
    for member in range(population.members):
        source, values = first_settings(population, member)
        found.append(Row(1, member, source, values))
    return found


def next_generation(population: Population, last: Sequence[Row]) -> list[Row]:
    """Return the generation after one that is finished. All meetings are judged before any member copies another.

    Raises:
        BadInput: every member diverged.
    """
    generation, scores = last[0].generation + 1, [row.score for row in last]
    found = []
    for row, other in zip(last, opponents(population, generation, scores), strict=True):
        member = row.member
        if beaten(row.score, scores[other]):
            values = explored(population, last[other].settings, generation, member)
            found.append(Row(generation, member, "copied", values, parent=other, opponent=other))
        else:
            found.append(Row(generation, member, "kept", row.settings, parent=member, opponent=other))
    return found


def is_over(genealogy: Genealogy, generations: int, patience: int) -> bool:
    """Tell whether a population is over after the last generation that is finished.

    Args:
        genealogy: its history.
        generations: at most.
        patience: generations whose best score must improve by more than `LEAST_GAIN` of its size; 0 for no such end.
    """
    finished = genealogy.finished
    if finished >= generations:
        return True
    if not patience or finished <= patience:
        return False
    bests = [best_row(genealogy.generation(number)) for number in range(finished - patience, finished + 1)]
    scores = [row.score for row in bests if row is not None and row.score is not None]
    if len(scores) <= patience:
        return False
    size = sum(map(abs, scores)) / len(scores)
    return scores[0] - min(scores[1:]) <= LEAST_GAIN * size
