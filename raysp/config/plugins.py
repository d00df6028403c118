"""What is found by its name: files and folders of a package of raysp, entry points of what else is installed, plug-ins.

A plug-in is loaded from memory as a module whose name carries its hash, so that no process, however long it lives,
takes another version of it.
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.metadata
import importlib.util
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from raysp.config import plugin, syntax
from raysp.config.plugin import Plugin
from raysp.errors import BadInput

PACKAGE = Path(__file__).parent.parent
ROOT = "raysp_code_"
"""Begins the name of the package that a plug-in's modules lie in; its hash follows."""


@dataclass(frozen=True)
class Room:
    """A folder of the package whose files are found by name.

    Attributes:
        defines: classes, functions and constants that a file defines at its top level; others are helpers.
        patterns: of the built-in files below it, e.g. "*/kind.py" for a folder each.
        folder: the file of a package folder that defines them, where its __init__.py does not.
        word: for a person.
    """

    defines: tuple[str, ...]
    patterns: tuple[str, ...]
    folder: str
    word: str

    @property
    def needed(self) -> str:
        """What a file defines, in words."""
        return " and ".join(self.defines)


ROOMS = {
    "models": Room(("Config", "Model"), ("*.py", "*/model.py"), "model.py", "model"),
    "data/sources": Room(("build",), ("*.py",), "source.py", "source"),
    "data/splits": Room(("Split", "Sizes", "Answers"), ("*.py",), "split.py", "split"),
    "kinds": Room(("KIND",), ("*/kind.py",), "kind.py", "kind of data"),
}


@dataclass(frozen=True)
class Given:
    """What a plug-in gives under a name: one of its files."""

    plugin: Plugin
    file: str

    @property
    def module(self) -> str:
        """The name of its module."""
        path = self.file.removesuffix(".py").removesuffix("/__init__")
        return f"{ROOT}{self.plugin.sha}.{path.replace('/', '.')}"

    @property
    def ref(self) -> str:
        """Its path below a run's code, which is what a trial says of it."""
        return f"{self.plugin.sha}/{self.file}"


Plugged = Mapping[tuple[str, str], Given]
"""(room, name) -> what a plug-in gives under it."""

_plugged: dict[tuple[str, str], Given] = {}
_by_root: dict[str, Plugin] = {}


def modules(room: str) -> dict[str, str]:
    """Return the modules of a room by name, in order of names; none is imported.

    A built-in one is a file of raysp/<room> that defines certain names, called as the file is, or as its folder is.
    Anyone else's is an entry point of the group raysp.<last part of the room>, e.g. `lstm = "lab.lstm"` of
    raysp.models, which must be installed on every machine; or a plug-in. A built-in name cannot be taken.
    """
    own = {name: given.module for (where, name), given in _plugged.items() if where == room}
    return dict(sorted({**_installed(room, tuple(sys.path)), **own, **built_in(room)}.items()))


def installed(room: str) -> dict[str, str]:
    """Return the entry points of a room by name."""
    return {name: module for name, module in _installed(room, tuple(sys.path)).items() if name not in built_in(room)}


def plugged() -> dict[tuple[str, str], Given]:
    """Return the plug-ins that this process knows."""
    return dict(_plugged)


def plug(found: Plugged, *, alone: bool = True) -> None:
    """Let this process find what plug-ins give, by its name; alone: and no other plug-ins any more."""
    if alone:
        _plugged.clear()
    if Finder not in sys.meta_path:
        sys.meta_path.append(Finder)
    _plugged.update(found)
    _by_root.update({f"{ROOT}{one.plugin.sha}": one.plugin for one in found.values()})


def use(refs: Mapping[str, str] | None, code: str) -> None:
    """Let this process find the plug-ins that a trial computes with, from the copies in its run.

    Args:
        refs: as `Trial.plugins` has them.
        code: the folder or address of the copies.

    Raises:
        BadInput: a copy is gone, or is not what was copied.
    """
    found = {}
    for key, ref in (refs or {}).items():
        room, _, name = key.rpartition("/")
        sha, _, file = ref.partition("/")
        copy = _by_root.get(f"{ROOT}{sha}") or plugin.saved(code, sha)
        found[room, name] = Given(copy, file)
        # Of several plug-ins, some share a folder.
        _by_root[f"{ROOT}{sha}"] = copy
    plug(found, alone=False)


def refs() -> dict[str, str]:
    """Return the plug-ins that this process knows, as `Trial.plugins` has them."""
    return {f"{room}/{name}": one.ref for (room, name), one in sorted(_plugged.items())}


def of_model(name: str, settings: Mapping[str, object]) -> dict[str, str] | None:
    """Return the plug-ins that a model computes with, itself, members and kinds, as `Trial.plugins` has them."""
    names = {name, *(value for value in settings.values() if isinstance(value, str))}
    found = {key: one for name in sorted(names) for key, one in with_kinds("models", name).items()}
    return {f"{room}/{name}": one.ref for (room, name), one in sorted(found.items())} or None


def with_kinds(room: str, name: str) -> dict[tuple[str, str], Given]:
    """Return a plug-in that this process knows by a name, and the kind of data in its folder; none where it is none."""
    if (own := _plugged.get((room, name))) is None:
        return {}
    kinds = ("kinds", "data/splits")
    beside = {key: one for key, one in _plugged.items() if key[0] in kinds and one.plugin == own.plugin}
    return {(room, name): own, **beside}


def load(module: str) -> ModuleType:
    """Import a module that was found.

    Raises:
        BadInput: it is somebody else's, and cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        if module.startswith(f"{PACKAGE.name}."):
            raise
        if (own := _by_root.get(module.partition(".")[0])) is not None:
            said = f"{_line(error, own)}: it cannot be imported ({type(error).__name__}: {error})"
            ends = "; what it does as a program belongs under if __name__ == '__main__':"
            raise BadInput(said + ends * isinstance(error, SystemExit)) from error
        raise BadInput(
            f"the installed module {module} adds to raysp, but cannot be imported ({type(error).__name__}: {error}); "
            "mend it, or uninstall its package"
        ) from error


def path(module: str) -> Path:
    """Return the file of a module, a package's __init__.py. Raises ModuleNotFoundError where there is none."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"expected an installed module {module}, found none")
    return Path(found.origin)


class Finder:
    """Finds the modules of plug-ins; what `sys.meta_path` asks."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return where a module's code comes from; None for all that is no plug-in's."""
        root, _, rest = name.partition(".")
        if (own := _by_root.get(root)) is None:
            return None
        if not rest:
            return ModuleSpec(name, None, is_package=True)
        base = rest.replace(".", "/")
        file = next((one for one in (f"{base}/__init__.py", f"{base}.py") if one in own.files), None)
        return None if file is None else importlib.util.spec_from_loader(name, _Loader(own, file))


class _Loader(importlib.abc.ExecutionLoader):
    """Gives a plug-in's file from memory; `pkgutil.get_data` reads what else lies in its folder."""

    def __init__(self, plugin: Plugin, file: str) -> None:
        self._plugin, self._file = plugin, file

    def get_filename(self, fullname: str) -> str:
        return self._plugin.path(self._file)

    def is_package(self, fullname: str) -> bool:
        return self._file.endswith("/__init__.py")

    def get_source(self, fullname: str) -> str:
        return importlib.util.decode_source(self._plugin.files[self._file])

    def get_data(self, path: str) -> bytes:
        return self._plugin.files[path.removeprefix(self._plugin.path("")).lstrip("/")]


def _line(error: BaseException, own: Plugin) -> str:
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename.startswith(own.place)]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else own.path(next(iter(own.files)))


@functools.cache
def _installed(room: str, _searched: tuple[str, ...]) -> dict[str, str]:
    found = importlib.metadata.entry_points(group=f"raysp.{room.rpartition('/')[2]}")
    return {one.name: one.module for one in found}


@functools.cache
def built_in(room: str) -> dict[str, str]:
    """Return the built-in modules of a room by name."""
    found = {}
    for pattern in ROOMS[room].patterns:
        for file in (PACKAGE / room).glob(pattern):
            if set(ROOMS[room].defines) <= syntax.defined(syntax.parsed(file.read_bytes(), str(file))):
                name = file.parent.name if "/" in pattern else file.stem
                found[name] = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
    return found
