"""Kinds of data by name: a kind is a folder beside this file, or an entry point, whose kind.py defines KIND."""

from __future__ import annotations

import importlib

from raysp.config import plugins
from raysp.errors import unknown
from raysp.kinds.kind import Kind
from raysp.kinds.metric import Metric


def of(name: str) -> Kind:
    """Return a kind. Raises BadInput for an unknown name, with the nearest right one."""
    if name not in (found := _modules()):
        raise unknown("kind of data", name, found)
    return importlib.import_module(found[name]).KIND


def metrics() -> dict[str, Metric]:
    """Return the metrics of all kinds by name."""
    return {name: metric for kind in _modules() for name, metric in of(kind).metrics.items()}


def _modules() -> dict[str, str]:
    return plugins.modules("kinds", ("KIND",), "*/kind.py")
