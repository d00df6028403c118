"""What the system or a library refuses, as one sentence for a person: a full disk, no permission, a limit."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator

FULL, DENIED, READ_ONLY, TOO_LONG, ABSENT = "full", "denied", "read-only", "too long", "absent"
NO_FOLDER, OPEN_FILES, PROCESSES, MEMORY, LARGE, BROKEN = (
    "no folder",
    "open files",
    "processes",
    "memory",
    "large",
    "io",
)
NUMBERS = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.ENOENT: ABSENT,
    errno.EACCES: DENIED,
    errno.EPERM: DENIED,
    errno.EROFS: READ_ONLY,
    errno.ENAMETOOLONG: TOO_LONG,
    errno.ENOTDIR: NO_FOLDER,
    errno.EEXIST: NO_FOLDER,
    errno.EISDIR: NO_FOLDER,
    errno.ELOOP: NO_FOLDER,
    errno.EMFILE: OPEN_FILES,
    errno.ENFILE: OPEN_FILES,
    errno.EAGAIN: PROCESSES,
    errno.ENOMEM: MEMORY,
    errno.EFBIG: LARGE,
    errno.EIO: BROKEN,
    errno.ESTALE: BROKEN,
}
# Libraries that are no Python pass the system's words on in errors of their own: polars, HDF5, SQLite, torch, Arrow.
WORDS = (
    (FULL, r"No space left on device|os error (28|122)\b|errno = (28|122)\b|disk is full|Disk quota exceeded"),
    (DENIED, r"Permission denied|os error 13\b|errno = 13\b"),
    (READ_ONLY, r"Read-only file system|os error 30\b|errno = 30\b|readonly database"),
    (TOO_LONG, r"File name too long|os error 36\b|errno = 36\b"),
    (OPEN_FILES, r"Too many open files|os error 24\b|errno = 24\b"),
    (LARGE, r"File too large|os error 27\b|errno = 27\b"),
    (PROCESSES, r"can't start new thread|Resource temporarily unavailable|os error 11\b"),
    (MEMORY, r"Cannot allocate memory|can't allocate memory|bad_alloc|os error 12\b|Unable to allocate|out of memory"),
)
AGAIN = "what is finished is kept, and the same command goes on from there"
SAID = {
    FULL: f"no space left on the disk{{}}; make room: {AGAIN}",
    DENIED: "permission denied{}; give a folder of your own (--runs, --root), or ask its owner for the permission",
    READ_ONLY: "a disk that can only be read{}; give a folder that can be written to (--runs, --root)",
    TOO_LONG: "a name that is too long for the disk{}; give a shorter one",
    ABSENT: "a file or folder is not there, or cannot be made{}; give another place, or make it",
    NO_FOLDER: "a file where a folder is needed, or a folder where a file is{}; move it away, or give another place",
    OPEN_FILES: f"no more files may be opened (ulimit -n){{}}; raise the limit: {AGAIN}",
    PROCESSES: f"no more processes or threads may be started (ulimit -u){{}}; raise the limit, or end some: {AGAIN}",
    MEMORY: f"no memory is left for this process (ulimit -v, its container, or the machine){{}}; {AGAIN}",
    LARGE: f"a file longer than this process may write (ulimit -f){{}}; raise the limit: {AGAIN}",
    BROKEN: f"a disk that does not answer{{}}; {AGAIN}",
}


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error says that no room is left on the disk, or none for this user."""
    return kind(error) == FULL


def kind(error: BaseException) -> str | None:
    """Return which of the kinds above an error, or one that caused it, is of; None for another."""
    return next((found for one in _chain(error) if (found := _kind(one)) is not None), None)


def sentence(error: BaseException) -> str | None:
    """Return what happened and what to do, with the file that it happened to; None for an error of another kind."""
    for one in _chain(error):
        if (found := _kind(one)) is not None:
            return SAID[found].format(_where(one, found))
    if isinstance(error, UnicodeError) and _has_bytes(str(getattr(error, "object", ""))):
        return "a name on the disk or the command line is not in UTF-8; rename it, or give another place"
    return None


def named(error: BaseException) -> str:
    """Return an error's kind and its first line."""
    first = str(error).strip().splitlines()[:1]
    return ": ".join([type(error).__name__, *first])


def _kind(error: BaseException) -> str | None:
    if isinstance(error, OSError) and error.errno in NUMBERS:
        return NUMBERS[error.errno]
    if isinstance(error, MemoryError):
        return MEMORY
    text = str(error)
    return next((name for name, words in WORDS if re.search(words, text)), None)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        yield error
        seen.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _where(error: BaseException, found: str) -> str:
    path = getattr(error, "filename", None)
    if path is None:
        return f" ({named(error)})"
    return f": {os.fsdecode(path) if isinstance(path, bytes) else path}{_owner(path) if found == DENIED else ''}"


def _owner(path: str | bytes) -> str:
    """Return, in brackets, whose the nearest folder is that can be looked at."""
    import pwd

    place = os.fsdecode(path)
    while place not in ("", "/") and not os.path.exists(place):
        place = os.path.dirname(place)
    with contextlib.suppress(OSError, KeyError):
        owner = os.stat(place or ".").st_uid
        names = [next(iter(_name(pwd, number)), str(number)) for number in (owner, os.getuid())]
        return "" if owner == os.getuid() else f" (it belongs to {names[0]}, and this is {names[1]})"
    return ""


def _name(pwd: object, number: int) -> list[str]:
    with contextlib.suppress(KeyError):
        return [pwd.getpwuid(number).pw_name]
    return []


def _has_bytes(text: str) -> bool:
    """Tell whether a text holds bytes that are no characters, as Python keeps them in names."""
    return any("\udc80" <= letter <= "\udcff" for letter in text)
