"""Kinds of data by name: what a file of this folder, or one of an installed package, says of its Split."""

from __future__ import annotations

from typing import Protocol

from raysp.config import plugins
from raysp.data.splits import split
from raysp.errors import unknown


class Kind(Protocol):
    """A file of a kind.

    Attributes:
        Split: its data.
        Sizes: its sizes.
        Answers: the answers of its evaluation trials, which lie in a file of their own; None where a model may see them
            all.
    """

    Split: type[split.Split]
    Sizes: type
    Answers: type[split.Answers] | None


def of(kind: str) -> Kind:
    """Return what the file of a kind says.

    Raises:
        BadInput: there is no such kind of data.
    """
    known = plugins.modules("data/splits")
    if kind not in known:
        raise unknown("kind of data", kind, known)
    return plugins.load(known[kind])
