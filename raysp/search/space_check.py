"""A space against the model it is for: every name, every type and both ends of every range, before anything starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from raysp import settings
from raysp.config import Training
from raysp.errors import BadInput, unknown
from raysp.search.space import Entry, Space

FIXED = {
    "validate_on": "a search always selects on validation trials of the training part",
    "validation_every": "candidates could not be compared on different validation trials",
    "validation_seed": "candidates could not be compared on different validation trials",
    "refit": "a search compares candidates before any refit; set it in the experiment that uses the result",
    "measure_every": "it changes no result",
}
"""Fields of Training that a search cannot vary, and why."""


def check_space(space: Space, base: Mapping[str, Any]) -> None:
    """Check a space against the model's Config and Training.

    Args:
        space: the space.
        base: every setting of the model (`model.X`, `training.X`) as the experiment has it.

    Raises:
        BadInput: an unknown name (the nearest right one is given), a value that Config or Training refuses, a
            condition that can never hold, or a start point outside the space.
    """
    for entry in space.entries:
        _check_names(space, entry, base)
    for entry in space.entries:
        for value in () if entry.kind == "same" else entry.probes():
            build(space.model, {**base, entry.name: value}, f"search space, {entry.name}")
        _check_when(space, entry, base)
    for i, point in enumerate(space.start):
        _check_point(space, point, base, f"search space, start point {i + 1}")
    ends = {entry.name: entry.probes()[-1] for entry in space.free}
    build(space.model, space.complete(ends, base), "search space, the largest values together")


def build(model: str, values: Mapping[str, Any], where: str) -> tuple[dict[str, Any], Training | None]:
    """Return (settings, training) from flat settings, as a Trial holds them; training None where the base has none.

    Raises:
        BadInput: Config or Training refuses a value; the sentence begins with `where`.
    """
    from raysp.models import catalog

    parts = parted(values)
    try:
        chosen = settings.plain(catalog.config(model, parts["model"]))
        training = settings.build(Training, parts["training"], "training") if parts["training"] else None
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from error
    return chosen, training


def parted(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return flat settings as {"model": {...}, "training": {...}}."""
    found: dict[str, dict[str, Any]] = {"model": {}, "training": {}}
    for name, value in values.items():
        part, _, rest = name.partition(".")
        found[part][rest] = value
    return found


def flat(chosen: Mapping[str, Any], training: Training | None) -> dict[str, Any]:
    """Return a trial's settings under the names a space uses."""
    model = {f"model.{name}": value for name, value in chosen.items()}
    return model | ({} if training is None else {f"training.{k}": v for k, v in settings.plain(training).items()})


def _check_names(space: Space, entry: Entry, base: Mapping[str, Any]) -> None:
    names = [entry.name, *entry.when, *([entry.same] if entry.same else [])]
    for name in names:
        if name in base:
            continue
        part, _, rest = name.partition(".")
        if part == "training" and rest in {item.name for item in dataclasses.fields(Training)}:
            raise BadInput(f"search space: {name} does not apply, since model {space.model} fits itself")
        raise unknown(f"setting of the search space of {space.model}", name, base)
    part, _, rest = entry.name.partition(".")
    if part == "training" and rest in FIXED:
        raise BadInput(f"search space: {entry.name} cannot vary: {FIXED[rest]}")


def _check_when(space: Space, entry: Entry, base: Mapping[str, Any]) -> None:
    own = {other.name: other for other in space.entries}
    for name, allowed in entry.when.items():
        for value in allowed:
            build(space.model, {**base, name: value}, f"search space, {entry.name}, when {name}")
        parent = own.get(name)
        possible = any(parent.contains(value) for value in allowed) if parent and parent.kind != "same" else True
        if parent is None:
            possible = any(base[name] == value for value in allowed)
        if not possible:
            raise BadInput(
                f"search space: {entry.name} never varies, since {name} is never {' or '.join(map(str, allowed))}"
            )


def _check_point(space: Space, point: Mapping[str, Any], base: Mapping[str, Any], where: str) -> None:
    for name, value in point.items():
        entry = space.entry(name)
        if entry.kind == "same":
            raise BadInput(f"{where}: {name} follows {entry.same} and cannot be given")
        if not entry.contains(value):
            raise BadInput(f"{where}: {name} expected a value of its range, got {value!r}")
    build(space.model, space.complete(point, base), where)
