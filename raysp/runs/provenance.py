"""Which code computes: git commit, hash of raysp's own files, versions of the packages that can change a result."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import pathlib
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TypedDict

import raysp

PACKAGES = ("ray", "torch", "numpy", "polars", "mlflow", "optuna", "h5py", "scipy", "scikit-learn", "nlb-tools")

_call: ContextVar[tuple[str, ...]] = ContextVar("_call", default=())


class Commit(TypedDict):
    """The git commit of raysp's own code, and whether it was changed since; None where nobody knows."""

    commit: str
    changed: bool | None


@functools.cache
def commit() -> Commit:
    """Return the git commit of raysp's own code and whether it was changed since; "unknown" outside a checkout."""
    here = os.path.dirname(os.path.abspath(raysp.__file__))
    try:
        # An installed copy may lie below a checkout of somebody's own, whose commit says nothing of it.
        _git(here, "ls-files", "--error-unmatch", "__init__.py")
        head = _git(here, "rev-parse", "HEAD")
        changed = bool(_git(here, "status", "--porcelain", "--untracked-files=no", "--", "."))
    except (OSError, subprocess.CalledProcessError):
        return {"commit": "unknown", "changed": None}
    return {"commit": head, "changed": changed}


@functools.cache
def code() -> str:
    """Return the SHA-256 of raysp's own Python files, by name and content: what ran, with or without git."""
    total, root = hashlib.sha256(), pathlib.Path(raysp.__file__).parent
    for path in sorted(root.rglob("*.py")):
        total.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return total.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python, raysp, and the packages that can change a result."""
    found = {"python": platform.python_version(), "raysp": raysp.__version__}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def typed() -> list[str]:
    """Return the words of this process's command; in a notebook, of the call that stands for one."""
    return list(_call.get() or sys.argv)


@contextlib.contextmanager
def called(what: str) -> Iterator[None]:
    """Let records say for the block that this was called: a notebook's own command says nothing to anyone."""
    token = _call.set((what,))
    try:
        yield
    finally:
        _call.reset(token)


def _git(folder: str, *args: str) -> str:
    done = subprocess.run(["git", "-C", folder, *args], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
