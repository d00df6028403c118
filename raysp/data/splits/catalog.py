"""Kinds of data by name: what a file of this folder, or one of an installed package, says of its Split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from raysp.config import plugins
from raysp.data.splits.header import Header, Provenance, Role
from raysp.errors import unknown

Arrays = Mapping[str, np.ndarray]


class Split(Protocol):
    """What every kind's Split has; generic code knows no more.

    Attributes:
        kind: of data; the name of its file.
        name: of the split; a selection of units says which.
        sizes: what a model must know of the data's shape.
        provenance: where the numbers come from.
        role: what it is there for.
    """

    kind: ClassVar[str]
    name: str
    sizes: Any
    provenance: Provenance
    role: Role

    def facts(self) -> dict[str, Any]:
        """Return what the header says of what only the kind knows: trials, and what it has of the other fields."""

    def fingerprint(self) -> str:
        """Return the SHA-256 of sizes and arrays: what a trial's name takes of its data."""

    def arrays(self) -> Arrays:
        """Return all arrays by their paths in the file."""

    @classmethod
    def of(cls, header: Header, arrays: Arrays) -> Split:
        """Return the split that a header and its arrays are of, or those of them that a search may see."""

    def select(self, units: Any) -> Split:
        """Return the split with some units only."""

    @staticmethod
    def shown(header: Header, name: str) -> bool:
        """Tell whether a search may see the array of this path; others are not even read for it."""

    def training(self) -> Split:
        """Return what a search may see of this split."""


class Kind(Protocol):
    """A file of a kind.

    Attributes:
        Split: its data.
        Sizes: its sizes.
        Answers: the answers of its evaluation trials, which lie in a file of their own; None where a model may see them
            all. They have `name`, `arrays()` and `of(header, arrays)`, as a split has.
    """

    Split: type[Split]
    Sizes: type
    Answers: type | None


def of(kind: str) -> Kind:
    """Return what the file of a kind says.

    Raises:
        BadInput: there is no such kind of data.
    """
    known = plugins.modules("data/splits", ("Split", "Sizes", "Answers"))
    if kind not in known:
        raise unknown("kind of data", kind, known)
    return plugins.load(known[kind])
