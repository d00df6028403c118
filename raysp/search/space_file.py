"""search_spaces/*.yaml: reading a space, and writing it back in the same form."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, cast

from raysp.config.settings import LARGEST, Plain
from raysp.errors import BadInput, expect, unknown
from raysp.io.yaml_files import read_yaml
from raysp.search.space import EXPLORE, Entry, Kind, Space

KEYS = ("model", "space", "start")
KINDS = ("uniform", "loguniform", "int", "choice", "grid", "same")
BELOW = " between -2^63 and 2^63"
OPTIONS = {
    "uniform": ("step", "when", "explore"),
    "loguniform": ("when", "explore"),
    "int": ("step", "log", "when", "explore"),
    "choice": ("when",),
    "grid": ("when",),
    "same": ("times", "when"),
}


def read_space(path: str) -> Space:
    """Read a search space.

    The file has `model`, `space` (setting -> range) and, if wanted, `start` (a list of points to begin with). A range
    is one of `uniform: [low, high]`, `loguniform: [low, high]`, `int: [low, high]`, `choice: [...]`, `grid: [...]`,
    `same: other setting`, with `step` (uniform, int), `log: true` (int), `times` (same), `explore` (of a population:
    the largest change of a number from one generation to the next, as a share), and
    `when: {other setting: value or list of values}`.

    Raises:
        BadInput: the file is absent or not YAML, a key is unknown, a range is empty, or a log range holds zero.
    """
    return parse_space(read_yaml(path), path)


def parse_space(found: Any, where: str, *, empty: bool = False) -> Space:
    """Return the space that a YAML file's content describes; where `empty`, of a model that is tried as it is, too.

    Raises:
        BadInput: as `read_space` does.
    """
    expect(isinstance(found, dict), f"{where} expected the keys {', '.join(KEYS)}, got {type(found).__name__}")
    for key in found:
        if key not in KEYS:
            raise unknown(f"key of {where}", str(key), KEYS)
    model, space, start = found.get("model"), found.get("space"), found.get("start") or []
    expect(isinstance(model, str), f"{where}: model expected a model's name, got {model!r}")
    if not isinstance(space, dict) or not (space or empty):
        raise BadInput(f"{where}: space expected at least one setting with its range, got {space!r}")
    if not isinstance(start, list) or not all(isinstance(point, dict) and point for point in start):
        raise BadInput(f"{where}: start expected a list of points (setting: value), got {start!r}")
    entries = tuple(_entry(str(name), values, f"{where}: {name}") for name, values in space.items())
    return Space(model, entries, tuple(start))


def spell_space(space: Space) -> dict[str, object]:
    """Return a space in the form of its file."""
    found = {"model": space.model, "space": {entry.name: _spell(entry) for entry in space.entries}}
    return found | ({"start": [dict(point) for point in space.start]} if space.start else {})


def _entry(name: str, values: Any, where: str) -> Entry:
    if not isinstance(values, dict):
        raise BadInput(f"{where} expected a range such as {{uniform: [0, 1]}}, got {values!r}")
    every = {*KINDS, *(option for options in OPTIONS.values() for option in options)}
    for key in values:
        if key not in every:
            raise unknown(f"key of {where}", str(key), every)
    kinds = [kind for kind in KINDS if kind in values]
    expect(len(kinds) == 1, f"{where} expected exactly one of {', '.join(KINDS)}, got {', '.join(kinds) or 'none'}")
    kind = kinds[0]
    for key in values:
        if key != kind and key not in OPTIONS[kind]:
            raise BadInput(f"{where}: {key} does not go with {kind}, which takes {', '.join(OPTIONS[kind])}")
    when = _when(values.get("when"), where)
    if kind == "same":
        return _same(name, values, when, where)
    if kind in ("choice", "grid"):
        return Entry(name, cast(Kind, kind), choices=_choices(values[kind], where), when=when)
    return _range(name, kind, values, when, where)


def _same(name: str, values: dict[str, Any], when: dict[str, tuple[Plain, ...]], where: str) -> Entry:
    other, times = values["same"], values.get("times", 1)
    expect(isinstance(other, str) and other != name, f"{where}: same expected another setting's name, got {other!r}")
    expect(_number(times) and times > 0, f"{where}: times expected a number > 0{BELOW}, got {_short(times)}")
    return Entry(name, "same", same=other, times=times, when=when)


def _range(name: str, kind: str, values: dict[str, Any], when: dict[str, tuple[Plain, ...]], where: str) -> Entry:
    ends, step, log = values[kind], values.get("step"), values.get("log", kind == "loguniform")
    if not isinstance(ends, list) or len(ends) != 2 or not all(_number(end) for end in ends):
        raise BadInput(f"{where}: {kind} expected [low, high], two numbers{BELOW}, got {_short(ends)}")
    low, high = ends
    expect(low < high, f"{where}: {kind} expected low < high, got the empty range [{low}, {high}]")
    expect(isinstance(log, bool), f"{where}: log expected true or false, got {log!r}")
    expect(not log or low > 0, f"{where}: a log range expected low > 0, got [{low}, {high}]")
    if step is not None and (not _number(step) or not step > 0 or _decimal(step) > _decimal(high) - _decimal(low)):
        raise BadInput(f"{where}: step expected a number > 0 and within the range, got {_short(step)}")
    expect(step is None or not log, f"{where}: step does not go with log; list the values as a choice")
    explore = values.get("explore", EXPLORE)
    expect(_number(explore) and explore > 0, f"{where}: explore expected a share > 0{BELOW}, got {_short(explore)}")
    if kind == "int":
        for value in (low, high, *([] if step is None else [step])):
            expect(isinstance(value, int), f"{where}: int expected whole numbers, got {value!r}")
        return Entry(name, "int", low, high, log, step, when=when, explore=float(explore))
    return Entry(name, "uniform", float(low), float(high), log, step, when=when, explore=float(explore))


def _decimal(value: float | int) -> Decimal:
    """Return a number as a person reads it: from 7.9 to 9.0 it is 1.1, which the floats miss."""
    return Decimal(repr(value))


def _choices(found: Any, where: str) -> tuple[Plain, ...]:
    if not isinstance(found, list) or not found:
        raise BadInput(f"{where} expected a list of values, at least one, got {found!r}")
    for i, value in enumerate(found):
        if isinstance(value, float) and not math.isfinite(value):
            raise BadInput(f"{where} expected finite numbers, got {value}")
        if isinstance(value, int) and abs(value) >= LARGEST:
            raise BadInput(f"{where} expected numbers between -2^63 and 2^63, got {_short(value)}")
        # True == 1 == 1.0 in Python, in Optuna's choices as well.
        if any(value == other for other in found[:i]):
            raise BadInput(f"{where} expected each value once, got {found!r}")
    return tuple(found)


def _when(found: Any, where: str) -> dict[str, tuple[Plain, ...]]:
    if found is None:
        return {}
    if not isinstance(found, dict) or not found:
        raise BadInput(f"{where}: when expected settings and their values, got {found!r}")
    if any(value == [] for value in found.values()):
        raise BadInput(f"{where}: when expected at least one value for each setting, got {found!r}")
    return {str(name): tuple(value) if isinstance(value, list) else (value,) for name, value in found.items()}


def _spell(entry: Entry) -> dict[str, object]:
    if entry.kind == "same":
        found: dict[str, object] = {"same": entry.same} | ({} if entry.times == 1 else {"times": entry.times})
    elif not entry.numeric:
        found = {entry.kind: list(entry.choices)}
    else:
        log = entry.log and entry.kind == "uniform"
        found = {"loguniform" if log else entry.kind: [entry.low, entry.high]}
        found |= {"log": True} if entry.log and entry.kind == "int" else {}
        found |= {} if entry.step is None else {"step": entry.step}
        found |= {} if entry.explore == EXPLORE else {"explore": entry.explore}
    return found | ({"when": {name: list(values) for name, values in entry.when.items()}} if entry.when else {})


def _number(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
