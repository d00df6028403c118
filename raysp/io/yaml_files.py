"""YAML as a person means it: YAML 1.2's numbers, keys that stand there once; what raysp writes carries a checksum."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from raysp.errors import BadInput, expect
from raysp.io import checksum, files

if TYPE_CHECKING:
    import yaml

TAG = "tag:yaml.org,2002:"
MERGE = f"{TAG}merge"
# The core schema of YAML 1.2; beside it 1_000, which is read as everywhere else in Python. YAML 1.1, which PyYAML
# reads, takes 010 for eight, 1:30 for ninety, yes for true, and 1e-3 for text.
DIGITS = r"[0-9]+(?:_[0-9]+)*"
SCALARS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (rf"[-+]?{DIGITS}|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        rf"[-+]?(?:\.{DIGITS}|{DIGITS}\.?|{DIGITS}\.{DIGITS})(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}
PLAIN = ("null", "str", "seq", "map")
MOST_DEEP, MOST_VALUES = 100, 1_000_000
"""Files of a person are flatter and smaller; PyYAML crashes the process on very deep ones, and a few anchors of
anchors stand for more values than memory holds."""


def read_yaml(path: str) -> Any:
    """Return what a YAML file holds, after comparing its checksum where it has one.

    Raises:
        BadInput: it is absent, not YAML, has a key twice, or was changed after raysp wrote it.
    """
    expect(files.exists(path), f"expected a YAML file at {path}, found none")
    try:
        found = parse_yaml(files.read_text(path, exact=True), path)
        return checksum.unseal(found, ordered=True)
    except IsADirectoryError as error:
        raise BadInput(f"expected a YAML file at {path}, found a folder") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not YAML: it is not text ({error})") from error
    except checksum.Damaged as error:
        raise BadInput(
            f"{path} is damaged: {error} (its checksum does not fit); if you changed it on purpose, remove its line "
            f"{checksum.KEY!r}, else remove it and run the command that wrote it again"
        ) from error


def write_yaml(path: str, value: Mapping[str, object]) -> None:
    """Write values by name as YAML with their checksum in front, whole or not at all."""
    mark = checksum.PREFIX + checksum.digest(value, ordered=True)
    files.write_text(path, dump_yaml({checksum.KEY: mark, **value}))


def parse_yaml(text: str, where: str) -> Any:
    """Return what a YAML text holds. Raises BadInput naming `where` when it is not YAML or has a key twice."""
    import yaml

    try:
        _refuse_depth(text)
        loader = _loader()(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            if "*" in text and "&" in text:
                _refuse_copies(node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError, UnicodeError) as error:
        raise BadInput(f"{where} is not YAML: {' '.join(str(error).split())}") from error


def dump_yaml(value: object) -> str:
    """Return a value as YAML that reads back the same, keys in their order."""
    import yaml

    return yaml.dump(value, Dumper=_dumper(), sort_keys=False, width=120, allow_unicode=True)


def _refuse_depth(text: str) -> None:
    import yaml

    if not _may_be_deep(text):
        return
    depth = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_DEEP:
                raise ValueError(f"expected at most {MOST_DEEP} levels, got more (line {event.start_mark.line + 1})")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _may_be_deep(text: str) -> bool:
    """Tell whether a text may have more levels than are read; a level takes a bracket, an indent, or a "- "."""
    brackets = sum(text.count(sign) for sign in "[{") - text.count("[]") - text.count("{}")
    longest = max((len(found[0]) for found in re.finditer(r"^[ \t?-]+", text, re.MULTILINE)), default=0)
    return max(brackets, longest) > MOST_DEEP // 2


def _refuse_copies(node: yaml.Node) -> None:
    """Refuse anchors that stand for themselves, or for more values than a file of a person has."""
    if _size(node, {}) > MOST_VALUES:
        raise ValueError(f"expected anchors that stand for at most {MOST_VALUES:,} values, got more")


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    if isinstance(node.value, str):
        return 1
    if known.setdefault(id(node), 0) == -1:
        raise ValueError(f"the anchor in line {node.start_mark.line + 1} holds itself")
    if not known[id(node)]:
        known[id(node)] = -1
        inner = (one for item in node.value for one in (item if isinstance(item, tuple) else (item,)))
        known[id(node)] = 1 + sum(_size(one, known) for one in inner)
    return known[id(node)]


@functools.cache
def _loader() -> type[yaml.SafeLoader]:
    import yaml

    # The parser in C, where PyYAML was built with it, is ten times faster.
    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # Known when it runs alone.
        """A safe loader with YAML 1.2's scalars and unique keys."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
            seen: dict[Hashable, int] = {}
            for key, _ in node.value:
                name = None if key.tag == MERGE else self.construct_object(key, deep=True)
                # What cannot be a key at all is refused by the class above.
                if key.tag == MERGE or not isinstance(name, Hashable):
                    continue
                if name in seen:
                    lines = f"lines {seen[name]} and {key.start_mark.line + 1}"
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {name!r} stands there twice ({lines})", key.start_mark
                    )
                seen[name] = key.start_mark.line + 1
            return super().construct_mapping(node, deep)

    known = yaml.SafeLoader.yaml_constructors
    Loader.yaml_constructors = {tag: known[tag] for tag in (None, *(TAG + name for name in PLAIN))}
    Loader.yaml_implicit_resolvers = {}
    for name, (pattern, first) in SCALARS.items():
        Loader.add_implicit_resolver(TAG + name, re.compile(f"(?:{pattern})$"), first)
    Loader.add_implicit_resolver(MERGE, re.compile("<<$"), ["<"])
    Loader.add_constructor(f"{TAG}int", lambda loader, node: _int(loader.construct_scalar(node)))
    Loader.add_constructor(f"{TAG}float", lambda loader, node: _float(loader.construct_scalar(node)))
    Loader.add_constructor(f"{TAG}bool", lambda loader, node: _bool(loader.construct_scalar(node)))
    return Loader


def _int(text: str) -> int:
    for mark, base in (("0x", 16), ("0o", 8)):
        if text.startswith(mark):
            return int(text, base)
    return int(text)


def _float(text: str) -> float:
    if text.lower().endswith((".inf", ".nan")):
        return float(text.replace(".", ""))
    if not math.isfinite(value := float(text)):
        raise ValueError(f"the number {text} is larger than any that can be computed with")
    return value


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"expected true or false, got {text}")
    return text.lower() == "true"


@functools.cache
def _dumper() -> type[yaml.SafeDumper]:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # As above.
        """A safe dumper that puts into quotes what `_loader`, or a reader of YAML 1.1, would take for no text."""

    for name in ("float", "int"):
        pattern, first = SCALARS[name]
        Dumper.add_implicit_resolver(TAG + name, re.compile(f"(?:{pattern})$"), first)
    return Dumper
