"""What the system or a library refuses, as one sentence for a person: a full disk, no permission, a limit."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator

AGAIN = "what is finished is kept, and the same command goes on from there"
FULL, DENIED, MEMORY = "full", "denied", "memory"
SENTENCES = {
    FULL: f"no space left on the disk{{}}; make room: {AGAIN}",
    DENIED: "permission denied{}; give a folder of your own (--runs, --root), or ask its owner for the permission",
    "read-only": "a disk that can only be read{}; give a folder that can be written to (--runs, --root)",
    "too long": "a name that is too long for the disk{}; give a shorter one",
    "absent": "a file or folder is not there, or cannot be made{}; give another place, or make it",
    "no folder": "a file where a folder is needed, or a folder where a file is{}; move it away, or give another place",
    "open files": f"no more files may be opened (ulimit -n){{}}; raise the limit: {AGAIN}",
    "large": f"a file longer than this process may write (ulimit -f){{}}; raise the limit: {AGAIN}",
    "processes": f"no more processes or threads may be started (ulimit -u){{}}; raise the limit, or end some: {AGAIN}",
    MEMORY: f"no memory is left for this process (ulimit -v, its container, or the machine){{}}; {AGAIN}",
    "io": f"a disk that does not answer{{}}; {AGAIN}",
}
"""What happened and what to do, by kind of error."""
NUMBERS = {
    FULL: "ENOSPC EDQUOT",
    DENIED: "EACCES EPERM",
    "read-only": "EROFS",
    "too long": "ENAMETOOLONG",
    "absent": "ENOENT",
    "no folder": "ENOTDIR EEXIST EISDIR ELOOP",
    "open files": "EMFILE ENFILE",
    "large": "EFBIG",
    "processes": "EAGAIN",
    MEMORY: "ENOMEM",
    "io": "EIO ESTALE",
}
KINDS = {getattr(errno, name): kind for kind, names in NUMBERS.items() for name in names.split()}
# Libraries that are no Python pass the system's words on in errors of their own: polars, HDF5, SQLite, torch, Arrow.
PASSED_ON = "ENOSPC EDQUOT EACCES EROFS ENAMETOOLONG EMFILE EFBIG EAGAIN ENOMEM"
OWN_WORDS = {
    FULL: "disk is full",
    "read-only": "readonly database",
    "processes": "can't start new thread",
    MEMORY: "can't allocate memory|bad_alloc|Unable to allocate|out of memory",
}
NUMBERS_PASSED_ON = [getattr(errno, name) for name in PASSED_ON.split()]
WORDS = [(KINDS[one], rf"{os.strerror(one)}|(?:os error|errno =) {one}\b") for one in NUMBERS_PASSED_ON]
WORDS += OWN_WORDS.items()


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
            return SENTENCES[found].format(_where(one, found))
    if isinstance(error, UnicodeError) and _has_bytes(str(getattr(error, "object", ""))):
        return "a name on the disk or the command line is not in UTF-8; rename it, or give another place"
    return None


def named(error: BaseException) -> str:
    """Return an error's kind and its first line."""
    first = str(error).strip().splitlines()[:1]
    return ": ".join([type(error).__name__, *first])


def _kind(error: BaseException) -> str | None:
    if isinstance(error, OSError) and error.errno in KINDS:
        return KINDS[error.errno]
    if isinstance(error, MemoryError):
        return MEMORY
    text = str(error)
    return next((found for found, words in WORDS if re.search(words, text)), None)


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
    place = os.fsdecode(path)
    while place not in ("", "/") and not os.path.exists(place):
        place = os.path.dirname(place)
    with contextlib.suppress(OSError):
        owner, own = os.stat(place or ".").st_uid, os.getuid()
        return "" if owner == own else f" (it belongs to {_user(owner)}, and this is {_user(own)})"
    return ""


def _user(number: int) -> str:
    import pwd

    with contextlib.suppress(KeyError):
        return pwd.getpwuid(number).pw_name
    return str(number)


def _has_bytes(text: str) -> bool:
    """Tell whether a text holds bytes that are no characters, as Python keeps them in names."""
    return any("\udc80" <= letter <= "\udcff" for letter in text)
