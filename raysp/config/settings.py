"""Settings from files and command lines become frozen dataclasses: unknown keys and wrong types are refused."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, Union

from raysp.config import ranges
from raysp.errors import BadInput, unknown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Plain = bool | int | float | str | None | Sequence[Any] | Mapping[str, Any]
"""A value as YAML and JSON hold it; what lists and mappings hold is looked at where a Config says what it is."""

T = TypeVar("T", bound="DataclassInstance")
LARGEST = 1 << 63
"""Whole numbers are below it in tables and seeds."""

LONGEST = 200
"""Characters of a wrong value that an error shows."""

EARLIER_WORDS = {
    "settings": "hyperparameters",
    "neurons": "units",
    "cells": "units",
    "cells_per_trial": "units_per_trial",
    "cells_at_once": "units_at_once",
    "lost_neurons": "lost_units",
}
"""Fields of trials, models, experiments and Configs as earlier versions wrote them -> as they are called now."""

YES_OR_NO = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def build(cls: type[T], values: object, where: str, advice: str = "") -> T:
    """Make a dataclass from a mapping, nested ones included.

    Args:
        cls: a dataclass with annotated fields.
        values: setting -> value.
        where: what the settings belong to, for the error, e.g. "model sae".
        advice: what to do where one is missing.

    Raises:
        BadInput: a name is unknown (the nearest right one is given, or what an earlier one is called now), a value has
            the wrong type, or a field without a default is missing.
    """
    if not isinstance(values, Mapping):
        raise BadInput(f"{where} expected settings by name, got {values!r}")
    kinds = hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    refuse_unknown(values, fields, where)
    missing = [name for name, field in fields.items() if name not in values and _required(field)]
    if missing:
        one = (
            f"the setting {missing[0]!r}, which has"
            if len(missing) == 1
            else f"the settings {', '.join(missing)}, which have"
        )
        raise BadInput(f"{where} needs {one} no default{advice and f'; {advice}'}")
    return cls(**{name: coerce(kinds[name], value, f"{where}, {name}") for name, value in values.items()})


def refuse_unknown(names: Iterable[object], fields: Iterable[str], where: str) -> None:
    """Raise BadInput for a name that is no field: with the nearest right one, or what an earlier one is called now."""
    known = set(fields)
    for name in names:
        if name not in known:
            if (now := EARLIER_WORDS.get(str(name))) in known:
                raise BadInput(f"unknown setting of {where} {name!r}: it is called {now!r} now")
            raise unknown(f"setting of {where}", str(name), known)


def named(cls: type[T]) -> type[T]:
    """Let a dataclass that people build by hand refuse unknown names as `build` does, not with a TypeError.

    >>> @named
    ... @dataclasses.dataclass(frozen=True)
    ... class Run:
    ...     seeds: int = 0
    >>> Run(seed=1)
    Traceback (most recent call last):
    raysp.errors.BadInput: unknown setting of Run 'seed': did you mean 'seeds'?
    """
    made = cls.__init__

    @functools.wraps(made)
    def init(self: T, *values: Any, **given: Any) -> None:
        refuse_unknown(given, [field.name for field in dataclasses.fields(cls) if field.init], cls.__name__)
        made(self, *values, **given)

    cls.__init__ = init  # type: ignore[assignment]
    return cls


class Settings:
    """What a frozen dataclass derives from to have its values looked at however it is made.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Config(Settings):
    ...     layers: ranges.Count = 1
    >>> Config(layers=2)
    Config(layers=2)
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[object]]]

    @property
    def where(self) -> str:
        """The beginning of an error's sentence: by default, the name of the file that the class stands in."""
        return type(self).__module__.rpartition(".")[2]

    def __post_init__(self) -> None:
        check(self, self.where)


def check(value: DataclassInstance, where: str) -> None:
    """Bend the fields of a dataclass that is being made to their types, as `build` does. Raises BadInput likewise."""
    kinds = hints(value.__class__)
    for field in dataclasses.fields(value):
        object.__setattr__(
            value, field.name, coerce(kinds[field.name], getattr(value, field.name), f"{where}, {field.name}")
        )


def limits(kind: object) -> str:
    """Say what a value of an annotated type may be beside its type, e.g. "at least 1"; empty where it is all the same.

    >>> limits(ranges.Share | None)
    'a share in [0, 1)'
    """
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return ", ".join(said for said in (ranges.words(args[1:]), limits(args[0])) if said)
    if origin is tuple:
        return f"each {said}" if (said := limits(args[0])) else ""
    return " or ".join(said for arg in args if (said := limits(arg))) if origin in (Union, types.UnionType) else ""


@functools.cache
def hints(cls: type) -> dict[str, Any]:
    """Return the annotated types of a dataclass's fields, limits included. Raises BadInput where one names nothing."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise BadInput(
            f"the types of {cls.__module__.rpartition('.')[2]}.{cls.__qualname__} expected names that its file imports "
            f"or defines, and not for type checkers alone: {error}"
        ) from error


def check_kinds(values: object, kinds: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """Return a file's values after looking at those that are relied on; others pass, and so do absent ones.

    Args:
        values: what was read.
        kinds: name -> annotated type.
        where: what the values belong to, for the error.

    Raises:
        BadInput: no values by name, or one of another type.
    """
    if not isinstance(values, Mapping):
        raise BadInput(f"{where} expected values by name, got {str(values)[:80]!r}")
    for name in kinds.keys() & values.keys():
        coerce(kinds[name], values[name], f"{where}, {name}")
    return values


def coerce(kind: Any, value: object, where: str) -> Any:
    """Return `value` as the annotated type `kind`; whole numbers pass as floats, lists as tuples, nothing else bends.

    Raises:
        BadInput: the value is of another type, or outside the limits of an `Annotated` one.
    """
    value = _from_numpy(value)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        value = coerce(args[0], value, where)
        ranges.refuse_outside(args[1:], value, where)
        return value
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return _coerce_union(args, value, where)
    if origin is Literal:
        if value not in args:
            raise unknown(where, str(value), [str(arg) for arg in args])
        return value
    if origin is tuple:
        return _coerce_tuple(args, value, where)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _wrong(kind, value, where)
        return {name: _from_numpy(one) for name, one in value.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return value if isinstance(value, kind) else build(kind, value, where)
    if not isinstance(kind, type) or origin is not None:
        raise BadInput(f"{where}: a setting cannot be of the type {kind}; several values are tuple[float, ...]")
    if isinstance(value, int) and not -LARGEST <= value < LARGEST:
        raise BadInput(f"{where} expected a number between -2^63 and 2^63, got a larger one")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _wrong(kind, value, where)
    if isinstance(value, float) and not math.isfinite(value):
        raise BadInput(f"{where} expected a finite number, got {value}")
    return value


def plain(value: object) -> Any:
    """Return a dataclass (or a value of one) as dictionaries, lists and plain values that JSON and YAML can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value) if field.init}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _from_numpy(value)


def _from_numpy(value: Any) -> Any:
    """Return a number or an array of NumPy's, or another library's, as Python's own numbers and lists."""
    return value.tolist() if hasattr(value, "dtype") and callable(getattr(value, "tolist", None)) else value


def _required(field: dataclasses.Field[object]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _coerce_union(args: tuple[Any, ...], value: object, where: str) -> Any:
    if value is None and type(None) in args:
        return None
    kinds = [arg for arg in args if arg is not type(None)]
    for kind in kinds[:-1]:
        try:
            return coerce(kind, value, where)
        except BadInput:
            continue
    return coerce(kinds[-1], value, where)


def _coerce_tuple(args: tuple[Any, ...], value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise BadInput(f"{where} expected several values, e.g. ({value!r},), got {value!r} ({type(value).__name__})")
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(coerce(args[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if len(args) != len(value):
        raise BadInput(f"{where} expected {len(args)} values, got {len(value)}")
    return tuple(coerce(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(args, value, strict=True)))


def _wrong(kind: object, value: object, where: str) -> BadInput:
    expected = getattr(kind, "__name__", str(kind))
    word = YES_OR_NO.get(value.lower()) if isinstance(value, str) and kind is bool else None
    instead = f"; write {word}" if word else ""
    got = repr(value) if len(repr(value)) <= LONGEST else f"{repr(value)[:LONGEST]}..."
    return BadInput(f"{where} expected {expected}, got {got} ({type(value).__name__}){instead}")
