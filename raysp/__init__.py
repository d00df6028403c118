"""raysp: train, sweep, compare and submit models of neural spiking.

In a notebook: `raysp.load_cell(run, cell_id)` is a fitted cell as a torch module, `raysp.load_cells(run)` all of them.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_LATER = {"load_cell": "raysp.kinds.current_clamp.load", "load_cells": "raysp.kinds.current_clamp.load"}
"""What is imported when somebody asks for it: `import raysp` alone imports no library."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER])
