"""Data sources by name: a source is a file of this folder that defines Config, inputs(config) and build(config, name).

A source also says its VERSION. What it builds is kept below the data root, and built again only when the recordings'
bytes, the settings, the version, or the source's own code change.
"""

from __future__ import annotations

import ast
import functools
import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from raysp.config import code_hash, settings
from raysp.config.experiment import STANDIN, Recording
from raysp.data.fetch.verified import is_standin
from raysp.data.formats import file_kind
from raysp.data.splits import built_from, store
from raysp.errors import BadInput, NotReady, unknown
from raysp.io import files
from raysp.io.refusals import attempt

ROOT = "{root}"


@functools.cache
def names() -> list[str]:
    """Return the names of all sources, found without importing any."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if _is_source(path))


def _is_source(path: Path) -> bool:
    defined = {node.name: node for node in ast.parse(path.read_bytes()).body if hasattr(node, "name")}
    if not {"Config", "inputs", "build"} <= defined.keys():
        return False
    return [argument.arg for argument in defined["build"].args.args] == ["config", "name"]


def module(name: str) -> ModuleType:
    """Return a source's file as a module. Raises BadInput for an unknown name, with the nearest right one."""
    if name not in names():
        raise unknown("source", name, names())
    return importlib.import_module(f"raysp.data.sources.{name}")


def config(recording: Recording, root: str) -> Any:
    """Return a recording's Config, checked; "{root}" at the beginning of a setting becomes the data root.

    Raises:
        BadInput: an unknown source or setting, or a wrong value.
    """
    values = {name: _below(value, root) for name, value in recording.settings.items()}
    return settings.build(module(recording.source).Config, values, f"recording {recording.name}")


def full_name(recording: Recording, root: str) -> str:
    """Return the split's name, "standin-" in front where a file was generated, after checking what can be checked.

    Raises:
        BadInput: a wrong setting, a name that means something else already, or a file that is not there.
    """
    _check_name(recording.name, root)
    source, chosen = module(recording.source), config(recording, root)
    paths = source.inputs(chosen)
    for path in paths:
        if (problem := file_kind.no_file(path)) is not None:
            raise BadInput(f"recording {recording.name}: {path} {problem}")
    standin = any(is_standin(path) for path in paths)
    # Files that are not HDF5 say it in their own way.
    standin = standin or (hasattr(source, "is_standin") and source.is_standin(chosen))
    return f"{STANDIN}{recording.name}" if standin else recording.name


def prepare_recording(recording: Recording, root: str, *, force: bool = False) -> str:
    """Build a recording's split below the data root unless it is there already, from the same bytes and settings.

    Args:
        recording: what to build.
        root: the data root.
        force: build it also when it is there already.

    Returns:
        The split's full name.

    Raises:
        BadInput: see `full_name`, or the recording cannot be used; a split that was there stays as it was.
        OSError: the disk is full; likewise.
    """
    name = full_name(recording, root)
    source, chosen = module(recording.source), config(recording, root)
    paths = source.inputs(chosen)
    content = [[os.path.basename(path), files.sha256(path)] for path in paths]
    plain = {key: _base(value, paths) for key, value in settings.plain(chosen).items()}
    made_by = {"version": source.VERSION, "code": code_hash.digest(code_hash.of_source(recording.source))}
    wanted = {"source": recording.source, **made_by, "settings": plain, "recordings": content}
    if force or not _up_to_date(root, name, wanted):
        split, targets = source.build(chosen, name)
        store.save(split, targets, root, wanted)
    return name


def try_recording(recording: Recording, root: str) -> BadInput | NotReady | None:
    """Prepare a recording as `prepare_recording` does; return its refusal, None where there is none."""
    return attempt(prepare_recording, recording, root)


def _up_to_date(root: str, name: str, wanted: Mapping[str, Any]) -> bool:
    try:
        current = built_from.is_current(root, name, wanted) and store.has_its_answers(root, name)
    except (NotReady, BadInput):
        return False
    return current and store.is_whole(root, name)


def _check_name(name: str, root: str) -> None:
    # Those are the names of benchmark splits, whose files lie in the same folder and whose phases mean something.
    if name.startswith(STANDIN) or name.endswith(("-val", "-test")):
        raise BadInput(f"recording name expected no {STANDIN!r} in front and no '-val' or '-test' behind, got {name!r}")
    for file in files.listing(files.join(root, "prepared")):
        there = file.removesuffix(".h5").removesuffix(".targets").removeprefix(STANDIN)
        if there.casefold() == name.casefold() and there != name:
            raise BadInput(
                f"recording {name} and {there}, which is prepared below {root}, differ in case alone, and on many "
                "disks their files would be one; give it another name"
            )


def _below(value: Any, root: str) -> Any:
    if isinstance(value, str) and value.startswith(ROOT):
        return files.join(root, value.removeprefix(ROOT))
    return value


def _base(value: Any, paths: list[str]) -> Any:
    return os.path.basename(value) if isinstance(value, str) and value in paths else value
