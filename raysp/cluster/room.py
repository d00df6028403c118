"""Where a Ray session of our own keeps its files and objects, and whether this process's limits leave room for it."""

from __future__ import annotations

import contextlib
import os
import resource
import tempfile
from typing import Any

from raysp.errors import NotReady
from raysp.io import machine

# A socket's path ends at 107 bytes; below Ray's folder it is /session_DATE_TIME_PID/sockets/plasma_store.
LONGEST = 107 - len("/session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store")
SHARED = "/dev/shm"
OF_MEMORY = 0.3
"""Ray's own share of a machine's memory for objects."""
LEAST_OBJECTS, MOST_OBJECTS, ON_DISK = 200 * 10**6, 200 * 10**9, 2 * 10**9
NEEDED = {
    resource.RLIMIT_AS: ("-v", 4 * 10**9, "bytes of address space"),
    resource.RLIMIT_DATA: ("-d", 4 * 10**9, "bytes of data"),
    resource.RLIMIT_NOFILE: ("-n", 150, "open files"),
    resource.RLIMIT_NPROC: ("-u", 256, "processes and threads"),
    resource.RLIMIT_FSIZE: ("-f", LEAST_OBJECTS, "bytes of a file"),
}


def options() -> dict[str, Any]:
    """Return what `ray.init` needs to know of places and memory.

    Raises:
        NotReady: there is no folder for it, or too little of something that this process may use.
    """
    check_limits()
    place = folder()
    total = machine.memory()
    objects, where = _objects(total, place)
    return {"_temp_dir": place, "object_store_memory": objects, "_plasma_directory": where, "_memory": total - objects}


def folder() -> str:
    """Return a folder for Ray's sockets and logs that this user may write to, of a short path.

    Ray's own choice (`ray` below RAY_TMPDIR, TMPDIR or /tmp) where it can be used, else one of this user's alone.

    Raises:
        NotReady: none can be made.
    """
    chosen = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"
    own = f"raysp-{os.getuid()}"
    candidates = [
        os.path.join(chosen, "ray"),
        *(os.path.join(top, own) for top in (chosen, "/tmp", "/var/tmp", SHARED)),
    ]
    for place in candidates:
        if _usable(place):
            return place
    with contextlib.suppress(OSError):
        # Another user made a folder of this one's name.
        return tempfile.mkdtemp(prefix="raysp-", dir="/tmp")
    raise NotReady(
        f"Ray found no folder for its sockets: {candidates[0]} cannot be used, nor one below /tmp; set RAY_TMPDIR to a "
        f"folder that you may write to, of at most {LONGEST - len('/ray')} characters"
    )


def _usable(place: str) -> bool:
    """Tell whether a folder is, or could be made, this user's own, with room for a socket's path."""
    inside_environment = f"{os.environ.get('VIRTUAL_ENV') or os.devnull}/"
    if not os.path.isabs(place) or len(os.fsencode(place)) > LONGEST or place.startswith(inside_environment):
        return False
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
        # What another user's Ray left there cannot be replaced, and should not be trusted.
        return os.stat(place).st_uid == os.getuid() and os.access(place, os.W_OK | os.X_OK)
    except OSError:
        return False


def check_limits() -> None:
    """Raise the number of open files as far as this process may, and refuse limits that Ray cannot live with.

    Raises:
        NotReady: which, and what to type.
    """
    for kind, (option, least, what) in NEEDED.items():
        soft, hard = resource.getrlimit(kind)
        if soft != hard and kind == resource.RLIMIT_NOFILE:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(kind, (hard, hard))
        if kind == resource.RLIMIT_NPROC and os.getuid() == 0:
            # Root is not held to it.
            continue
        now = machine.limit(kind)
        if now is not None and now < least:
            raise NotReady(
                f"Ray needs {least} {what}, and this process may have {now} (ulimit {option}); raise it with "
                f"`ulimit {option} unlimited`, or ask who runs this machine"
            )


def _objects(total: int, place: str) -> tuple[int, str]:
    """Return how many bytes of objects Ray may hold, and where: in shared memory, or on disk where that has no room."""
    # They are one file, a little longer than that.
    longest = int((machine.limit(resource.RLIMIT_FSIZE) or MOST_OBJECTS) * 0.8)
    most = min(int(total * OF_MEMORY), MOST_OBJECTS, longest)
    # Some of it is left to others.
    room = int(_free(SHARED) * 0.9)
    if room >= LEAST_OBJECTS:
        return max(min(most, room), LEAST_OBJECTS), SHARED
    free = _free(place)
    if free < LEAST_OBJECTS:
        raise NotReady(
            f"Ray has no room for objects: {room / 1e6:.0f} MB are free in {SHARED}, {free / 1e6:.0f} MB in {place}; "
            f"make {LEAST_OBJECTS / 1e6:.0f} MB free in one of them (of a container: --shm-size=1g), or set RAY_TMPDIR"
        )
    return max(min(most, ON_DISK, free), LEAST_OBJECTS), place


def _free(folder: str) -> int:
    with contextlib.suppress(OSError):
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize if os.access(folder, os.W_OK) else 0
    return 0
