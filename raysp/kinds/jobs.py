"""Functions that may run side by side: what a kind asks for, and how it is done without a cluster."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

Call = tuple[Sequence[object], dict[str, object]]
"""Arguments and options."""

Jobs = Callable[[str, list[Call]], list[Any]]
"""Runs a function, given by its dotted name, once per call; returns what the calls returned. See `cluster.jobs`."""


def in_turn(function: str, calls: list[Call]) -> list[Any]:
    """Run them here, one after the other."""
    work = pkgutil.resolve_name(function)
    return [work(*args, **options) for args, options in calls]
