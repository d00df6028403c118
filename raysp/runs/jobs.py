"""Functions that may run side by side: what a kind asks for, and how it is done without a cluster."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

Call = tuple[Sequence[object], dict[str, object]]
"""Arguments and options."""

Jobs = Callable[[str, list[Call]], list[Any]]
"""Runs a function, given by its dotted name, once per call; returns what the calls returned. See `cluster.jobs`."""


def in_turn(
    function: str, calls: list[Call], on_done: Callable[[int, Any], None] = lambda place, found: None
) -> list[Any]:
    """Run them here, one after the other; `on_done` is told each one's place, and what it returned."""
    work, found = pkgutil.resolve_name(function), []
    for place, (args, options) in enumerate(calls):
        found.append(work(*args, **options))
        on_done(place, found[-1])
    return found
