"""Numbers of units that an HDF5 file says in attributes of their vectors, or of the groups these lie in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

from raysp.data.formats.guarded import Group

OF_UNITS = re.compile(r"(unit|cluster|neuron|cell)?_?(id|number|no)|unit|cluster|neuron|cell|uid", re.IGNORECASE)
"""Names of an attribute that says which unit it is."""
OF_TRIALS = re.compile(r"(trial|sweep|rep|repeat|block|epoch)s?[-_ /]?\*", re.IGNORECASE)
FEWEST = 2


def renamed(file: Group, names: Iterable[str]) -> dict[str, str]:
    """Return name -> the same with its unit's number, units/0/times -> units/17/times; only where these differ.

    Names that only count, from 0 or 1, are no numbers of units where attributes say others, each once.

    Args:
        file: the open file.
        names: of its vectors.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        pattern = re.sub(r"\d+", "*", name)
        if pattern.count("*") == 1 and not OF_TRIALS.search(pattern):
            alike.setdefault(pattern, []).append(name)
    found: dict[str, str] = {}
    for pattern, each in alike.items():
        places = sorted(int(one[0]) for name in each if (one := re.findall(r"\d+", name)))
        if len(each) < FEWEST or places != list(range(places[0], places[0] + len(each))) or places[0] > 1:
            continue
        numbers = [next(_numbers(file, name), None) for name in each]
        if None not in numbers and len(set(numbers)) == len(each):
            found |= {name: pattern.replace("*", str(one)) for name, one in zip(each, numbers, strict=True)}
    return {name: other for name, other in found.items() if other != name}


def _numbers(file: Group, name: str) -> Iterator[int]:
    """Yield the numbers of units that attributes of a vector say, and those of its groups, inner ones first."""
    parts = name.split("/")
    for end in range(len(parts), 0, -1):
        attributes = file["/".join(parts[:end])].attrs
        for key in filter(OF_UNITS.fullmatch, attributes):
            one = np.asarray(attributes[key])
            if one.size == 1 and one.dtype.kind in "iu" and one.item() >= 0:
                yield one.item()
