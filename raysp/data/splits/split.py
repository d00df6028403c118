"""What generic code knows of data: the forms that every kind's Split and Answers have."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from raysp.data.splits.header import Facts, Header, Provenance, Role

if TYPE_CHECKING:
    from raysp.data.splits.sealed import Stored

Arrays = Mapping[str, np.ndarray]


class Split(Protocol):
    """What every kind's Split, a frozen dataclass, has; generic code knows no more.

    Attributes:
        kind: of data; the name of its file.
        name: of the split; a selection of units says which.
        sizes: what a model must know of the data's shape.
        provenance: where the numbers come from.
        role: what it is there for.
        by_unit: some units are read from disk without the others.
    """

    kind: ClassVar[str]
    by_unit: ClassVar[bool] = False
    name: str
    sizes: Any
    provenance: Provenance
    role: Role
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    @abc.abstractmethod
    def facts(self) -> Facts:
        """Return what the header says of what only the kind knows: trials, and what it has of the other fields."""

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """Return the SHA-256 of sizes and arrays: what a trial's name takes of its data."""

    @abc.abstractmethod
    def arrays(self) -> Arrays:
        """Return all arrays by their paths in the file."""

    @classmethod
    @abc.abstractmethod
    def of(cls, header: Header, arrays: Arrays) -> Self:
        """Return the split that a header and its arrays are of, or those of them that a search may see."""

    @abc.abstractmethod
    def select(self, units: Sequence[int]) -> Self:
        """Return the split with some units only."""

    @staticmethod
    @abc.abstractmethod
    def shown(header: Header, name: str) -> bool:
        """Tell whether a search may see the array of this path; others are not even read for it."""

    @classmethod
    def of_units(cls, header: Header, arrays: Stored, units: Sequence[int]) -> Self:
        """Return the split with some units only, equal to what `select` gives.

        A kind whose arrays stand unit by unit may read those of its units alone; see `by_unit`.
        """
        return cls.of(header, arrays).select(units)

    def training(self) -> Self:
        """Return what a search may see: the same kind of split, without what is hidden from it."""
        header = header_of(self)
        return self.of(header, {name: array for name, array in self.arrays().items() if self.shown(header, name)})


def header_of(
    split: Split, built_from: Mapping[str, object] = MappingProxyType({}), *, answers: bool = False
) -> Header:
    """Return the header of a split, built from so much (JSON-able), with or without answers."""
    return Header(
        name=split.name,
        kind=split.kind,
        sizes=split.sizes,
        fingerprint=split.fingerprint(),
        provenance=split.provenance,
        built_from=dict(built_from),
        role=split.role,
        answers=answers,
        **split.facts(),
    )


class Answers(Protocol):
    """The answers of a split's evaluation trials, which lie in a file of their own."""

    name: str

    @abc.abstractmethod
    def arrays(self) -> Arrays:
        """Return all arrays by their paths in the file."""

    @classmethod
    @abc.abstractmethod
    def of(cls, header: Header, arrays: Arrays) -> Self:
        """Return the answers to a prepared split from their arrays."""

    @abc.abstractmethod
    def select(self, units: Sequence[int]) -> Self:
        """Return the answers for some units only."""
