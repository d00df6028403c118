"""A person's own models, sources and kinds of data, given by their paths: from an experiment to names that are found.

A path's name is the stem of its file or folder. A package folder may give a model (model.py), a source (source.py) and
a kind of data (kind.py and split.py); a kind comes with the folder of the model or source that is for it.
"""

from __future__ import annotations

import dataclasses
import os

from raysp.config import plugin, plugins, syntax
from raysp.config.experiment import Experiment, check_name
from raysp.config.plugins import ROOMS, Given
from raysp.errors import BadInput, expect

TAKEN = ("training", "resources")
"""What `--set` means by it."""


def adopted(experiment: Experiment, folder: str = ".") -> Experiment:
    """Return an experiment with names instead of paths, after reading its plug-ins; this process then knows no others.

    Args:
        experiment: whose models and sources may be paths.
        folder: which relative paths are below.

    Raises:
        BadInput: see `taken`; or two plug-ins have one name.
    """
    found: dict[tuple[str, str], Given] = {}

    def named(room: str, path: str) -> str:
        # A name stays what it is, also of what was taken before.
        new = given_by(room, path, folder) if _is_path(room, path, folder) else plugins.with_kinds(room, path)
        add(found, new)
        return next(iter(new))[1] if new else path

    models = tuple(dataclasses.replace(one, name=named("models", one.name)) for one in experiment.models)
    recordings = [dataclasses.replace(one, source=named("data/sources", one.source)) for one in experiment.recordings]
    plugins.plug(found)
    return dataclasses.replace(experiment, models=models, recordings=tuple(recordings))


def add(found: dict[tuple[str, str], Given], new: plugins.Plugged) -> None:
    """Add plug-ins to others. Raises BadInput where two have one name."""
    for key, given in new.items():
        if (other := found.setdefault(key, given)) != given:
            raise BadInput(
                f"{ROOMS[key[0]].word} {key[1]} is the name of {other.plugin.path(other.file)} and of "
                f"{given.plugin.path(given.file)}; rename one of them"
            )


def taken(room: str, path: str, folder: str = ".") -> str:
    """Return the name under which this process finds what a path gives from now on.

    Args:
        room: "models" or "data/sources".
        path: of a file, or of a package folder; a name stays what it is.
        folder: which a relative path is below.

    Raises:
        BadInput: nothing is there; it is no plug-in (see `plugin.read`), lacks what the room needs, or its name cannot
            be one, or is taken.
    """
    if not _is_path(room, path, folder):
        return path
    found = given_by(room, path, folder)
    plugins.plug(found, alone=False)
    return next(iter(found))[1]


def _is_path(room: str, name: str, folder: str) -> bool:
    """Tell whether what is given is a path. Raises BadInput for an unknown name that a package folder has."""
    package = os.path.join(folder, name, "__init__.py")
    if not plugin.is_path(name) and name not in plugins.modules(room) and os.path.exists(package):
        raise BadInput(f"unknown {ROOMS[room].word} {name!r}; if the folder {name} is meant, write './{name}'")
    return plugin.is_path(name)


def all_of(path: str) -> list[tuple[str, str]]:
    """Return (room, name) of all that a path gives, which this process finds from now on: kind, source, models.

    Of a folder with a kind of data, each file that gives a model is one.

    Raises:
        BadInput: as `taken` does; or it gives nothing.
    """
    read, file = plugin.read(os.path.normpath(path), ".")
    given = {room: _gives(read, file, room) for room in ("kinds", "data/sources", "models")}
    rooms = [room for room, names in given.items() if set(ROOMS[room].defines) <= names]
    if not rooms:
        raise BadInput(
            f"{path} expected a model (Config and Model), a source (build), or a folder with a kind of data (KIND in "
            "kind.py), found none; an experiment is checked by raysp run FILE --dry-run"
        )
    path = path if plugin.is_path(path) else f"./{path}"
    beside = _models_beside(read) if "kinds" in rooms and file not in read.files else []
    paths = [*((room, path) for room in rooms), *(("models", os.path.join(path, one)) for one in beside)]
    return [(room, taken(room, one)) for room, one in paths]


def _models_beside(read: plugin.Plugin) -> list[str]:
    """Return the files of a folder that give a model under their own name."""
    room = ROOMS["models"]
    own = [file for file in read.trees if os.path.dirname(file) == read.top]
    names = {os.path.basename(file) for file in own if set(room.defines) <= _names(read, file)}
    return sorted(names - {room.folder, "__init__.py"})


def given_by(room: str, path: str, folder: str = ".") -> dict[tuple[str, str], Given]:
    """Return what a path gives by (room, name): what was asked for first, then the kind of data of its folder.

    Arguments and errors as of `taken`.
    """
    read, file = plugin.read(os.path.normpath(os.path.join(folder, path)), folder)
    # The folder itself, or a file of it, or a file alone; a kind of data is its folder's, whichever file was meant.
    name = read.top if room == "kinds" else os.path.splitext(os.path.basename(file))[0]
    if file not in read.files:
        file = _of_folder(read, room)
    missing = set(ROOMS[room].defines) - _names(read, file)
    expect(not missing, f"{read.path(file)} expected {ROOMS[room].needed}, {' and '.join(sorted(missing))} is missing")
    found = {(room, name): Given(read, file)}
    if "/" in file:
        for also in ("data/splits", "kinds"):
            if (beside := f"{read.top}/{ROOMS[also].folder}") in read.files:
                found[also, read.top] = Given(read, beside)
    for where, called in found:
        _check_free(where, called, read.path(file))
    return found


def _gives(read: plugin.Plugin, file: str, room: str) -> set[str]:
    where = file if file in read.files else _of_folder(read, room)
    return _names(read, where)


def _of_folder(read: plugin.Plugin, room: str) -> str:
    own = f"{read.top}/{ROOMS[room].folder}"
    return own if own in read.files else f"{read.top}/__init__.py"


def _names(read: plugin.Plugin, file: str) -> set[str]:
    """Return what a file defines, or imports from beside it."""
    tree = read.trees[file]
    return syntax.defined(tree) | {name for one in syntax.imports(tree) if one.level for name in one.names}


def _check_free(room: str, name: str, path: str) -> None:
    what = ROOMS[room].word
    allowed = name.isascii() and name.isidentifier() and name not in TAKEN
    words = f"of letters a to z, digits and '_', and not {' or '.join(TAKEN)}"
    expect(allowed, f"{path}: {name!r} cannot be a {what}'s name; rename it: a name is {words}")
    check_name(what, name)
    if name in plugins.built_in(room):
        raise BadInput(f"{path}: raysp has a {what} {name} already; rename the file or folder")
    if name in plugins.installed(room):
        raise BadInput(f"{path}: an installed package gives a {what} {name} already; rename the file or folder")
