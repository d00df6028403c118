"""Reading and writing through one door: whole files or none, on any file system that fsspec knows."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, TypedDict

from fsspec.spec import AbstractBufferedFile

from raysp.errors import AGAIN, BadInput, StoreError, damaged
from raysp.io import checksum, storage

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

digest = checksum.digest

PART_BYTES = 1 << 18
TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
TAGS = ("ETag", "etag", "created", "Content-MD5", "Digest", "Last-Modified")
"""What stores and servers call that which changes with a file's content, the surest first."""


def join(root: str, *parts: str) -> str:
    """Join a root (a local path or an address such as s3://bucket/runs) with the parts below it."""
    # No root is here, not the root of all folders.
    return "/".join([str(root).rstrip("/") or ("/" if root else "."), *(part.strip("/") for part in parts)])


def is_temporary(name: str) -> bool:
    """Tell whether a file's base name is one that `replacing` gives; a writer that was killed leaves it behind."""
    return TEMPORARY.fullmatch(name) is not None


def is_local(path: str) -> bool:
    """Tell whether a path lies on a disk of this machine."""
    return "://" not in str(path) or str(path).startswith("file://")


def is_web(path: str) -> bool:
    """Tell whether a path is an address of the web, which is only read."""
    return str(path).startswith(("http://", "https://"))


def absolute(path: str) -> str:
    """Return a local path in full; an address as it is."""
    return storage.filesystem(path)[1] if is_local(path) else str(path)


def check(path: str, *, write: bool = False) -> None:
    """Refuse a folder at an address that cannot be listed, or written to; local folders are not looked at.

    Raises:
        BadInput, StoreError: see `raysp.io.storage.check`.
    """
    if not is_local(path):
        storage.check(path, write=write)


@contextlib.contextmanager
def _at(path: str) -> Iterator[tuple[AbstractFileSystem, str]]:
    """Give the file system of a path and the name there; errors of a store are one error of raysp."""
    fs, name = storage.filesystem(path)
    if is_local(path):
        yield fs, name
        return
    with storage.translated(path):
        yield fs, name


def exists(path: str) -> bool:
    """Tell whether a file or folder is there.

    Raises:
        PermissionError: this user may not look.
        StoreError: a store does not tell.
    """
    with _at(path) as (fs, name):
        if not is_local(path):
            return bool(fs.exists(name))
        try:
            os.stat(name)
        except PermissionError:
            raise
        except (OSError, ValueError):
            return False
        return True


def make_folder(path: str) -> None:
    """Create a folder and those above it; an existing one is left as it is. Stores of objects have no folders."""
    # What fsspec would create there is the bucket.
    if is_local(path):
        fs, name = storage.filesystem(path)
        fs.makedirs(name, exist_ok=True)


def listing(folder: str) -> list[str]:
    """Return the sorted base names in a folder; none when the folder is absent."""
    with _at(folder) as (fs, name):
        try:
            found = fs.ls(name, detail=False)
        except FileNotFoundError:
            return []
    # A store may list the folder itself, as an empty object that somebody's tool made.
    entries = [entry.rstrip("/") for entry in found if entry.strip("/") != name.strip("/")]
    return sorted(os.path.basename(entry) for entry in entries)


def remove(path: str) -> None:
    """Remove a file or a whole folder; nothing happens when it is absent."""
    with _at(path) as (fs, name), contextlib.suppress(FileNotFoundError):
        if not is_local(path) and not name.strip("/").partition("/")[2]:
            raise BadInput(f"{path} is a whole bucket, and will not be removed")
        if not is_local(path) and any(sign in name for sign in "*?["):
            # fsspec would take the name for a pattern, and remove what it matches.
            for one in fs.find(name):
                fs.rm_file(one)
        else:
            fs.rm(name, recursive=True)


def listings(folder: str) -> dict[str, set[str]]:
    """Return what lies in each folder of a folder, by base names: in a store a request for every thousand files.

    Of a store the folders that hold files are there, since it has no others; of a disk the empty ones too.
    """
    with _at(folder) as (fs, name):
        if is_local(folder):
            return {one: set(listing(inside)) for one in listing(name) if os.path.isdir(inside := join(name, one))}
        found: dict[str, set[str]] = {}
        start = name.strip("/") + "/"
        for path in fs.find(name):
            if (path := path.strip("/")).startswith(start):
                one, _, rest = path.removeprefix(start).partition("/")
                if rest:
                    found.setdefault(one, set()).add(rest.partition("/")[0])
        return found


def sizes(folder: str) -> dict[str, int]:
    """Return the size of each file below a folder, by its path there; in a store by one request per thousand files."""
    with _at(folder) as (fs, name):
        try:
            found = fs.find(name, detail=True)
        except FileNotFoundError:
            return {}
    start = name.strip("/") + "/"
    inside = {path.strip("/").removeprefix(start): info["size"] for path, info in found.items()}
    return {path: size for path, size in sorted(inside.items()) if not is_temporary(path.rpartition("/")[2])}


@contextlib.contextmanager
def replacing(path: str, folder: str | None = None) -> Iterator[str]:
    """Give a temporary local name; what is written there becomes `path` when the block ends well, else goes.

    A reader sees the old file or the new one, never a part: on a disk the temporary name lies beside `path` and is
    renamed; a store of objects is sent the whole file under its final name, and shows it once it has all of it. The
    temporary name ends in .tmp, so that no pattern of a reader (*.parquet) finds what a killed writer left.

    Args:
        path: the final name.
        folder: on the same disk, where the temporary name lies; by default where `path` does.

    Raises:
        OSError: the disk is full or the folder cannot be written; `path` is as it was.
        StoreError: the store did not take the file; `path` is as it was.
    """
    if not is_local(path):
        with tempfile.TemporaryDirectory(prefix="raysp-") as folder:
            local = os.path.join(folder, os.path.basename(str(path)))
            yield local
            _send(local, path)
        return
    fs, name = storage.filesystem(path)
    beside, base = os.path.split(name)
    fs.makedirs(beside, exist_ok=True)
    place = beside if folder is None else storage.filesystem(folder)[1]
    # Cut, since a long name that is allowed would be too long with more around it.
    temporary = os.path.join(place, f".{base[:200]}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        yield temporary
        os.replace(temporary, name)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            fs.rm(temporary)
        if isinstance(error, OSError) and error.errno and not error.filename:
            # A write that fails does not say of which file.
            error.filename = name
        raise


def _send(local: str, path: str) -> None:
    with _at(path) as (fs, name):
        try:
            fs.put_file(local, name)
        except FileNotFoundError:
            # A file sent in parts is put together by a last request; where its answer was lost, the repeated one is
            # answered that there is no such upload (any more). To send the same bytes again changes nothing.
            fs.put_file(local, name)


def copy(source: str, target: str) -> None:
    """Copy a file whole or not at all; within a store of objects its bytes do not pass through this machine.

    Raises:
        FileNotFoundError: there is no `source`.
        OSError: the disk is full; `target` is as it was.
    """
    if not is_local(source) and str(source).partition("://")[0] == str(target).partition("://")[0]:
        with _at(source) as (fs, name):
            # Not `copy`, which takes names for patterns.
            fs.cp_file(name, storage.filesystem(target)[1])
    else:
        with replacing(target) as temporary, opened(source) as file, open(temporary, "wb") as out:
            shutil.copyfileobj(file, out)


def read_bytes(path: str) -> bytes:
    """Read a whole file, in one request where it lies in a store. Raises FileNotFoundError, StoreError."""
    with _at(path) as (fs, name):
        return fs.cat_file(name)


@contextlib.contextmanager
def opened(path: str, *, parts: bool = False) -> Iterator[BinaryIO]:
    """Open a file for reading and seeking.

    Args:
        path: where.
        parts: only small parts of it will be read. From a store, a file is otherwise read whole, in one request: the
            old one or the new one. Where parts are of a file that was replaced in between, the reading fails: at a
            server of the web at the end of the block, where its length or tag is another one then.

    Raises:
        FileNotFoundError: there is none.
        StoreError: the store refuses or does not answer.
    """
    if not is_local(path) and not parts:
        yield io.BytesIO(read_bytes(path))
        return
    before = stamp(path) if is_web(path) else None
    with _at(path) as (fs, name):
        # HDF5 goes to and fro between tables and what they point to: blocks that were fetched are kept.
        kept = {"cache_type": "blockcache"} if is_web(path) else {}
        file = fs.open(name, "rb", block_size=PART_BYTES, **kept)
    if is_web(path) and not isinstance(file, AbstractBufferedFile):
        # The server gives no parts of a file.
        file.close()
        file = io.BytesIO(read_bytes(path))
    if isinstance(file, AbstractBufferedFile):
        file.cache.fetcher = storage.without_collections(file.cache.fetcher)
    with file:
        try:
            yield file
            if before is not None and (after := stamp(path)) != before:
                told = f"{path} was replaced while it was read ({before} before, {after} after)"
                raise StoreError(f"{told}; type the same command again")
        except Exception as error:
            # The block's own errors are its own, also where they are OSErrors.
            if is_local(path) or not storage.is_from_store(error):
                raise
            raise StoreError(f"{path} cannot be read now ({error}); the same command again goes on") from error


@contextlib.contextmanager
def fetched(path: str) -> Iterator[str]:
    """Give a local path of a file, under its own base name, for those who read nothing else; a copy goes again."""
    if is_local(path):
        yield storage.filesystem(path)[1]
        return
    with tempfile.TemporaryDirectory(prefix="raysp-") as folder:
        local = os.path.join(folder, os.path.basename(path))
        with open(local, "wb") as file:
            file.write(read_bytes(path))
        yield local


class Stamp(TypedDict, total=False):
    """A file's length, and its modification time on a disk, or its tag in a store; null where a server gives none."""

    size: int
    mtime_ns: int
    tag: str | None


def stamp(path: str) -> Stamp:
    """Return what changes when a file is written anew: its length, and modification time (ns) or a store's tag.

    Raises:
        FileNotFoundError: there is none.
    """
    if is_local(path):
        found = os.stat(storage.filesystem(path)[1])
        return {"size": found.st_size, "mtime_ns": found.st_mtime_ns}
    with _at(path) as (fs, name):
        found = fs.info(name)
    tag = next((found[name] for name in TAGS if found.get(name)), None)
    return {"size": found["size"], "tag": None if tag is None else str(tag)}


def write_text(path: str, text: str) -> None:
    """Write a whole text file, or leave what was there."""
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(text)


def read_text(path: str, *, exact: bool = False) -> str:
    """Read a whole text file.

    Args:
        path: where.
        exact: refuse bytes that are no UTF-8; logs are read with marks in their place.

    Raises:
        FileNotFoundError, StoreError: it is not there; the store does not tell.
        UnicodeDecodeError: it is no text, and `exact`.
    """
    # An editor may have put a byte order mark in front.
    content, errors = io.BytesIO(read_bytes(path)), "strict" if exact else "replace"
    return io.TextIOWrapper(content, encoding="utf-8-sig", errors=errors).read()


def write_json(path: str, value: object) -> None:
    """Write a value as JSON with its checksum, whole or not at all; NaN is refused: other readers cannot parse it."""
    write_text(path, json.dumps(checksum.seal(value), indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: str) -> Any:
    """Read a JSON file, and compare its checksum where it has one.

    Raises:
        FileNotFoundError: there is none.
        BadInput: the file is not JSON, or not what was written.
    """
    try:
        text = read_text(path, exact=True)
        return checksum.unseal(json.loads(text, parse_constant=_refuse_number, parse_float=_finite))
    except checksum.Damaged as error:
        raise damaged(path, error) from error
    except (ValueError, RecursionError, IsADirectoryError) as error:
        raise BadInput(f"{path} is not JSON ({error}); {AGAIN}") from error


def read_object(path: str, *needed: str) -> dict[str, Any]:
    """Read a JSON file that holds values by name.

    Args:
        path: where.
        needed: names that must be among them.

    Raises:
        FileNotFoundError: there is none.
        BadInput: see `read_json`; or it holds something else.
    """
    found = read_json(path)
    if not isinstance(found, dict) or not set(needed) <= set(found):
        raise damaged(path, f"expected {', '.join(needed) or 'values'} by name, got {str(found)[:80]}")
    return found


def _refuse_number(text: str) -> float:
    raise ValueError(f"expected finite numbers, got {text}")


def _finite(text: str) -> float:
    return value if math.isfinite(value := float(text)) else _refuse_number(text)


def sha256(path: str) -> str:
    """Return the SHA-256 of a file as hexadecimal digits, read in pieces.

    Of a file at an address of the web it is that of the address, the length and the server's tag: a recording whose
    spikes are a hundredth of it is not fetched for its name. Where the server gives no tag, it is fetched.
    """
    if is_web(path) and (found := stamp(path))["tag"] is not None:
        return digest(json.dumps({"address": str(path), **found}, sort_keys=True))
    with opened(path, parts=True) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # BinaryIO has no readinto
