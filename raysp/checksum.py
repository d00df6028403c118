"""Checksums inside what raysp writes as JSON and YAML: put in on writing, compared and taken out on reading."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

KEY, WRAPPED, PREFIX = "checksum", "value", "sha256:"
MARK = re.compile(r"sha256:[0-9a-f]{64}")
LINE = "# sha256 "
LAST_LINE = re.compile(LINE + r"(\S{64})\s*\Z")


class Damaged(ValueError):
    """What was read is not what was written."""


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON-able value in its canonical form (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def seal(value: Any) -> dict[str, Any]:
    """Return a JSON-able value as a mapping with its checksum in it; what is no mapping goes into one.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot hold.
    """
    # As it is read back: keys are text there, and their order is the text's.
    plain = json.loads(json.dumps(value, allow_nan=False))
    if not isinstance(plain, dict) or not plain.keys().isdisjoint({KEY, WRAPPED}):
        plain = {WRAPPED: plain}
    return {**plain, KEY: PREFIX + digest(plain)}


def unseal(found: Any) -> Any:
    """Return the value that `seal` put a checksum in; what has none, as older versions wrote it, as it is.

    Raises:
        Damaged: it is not what was written.
    """
    if not isinstance(found, dict) or not _is_sealed(found):
        return found
    rest = {name: value for name, value in found.items() if name != KEY}
    try:
        right = found.get(KEY) == PREFIX + digest(rest)
    except (ValueError, RecursionError):
        right = False
    if not right:
        raise Damaged("its content is not what was written")
    return rest[WRAPPED] if set(rest) == {WRAPPED} else rest


def _is_sealed(found: dict[str, Any]) -> bool:
    # A damaged key does not make a file one of an older version.
    return KEY in found or any(isinstance(value, str) and MARK.fullmatch(value) for value in found.values())


def seal_text(text: str) -> str:
    """Return a text of lines with a comment line behind them that holds their checksum."""
    return f"{text}{LINE}{hashlib.sha256(text.encode()).hexdigest()}\n"


def unseal_text(text: str) -> str:
    """Return the text before the checksum's line; one without such a line as it is.

    Raises:
        Damaged: the text was changed after it was written.
    """
    found = LAST_LINE.search(text)
    if found is None:
        return text
    before = text[: found.start()]
    if not before.endswith("\n") or hashlib.sha256(before.encode()).hexdigest() != found[1]:
        raise Damaged("it was changed after it was written")
    return before
