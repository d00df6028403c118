"""Which members of a population are trained side by side, as lanes of one model."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from raysp.config import settings
from raysp.config.experiment import Trial
from raysp.io import files
from raysp.models import catalog
from raysp.runs.genealogy import Row
from raysp.search.pbt import Population
from raysp.training.lanes import OWN


def groups(population: Population, rows: Sequence[Row]) -> list[list[Row]]:
    """Return the members of a whole generation as they are trained together: each group is one model.

    Who trains with whom follows from the generation alone, not from who trains or what is done already: sums of fewer
    lanes may round otherwise.

    Args:
        population: theirs.
        rows: all of one generation.
    """
    if population.lanes == 1:
        return [[row] for row in rows]
    own, alike = catalog.own_of_lanes(population.trial.model), dict[str, list[Row]]()
    for row in rows:
        alike.setdefault(shared(population.trial_of(row.settings), own), []).append(row)
    return [part for some in alike.values() for part in _parts(some, population.lanes)]


def shared(trial: Trial, own: Sequence[str]) -> str:
    """Return a digest of the settings that members share as lanes of one model.

    Args:
        trial: of a member.
        own: settings of the model that lanes may each have a value of.
    """
    model = {name: value for name, value in trial.hyperparameters.items() if name not in own}
    training = {name: value for name, value in settings.plain(trial.training).items() if name not in OWN}
    return files.digest([model, training])


def parting(population: Population) -> list[str]:
    """Return the settings of a population's space that members share as lanes: those that differ train apart."""
    own = {f"model.{name}" for name in catalog.own_of_lanes(population.trial.model)}
    own |= {f"training.{name}" for name in OWN}
    return [entry.name for entry in population.space.free if population.lanes > 1 and entry.name not in own]


def _parts(rows: list[Row], most: int) -> list[list[Row]]:
    """Return rows in as few parts as can be, as alike in size as can be."""
    count = math.ceil(len(rows) / most)
    ends = [len(rows) * number // count for number in range(count + 1)]
    return [rows[start:end] for start, end in itertools.pairwise(ends)]
