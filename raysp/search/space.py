"""A search space: which settings vary, over what, and when. Read from YAML, checked against the model's Config."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from raysp.errors import BadInput, unknown

Kind = Literal["uniform", "int", "choice", "grid", "same"]
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One setting that varies.

    Attributes:
        name: `model.X`, a field of the model's Config, or `training.X`, a field of Training.
        kind: uniform (a number in a range), int (a whole number in a range), choice (one of some values), grid (one
            of some values, all visited in turn), same (coupled to another setting).
        low, high: the range, both ends included.
        log: the range is searched on a logarithmic scale.
        step: distance between values; None for a continuous range, or for every whole number.
        choices: the values of a choice or grid.
        same: the setting this one is coupled to; it takes that one's value, multiplied by `times`.
        times: see `same`.
        when: settings and the values of theirs under which this one varies; elsewhere it stays as it is.
    """

    name: str
    kind: Kind
    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    step: float | int | None = None
    choices: tuple[Any, ...] = ()
    same: str | None = None
    times: float = 1.0
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def numeric(self) -> bool:
        """Tell whether the values are a range of numbers."""
        return self.kind in ("uniform", "int")

    def contains(self, value: Any) -> bool:
        """Tell whether a value is one that a search could propose."""
        if not self.numeric:
            return any(_equal(value, choice) for choice in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        if self.kind == "int" and value != int(value):
            return False
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        return abs(steps - round(steps)) < 1e-9

    def values(self) -> tuple[Any, ...] | None:
        """Return all values, or None where they cannot be listed."""
        if not self.numeric:
            return self.choices
        if self.kind == "int" and not self.log:
            return tuple(range(self.low, self.high + 1, self.step or 1))
        if self.step is None:
            return None
        count = int(math.floor((self.high - self.low) / self.step + 1e-9)) + 1
        return tuple(round(self.low + i * self.step, 12) for i in range(count))

    def probes(self) -> tuple[Any, ...]:
        """Return the values that a check must try: all choices, or both ends of a range."""
        return (self.low, self.high) if self.numeric else self.choices


@dataclass(frozen=True)
class Space:
    """The settings of one model that vary, parents before those that depend on them.

    Attributes:
        model: the model's file name.
        entries: by name.
        start: warm-start points, by setting; what a point leaves out stays as the experiment has it.
    """

    model: str
    entries: tuple[Entry, ...]
    start: tuple[Values, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", _ordered(self.entries))

    @property
    def free(self) -> tuple[Entry, ...]:
        """Return the entries that a search chooses: all but the coupled ones."""
        return tuple(entry for entry in self.entries if entry.kind != "same")

    def entry(self, name: str) -> Entry:
        """Return an entry by name. Raises BadInput for an unknown one."""
        known = {entry.name: entry for entry in self.entries}
        if name not in known:
            raise unknown(f"setting of the search space of {self.model}", name, known)
        return known[name]

    def active(self, entry: Entry, values: Values) -> bool:
        """Tell whether an entry varies, given the values of the settings it depends on."""
        return all(any(_equal(values.get(name), one) for one in allowed) for name, allowed in entry.when.items())

    def complete(self, chosen: Values, base: Values) -> dict[str, Any]:
        """Return all settings: the base, what was chosen where it is active, and what is coupled to it."""
        values = dict(base)
        for entry in self.entries:
            if not self.active(entry, values):
                continue
            if entry.kind == "same":
                values[entry.name] = _times(values[entry.same], entry.times)
            elif entry.name in chosen:
                values[entry.name] = chosen[entry.name]
        return values

    def cells(self, base: Values, *, all_entries: bool = False) -> Iterator[dict[str, Any]]:
        """Yield every combination of the grid entries (or of all entries), each once; inactive ones are left out.

        Raises:
            BadInput: with `all_entries`, an entry's values cannot be listed.
        """
        wanted = [entry for entry in self.free if all_entries or entry.kind == "grid"]
        for entry in wanted:
            if entry.values() is None:
                raise BadInput(
                    f"sampler grid expected values that can be listed, got a continuous range for {entry.name}; give "
                    "it a step, a choice, or another sampler"
                )
        seen = set()
        for combination in itertools.product(*(entry.values() for entry in wanted)):
            values, cell = dict(base), {}
            for entry, value in zip(wanted, combination, strict=True):
                if self.active(entry, values):
                    values[entry.name] = cell[entry.name] = value
            key = repr(sorted(cell.items()))
            if key not in seen:
                seen.add(key)
                yield cell


def _times(value: Any, factor: float) -> Any:
    if factor == 1:
        return value
    product = value * factor
    return round(product) if isinstance(value, int) else product


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return (
        list(left) == list(right)
        if isinstance(left, list | tuple) and isinstance(right, list | tuple)
        else left == right
    )


def _ordered(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    waiting, done, names = list(entries), [], {entry.name for entry in entries}
    while waiting:
        placed = {entry.name for entry in done}
        ready = [entry for entry in waiting if not ((_parents(entry) & names) - placed)]
        if not ready:
            circle = ", ".join(entry.name for entry in waiting)
            raise BadInput(f"search space: {circle} depend on each other in a circle (when, same)")
        done += ready
        waiting = [entry for entry in waiting if entry not in ready]
    return tuple(done)


def _parents(entry: Entry) -> set[str]:
    return {*entry.when, *([entry.same] if entry.same else [])}
