"""What stores of objects (s3://, gs://) need beside fsspec: settings in one place, errors in plain words."""

from __future__ import annotations

import contextlib
import copy
import errno
import gc
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import fsspec.config
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from raysp.errors import BadInput, StoreError
from raysp.io import address

SETTINGS: dict[str, dict[str, Any]] = {
    "s3": {
        # Other machines write to the same folders: what was listed a moment ago says nothing of now.
        "use_listings_cache": False,
        # A file read in one request is the old one or the new one; pieces asked for side by side could be of both.
        "max_concurrency": 1,
        "default_block_size": 5 * 2**20,
        "config_kwargs": {
            "retries": {"mode": "standard", "max_attempts": 8},
            "connect_timeout": 10,
            "read_timeout": 60,
        },
    },
    "gs": {"use_listings_cache": False},
}
"""Requests that fail or hang are repeated by the libraries, waiting longer each time. What a person set for fsspec
(~/.config/fsspec, FSSPEC_S3 and so on) comes before these."""

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
LIBRARIES = ("botocore", "aiobotocore", "aiohttp", "gcsfs", "google")
LOGIN = (401, 403, 407)
MEANT = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, the first one's values where both have one."""
    found = dict(second) | dict(first)
    both = [name for name in first if isinstance(first[name], Mapping) and isinstance(second.get(name), Mapping)]
    return found | {name: _merged(first[name], second[name]) for name in both}


def configure() -> None:
    """Give fsspec this module's settings, for every reader and writer of this process."""
    for protocol, own in SETTINGS.items():
        fsspec.config.conf[protocol] = _merged(fsspec.config.conf.get(protocol, {}), copy.deepcopy(own))


configure()


def filesystem(path: str) -> tuple[AbstractFileSystem, str]:
    """Return the fsspec file system of a path or address, and the path's name there.

    Raises:
        BadInput: no file system of that kind, its library is not installed, or a password is in the address.
    """
    address.check(str(path), "a folder or file", address.STORE)
    protocol, found, rest = str(path).partition("://")
    if not found or protocol == "file":
        # A name is a name: "~", "::" and ":" mean something to fsspec, and nothing here.
        return LocalFileSystem(), os.path.abspath(rest if found else str(path))
    try:
        return url_to_fs(str(path))
    except ImportError as error:
        extra = EXTRAS.get(protocol)
        way = f"pip install 'raysp[{extra}]'" if extra else str(error)
        raise BadInput(f"{path} needs a library that is not installed: {way}") from error
    except ValueError as error:
        raise BadInput(f"{path} expected a path, s3://BUCKET/FOLDER or gs://BUCKET/FOLDER ({error})") from error


def is_from_store(error: BaseException | None) -> bool:
    """Tell whether an error, or what caused it, was raised by a store's library."""
    while error is not None:
        if type(error).__module__.partition(".")[0] in LIBRARIES:
            return True
        error = error.__cause__ or error.__context__
    return False


@contextlib.contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn what a store's libraries raise within the block into one error; absent and existing files stay theirs.

    Raises:
        StoreError: the store refuses, or does not answer after all repetitions.
    """
    try:
        yield
    except MEANT:
        raise
    except PermissionError as error:
        raise StoreError(
            f"{path} is refused ({error}); check the credentials of this machine and what they may do there: list, "
            "read, write and remove",
        ) from error
    except OSError as error:
        if error.errno in NO_SPACE:
            raise
        raise StoreError(f"{path} cannot be used now ({error}); the same command again goes on") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in LIBRARIES:
            raise
        if "redentials" in type(error).__name__:
            raise StoreError(
                f"{path} needs credentials ({error}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, "
                "on every machine of the cluster, or give its machines a role"
            ) from error
        raise StoreError(f"{path} cannot be reached ({error}); the same command again goes on") from error


def without_collections(fetch: Callable[[int, int], bytes]) -> Callable[[int, int], bytes]:
    """Return a way to fetch bytes during which the garbage collector rests.

    fsspec fetches in a thread of its own. A collection that begins there and meets an object of h5py waits for h5py's
    lock, and the thread that waits for these bytes may hold it: neither would ever go on.
    """

    def fetched(start: int, end: int) -> bytes:
        at_work = gc.isenabled()
        gc.disable()
        try:
            return fetch(start, end)
        finally:
            if at_work:
                gc.enable()

    return fetched


def refusal(path: str) -> str:
    """Return why a server gives no file at an address of the web, as the rest of a sentence; "" where it has none."""
    fs, name = filesystem(path)
    try:
        fs.info(name)
    except Exception as error:
        found: BaseException | None = error
        while found is not None:
            if (status := getattr(found, "status", None)) in LOGIN:
                return f"needs a login (HTTP {status}): download it in a browser or with the archive's own tool"
            if status is None and type(found).__module__.partition(".")[0] in LIBRARIES:
                return f"cannot be reached ({found}): check the address and this machine's network"
            found = found.__cause__ or found.__context__
    return ""


def _is_bucket_absent(fs: AbstractFileSystem, name: str, error: BaseException) -> bool:
    """Tell whether a folder was not found since its bucket is not there."""
    if "NoSuchBucket" in type(error.__cause__).__name__:
        return True
    if "gs" not in fs.protocol:
        return False
    try:
        fs.ls(name.partition("/")[0], detail=False)
    except FileNotFoundError:
        return True
    return False


def check(path: str, *, write: bool = False) -> None:
    """Ask a store whether a folder can be listed, and whether files can be written and removed there.

    Args:
        path: an address.
        write: try to write a small file, and to remove it.

    Raises:
        BadInput: there is no such bucket, or a library is missing.
        StoreError: the store refuses or does not answer.
    """
    fs, name = filesystem(path)
    name = name.rstrip("/")
    absent = f"{path}: there is no bucket {name.partition('/')[0]!r}; make it first, or correct the address"
    with translated(path):
        try:
            fs.ls(name, detail=False)
        except FileNotFoundError as error:
            if _is_bucket_absent(fs, name, error):
                raise BadInput(absent) from error
        if write:
            probe = f"{name}/.raysp-{uuid.uuid4().hex[:8]}"
            try:
                fs.pipe_file(probe, b"raysp was here\n")
            except FileNotFoundError as error:
                raise BadInput(absent) from error
            fs.rm_file(probe)
