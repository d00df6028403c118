"""Sources by name, and recordings by name: a source is a file of this folder, or an entry point, that defines build.

What else it must define is said, and compared, in `raysp.data.sources.base`.
"""

from __future__ import annotations

import difflib
import fnmatch
import os
import re
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from raysp.config import plugins, settings
from raysp.config.experiment import STANDIN, Recording
from raysp.data.sources.base import BuildArrays, BuildTables, Source
from raysp.data.splits.header import Role
from raysp.errors import BadInput, unknown
from raysp.io import files

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ROOT = "{root}"
LONGEST_NAME = 60


def names() -> list[str]:
    """Return the names of all sources, found without importing any."""
    return list(plugins.modules("data/sources"))


def name_of(path: str) -> str:
    """Return what a recording is called by its file, of letters that names may have."""
    stem = os.path.basename(path.rstrip("/")).partition(".")[0]
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", stem).strip("._+-")[:LONGEST_NAME] or "recording"


def source(name: str) -> Source:
    """Return a source.

    Raises:
        BadInput: the name is unknown, and the error says which is nearest; or its file is no source.
    """
    known = plugins.modules("data/sources")
    if name not in known:
        raise unknown("source", name, names())
    return Source.of(plugins.load(known[name]))


def of_file(path: str) -> str:
    """Return the name of the source that reads files with such an ending.

    Raises:
        BadInput: none does, or several do; the sentence says which endings and which sources there are.
    """
    known = {name: source(name).READS for name in names()}
    found = [name for name, endings in known.items() if path.lower().endswith(endings)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(sorted({one for endings in known.values() for one in endings}))
    why = f"{' and '.join(found)} both read it" if found else f"expected a file that ends in {listed}"
    raise BadInput(
        f"{path}: {why}; name the source that reads it, source=..., one of {', '.join(known)}, or the path of one of "
        "your own, of which `raysp new` has an example"
    )


def of_arrays() -> BuildArrays:
    """Return what makes splits of arrays in memory."""
    return next(build for name in names() if (build := source(name).build_arrays) is not None)


def of_tables() -> BuildTables:
    """Return what makes splits of tables in memory."""
    return next(build for name in names() if (build := source(name).build_tables) is not None)


def config(recording: Recording, root: str) -> DataclassInstance:
    """Return a recording's Config, checked; "{root}" at the beginning of a setting becomes the data root.

    Raises:
        BadInput: an unknown source or setting, or a wrong value.
    """
    kind, where = source(recording.source).Config, f"recording {recording.name}"
    values = {name: _below(value, root) for name, value in recording.settings.items()}
    advice = f"raysp data look {values['path']} proposes what to give" if "path" in values else ""
    return settings.build(kind, values, where, advice)


def recordings(own: Iterable[Recording] = ()) -> dict[str, Recording]:
    """Return the recordings that have names: of all sources, and an experiment's own, by name."""
    found = {name: one for each in names() for name, one in source(each).RECORDINGS.items()}
    return {**found, **{one.name: one for one in own}}


def matching(patterns: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return the known names that names and globs stand for, each once; "standin-" in front is understood.

    What a split's name begins with, up to a dash, stands for all of them: a recording's name for its splits.

    Raises:
        BadInput: a name is unknown or a glob matches nothing.
    """
    known = list(known)
    found: dict[str, None] = {}
    for pattern in patterns:
        bare = pattern.removeprefix(STANDIN)
        there = [bare] if bare in known else fnmatch.filter(known, bare) or fnmatch.filter(known, f"{bare}-*")
        if not there:
            raise _unknown(bare, known)
        found |= dict.fromkeys(there)
    return list(found)


def _unknown(pattern: str, known: Sequence[str]) -> BadInput:
    """Return the error for a split that is none, or a glob that matches none: the nearest glob that matches some."""
    start = re.split(r"[*?\[]", pattern)[0]
    beginnings = {name[: len(start) + more] for name in known for more in (-1, 0, 1)}
    for near in difflib.get_close_matches(start, beginnings, n=1) if start != pattern else ():
        if fnmatch.filter(known, meant := near + pattern[len(start) :]):
            return BadInput(f"unknown split {pattern!r}: did you mean {meant!r}?")
    return unknown("split", pattern, known)


def role(name: str, own: Iterable[Recording] = ()) -> Role:
    """Return what a split is there for, before it is prepared.

    Args:
        name: of the split.
        own: recordings of an experiment, beside those with names of their own.
    """
    one = recordings(own).get(name.removeprefix(STANDIN))
    return Role() if one is None else source(one.source).role(name)


def with_partners(splits: Iterable[str], own: Iterable[Recording] = ()) -> list[str]:
    """Return splits and those that select for them, each once."""
    splits = list(splits)
    return list(dict.fromkeys([*splits, *(with_ for name in splits if (with_ := role(name, own).selects_with))]))


def groups(chosen: Iterable[Recording]) -> list[list[Recording]]:
    """Group recordings by what is read once."""
    found: dict[Hashable, list[Recording]] = {}
    for one in chosen:
        read_once = source(one.source).read_once
        key: Hashable = one.name if read_once is None else (one.source, read_once(config(one, "")))
        found.setdefault(key, []).append(one)
    return list(found.values())


def _below(value: object, root: str) -> object:
    if isinstance(value, str) and value.startswith(ROOT):
        return files.join(root, rest) if (rest := value.removeprefix(ROOT)) else root
    return value
