"""Lists in a source's settings name each thing once: a column that is named twice would count twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from raysp.config.settings import Settings
from raysp.errors import BadInput

MAY_REPEAT = ("behavior_units",)
"""Settings that say something of each variable, which may be alike."""


def check(config: Settings) -> None:
    """Raise BadInput where a list of names, or of the values of a column that are kept, has one of them twice."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name in MAY_REPEAT:
            continue
        lists = {field.name: value}
        if isinstance(value, Mapping):
            lists = {f"{field.name}, {column}": wanted for column, wanted in value.items()}
        for setting, wanted in lists.items():
            if not isinstance(wanted, list | tuple) or field.name.endswith(("_ms", "_s", "ratio")):
                continue
            if twice := [one for place, one in enumerate(wanted) if one in wanted[:place]]:
                raise BadInput(f"{config.where}, {setting} expected each once, got {twice[0]!r} more than once")
