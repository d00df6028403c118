"""Functions compiled by numba, whose machine code on disk is that of all the files it is made of.

numba keeps compiled code for as long as the function's own file stays as it is; what that function calls from other
files is compiled into it, and an edit or an upgrade of those would go unseen. So the folder where the code is kept is
named by the hash of all of them.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.misc.appdirs import AppDirs

from raysp.config import code_hash

ROOMS = ("layers", "models", "objectives")

Function = TypeVar("Function", bound=Callable[..., Any])


def njit(**options: Any) -> Callable[[Function], Function]:
    """Compile a function without Python's lock when it is first called, and keep its code on disk; numba's `njit`.

    Args:
        options: of numba.
    """

    def compiled(function: Function) -> Function:
        settings: Any = numba.config
        before = settings.CACHE_DIR
        settings.CACHE_DIR = str(_folder(Path(inspect.getfile(function)), before))
        try:
            return numba.njit(cache=True, nogil=True, **options)(function)
        finally:
            settings.CACHE_DIR = before

    return compiled


def _folder(file: Path, chosen: str) -> Path:
    """Return where the code of a file's functions is kept: where the user said, beside it, or among the user's own."""
    digest = code_hash.digest(code_hash.files_of([file], ROOMS))[:16]
    beside = file.parent / "__pycache__"
    place = Path(chosen) if chosen else beside
    if not chosen and not os.access(beside if beside.exists() else file.parent, os.W_OK):
        place = Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)
    return place / f"numba-{digest}"
