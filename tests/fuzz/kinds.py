"""What is damaged and read: a kind of file, how a good one is made, and how raysp reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

Must = Literal["", "same", "told"]
"""What a change obliges the reader to: nothing; the same content; or to refuse, or to say what is doubtful."""


class NotHere(Exception):
    """A change does not apply to this file; another one is drawn."""


@dataclass(frozen=True)
class Changed:
    """What was done to a file.

    Attributes:
        text: for the table of failures.
        must: see `Must`.
        name: of the array that was changed, where it was one.
    """

    text: str
    must: Must = ""
    name: str = ""


Change = Callable[[str, Random, str], Changed]
"""Changes the file at a path; draws from the generator; the second path is that of another good file of its kind."""


@dataclass(frozen=True)
class Read:
    """What a reader gave.

    Attributes:
        content: arrays and plain values, nested.
        notes: what was said beside it.
        again: why nothing was read and the work starts over; empty otherwise.
    """

    content: Any
    notes: tuple[str, ...] = ()
    again: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: in the table.
        file: the file below its folder.
        make: writes a good one into a folder, from a seed.
        readers: name -> reads what the folder holds; one is drawn for each change.
        changes: that leave the file valid in form.
        ours: it carries raysp's own checksums, so that nothing else than what was written may be read.
        doubted: array -> changes of it that must be refused or noted.
    """

    name: str
    file: str
    make: Callable[[str, int], None]
    readers: Mapping[str, Callable[[str], Read]]
    changes: tuple[Change, ...]
    ours: bool = False
    doubted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
