"""What a person gives a function of the notebook's face: one name or several, a path, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable

from raysp.errors import BadInput, expect


def names(given: str | Iterable[str], what: str) -> tuple[str, ...]:
    """Return names; one by itself is one, and no row of letters.

    Args:
        given: of models, splits or changes of settings.
        what: the argument's name, for the error.

    Raises:
        BadInput: it is something else.

    >>> names("sae", "models"), names(["sae", "ndt"], "models")
    (('sae',), ('sae', 'ndt'))
    """
    found = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else (given,)
    for one in found:
        expect(isinstance(one, str), f"{what} expected names, got {one!r} ({type(one).__name__})")
    return found


def paths(given: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], what: str) -> tuple[str, ...]:
    """Return paths as text; one by itself is one. Arguments and errors as of `path`."""
    each = (given,) if isinstance(given, str | os.PathLike) or not isinstance(given, Iterable) else given
    return tuple(path(one, f"each of {what}") for one in each)


def path(given: str | os.PathLike[str], what: str) -> str:
    """Return a path as text.

    Args:
        given: a path.
        what: the argument's name, for the error.

    Raises:
        BadInput: it is none, or an empty one.
    """
    if not isinstance(given, str | os.PathLike) or not isinstance(found := os.fspath(given), str):
        raise BadInput(f"{what} expected a path, got {type(given).__name__}")
    expect(found, f"{what} expected a path, got an empty one")
    return found
