"""Which code a result comes from: the files that compute it, each by the hash of what it does, not of how it looks.

What counts: a model's file, and what it imports of the rooms that compute (data, layers, models, objectives), by
imports inside functions too; the room that trains, and how its kind of data is learned and predicted. What only
carries (errors, files, addresses, YAML, the cluster, formats of results) is left out: it changes no number. Nothing is
imported to find out.
"""

from __future__ import annotations

import ast
import contextlib
import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from raysp.config import plugins, syntax
from raysp.config.plugin import Plugin
from raysp.errors import BadInput, unknown
from raysp.io import files

PACKAGE = Path(__file__).parent.parent
MODEL_ROOMS = ("data", "layers", "models", "objectives")
TRAINING_ROOMS = ("data", "objectives", "training")
"""Of what the training imports, models and layers come with the model that is trained."""

Files = Mapping[str, str]
"""Relative path -> SHA-256 of the syntax tree."""


def of_model(name: str, settings: Mapping[str, object] | None = None) -> Files:
    """Return the files that a trial of a model computes with.

    A model that takes others from the catalog by name (an ensemble) computes with the files of those that its settings
    name, too.

    Args:
        name: the model's.
        settings: its hyperparameters.

    Raises:
        BadInput: there is no such model.
    """
    values = (settings or {}).values()
    return _of_models(
        (name, *sorted({value for value in values if isinstance(value, str)})), tuple(plugins.refs().items())
    )


def of_source(name: str) -> Files:
    """Return the files of raysp/data that a source builds splits with."""
    if name not in (known := plugins.modules("data/sources")):
        raise unknown("source", name, known)
    return _of_module("data/sources", name, ("data",))


def of_installed() -> dict[str, str]:
    """Return the digest of each file that other installed packages add, with what it imports beside it, by name.

    What cannot be found is left out: who asks for it is told.
    """
    found = {}
    for room, what in plugins.ROOMS.items():
        for name, module in plugins.installed(room).items():
            with contextlib.suppress(ImportError, BadInput):
                found[f"{what.word} {name} ({module})"] = digest(files_of([plugins.path(module)], ()))
    return found


def digest(found: Files) -> str:
    """Return the SHA-256 of files by name and content."""
    return files.digest(dict(found))


def differing(there: Files, here: Files) -> list[str]:
    """Return the files that are not the same in both, or in one of them only."""
    return sorted(path for path in {*there, *here} if there.get(path) != here.get(path))


def named(before: Files, changed: list[str]) -> str:
    """Return which files changed, in words; of what was made before anyone noted the code, nothing is known."""
    if not before:
        return "of which nothing was noted"
    return ", ".join(changed[:4]) + (f" and {len(changed) - 4} more" if len(changed) > 4 else "")


def files_of(roots: Iterable[str | Path], rooms: tuple[str, ...]) -> Files:
    """Return Python files and all that they import of some rooms of raysp, or beside them by relative imports.

    Args:
        roots: paths; of files of raysp, or of anyone's.
        rooms: folders of raysp whose files are followed.

    Raises:
        BadInput: a file is not there, or is no Python.
    """
    waiting, found = [Path(root).resolve() for root in roots], {}
    while waiting:
        if (path := waiting.pop()) not in found:
            found[path], imported = _read(path)
            waiting += [one for one in imported if _room(one) in rooms or _room(one) is None]
            waiting = [one for one in waiting if not _of_results(one)]
    return dict(sorted((_shown(path), sha) for path, sha in found.items() if sha != syntax.NOTHING))


@functools.cache
def _of_models(names: tuple[str, ...], _plugged: tuple[tuple[str, str], ...]) -> Files:
    known = plugins.modules("models")
    first, *others = names
    if first not in known:
        raise unknown("model", first, known)
    found = _of_module("models", first, MODEL_ROOMS)
    if "raysp/models/catalog.py" in found:
        for other in (other for other in others if other in known):
            found = {**found, **_of_module("models", other, MODEL_ROOMS)}
    loop = files_of([PACKAGE / "training" / "trial.py"], TRAINING_ROOMS)
    return {**found, **_of_kinds(found), **loop}


def _of_module(room: str, name: str, rooms: tuple[str, ...]) -> Files:
    """Return the files of what is found by a name: of a plug-in all, with what they import of raysp."""
    if (given := plugins.plugged().get((room, name))) is None:
        return files_of([plugins.path(plugins.modules(room)[name])], rooms)
    return {**given.plugin.hashes, **files_of(_imported(given.plugin, rooms), rooms)}


def _imported(plugin: Plugin, rooms: tuple[str, ...]) -> list[Path]:
    """Return the files of some rooms of raysp that a plug-in's files import."""
    found = [one for path, tree in plugin.trees.items() for one in _imports(tree, PACKAGE.parent / "_" / path)]
    return [one for one in found if _room(one) in rooms]


def _of_kinds(found: Files) -> Files:
    """Return the files that fit and predict for the kinds of data whose Split is among some files."""
    kinds, roots = plugins.modules("kinds"), []
    for name, module in plugins.modules("data/splits").items():
        if name in kinds and (given := plugins.plugged().get(("kinds", name))) is not None:
            roots += _imported(given.plugin, (*TRAINING_ROOMS, "kinds")) if given.file in found else []
        elif name in kinds and _shown(plugins.path(module)) in found:
            kind = plugins.path(kinds[name])
            fitting = [kind.with_name(file) for file in ("learner.py", "predict.py")]
            roots += [file for file in fitting if file.exists()] or [kind]
    used = files_of(roots, (*TRAINING_ROOMS, "kinds"))
    # What all kinds have in common only carries.
    return {path: sha for path, sha in used.items() if not path.startswith("raysp/kinds/") or path.count("/") > 2}


@functools.cache
def _read(path: Path) -> tuple[str, tuple[Path, ...]]:
    """Return the hash of a file's syntax tree, and the files it imports."""
    try:
        tree = syntax.parsed(path.read_bytes(), str(path))
    except OSError as error:
        raise BadInput(f"expected a Python file at {path} ({error.strerror})") from error
    return syntax.sha256(tree), tuple(dict.fromkeys(_imports(tree, path)))


def _imports(tree: ast.Module, path: Path) -> Iterator[Path]:
    for one in syntax.imports(tree):
        folder = path.parents[one.level - 1] if one.level else PACKAGE.parent
        yield from _modules(folder, one.module)
        for name in one.names:
            # `from raysp.layers import span`: the name may be a file itself.
            yield from _modules(folder, f"{one.module}.{name}".strip("."))


def _modules(folder: Path, dotted: str) -> Iterator[Path]:
    """Yield the file of a module, and those of the packages that it lies in; none for other people's packages."""
    here, outside = folder, folder == PACKAGE.parent
    for part in dotted.split(".") if dotted else ():
        here = here / part
        if outside and PACKAGE not in (here, *here.parents):
            return
        for path in (here / "__init__.py", here.with_name(f"{part}.py")):
            if path.is_file():
                yield path


def _room(path: Path) -> str | None:
    """Return the folder of raysp that a file lies in, "" for none of them, None for a file outside of raysp."""
    if PACKAGE not in path.parents:
        return None
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def _of_results(path: Path) -> bool:
    """Tell whether a file has a format of results, which only carries, and so does what it imports."""
    return _room(path) == "kinds" and path.name.endswith("_file.py")


def _shown(path: Path) -> str:
    return path.relative_to(PACKAGE.parent).as_posix() if PACKAGE in path.parents else path.name
