"""What the system and libraries raise, as they raise it, and what a person reads."""

import errno
import os
import resource
import sqlite3
import subprocess
import sys

import pytest

from raysp.io.system_errors import is_disk_full, kind, named, sentence


class ComputeError(Exception):
    """As polars has it."""


FULL = [
    OSError(errno.ENOSPC, "No space left on device", "/full/x"),
    OSError(errno.EDQUOT, "Disk quota exceeded", "/full/x"),
    ComputeError("No space left on device (os error 28): /full/metrics.parquet"),
    OSError(
        "Can't synchronously write data (file write failed: errno = 28, error message = 'No space left on device')"
    ),
    sqlite3.OperationalError("database or disk is full"),
    RuntimeError("(sqlite3.OperationalError) database or disk is full"),
]


@pytest.mark.parametrize("error", FULL, ids=str)
def test_a_full_disk_is_known_in_every_librarys_words(error):
    assert is_disk_full(error)
    output = sentence(error)
    assert output.startswith("no space left on the disk")
    assert output.endswith("what is finished is kept, and the same command goes on from there")
    assert "\n" not in output


def test_a_full_disk_is_known_behind_another_error():
    error = RuntimeError("the file could not be closed")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device", "/full/x")
    assert is_disk_full(error)
    assert "/full/x" in sentence(error)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/proc/1/environ"), "denied"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/proc/x"), "absent"),
        (PermissionError(errno.EPERM, "Operation not permitted", "/x"), "denied"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), "read-only"),
        (RuntimeError("attempt to write a readonly database"), "read-only"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "/" + "x" * 300), "too long"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/x/y"), "no folder"),
        (FileExistsError(errno.EEXIST, "File exists", "/x"), "no folder"),
        (OSError(errno.EMFILE, "Too many open files"), "open files"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "processes"),
        (RuntimeError("can't start new thread"), "processes"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
        (MemoryError("Unable to allocate 7.3 TiB for an array"), "memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "memory"),
        (OSError(errno.EFBIG, "File too large"), "large"),
        (OSError(errno.EIO, "Input/output error", "/x"), "io"),
    ],
)
def test_what_the_system_refuses_is_one_sentence(error, expected):
    assert kind(error) == expected
    output = sentence(error)
    assert "\n" not in output
    assert (error.filename if getattr(error, "filename", None) else named(error)) in output


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("os errors: 280")])
def test_other_errors_are_not_the_systems(error):
    assert sentence(error) is None


def test_a_permission_names_both_users(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "getuid", lambda: 65534)
    output = sentence(PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "not" / "there")))
    owner = "root" if os.geteuid() == 0 else ""
    assert f"(it belongs to {owner}" in output
    assert ", and this is nobody)" in output


def test_a_files_limit_is_told(tmp_path):
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from raysp.io import files; from raysp.io.system_errors import sentence\n"
        f"try:\n    files.write_text({str(tmp_path / 'x')!r}, 'x' * 9999)\n"
        "except OSError as error:\n    print(sentence(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"a file longer than this process may write (ulimit -f): {tmp_path}/x; raise")
    assert os.listdir(tmp_path) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
