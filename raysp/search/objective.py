"""What a search minimises or maximises: numbers of validation trials, which are taken from the training part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from raysp.errors import BadInput, unknown

OBJECTIVES: dict[str, Literal["min", "max"]] = {
    "validation_loss": "min",
    "unseen_loss": "min",
    "co-bps": "max",
    "fp-bps": "max",
}
"""`validation_loss` is the model's own; `unseen_loss` the Poisson loss of what no model was shown, for any model.
Reconstruction of the input is none of them: it rewards copying noise. Nor is closeness to truth, which no recording
has."""

NEEDS = {"co-bps": ("heldout", "held-out neurons"), "fp-bps": ("forward", "bins after the observed ones")}


def check_objectives(names: Sequence[str], header: dict[str, Any], neurons: Sequence[int] | None = None) -> None:
    """Refuse objectives that no trial on a split would report.

    Args:
        names: of the objectives.
        header: the prepared split's header.
        neurons: the cell subset, held-in neurons first; None for all.

    Raises:
        BadInput: an unknown or repeated name, or the split, or what the subset leaves of it, lacks what it needs.
    """
    check_names(names)
    for name in names:
        field, words = NEEDS.get(name, (None, ""))
        if field is not None and not header["sizes"].get(field):
            raise BadInput(f"objective {name} needs {words}, which {header['name']} does not have; no trial reports it")
        if name == "unseen_loss" and not _unseen(header["sizes"], neurons):
            raise BadInput(
                f"objective unseen_loss needs held-out neurons or forward bins; {header['name']} has neither"
            )
        if field == "heldout" and neurons is not None and all(one < header["sizes"]["heldin"] for one in neurons):
            raise BadInput(
                f"objective {name} needs {words}, and the chosen neurons of {header['name']} are all held-in"
            )


def chosen(names: Sequence[str] | None, *, fits_itself: bool) -> tuple[str, ...]:
    """Return the objectives that were asked for; by default the model's own loss, which no model has that fits itself.

    Raises:
        BadInput: such a model's own loss was asked for.
    """
    if fits_itself and names and "validation_loss" in names:
        raise BadInput(
            "a model that fits itself has no validation_loss of its own: expected --objective unseen_loss (the loss of "
            "what it was not shown), co-bps or fp-bps"
        )
    return tuple(names) if names else (("unseen_loss",) if fits_itself else ("validation_loss",))


def check_names(names: Sequence[str]) -> None:
    """Raise BadInput unless the objectives are known, at least one, each once."""
    for name in names:
        if name not in OBJECTIVES:
            raise unknown("objective", name, OBJECTIVES)
    if not names or len(set(names)) != len(names):
        raise BadInput(f"objectives expected at least one, each once, got {list(names)}")


def _unseen(sizes: dict[str, Any], neurons: Sequence[int] | None) -> bool:
    heldout = sizes.get("heldout") and (neurons is None or any(one >= sizes["heldin"] for one in neurons))
    return bool(heldout or sizes.get("forward"))


def best_first(name: str) -> float:
    """Return the factor that turns an objective into a number of which less is better."""
    return 1.0 if OBJECTIVES[name] == "min" else -1.0


def dominates(left: Sequence[float], right: Sequence[float], names: Sequence[str]) -> bool:
    """Tell whether one set of values is nowhere worse and somewhere better than another (Pareto)."""
    pairs = [(best_first(name) * a, best_first(name) * b) for name, a, b in zip(names, left, right, strict=True)]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
