"""SHA-256 of large files, remembered beside them while their length and modification time stay the same."""

from __future__ import annotations

import contextlib
import os

from raysp.errors import BadInput, StoreError
from raysp.io import files


def sha256(path: str) -> str:
    """Return a file's SHA-256, from the note beside it when the file has not changed since.

    Nothing is noted in a folder that cannot be written. In a store of objects the tag that it gives a file's bytes
    stands for the modification time.
    """
    stamp = files.stamp(path)
    note = files.join(os.path.dirname(path), f".{os.path.basename(path)}.sha256.json")
    with contextlib.suppress(OSError, BadInput, StoreError):
        known = files.read_object(note)
        if {name: known.get(name) for name in stamp} == stamp and isinstance(known.get("sha256"), str):
            return known["sha256"]
    found = files.sha256(path)
    with contextlib.suppress(OSError, StoreError):
        files.write_json(note, {**stamp, "sha256": found})
    return found
