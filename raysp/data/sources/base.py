"""The contract of a source: what its file must say, and what it may say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from raysp.config.experiment import Recording
from raysp.data.splits.header import Role
from raysp.data.splits.split import Answers, Split
from raysp.errors import BadInput

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Built = tuple[Split, Answers | None]
"""A split, and its answers, which are None where they are unknown or the kind has none."""

BuildTables = Callable[[Mapping[str, dict[str, np.ndarray]], Mapping[str, object], str], Built]
"""(columns of tables by setting, the other settings, the split's name) -> the same, of tables in memory."""

BuildArrays = Callable[[Mapping[str, object], Mapping[str, object], str], Built]
"""(arrays by setting, the other settings, the split's name) -> the same, of arrays in memory instead of a file."""


@dataclass(frozen=True)
class Source:
    """What a source says, each under its name here; what has no default must be there.

    Attributes:
        VERSION: another one where the same recording and settings give other arrays.
        Config: a dataclass of settings, which checks itself.
        build: (config, the split's name) -> split and answers.
        inputs: config -> paths of the recordings that are read; raises Absent. By default the setting `path`, if any.
        is_standin: config -> whether the recording was generated; by default what HDF5 files say of themselves.
        role: the split's name -> what the split is there for.
        RECORDINGS: those with names of their own, which an experiment gives as splits.
        read_once: config -> what is read once for all splits that have it in common.
        build_together: [(config, name), ...] that are read once -> each one's split and answers. What stops one alone
            is raised after the others were built.
        SAME: settings that change no array.
        LARGE: its recordings are many, or large, so that their hashes are noted beside them.
        READS: endings of file names, such as ".nwb", that mean this source where nobody names one.
        build_arrays: makes a split of arrays in memory; see `BuildArrays`.
        build_tables: makes a split of tables in memory; see `BuildTables`.
    """

    VERSION: str
    Config: type[DataclassInstance]
    build: Callable[[Any, str], Built]
    inputs: Callable[[Any], list[str]] = lambda config: [config.path] if hasattr(config, "path") else []
    is_standin: Callable[[Any], bool] | None = None
    role: Callable[[str], Role] = lambda name: Role()
    RECORDINGS: Mapping[str, Recording] = field(default_factory=dict)
    read_once: Callable[[Any], Hashable] | None = None
    build_together: Callable[[Sequence[tuple[Any, str]]], Iterator[Built]] | None = None
    SAME: tuple[str, ...] = ()
    LARGE: bool = False
    READS: tuple[str, ...] = ()
    build_arrays: BuildArrays | None = None
    build_tables: BuildTables | None = None

    @classmethod
    def of(cls, module: ModuleType) -> Source:
        """Return what a module says. Raises BadInput where it lacks something, or gives something else for it."""
        fields = {one.name: one for one in dataclasses.fields(cls)}
        found = {key: getattr(module, key) for key in fields if hasattr(module, key)}
        if wrong := [key for key in {**NEEDED, **found} if key not in found or not _fits(key, found[key])]:
            words = " and ".join(NEEDED.get(key) or f"what {__name__}.Source says of {key}" for key in wrong)
            raise BadInput(f"{module.__file__} is no source of recordings: it lacks {words}")
        return cls(**found)

    def builds(self, wanted: Sequence[tuple[Any, str]]) -> Iterator[Built]:
        """Build splits that are read once, one after the other."""
        return self.build_together(wanted) if self.build_together else (self.build(*one) for one in wanted)


NEEDED = {
    "VERSION": "VERSION, a text",
    "Config": "Config, a dataclass of settings",
    "build": "build(config, name), which returns a split and its answers or None",
}


def _fits(key: str, value: object) -> bool:
    if key == "Config":
        return dataclasses.is_dataclass(value)
    kinds = {"VERSION": str, "RECORDINGS": Mapping, "SAME": tuple, "LARGE": bool, "READS": tuple}
    return isinstance(value, kinds[key]) if key in kinds else callable(value)
