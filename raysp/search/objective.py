"""What a search minimises or maximises: numbers of validation trials, which are taken from the training part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from raysp.data.splits.header import Header
from raysp.data.splits.split import Split
from raysp.errors import BadInput, expect, unknown
from raysp.kinds import catalog
from raysp.kinds.kind import Kind
from raysp.kinds.metric import Metric

OWN_LOSS, UNSEEN_LOSS = "validation_loss", "unseen_loss"
"""Each model's own, and the one that means the same for all models of a kind that have it."""


def searched() -> dict[str, Metric]:
    """Return what a search may look for, of any kind of data, by name."""
    return {name: metric for name, metric in catalog.metrics().items() if metric.searched}


def check_objectives(
    names: Sequence[str], kind: Kind[Split], header: Header, units: tuple[int, ...] | None = None
) -> None:
    """Refuse objectives that no trial on a split would report.

    Args:
        names: of the objectives.
        kind: of data.
        header: the prepared split's header.
        units: the subset; None for all.

    Raises:
        BadInput: an unknown or repeated name, or the split, or what the subset leaves of it, lacks what it needs.
    """
    check_names(names)
    for name in names:
        if (why := kind.lacks(name, header, units)) is not None:
            raise BadInput(f"objective {name} {why}")


def chosen(names: Sequence[str] | None, kind: Kind[Split], *, fits_itself: bool) -> tuple[str, ...]:
    """Return the objectives that were asked for; by default the first that a model of the kind reports.

    Raises:
        BadInput: the own loss of a model that fits itself was asked for, which it does not have.
    """
    there = [name for name, one in kind.metrics.items() if one.searched and not (fits_itself and name == OWN_LOSS)]
    if not there or (fits_itself and OWN_LOSS in (names or ())):
        others = f"--objective {' or '.join(there)}" if there else "a model that is fitted by gradient descent"
        raise BadInput(f"a model that fits itself has no {OWN_LOSS} of its own: expected {others}")
    return tuple(names or there[:1])


def check_names(names: Sequence[str]) -> None:
    """Raise BadInput unless the objectives are known, at least one, each once."""
    for name in names:
        if name not in searched():
            raise unknown("objective", name, searched())
    expect(names and len(set(names)) == len(names), f"objectives expected at least one, each once, got {list(names)}")


def better(name: str) -> Literal["min", "max"]:
    """Return which of an objective's values is the best."""
    return searched()[name].better


def best_first(name: str) -> float:
    """Return the factor that turns an objective into a number of which less is better."""
    return 1.0 if better(name) == "min" else -1.0


def dominates(left: Sequence[float], right: Sequence[float], names: Sequence[str]) -> bool:
    """Tell whether one set of values is nowhere worse and somewhere better than another (Pareto)."""
    pairs = [(best_first(name) * a, best_first(name) * b) for name, a, b in zip(names, left, right, strict=True)]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
