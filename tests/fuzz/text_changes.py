"""Changes of JSON and YAML: other values, other types, tokens that mean something else than a person thinks."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

from tests.fuzz.kinds import Change, Changed, NotHere

VALUES = (None, True, False, 0, -1, 3, 1.5, 1e300, "", "x", "../../x", [], {}, [3], {"a": 1}, [None], "日", 10**30)
NUMBERS = (0, -1, 7, 0.25, 1e9)

TOKENS = (
    "~", "null", "yes", "no", "on", "0o17", "017", "1_000", "12:30", "1e3", "0x1F", ".inf", ".nan", "-.inf",
    "2024-13-01", "2024-01-01", "!!python/object:os.system {}", "!!int x", "!!binary abc", "&a [*a]", "*gone", "{",
    "[", "}", "- -", "? x", "|", ">", "@x", "`x`", "'", '"', "\t- x", "<<: {a: 1}", "!!set {a}", "!!timestamp x",
    "!local x", "=", "9" * 400, "9" * 5000, "[" * 3000, "{a: " * 500, "\x00", "\x85", "\u2028",
    "%TAG ! x", "---", "...",
)  # fmt: skip
"""What YAML takes for something else than a person does, or for nothing."""
JSON_TOKENS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "9" * 5000,
    "1e999",
    "'x'",
    "True",
    "[" * 3000,
    '"\\ud800"',
    "",
    "nul",
    "{,}",
)


def _places(value: Any, here: tuple = ()) -> list[tuple]:
    if isinstance(value, dict):
        return [here, *(place for key in value for place in _places(value[key], (*here, key)))]
    if isinstance(value, list):
        return [here, *(place for at in range(len(value)) for place in _places(value[at], (*here, at)))]
    return [here]


def _at(value: Any, place: tuple) -> Any:
    for key in place:
        value = value[key]
    return value


def other_value(found: Any, rng: Random) -> tuple[Any, str]:
    """Another value, mostly of another type, somewhere in the tree."""
    place = rng.choice(_places(found))
    before = _at(found, place)
    near = isinstance(before, int | float) and not isinstance(before, bool) and rng.random() < 0.6
    value = copy.deepcopy(rng.choice(NUMBERS if near else VALUES))
    if value == before or not place:
        raise NotHere
    _at(found, place[:-1])[place[-1]] = value
    return found, f"{_spelled(place)}: {value!r}"


def whole(found: Any, rng: Random) -> tuple[Any, str]:
    value = rng.choice((*VALUES, [found], {"x": found}))
    return value, f"the whole: {str(value)[:30]}"


def gone(found: Any, rng: Random) -> tuple[Any, str]:
    place = rng.choice(_places(found))
    if not place:
        raise NotHere
    del _at(found, place[:-1])[place[-1]]
    return found, f"{_spelled(place)}: gone"


def renamed(found: Any, rng: Random) -> tuple[Any, str]:
    place = rng.choice(_places(found))
    if not place or not isinstance(place[-1], str):
        raise NotHere
    holder = _at(found, place[:-1])
    holder[rng.choice((place[-1] + "s", place[-1].upper(), "x", ""))] = holder.pop(place[-1])
    return found, f"{_spelled(place)}: renamed"


def more(found: Any, rng: Random) -> tuple[Any, str]:
    places = [place for place in _places(found) if isinstance(_at(found, place), dict | list)]
    if not places:
        raise NotHere
    holder = _at(found, place := rng.choice(places))
    if isinstance(holder, dict):
        holder["one_more"] = rng.choice(VALUES)
    elif holder:
        holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(rng.choice(holder)))
    else:
        holder.append(rng.choice(VALUES))
    return found, f"{_spelled(place)}: one more"


def order(found: Any, rng: Random) -> tuple[Any, str]:
    places = [place for place in _places(found) if isinstance(_at(found, place), list) and len(_at(found, place)) > 1]
    if not places:
        raise NotHere
    holder = _at(found, place := rng.choice(places))
    before = list(holder)
    rng.shuffle(holder)
    if before == holder:
        raise NotHere
    return found, f"{_spelled(place)}: in another order"


def from_other(found: Any, rng: Random, theirs: Any = None) -> tuple[Any, str]:
    places = [place for place in _places(found) if place and _there(theirs, place) != _at(found, place)]
    if not places:
        raise NotHere
    place = rng.choice(places)
    if (value := _there(theirs, place)) is None:
        raise NotHere
    _at(found, place[:-1])[place[-1]] = value
    return found, f"{_spelled(place)}: as in another file"


def _spelled(place: tuple) -> str:
    return "/".join(map(str, place)) or "the whole"


def _there(theirs: Any, place: tuple) -> Any:
    try:
        return _at(theirs, place)
    except (LookupError, TypeError):
        return None


TREE = (other_value, other_value, other_value, other_value, whole, gone, gone, renamed, more, order)


def _tree(change: Callable, load: Callable, dump: Callable) -> Change:
    def changed(path: str, rng: Random, other: str) -> Changed:
        found = load(path)
        options = {"theirs": load(other)} if change is from_other else {}
        found, text = change(found, rng, **options)
        with open(path, "w", encoding="utf-8") as file:
            file.write(dump(found))
        return Changed(text)

    return changed


def _line(tokens: tuple[str, ...], sep: str) -> Change:
    def token(path: str, rng: Random, other: str) -> Changed:
        """A token that means something else, or nothing, in the place of a value."""
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        places = [at for at, line in enumerate(lines) if sep in line]
        if not places:
            raise NotHere
        at, word = rng.choice(places), rng.choice(tokens)
        key, _, rest = lines[at].partition(sep)
        lines[at] = f"{key}{sep} {word}" + ("," if rest.endswith(",") else "")
        with open(path, "w", encoding="utf-8", errors="surrogatepass") as file:
            file.write("\n".join(lines))
        return Changed(f"line {at + 1}: {key.strip()}{sep} {word[:30]!r}")

    return token


def twice(path: str, rng: Random, other: str) -> Changed:
    """A line that stands there twice, or lines in another order."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    at = rng.randrange(len(lines))
    how = rng.choice(("twice", "gone", "indented", "elsewhere"))
    if how == "twice":
        lines.insert(at, lines[at])
    elif how == "indented":
        lines[at] = rng.choice((" ", "\t", "    ")) + lines[at]
    else:
        line = lines.pop(at)
        if how == "elsewhere":
            lines.insert(rng.randrange(len(lines) + 1), line)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
    return Changed(f"line {at + 1}: {how}")


def not_text(path: str, rng: Random, other: str) -> Changed:
    """Other encodings, and bytes that are none."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    how = rng.choice(("utf-16", "utf-8-sig", "latin-1", "null bytes"))
    data = text.encode("utf-8-sig" if how == "utf-8-sig" else "utf-16") if how.startswith("utf") else b""
    data = data or (text.encode() + (b"\xff\xfe" if how == "latin-1" else b"\0\0"))
    with open(path, "wb") as file:
        file.write(data)
    return Changed(how)


def _load_yaml(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def _load_json(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _dump_yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def _dump_json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True)


YAML = (
    *(_tree(change, _load_yaml, _dump_yaml) for change in (*TREE, from_other)), *[_line(TOKENS, ":")] * 3, twice,
    not_text,
)  # fmt: skip
JSON = (
    *(_tree(change, _load_json, _dump_json) for change in (*TREE, from_other)), *[_line(JSON_TOKENS, ":")] * 2, twice,
    not_text,
)  # fmt: skip
