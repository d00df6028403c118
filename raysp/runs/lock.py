"""The lock of a run: one command at a time writes there."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Iterator

from raysp.errors import BadInput
from raysp.io import files, lease, leftovers
from raysp.runs.folder import RunFolder


@contextlib.contextmanager
def locked(run: RunFolder) -> Iterator[None]:
    """Hold the run's lock for the block. On a disk the system frees it even when this process is killed.

    In a store of objects it is a lease, which others may take once it was not renewed for a while.

    Raises:
        BadInput: another process holds it, or has taken it.
    """
    who = f"process {os.getpid()} on {platform.node()}"
    if not files.is_local(run.path):
        with lease.held(run.lock, who):
            yield
        return
    from filelock import FileLock, Timeout

    files.make_folder(run.path)
    try:
        with FileLock(run.lock, timeout=0):
            files.write_text(run.holder, f"{who} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
            leftovers.clear(run.path)
            yield
    except Timeout as error:
        holder = files.read_text(run.holder) if files.exists(run.holder) else "another process"
        raise BadInput(
            f"{run.path} is being run by {holder}; wait for it, stop it, or give this run another name"
        ) from error


def is_held(run: RunFolder) -> bool:
    """Tell whether a command is at work on a run, without touching its lock; only what this machine knows of it.

    A lease in a store of objects is there while it is held, and for a while after a command that was killed.
    """
    if not files.is_local(run.path):
        return files.exists(run.lock)
    with contextlib.suppress(OSError):
        mark = os.stat(run.lock)
        where = f"{os.major(mark.st_dev):02x}:{os.minor(mark.st_dev):02x}:{mark.st_ino}"
        # Locks of all processes that this one can see; other systems than Linux have no such file.
        with open("/proc/locks", encoding="ascii") as locks:
            return any(where in line.split() for line in locks)
    return False
