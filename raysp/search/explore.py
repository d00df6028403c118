"""Exploit and explore (Jaderberg et al. 2017, as AutoLFADS has them, Keshtkaran et al. 2022), as pure functions.

Every draw has a random stream of its own, named by the population's seeds, the generation and the member: so what is
drawn depends on nothing that was drawn before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from raysp.config.settings import Plain
from raysp.errors import BadInput
from raysp.search.pbt import Population
from raysp.search.space import Entry, Values

What = Literal["first settings", "meeting", "explore", "training", "first weights"]
STREAMS: tuple[What, ...] = ("first settings", "meeting", "explore", "training", "first weights")
LEAST = 0.002
"""The least change of a setting, as a share of the largest."""
TRIES = 100
RESAMPLED = 0.25
"""How often a setting without an order is drawn anew (Jaderberg et al. 2017)."""


def stream(population: Population, what: What, generation: int, member: int) -> np.random.Generator:
    """Return the random stream of one thing that is drawn."""
    names = (population.seed, population.trial.seed % 2**63, STREAMS.index(what), generation, member)
    return np.random.default_rng(names)


def training_seed(population: Population, generation: int, member: int) -> int:
    """Return the seed of a member's training in a generation: of order, masks and dropout.

    All members share it where some are lanes of one model.
    """
    shared = population.lanes > 1
    return int(stream(population, "training", generation, 0 if shared else member).integers(2**62))


def first_seed(population: Population, member: int) -> int:
    """Return the seed of a member's first weights, where members are lanes and share all other draws."""
    return int(stream(population, "first weights", 1, member).integers(2**62))


def first_settings(population: Population, member: int) -> tuple[Literal["defaults", "start", "drawn"], Values]:
    """Return where a member begins: the experiment's own settings, the warm-start points, then draws from the space."""
    space, base = population.space, population.base
    own = {entry.name: _typed(entry, base[entry.name]) for entry in space.free}
    if member == 0:
        return "defaults", own
    if member <= len(space.start):
        point = {name: _typed(space.entry(name), value) for name, value in space.start[member - 1].items()}
        return "start", {**own, **point}
    rng = stream(population, "first settings", 1, member)
    return "drawn", _valid(population, lambda: {entry.name: drawn(entry, rng) for entry in space.free}, own)


def opponents(population: Population, generation: int, scores: Sequence[float | None]) -> list[int]:
    """Return whom each member meets: another drawn at random; one without a score, another that has one.

    Args:
        population: theirs.
        generation: that begins.
        scores: of the generation before, by member; None for a member that diverged.

    Raises:
        BadInput: no member has a score.
    """
    scored = [member for member, score in enumerate(scores) if score is not None]
    if not scored:
        raise BadInput(
            f"{population.name}: every member diverged in generation {generation - 1}; give the space lower learning "
            "rates, or set training.warmup_epochs"
        )
    found = []
    for member, score in enumerate(scores):
        others = [one for one in (scored if score is None else range(len(scores))) if one != member]
        rng = stream(population, "meeting", generation, member)
        found.append(others[int(rng.integers(len(others)))])
    return found


def beaten(score: float | None, other: float | None) -> bool:
    """Tell whether a member copies the one it meets: whose score is lower, or which has one."""
    return score is None or (other is not None and other < score)


def explored(population: Population, values: Values, generation: int, member: int) -> Values:
    """Return changed settings: each number times exp(+-y), y ~ U(ln(1 + .002 w), ln(1 + w)), each sign as likely.

    Drawn again until it lies inside its range, and set to the range's end where a hundred draws do not. w is the
    entry's `explore`. A whole number, or one with a step, moves by one step at least. Zero, which no factor moves, is
    drawn anew from the range; so is, one time in four, a setting without an order.
    """
    rng = stream(population, "explore", generation, member)
    return _valid(
        population,
        lambda: {entry.name: changed(entry, values[entry.name], rng) for entry in population.space.free},
        values,
    )


def drawn(entry: Entry, rng: np.random.Generator) -> Plain:
    """Return a value of a range, each as likely; of a logarithmic one, on that scale."""
    if not entry.numeric:
        return entry.choices[int(rng.integers(len(entry.choices)))]
    if entry.step is not None or (entry.kind == "int" and not entry.log):
        return (entry.values() or ())[int(rng.integers(entry.count or 1))]
    if not entry.log:
        return float(rng.uniform(entry.low, entry.high))
    value = math.exp(rng.uniform(math.log(entry.low), math.log(entry.high)))
    return round(value) if entry.kind == "int" else _inside(entry, value)


def changed(entry: Entry, value: Plain, rng: np.random.Generator) -> Plain:
    """Return the value of a setting after it was explored, see `explored`."""
    if not entry.numeric or not isinstance(value, int | float):
        return drawn(entry, rng) if rng.random() < RESAMPLED else value
    if value == 0:
        return drawn(entry, rng)
    found: float = value
    for _ in range(TRIES):
        y = rng.uniform(math.log1p(LEAST * entry.explore), math.log1p(entry.explore))
        up = bool(rng.random() < 0.5)
        found = _stepped(entry, value, value * math.exp(y if up else -y))
        if entry.low <= found <= entry.high:
            return found
    return _inside(entry, found)


def _stepped(entry: Entry, before: float, value: float) -> float | int:
    """Return the nearest value that the range has, another than before."""
    step = entry.step or (1 if entry.kind == "int" else None)
    if step is None:
        return value
    steps = round((value - entry.low) / step)
    there = round((before - entry.low) / step)
    if steps == there:
        steps += 1 if value > before else -1
    found = entry.low + steps * step
    return int(found) if entry.kind == "int" else float(entry.exact(found))  # type: ignore[arg-type]


def _inside(entry: Entry, value: float) -> float | int:
    return _typed(entry, min(max(value, entry.low), entry.high))  # type: ignore[return-value]


def _typed(entry: Entry, value: Plain) -> Plain:
    """Return a value as the range's own type: a column of the genealogy holds one."""
    whole = entry.kind == "uniform" and isinstance(value, int) and not isinstance(value, bool)
    return float(value) if whole and isinstance(value, int) else value


def _valid(population: Population, draw: Callable[[], Values], otherwise: Values) -> Values:
    """Return the first of some draws that the model's settings do not refuse; the last resort where all are."""
    for _ in range(TRIES):
        found = draw()
        try:
            population.trial_of(found)
        except BadInput:
            continue
        return found
    return otherwise
