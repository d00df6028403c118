"""A person's experiment file, run to get its Experiment; what goes wrong in it names that person's file and line."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import TYPE_CHECKING, Any, Never

import raysp
from raysp.config.own_code import adopted
from raysp.errors import BadInput, NotReady, expect, present
from raysp.io.nearest import near

if TYPE_CHECKING:
    from raysp.config.experiment import Experiment

NAME = "raysp_experiment"
NOT_THEIRS = (os.path.dirname(os.path.abspath(raysp.__file__)), *map(sysconfig.get_path, ("stdlib", "purelib")), "<")
NOT_PYTHON = (".yaml", ".yml", ".json", ".toml", ".ipynb", ".nwb", ".h5", ".npz", ".mat")
"""Read as Python, they have errors on lines that say nothing."""
FUNCTION = "a function experiment() that returns an Experiment"


def load_experiment(path: str) -> Experiment:
    """Return the Experiment that a Python file's `experiment()` returns, names in place of the paths of own code.

    Raises:
        BadInput: the file is no Python, has no such function, or raises; the sentence names the file and line of it.
    """
    from raysp.config.experiment import Experiment

    expect(os.path.isfile(path), f"expected an experiment's Python file at {path}, found {_what_is_at(path)}")
    told = f"{path} expected Python with {FUNCTION}, got a file of another kind"
    expect(not path.lower().endswith(NOT_PYTHON), f"{told}; `raysp new my_project` writes one to begin with")
    module = _module(path)
    function: Any = getattr(module, "experiment", None)
    expect(function is not None, f"{path} expected {FUNCTION}, found none")
    expect(callable(function), f"{path}: experiment expected {FUNCTION}, got {_kind(function)}")
    code = getattr(inspect.unwrap(function), "__code__", None)
    line = path if code is None else f"{path}, line {code.co_firstlineno}"
    with _theirs(path):
        needed = [one.name for one in inspect.signature(function).parameters.values() if _has_no_default(one)]
    expect(not needed, f"{line}: experiment() expected no arguments, got {', '.join(needed)}")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise BadInput(f"{line}: experiment() expected a plain function with a return, got async or yield")
    with _theirs(path):
        found = function()
    if not isinstance(found, Experiment):
        forgotten = "; does it lack a return?" if found is None else ""
        raise BadInput(f"{line}: experiment() expected to return an Experiment, got {_kind(found)}{forgotten}")
    return adopted(found, os.path.dirname(os.path.abspath(path)))


def _module(path: str) -> ModuleType:
    loader = _Source(NAME, os.path.abspath(path))
    module = importlib.util.module_from_spec(present(importlib.util.spec_from_loader(NAME, loader)))
    folder = os.path.dirname(os.path.abspath(path))
    # As where Python runs the file itself: one experiment may import another beside it, and classes know their module.
    sys.path.insert(0, folder)
    sys.modules[NAME] = module
    try:
        with _theirs(path):
            loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


class _Source(SourceFileLoader):
    """Reads the file itself, whatever its ending. Python's cache takes an edit within a second for the file before."""

    def path_stats(self, path: str) -> Never:
        raise OSError


@contextlib.contextmanager
def _theirs(path: str) -> Iterator[None]:
    """Turn whatever a block of a person's code raises into one sentence with the file and line of theirs."""
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        raise BadInput(f"{_place(error, path)}: {_words(error)}") from error


def _place(error: BaseException, path: str) -> str:
    line: int | None
    if isinstance(error, SyntaxError) and error.lineno is not None:
        file, line = error.filename or path, error.lineno
    else:
        every = traceback.extract_tb(error.__traceback__)
        frames = [one for one in every if not one.filename.startswith(NOT_THEIRS)]
        if not frames:
            return path
        file, line = frames[-1].filename, frames[-1].lineno
    return f"{path if os.path.abspath(file) == os.path.abspath(path) else file}, line {line}"


def _words(error: BaseException) -> str:
    text = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    if isinstance(error, BadInput | NotReady):
        return text
    return f"{type(error).__name__}: {text[:400]}" if text else type(error).__name__


def _has_no_default(one: inspect.Parameter) -> bool:
    return one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__


def _what_is_at(path: str) -> str:
    return "a folder" if os.path.isdir(path) else f"none; {near(path) or 'check the path'}"
