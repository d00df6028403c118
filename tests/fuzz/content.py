"""One number for what was read: equal numbers, equal content to the last bit."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of arrays, tensors, dataclasses and plain values, nested in any way."""
    total = hashlib.sha256()
    _add(total, value)
    return total.hexdigest()


def _add(total: Any, value: Any) -> None:
    if hasattr(value, "detach"):
        value = value.detach().numpy()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        total.update(f"array {value.shape} {value.dtype.str}".encode())
        total.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, Mapping):
        total.update(f"mapping {len(value)}".encode())
        for key in sorted(value, key=repr):
            total.update(repr(key).encode())
            _add(total, value[key])
    elif isinstance(value, list | tuple | np.ndarray):
        total.update(f"list {len(value)}".encode())
        for one in value:
            _add(total, one)
    else:
        total.update(f"{type(value).__name__} {value!r}".encode(errors="surrogatepass"))
