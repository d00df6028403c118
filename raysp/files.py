"""Reading and writing through one door: whole files or none, on any file system that fsspec knows."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from typing import Any

import fsspec
from fsspec.core import url_to_fs

from raysp.errors import BadInput


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error says that no room is left on the disk, or none for this user."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def join(root: str, *parts: str) -> str:
    """Join a root (a local path or an address such as s3://bucket/runs) with the parts below it."""
    return "/".join([str(root).rstrip("/") or "/", *(part.strip("/") for part in parts)])


def is_local(path: str) -> bool:
    """Tell whether a path lies on a disk of this machine."""
    return "://" not in str(path) or str(path).startswith("file://")


def exists(path: str) -> bool:
    """Tell whether a file or folder is there."""
    fs, name = url_to_fs(str(path))
    return bool(fs.exists(name))


def make_folder(path: str) -> None:
    """Create a folder and those above it; an existing one is left as it is."""
    fs, name = url_to_fs(str(path))
    fs.makedirs(name, exist_ok=True)


def listing(folder: str) -> list[str]:
    """Return the sorted base names in a folder; none when the folder is absent."""
    fs, name = url_to_fs(str(folder))
    if not fs.exists(name):
        return []
    return sorted(os.path.basename(entry.rstrip("/")) for entry in fs.ls(name, detail=False))


def remove(path: str) -> None:
    """Remove a file or a whole folder; nothing happens when it is absent."""
    fs, name = url_to_fs(str(path))
    with contextlib.suppress(FileNotFoundError):
        fs.rm(name, recursive=True)


@contextlib.contextmanager
def replacing(path: str) -> Iterator[str]:
    """Give a temporary name beside `path`; rename it to `path` when the block ends well, else remove it.

    A reader sees the old file or the new one, never a part. The temporary name ends like `path` does, since
    writers choose a format by the ending.

    Raises:
        OSError: the disk is full or the folder cannot be written; `path` is as it was.
    """
    fs, name = url_to_fs(str(path))
    folder, base = os.path.split(name)
    fs.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, f".{uuid.uuid4().hex[:8]}.{base}")
    try:
        yield temporary if is_local(path) else f"{fsspec.utils.get_protocol(str(path))}://{temporary}"
        if is_local(path):
            os.replace(temporary, name)
        else:
            fs.mv(temporary, name)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            fs.rm(temporary)
        raise


def write_text(path: str, text: str) -> None:
    """Write a whole text file, or leave what was there."""
    with replacing(path) as temporary, fsspec.open(temporary, "w", encoding="utf-8") as file:
        file.write(text)


def read_text(path: str) -> str:
    """Read a whole text file."""
    with fsspec.open(str(path), "r", encoding="utf-8") as file:
        return file.read()


def write_json(path: str, value: Any) -> None:
    """Write a value as JSON, whole or not at all; NaN is refused, since other readers cannot parse it."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: str) -> Any:
    """Read a JSON file.

    Raises:
        BadInput: the file is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise BadInput(f"{path} is not JSON ({error}); remove it and run the command that wrote it again") from error


def sha256(path: str) -> str:
    """Return the SHA-256 of a file as hexadecimal digits, read in pieces."""
    with fsspec.open(str(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON-able value in its canonical form (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
