"""A space against the model it is for: every name, every type and both ends of every range, before anything starts."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping

from raysp.config import settings
from raysp.config.experiment import Training
from raysp.config.settings import Plain
from raysp.errors import BadInput, expect, unknown
from raysp.search.space import Entry, Space, Values, equal, parents

Needs = Mapping[str, tuple[Plain, ...]]

FIXED = {
    "validate_on": "a search always selects on validation trials of the training part",
    "validation_every": "candidates could not be compared on different validation trials",
    "validation_seed": "candidates could not be compared on different validation trials",
    "refit": "a search compares candidates before any refit; set it in the experiment that uses the result",
    "measure_every": "it changes no result",
}
"""Fields of Training that a search cannot vary, and why."""


def check_space(space: Space, base: Values) -> None:
    """Check a space against the model's Config and Training.

    Args:
        space: the space.
        base: every setting of the model (`model.X`, `training.X`) as the experiment has it.

    Every setting, and every two together, are tried with the ends of their ranges and with all their choices, on
    combinations that a search could propose and on no others.

    Raises:
        BadInput: an unknown name (the nearest right one is given), a value or two of them that Config or Training
            refuses, a condition that can never hold, or a start point outside the space.
    """
    for entry in space.entries:
        _check_names(space, entry, base)
    for entry in space.entries:
        _check_when(space, entry, base)
        if entry.kind == "same" and entry.same not in space.by_name:
            raise BadInput(
                f"search space: {entry.name} follows {entry.same}, which does not vary; give {entry.same} a range, "
                f"or {entry.name} one of its own"
            )
    own = {entry.name: base[entry.name] for entry in space.free}
    build(space.model, space.complete(own, base), "search space, the experiment's own settings")
    _check_values(space, base)
    for i, point in enumerate(space.start):
        _check_point(space, point, base, f"search space, start point {i + 1}")


def build(model: str, values: Values, where: str) -> tuple[dict[str, Plain], Training | None]:
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


def parted(values: Values) -> dict[str, dict[str, Plain]]:
    """Return flat settings as {"model": {...}, "training": {...}}."""
    found: dict[str, dict[str, Plain]] = {"model": {}, "training": {}}
    for name, value in values.items():
        part, _, rest = name.partition(".")
        found[part][rest] = value
    return found


def flat(chosen: Values, training: Training | None) -> dict[str, Plain]:
    """Return a trial's settings under the names a space uses."""
    model = {f"model.{name}": value for name, value in chosen.items()}
    return model | ({} if training is None else {f"training.{k}": v for k, v in settings.plain(training).items()})


def _check_names(space: Space, entry: Entry, base: Values) -> None:
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


def _check_values(space: Space, base: Values) -> None:
    usual = {e.name: base[e.name] if e.contains(base[e.name]) else e.probes()[0] for e in space.free}
    for entry in space.free:
        needed = usual | {name: values[0] for name, values in needs_of(space, entry).items() if name in space.by_name}
        for value in entry.probes():
            chosen = space.complete({**needed, entry.name: value}, base)
            build(space.model, chosen, f"search space, {entry.name} {value!r}")
    for one, other in itertools.combinations(space.free, 2):
        _check_pair(space, one, other, usual, base)


def _check_pair(space: Space, one: Entry, other: Entry, usual: Values, base: Values) -> None:
    """Refuse two settings that could be proposed with values which do not go together."""
    needs = _merged(needs_of(space, one), needs_of(space, other))
    if not all(needs.values()):
        return
    needed = {**usual, **{name: values[0] for name, values in needs.items() if name in space.by_name}}
    for left, right in itertools.product(one.probes(), other.probes()):
        pair = {one.name: left, other.name: right}
        if all(_holds(needs, name, value) for name, value in pair.items()):
            values = space.complete({**needed, **pair}, base)
            where = f"search space, {one.name} {left!r} with {other.name} {right!r}"
            build(space.model, values, f"{where} (couple them with `same`, or use `when` or a narrower range)")


def needs_of(space: Space, entry: Entry) -> dict[str, tuple[Plain, ...]]:
    """Return what must hold for an entry to vary: its own conditions and those of all it depends on."""
    found = dict(entry.when)
    for name in parents(entry):
        if name in space.by_name:
            found = _merged(found, needs_of(space, space.by_name[name]))
    return found


def _merged(left: Needs, right: Needs) -> dict[str, tuple[Plain, ...]]:
    both = {
        name: tuple(v for v in left[name] if any(equal(v, one) for one in right[name]))
        for name in left
        if name in right
    }
    return {**left, **right, **both}


def _holds(needs: Needs, name: str, value: Plain) -> bool:
    return name not in needs or any(equal(value, one) for one in needs[name])


def _check_when(space: Space, entry: Entry, base: Values) -> None:
    never = f"search space: {entry.name} never varies"
    for name, allowed in entry.when.items():
        parent = space.by_name.get(name)
        if parent is None:
            continue
        if parent.kind == "same":
            raise BadInput(f"search space: {entry.name} depends on {name}, which follows {parent.same}; name that one")
        if parent.kind == "uniform" and parent.step is None:
            raise BadInput(f"search space: {entry.name} depends on single values of the continuous range of {name}")
        for value in allowed:
            expect(parent.contains(value), f"{never} at {name} {value!r}, which is not in its range")
    for name, allowed in needs_of(space, entry).items():
        expect(allowed, f"{never}, since its conditions on {name} exclude each other")
        if name not in space.by_name and not any(equal(base[name], value) for value in allowed):
            shown = " or ".join(repr(value) for value in allowed)
            raise BadInput(f"{never}, since {name} is {base[name]!r} and never {shown}; give {name} a range")


def _check_point(space: Space, point: Values, base: Values, where: str) -> None:
    for name, value in point.items():
        entry = space.entry(name)
        expect(entry.kind != "same", f"{where}: {name} follows {entry.same} and cannot be given")
        expect(entry.contains(value), f"{where}: {name} expected a value of its range, got {value!r}")
    values = space.complete(point, base)
    for name in point:
        if not space.active(space.entry(name), values):
            shown = ", ".join(f"{above} {values[above]!r}" for above in space.entry(name).when)
            raise BadInput(f"{where}: {name} does not vary with {shown} and cannot be given")
    build(space.model, values, where)
