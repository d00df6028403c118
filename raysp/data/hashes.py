"""SHA-256 of large files, remembered beside them while their length and modification time stay the same."""

from __future__ import annotations

import contextlib
import os

from raysp import files
from raysp.errors import BadInput


def sha256(path: str) -> str:
    """Return a file's SHA-256, from the note beside it when the file has not changed since.

    Nothing is noted in a folder that cannot be written, nor on a file system without modification times.
    """
    if not files.is_local(path):
        return files.sha256(path)
    stamp = _stamp(path)
    note = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.sha256.json")
    with contextlib.suppress(OSError, BadInput):
        known = files.read_json(note)
        if {name: known.get(name) for name in stamp} == stamp:
            return known["sha256"]
    found = files.sha256(path)
    with contextlib.suppress(OSError):
        files.write_json(note, {**stamp, "sha256": found})
    return found


def _stamp(path: str) -> dict[str, int]:
    found = os.stat(path)
    return {"size": found.st_size, "mtime_ns": found.st_mtime_ns}
