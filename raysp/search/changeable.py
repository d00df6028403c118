"""Which settings of a space can change while a model is being trained: the weights must go on fitting it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping

import torch

from raysp.config.settings import Plain
from raysp.errors import BadInput
from raysp.models import catalog
from raysp.search.space import Entry, Space, Values, parents
from raysp.search.space_check import build, needs_of
from raysp.training.randomness import seeded

COURSE = (
    "epochs", "steps_per_epoch", "warmup_epochs", "schedule", "plateau_patience", "patience",
    "average", "average_from", "average_decay", "average_rate",
)  # fmt: skip
"""Fields of Training that say how long a training goes and by which course, which a population settles by itself."""


def parted_space(space: Space, base: Values, sizes: object) -> tuple[Space, dict[str, str]]:
    """Return the part of a space that can change from generation to generation, and why the rest cannot, by name.

    Args:
        space: of a model; checked.
        base: every setting as the experiment has it.
        sizes: of the data.

    Raises:
        BadInput: nothing is left.
    """
    held: dict[str, str] = {}
    for entry in space.entries:
        above = next((name for name in parents(entry) if name in held), None)
        if entry.kind == "same" and above is not None:
            held[entry.name] = f"it follows {above}, which stays"
        elif entry.kind != "same" and (reason := _held(space, entry, base, sizes)) is not None:
            held[entry.name] = reason
    kept = tuple(entry for entry in space.entries if entry.name not in held)
    kept = tuple(entry for entry in kept if _can_vary(entry, held, base))
    held |= {e.name: "it varies with one that stays" for e in space.entries if e not in kept and e.name not in held}
    if not any(entry.kind != "same" for entry in kept):
        reasons = "; ".join(f"{name}: {reason}" for name, reason in held.items())
        raise BadInput(f"a population of {space.model} has no setting that can change while it is trained ({reasons})")
    start = tuple({n: v for n, v in point.items() if n not in held} for point in space.start)
    return dataclasses.replace(space, entries=kept, start=tuple(filter(None, start))), held


def _can_vary(entry: Entry, held: Mapping[str, str], base: Values) -> bool:
    """Tell whether the settings that an entry varies with, and that stay, have the values that it needs."""
    return all(base[name] in allowed for name, allowed in entry.when.items() if name in held)


def _held(space: Space, entry: Entry, base: Values, sizes: object) -> str | None:
    part, _, field = entry.name.partition(".")
    if part == "training":
        return "how long and by which course members train is the population's" if field in COURSE else None
    needed = {name: values[0] for name, values in needs_of(space, entry).items() if name in space.by_name}
    variants = [space.complete({**needed, entry.name: value}, base) for value in entry.probes()]
    states = [_state(space.model, values, sizes) for values in variants]
    for one, other in itertools.pairwise(states):
        if one.keys() != other.keys() or any(one[name].shape != other[name].shape for name in one):
            return "it changes the shapes of weights, which members could not copy"
    for one, other in itertools.pairwise(_state(space.model, values, sizes, buffers=True) for values in variants):
        for name in one:
            if not torch.equal(one[name], other[name]):
                return f"it is kept in {name}, which members copy with their weights"
    return None


def _state(model: str, values: Mapping[str, Plain], sizes: object, *, buffers: bool = False) -> dict[str, torch.Tensor]:
    """Return a new model's weights and buffers on paper, or its buffers as they begin."""
    chosen, _ = build(model, values, "search space")
    if not buffers:
        return catalog.on_paper(model, chosen, sizes).state_dict()
    with seeded(0, torch.device("cpu")):
        made = catalog.build(model, chosen, sizes)
    weights = {name for name, _ in made.named_parameters()}
    return {name: value for name, value in made.state_dict().items() if name not in weights}
