"""A plug-in: a person's file, or package folder, as it was when it was read: its hash, its copy, what it may import.

It is computed with from memory, so that what was hashed, what is copied into a run, and what runs are the same bytes.
"""

from __future__ import annotations

import ast
import difflib
import functools
import hashlib
import importlib.machinery
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from raysp.config import syntax
from raysp.errors import BadInput, expect
from raysp.io import files

LARGEST = 16 << 20
"""Bytes of a plug-in: it is code; what is larger has a path of its own among the settings."""


@dataclass(frozen=True)
class Plugin:
    """The files of a plug-in.

    Attributes:
        files: path -> content: "lstm.py" alone, or "signals/__init__.py" and all else of the folder.
        place: the folder, or the run's address, that these paths are below.
    """

    files: Mapping[str, bytes]
    place: str = field(compare=False)

    def __reduce__(self) -> tuple[type, tuple[Mapping[str, bytes], str]]:
        """Go to other processes without what is worked out."""
        return Plugin, (self.files, self.place)

    @functools.cached_property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of each file: of a Python file's syntax tree, of the bytes of any other."""
        trees = self.trees
        return {
            path: syntax.sha256(trees[path]) if path in trees else hashlib.sha256(content).hexdigest()
            for path, content in sorted(self.files.items())
        }

    @functools.cached_property
    def trees(self) -> dict[str, ast.Module]:
        """The syntax tree of each Python file. Raises BadInput where one is no Python."""
        python = [path for path in sorted(self.files) if path.endswith(".py")]
        return {path: syntax.parsed(self.files[path], self.path(path)) for path in python}

    @functools.cached_property
    def sha(self) -> str:
        """The SHA-256 of all files by path and content."""
        return files.digest(self.hashes)

    @property
    def top(self) -> str:
        """The name of the file without its ending, or of the folder."""
        return next(iter(self.files)).partition("/")[0].removesuffix(".py")

    def path(self, file: str) -> str:
        """Return the whole path of one of its files."""
        return files.join(self.place, file)


def is_path(name: str) -> bool:
    """Tell whether a model or source is given by its path instead of by its name."""
    return "/" in name or os.sep in name or name.endswith(".py")


def read(path: str, apart: str) -> tuple[Plugin, str]:
    """Return a person's plug-in, and its path below the plug-in's place: "lstm.py", "signals" or "signals/step.py".

    A file that lies in a package folder is taken with that folder.

    Args:
        path: of a file or folder.
        apart: the experiment's folder, which is never taken as a package.

    Raises:
        BadInput: nothing is there, it is no Python, too large, or imports what a worker would not find.
    """
    given, apart = Path(os.path.abspath(path)), os.path.abspath(apart)
    if not given.exists():
        raise BadInput(f"expected a Python file or a package folder at {path}, found none{_nearest(given)}")
    packaged = given.is_file() and (given.parent / "__init__.py").exists() and str(given.parent) != apart
    root = given.parent if packaged else given
    if root.is_dir() and not (root / "__init__.py").exists():
        raise BadInput(f"{path} expected a package folder, it holds no __init__.py; add an empty one, or name a file")
    expect(root.is_dir() or root.suffix == ".py", f"{path} expected a Python file (.py) or a package folder")
    plugin = Plugin(dict(_contents(root)), str(root.parent))
    _check_imports(plugin, {root.parent, *([root] if root.is_dir() else []), Path(apart)})
    return plugin, given.relative_to(root.parent).as_posix()


def save(plugin: Plugin, code: str) -> None:
    """Copy a plug-in to its folder in a run's code, unless it is there, whole.

    Raises:
        OSError, StoreError: it cannot be written.
    """
    if not _is_there(code, plugin.sha):
        for path, content in plugin.files.items():
            with files.replacing(files.join(code, plugin.sha, path)) as temporary, open(temporary, "wb") as file:
                file.write(content)


def saved(code: str, sha: str) -> Plugin:
    """Return the copy of a plug-in in a run's code. Raises BadInput where it is gone, or is not what was copied."""
    expect(re.fullmatch(r"[0-9a-f]{64}", sha), f"a plug-in's hash expected 64 hexadecimal digits, got {sha[:80]!r}")
    place = files.join(code, sha)
    found = {path: files.read_bytes(files.join(place, path)) for path in files.sizes(place) if not _is_left_out(path)}
    if not found or (copy := Plugin(found, place)).sha != sha:
        state = "is not what was copied there" if found else "is gone"
        raise BadInput(f"{place}, code that trials of the run compute with, {state}; run the experiment again")
    return copy


def _is_there(code: str, sha: str) -> bool:
    try:
        return bool(saved(code, sha))
    except BadInput:
        return False


def _contents(root: Path) -> Iterator[tuple[str, bytes]]:
    if root.is_file():
        yield root.name, root.read_bytes()
        return
    paths = [one for one in sorted(root.rglob("*")) if one.is_file()]
    paths = [one for one in paths if not _is_left_out(one.relative_to(root).as_posix())]
    if (size := sum(one.stat().st_size for one in paths)) > LARGEST:
        raise BadInput(
            f"{root} holds {size >> 20} MB, a plug-in is copied into every run and expected at most "
            f"{LARGEST >> 20} MB; keep data elsewhere, and give their path as a setting"
        )
    yield from ((one.relative_to(root.parent).as_posix(), one.read_bytes()) for one in paths)


def _is_left_out(path: str) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.split("/")) or path.endswith(".pyc")


def _check_imports(plugin: Plugin, local: set[Path]) -> None:
    for path, tree in plugin.trees.items():
        for one in syntax.imports(tree):
            where, top = f"{plugin.path(path)}, line {one.line}", one.module.partition(".")[0]
            if one.level:
                _check_relative(plugin, path, one, where)
            elif top == plugin.top:
                raise BadInput(
                    f"{where}: it imports {one.module}, itself, by an absolute name; write a relative import (from . "
                    "import ...), since workers load it under a name that carries its hash"
                )
            elif (beside := _beside(top, local)) is not None and not _is_installed(top, local):
                raise BadInput(
                    f"{where}: it imports {top}, which is {beside} and not installed; workers would not find it. Put "
                    f"both into one package folder and write from .{top} import ..., or install it"
                )


def _check_relative(plugin: Plugin, path: str, one: syntax.Import, where: str) -> None:
    if "/" not in path:
        raise BadInput(
            f"{where}: it imports what lies beside it, and is a plug-in of one file; put an __init__.py, which may be "
            "empty, into a folder of both, so that the folder is the plug-in"
        )
    if one.level > path.count("/"):
        raise BadInput(f"{where}: it imports from outside of {plugin.top}, and a plug-in is one folder; move it inside")


def _beside(top: str, local: set[Path]) -> Path | None:
    # Python takes a folder without __init__.py for a package too.
    found = [folder / name for folder in sorted(local) for name in (f"{top}.py", top)]
    return next((path for path in found if path.is_file() or any(path.glob("*.py"))), None)


def _is_installed(top: str, local: set[Path]) -> bool:
    if top == "raysp" or top in sys.stdlib_module_names:
        return True
    searched = [path for path in sys.path if path and Path(path).resolve() not in {one.resolve() for one in local}]
    finders = [one for one in sys.meta_path if one is not importlib.machinery.PathFinder]
    by_others = any(one.find_spec(top, None) for one in finders if hasattr(one, "find_spec"))
    return by_others or importlib.machinery.PathFinder.find_spec(top, searched) is not None


def _nearest(path: Path) -> str:
    folder = next(one for one in path.parents if one.is_dir())
    beside = [one for pattern in ("*.py", "*/*.py", "*/") for one in folder.glob(pattern)]
    known = {str(one): one for one in beside if one.exists() and not _is_left_out(one.name)}
    near = difflib.get_close_matches(str(path), known, n=1, cutoff=0.6)
    return f"; did you mean {os.path.relpath(near[0])!r}?" if near else ""
