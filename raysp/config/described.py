"""What a person can set, and what it means: fields of a dataclass, each with what the docstrings say of it."""

from __future__ import annotations

import dataclasses
import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysp.config import settings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ENTRY = re.compile(r"^    (\w+(?:, \w+)*): ?(.*)$")
"""Several that belong together may share one text: "back, ahead: ..."."""
SECTION = re.compile(r"^\w+:$")


@dataclass(frozen=True)
class Setting:
    """A field that may be set.

    Attributes:
        name: of it.
        default: as it is written; empty where there is none, so that it must be given.
        limits: what a value may be, in words; empty where nothing is said.
        text: what it means.
    """

    name: str
    default: str
    limits: str
    text: str


def described(kind: type[DataclassInstance]) -> list[Setting]:
    """Return the fields of a dataclass, those without a default first.

    >>> from raysp.models.means import Config
    >>> [one.name for one in described(Config)]
    []
    """
    texts = attributes(kind)
    hints = settings.hints(kind)
    found = [
        Setting(one.name, _default(one), settings.limits(hints[one.name]), texts.get(one.name, ""))
        for one in dataclasses.fields(kind)
        if one.init
    ]
    return sorted(found, key=lambda one: one.default != "")


def attributes(kind: type) -> dict[str, str]:
    """Return what the docstrings of a class and those it derives from say of their attributes.

    >>> attributes(Setting)["name"]
    'of it.'
    """
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        found |= _section(inspect.cleandoc(each.__dict__.get("__doc__") or ""))
    return found


def _section(text: str) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    lines = text.partition("Attributes:\n")[2].splitlines()
    now: list[str] = []
    for line in lines:
        if SECTION.match(line):
            break
        if entry := ENTRY.match(line):
            now = [entry[2]]
            found |= dict.fromkeys(entry[1].split(", "), now)
        elif line.strip():
            now.append(line.strip())
    return {name: " ".join(parts) for name, parts in found.items()}


def _default(one: dataclasses.Field[object]) -> str:
    if one.default is not dataclasses.MISSING:
        return repr(settings.plain(one.default))
    return "" if one.default_factory is dataclasses.MISSING else repr(settings.plain(one.default_factory()))
