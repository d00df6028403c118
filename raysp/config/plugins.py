"""What is found by its name: files and folders of a package of raysp, and entry points of what else is installed."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from raysp.errors import BadInput

PACKAGE = Path(__file__).parent.parent


def modules(room: str, defines: tuple[str, ...], pattern: str = "*.py") -> dict[str, str]:
    """Return the modules of a room by name, in order of names; none is imported.

    A built-in one is a file of raysp/<room> that defines certain names, called as the file is, or as its folder is.
    Anyone else's is an entry point of the group raysp.<last part of the room>, e.g. `lstm = "lab.lstm"` of
    raysp.models; it must be installed on every machine. A built-in name cannot be taken.

    Args:
        room: folder of the package, e.g. "data/sources".
        defines: classes, functions and constants that a built-in one defines at its top level; others are helpers.
        pattern: of the built-in files below the room, e.g. "*/kind.py" for a folder each.
    """
    return dict(_modules(room, defines, pattern, tuple(sys.path)))


def load(module: str) -> ModuleType:
    """Import a module that was found.

    Raises:
        BadInput: it is somebody else's, and cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except Exception as error:
        if module.startswith(f"{PACKAGE.name}."):
            raise
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


@functools.cache
def _modules(
    room: str, defines: tuple[str, ...], pattern: str, _searched: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    others = importlib.metadata.entry_points(group=f"raysp.{room.rpartition('/')[2]}")
    found = {one.name: one.module for one in others}
    for file in (PACKAGE / room).glob(pattern):
        if set(defines) <= _defined(file):
            name = file.parent.name if "/" in pattern else file.stem
            found[name] = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
    return tuple(sorted(found.items()))


def _defined(file: Path) -> set[str]:
    body = ast.parse(file.read_bytes()).body
    targets = (target for node in body if isinstance(node, ast.Assign) for target in node.targets)
    return {node.name for node in body if hasattr(node, "name")} | {one.id for one in targets if hasattr(one, "id")}
