"""The errors raysp raises on purpose: each says what was expected, what came, and what to do next."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")
AGAIN = "remove it and run the command that wrote it again"
OWN = re.compile(r"^raysp\.errors\.\w+: ")


class BadInput(ValueError):
    """Something a person gave (a file, a name, a setting) cannot be used. Shown without a traceback."""


class NotReady(RuntimeError):
    """Something must happen first (fetch, prepare, run). Shown without a traceback."""


class Absent(NotReady):
    """A recording is not there that `raysp data fetch` brings; `name` is what to fetch."""

    name = ""


class StoreError(RuntimeError):
    """An object store refuses, or does not answer after all repetitions. Nothing is wrong with any file or trial.

    Neither an OSError nor one of the errors above, so that nobody takes it for a damaged or an absent file.
    """


def expect(right: object, sentence: str) -> None:
    """Raise BadInput with a sentence (what was expected, what came, what to do next) unless something is right."""
    if not right:
        raise BadInput(sentence)


def present(value: T | None) -> T:
    """Return what was seen to be there before, where the type alone does not say so."""
    assert value is not None
    return value


def damaged(path: str, what: object, again: str = AGAIN) -> BadInput:
    """Return the error for a file of raysp's own that is not what was written: what of it, and what to do."""
    return BadInput(f"{path} is damaged: {what}; {again}")


def unknown(kind: str, name: str, known: Iterable[str]) -> BadInput:
    """Return the error for an unknown name: the nearest known one, or the whole list when none is near.

    Args:
        kind: what the name names, e.g. "split", "model", "setting of model sae".
        name: the name that was given.
        known: the names that would have been right.
    """
    names = sorted(map(str, known))
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names) or 'none'}"
    return BadInput(f"unknown {kind} {name!r}: {hint}")


def last_line(traceback: str) -> str:
    """Return the line of a traceback that names the error, of a refusal of raysp's own the sentence alone.

    An error's message may have several lines; the first of them, which bears the error's name, is the one.
    """
    lines = [line for line in traceback.splitlines() if line.strip()]
    after = next((i for i in range(len(lines) - 1, -1, -1) if lines[i].startswith("  ")), -1)
    # Without frames, what stands behind the heading.
    rest = lines[after + 1 :] if after >= 0 else [line for line in lines if not line.startswith("Traceback")]
    found = next(iter(rest or lines[-1:]), "no traceback was written")
    return OWN.sub("", found.strip())


class Interrupted(Exception):
    """A trial was told to stop; its checkpoint holds the state, and the same command goes on from there."""
