"""Which vectors of a file are the spike times of a unit each, by their names and by what lies in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raysp.data.formats import starred
from raysp.data.formats.starred import NUMBER, STAR
from raysp.data.sources import no_times

FEWEST, MOSTLY = 2, 0.5
"""Vectors, from which on they are a unit each; spikes at least that are not at the very time of the one before."""
OF_TRIALS = re.compile(r"(trial|sweep|rep|repeat|block|epoch)[-_ ]?$", re.IGNORECASE)
"""What stands before the number of no unit."""
OF_UNITS = re.compile(
    r"unit|neuron|cell|clu|sig|spk|spike|(^|[/_])(ch|chan|channel|tt|tetrode|elec|electrode|adc)[-_ ]?\*", re.IGNORECASE
)
"""Names of what is a unit, whatever the lengths of such vectors."""
LEAVES = re.compile(r"(spike|spk)?[-_ ]?(t|ts|st|times?|timestamps?)|spikes?|spk", re.IGNORECASE)
"""What the times of a unit are called within its group."""


@dataclass(frozen=True)
class Found:
    """A pattern of names, and the names of other vectors of rising times, which it does not fit."""

    pattern: str
    others: tuple[str, ...]


def likely(table: Mapping[str, np.ndarray]) -> Found | None:
    """Return the pattern of names of vectors that look like the spike times of a unit each; None where none does."""
    rising = [name for name, one in table.items() if rises(one)] or _unsorted(table)
    alike: dict[str, list[str]] = {}
    for name in rising:
        if STAR in (pattern := _with_stars(name)):
            alike.setdefault(pattern, []).append(name)
    each = {_fixed(pattern, names): names for pattern, names in alike.items() if len(names) >= FEWEST}
    able = {pattern: names for pattern, names in each.items() if _of_units(pattern, names, table)}
    able |= {pattern: names for pattern, names in _of_groups(rising).items() if _of_units(pattern, names, table)}
    if not able:
        return None
    best = max(able, key=lambda one: len(able[one]))
    read = set(starred.fitting(best, table)[0])
    return Found(best, tuple(name for name in rising if name not in read))


def rises(one: np.ndarray) -> bool:
    """Tell whether a vector holds numbers that rise, NaN before or after them at most: counts of no spike do not."""
    known = one[np.isfinite(one)] if one.dtype.kind == "f" else one
    ends = np.isnan(one).argmax() in (0, len(known)) if one.dtype.kind == "f" and len(one) else True
    if one.dtype.kind not in "iuf" or len(known) < 2 or not ends:
        return False
    steps = np.diff(known.astype(float))
    return bool((steps >= 0).all() and (steps > 0).mean() > MOSTLY)


def _unsorted(table: Mapping[str, np.ndarray]) -> list[str]:
    """Return the names of vectors called after units that hold times in no order; none where they may be intervals."""
    named = {name: one for name, one in table.items()
             if one.ndim == 1 and one.dtype.kind == "f" and OF_UNITS.search(_with_stars(name))}  # fmt: skip
    each = [one[np.isfinite(one)] for one in named.values()]
    return list(named) if no_times.are_unsorted(each) else []


def _with_stars(name: str) -> str:
    """Return a name with a star for each number that may be a unit's, with Plexon's letter behind it."""
    parts, last = [], 0
    for number in re.finditer(r"\d+([A-Za-z](?![A-Za-z]))?", name):
        if not OF_TRIALS.search(name[: number.start()]):
            parts += [name[last : number.start()], STAR]
            last = number.end()
    return "".join([*parts, name[last:]])


def _fixed(pattern: str, names: Sequence[str]) -> str:
    """Return a pattern with what all names have in a star's place put back."""
    fixed = f"({NUMBER})".join(map(re.escape, pattern.split(STAR)))
    places = [found.groups() for name in names if (found := re.fullmatch(fixed, name))]
    if len(places) < len(names):
        return pattern
    own = [next(iter(one)) if len(one := set(each)) == 1 else STAR for each in zip(*places, strict=True)]
    bare = pattern.split(STAR)
    return "".join(part for pair in zip(bare, [*own, ""], strict=True) for part in pair)


def _of_groups(rising: Sequence[str]) -> dict[str, list[str]]:
    """Return patterns of vectors called alike in groups of any names: `PPC/unit_0/times` and `M1/unit_0/times`."""
    found: dict[str, list[str]] = {}
    for name in rising:
        *groups, leaf = _with_stars(name).split("/")
        if LEAVES.fullmatch(leaf):
            for place in range(len(groups)):
                found.setdefault("/".join([*groups[:place], STAR, *groups[place + 1 :], leaf]), []).append(name)
    return {
        pattern: names
        for pattern, names in found.items()
        if len({_with_stars(name) for name in names}) > 1 and OF_UNITS.search(pattern)
    }


def _of_units(pattern: str, names: Sequence[str], table: Mapping[str, np.ndarray]) -> bool:
    # Columns of a table of trials rise, too, but all to its end.
    lengths = {int(np.count_nonzero(table[name] == table[name])) for name in names}
    return len(names) >= FEWEST and (len(lengths) >= FEWEST or OF_UNITS.search(pattern) is not None)
