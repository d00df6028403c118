"""Checksums inside what raysp writes as JSON and YAML: put in on writing, compared and taken out on reading."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

KEY, WRAPPED, PREFIX = "checksum", "value", "sha256:"
MARK = re.compile(r"sha256:[0-9a-f]{64}")


class Damaged(ValueError):
    """What was read is not what was written."""


def digest(value: object, *, ordered: bool = False) -> str:
    """Return the SHA-256 of a JSON-able value in its canonical form (no spaces; keys sorted, or `ordered` as given)."""
    text = json.dumps(value, sort_keys=not ordered, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def seal(value: object) -> dict[str, Any]:
    """Return a JSON-able value as a mapping with its checksum in it; what is no mapping goes into one.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot hold.
    """
    # As it is read back: keys are text there, and their order is the text's.
    plain = json.loads(json.dumps(value, allow_nan=False))
    if not isinstance(plain, dict) or not plain.keys().isdisjoint({KEY, WRAPPED}):
        plain = {WRAPPED: plain}
    return {**plain, KEY: PREFIX + digest(plain)}


def unseal(found: object, *, ordered: bool = False) -> Any:
    """Return the value that `seal` put a checksum in; what has none, as older versions wrote it, as it is.

    Args:
        found: what was read.
        ordered: the order of keys is part of what was written.

    Raises:
        Damaged: it is not what was written.
    """
    if not isinstance(found, dict) or not _is_sealed(found):
        return found
    rest = {name: value for name, value in found.items() if name != KEY}
    try:
        right = found.get(KEY) == PREFIX + digest(rest, ordered=ordered)
    except (ValueError, TypeError, RecursionError):
        right = False
    if not right:
        raise Damaged("its content is not what was written")
    return rest[WRAPPED] if set(rest) == {WRAPPED} else rest


def _is_sealed(found: Mapping[str, object]) -> bool:
    # A damaged key does not make a file one of an older version.
    return KEY in found or any(isinstance(value, str) and MARK.fullmatch(value) for value in found.values())
