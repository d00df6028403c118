"""What a person may have meant by a path where nothing is."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable

from raysp.io import files

LOOKED_AT = 5_000
"""So many names of a folder are compared with what was typed: more take too long for a guess."""


def near(path: str, right: Callable[[str], bool] = os.path.exists) -> str:
    """Return "did you mean 'x'?" for the path that is there and most like one that is not; "" where none is near.

    Args:
        path: what was typed, of which nothing is there; at an address nothing is guessed.
        right: whether a path could be meant.
    """
    if not files.is_local(path) or "://" in path:
        return ""
    folder, name = os.path.split(path.rstrip("/"))
    while folder and not os.path.isdir(folder):
        # The first part that is wrong is a folder.
        (folder, name), right = os.path.split(folder), os.path.isdir
    try:
        with os.scandir(folder or ".") as entries:
            there = {one.name.casefold(): one.name for one, _ in zip(entries, range(LOOKED_AT), strict=False)}
    except OSError:
        return ""
    found = difflib.get_close_matches(name.casefold(), there, n=8, cutoff=0.8)
    paths = (os.path.join(folder, there[one]) for one in found)
    meant = next((one for one in paths if right(one)), None)
    return f"did you mean {meant!r}?" if meant else ""
