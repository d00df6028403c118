"""A search space: which settings vary, over what, and when. Read from YAML, checked against the model's Config."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeGuard

from raysp.config.settings import Plain
from raysp.errors import BadInput, present, unknown

Kind = Literal["uniform", "int", "choice", "grid", "same"]
Values = Mapping[str, Plain]

MOST_COMBINATIONS = 100_000
"""Combinations that a grid may have; they are all listed before the first one is tried."""
EXPLORE = 0.3


@dataclass(frozen=True)
class Entry:
    """One setting that varies.

    Attributes:
        name: `model.X`, a field of the model's Config, or `training.X`, a field of Training.
        kind: uniform (a number in a range), int (a whole number in a range), choice (one of some values), grid (one
            of some values, all visited in turn), same (coupled to another setting).
        low, high: the range, both ends included; with a step, high is the last value that the steps reach.
        log: the range is searched on a logarithmic scale.
        step: distance between values; None for a continuous range, or for every whole number.
        choices: the values of a choice or grid.
        same: the setting this one is coupled to; it takes that one's value, multiplied by `times`.
        times: see `same`.
        when: settings and the values of theirs under which this one varies; elsewhere it stays as the experiment has
            it.
        explore: the largest change from one generation of a population to the next, as a share: 0.3 is up to 1.3 times.
    """

    name: str
    kind: Kind
    low: float | int = 0
    high: float | int = 0
    log: bool = False
    step: float | int | None = None
    choices: tuple[Plain, ...] = ()
    same: str | None = None
    times: float = 1.0
    when: Mapping[str, tuple[Plain, ...]] = field(default_factory=dict)
    explore: float = EXPLORE

    def __post_init__(self) -> None:
        if self.numeric and self.step is not None:
            object.__setattr__(self, "high", self._at(self._steps(self.high)))

    @property
    def numeric(self) -> bool:
        """Tell whether the values are a range of numbers."""
        return self.kind in ("uniform", "int")

    @property
    def count(self) -> int | None:
        """How many values there are; None for a continuous range, or one on a logarithmic scale."""
        if not self.numeric:
            return len(self.choices)
        if self.step is not None:
            return self._steps(self.high) + 1
        return int(self.high - self.low) + 1 if self.kind == "int" and not self.log else None

    def contains(self, value: object) -> bool:
        """Tell whether a value is one that a search could propose."""
        if not self.numeric:
            return any(equal(value, choice) for choice in self.choices)
        whole = self.kind != "int" or isinstance(value, int)
        if not whole or not _number(value) or not self.low <= value <= self.high:
            return False
        return self.step is None or abs(value - self._at(round((value - self.low) / self.step))) <= 1e-9 * self.step

    def exact(self, value: Plain) -> Plain:
        """Return a value as the range spells it: three steps of 0.1 are 0.3. Values outside are left as they are."""
        if not self.contains(value):
            return value
        if not self.numeric:
            return next(choice for choice in self.choices if equal(value, choice))
        if self.step is None or not _number(value):
            return value
        return self._at(round((value - self.low) / self.step))

    def values(self) -> tuple[Plain, ...] | None:
        """Return all values, or None where they cannot be listed."""
        if not self.numeric:
            return self.choices
        return None if self.count is None else tuple(self._at(i) for i in range(self.count))

    def probes(self) -> tuple[Plain, ...]:
        """Return the values that a check must try: all choices, or both ends of a range."""
        return (self.low, self.high) if self.numeric else self.choices

    def _at(self, i: int) -> float | int:
        """Return the value i steps above the lowest, in decimal arithmetic as a person counts."""
        if self.kind == "int":
            return self.low + i * (self.step or 1)
        return float(Decimal(repr(self.low)) + i * Decimal(repr(self.step)))

    def _steps(self, high: float | int) -> int:
        if self.kind == "int":
            return int((high - self.low) // (self.step or 1))
        return int((Decimal(repr(high)) - Decimal(repr(self.low))) / Decimal(repr(self.step)))


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

    @functools.cached_property
    def by_name(self) -> Mapping[str, Entry]:
        """The entries by name."""
        return {entry.name: entry for entry in self.entries}

    def entry(self, name: str) -> Entry:
        """Return an entry by name. Raises BadInput for an unknown one."""
        if name not in self.by_name:
            raise unknown(f"setting of the search space of {self.model}", name, self.by_name)
        return self.by_name[name]

    def active(self, entry: Entry, values: Values) -> bool:
        """Tell whether an entry varies, given all settings.

        It does when its conditions hold and all that it depends on, by `when` or `same`, varies too: what depends on
        an inactive setting is inactive, whatever value that one happens to have.
        """
        return self._active(entry, values, frozenset())

    def complete(self, chosen: Values, base: Values) -> dict[str, Plain]:
        """Return all settings: the base, what was chosen where it is active, and what is coupled to it.

        A coupled setting that is itself in `chosen` keeps the value given there.

        Raises:
            BadInput: a value that is no number would have to be multiplied.
        """
        values = dict(base)
        for entry in self.entries:
            if not self.active(entry, values):
                continue
            if entry.name in chosen:
                values[entry.name] = entry.exact(chosen[entry.name])
            elif entry.kind == "same":
                values[entry.name] = _times(values[present(entry.same)], entry, base[entry.name])
        return values

    def combinations(self, base: Values, *, all_entries: bool = False) -> Iterator[dict[str, Plain]]:
        """Yield every combination of the grid entries (or of all entries), each once; inactive ones are left out.

        A grid entry that depends on one that is sampled is visited whatever is sampled: it counts where it is active.

        Raises:
            BadInput: there are too many combinations, or, with `all_entries`, some that cannot be listed.
        """
        wanted = [entry for entry in self.free if all_entries or entry.kind == "grid"]
        _check_listed(wanted)
        sampled = frozenset(entry.name for entry in self.free) - {entry.name for entry in wanted}
        seen = set()
        for chosen in itertools.product(*(present(entry.values()) for entry in wanted)):
            values, combination = dict(base), {}
            for entry, value in zip(wanted, chosen, strict=True):
                if self._active(entry, values, sampled):
                    values[entry.name] = combination[entry.name] = value
            key = repr(sorted(combination.items()))
            if key not in seen:
                seen.add(key)
                yield combination

    def _active(self, entry: Entry, values: Values, anything: frozenset[str]) -> bool:
        """Tell whether an entry varies; the settings of `anything` are taken to have whatever value it needs."""
        holds = (
            name in anything or any(equal(values.get(name), one) for one in allowed)
            for name, allowed in entry.when.items()
        )
        above = (self.by_name[name] for name in parents(entry) if name in self.by_name)
        return all(holds) and all(self._active(parent, values, anything) for parent in above)


def parents(entry: Entry) -> list[str]:
    """Return the settings that an entry depends on, by `when` or `same`."""
    return [*entry.when, *([entry.same] if entry.same else [])]


def equal(left: object, right: object) -> bool:
    """Tell whether two values of a setting are the same one: 1 is 1.0, but neither is True; lists item by item."""
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _check_listed(wanted: list[Entry]) -> None:
    for entry in wanted:
        if entry.count is None:
            raise BadInput(
                f"sampler grid expected values that can be listed, got a continuous or logarithmic range for "
                f"{entry.name}; give it a step, a choice, or another sampler"
            )
    total = math.prod(present(entry.count) for entry in wanted)
    if total > MOST_COMBINATIONS:
        raise BadInput(
            f"a grid expected at most {MOST_COMBINATIONS} combinations, got {total} of "
            f"{', '.join(entry.name for entry in wanted)}; give fewer values, or another sampler"
        )


def _times(value: Plain, entry: Entry, base: Plain) -> Plain:
    """Return what a coupled setting takes; whole where the base's value is (or, where that is no number, `value`)."""
    if entry.times == 1:
        return value
    if not _number(value):
        raise BadInput(f"search space: {entry.name} is {entry.same} times {entry.times}, which is {value!r}: no number")
    whole = isinstance(base if _number(base) else value, int)
    return round(value * entry.times) if whole else value * entry.times


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordered(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    waiting, names = list(entries), {entry.name for entry in entries}
    done: list[Entry] = []
    while waiting:
        placed = {entry.name for entry in done}
        ready = [entry for entry in waiting if not ((set(parents(entry)) & names) - placed)]
        if not ready:
            circle = ", ".join(entry.name for entry in waiting)
            raise BadInput(f"search space: {circle} depend on each other in a circle (when, same)")
        done += ready
        waiting = [entry for entry in waiting if entry not in ready]
    return tuple(done)
