"""Which of a run's splits are recordings in one piece: their reports show spike trains, the others' show rates."""

from __future__ import annotations

from collections.abc import Sequence

from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.errors import BadInput, NotReady
from raysp.models import catalog


def in_one_piece(trials: Sequence[Trial], root: str) -> set[str]:
    """Return the names of the splits of kind "stimulus".

    Args:
        trials: of the plan.
        root: the data root. Where a split is no longer there, what its first model reads says the kind.
    """
    first = {trial.split: trial.model for trial in reversed(trials)}
    return {split for split, model in first.items() if _kind(root, split, model) == "stimulus"}


def _kind(root: str, split: str, model: str) -> str:
    try:
        return store.kind_of(store.header(root, split))
    except (BadInput, NotReady, OSError):
        pass
    try:
        return catalog.module(model).Model.reads.kind
    except BadInput:
        # A model that this version no longer has.
        return "population"
