"""Temporary files of writers that were killed: removed once nobody can still be writing them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time

from raysp.io import files

# Other machines do not write there; of any other kind of disk, nobody here can tell.
OWN_DISKS = {"ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "f2fs", "vfat", "ramfs"}
QUIET_S, SHARED_QUIET_S = 10.0, 3600.0
"""Where others may be writing, on a disk of this machine alone or not: how long a file must not have changed."""
SCRATCH = re.compile(r"raysp-(?:pool|tune|code)-(\d+)-.+")


def clear(folder: str, quiet_s: float = 0.0) -> None:
    """Remove what killed writers left below a folder on a disk; whatever cannot be removed stays.

    Args:
        folder: whose lock this process holds, or where others may be writing just now.
        quiet_s: for the latter, how long a file must not have changed.
    """
    if not files.is_local(folder):
        return
    found = [os.path.join(top, name) for top, _, names in os.walk(folder) for name in names if files.is_temporary(name)]
    if not found:
        return
    quiet_s, busy = (quiet_s if _own_disk(folder) else max(quiet_s, SHARED_QUIET_S)), _open_files()
    for path in found:
        with contextlib.suppress(OSError):
            there = os.stat(path)
            if (there.st_dev, there.st_ino) not in busy and time.time() - there.st_mtime >= quiet_s:
                os.remove(path)


def scratch(what: str) -> str:
    """Make a folder for what is wanted while this process lives; those of commands that were killed go.

    Args:
        what: "pool", "tune" or "code".
    """
    top = tempfile.gettempdir()
    for name in os.listdir(top):
        if (owner := SCRATCH.fullmatch(name)) and not os.path.exists(f"/proc/{owner[1]}"):
            # Another user's stays.
            shutil.rmtree(os.path.join(top, name), ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"raysp-{what}-{os.getpid()}-")


def _own_disk(folder: str) -> bool:
    """Tell whether a folder lies on a disk of this machine alone."""
    device = os.stat(folder).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as lines:
        kinds = {line.partition(" - ")[2].split()[0] for line in lines if line.split()[2] == wanted}
        return bool(kinds) and kinds <= OWN_DISKS
    return False


def _open_files() -> set[tuple[int, int]]:
    """Return which files the processes of this machine have open, as far as this user may know."""
    found = set()
    for process in filter(str.isdigit, os.listdir("/proc")) if os.path.isdir("/proc") else ():
        with contextlib.suppress(OSError):
            for number in os.listdir(f"/proc/{process}/fd"):
                with contextlib.suppress(OSError):
                    there = os.stat(f"/proc/{process}/fd/{number}")
                    found.add((there.st_dev, there.st_ino))
    return found
