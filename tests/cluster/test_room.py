"""Where Ray's session lies and what it may take, without Ray."""

import os
import resource
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from raysp.cluster import room
from raysp.errors import NotReady
from raysp.io import machine


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    for name in ("RAY_TMPDIR", "TMPDIR", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)


def statvfs(free):
    return lambda path: SimpleNamespace(f_bavail=free[path] if path in free else free["else"], f_frsize=1)


@pytest.mark.parametrize("variable", ["RAY_TMPDIR", "TMPDIR"])
def test_a_short_folder_of_the_users_is_used_and_a_long_one_is_not(tmp_path, monkeypatch, variable):
    short, long = f"/tmp/r{os.getpid()}", tmp_path / ("l" * 90)
    monkeypatch.setenv(variable, short)
    try:
        assert room.folder() == f"{short}/ray"
    finally:
        os.removedirs(f"{short}/ray")
    long.mkdir()
    monkeypatch.setenv(variable, str(long))
    chosen = room.folder()
    assert len(chosen) <= room.LONGEST
    assert os.stat(chosen).st_uid == os.getuid()


def test_the_longest_folder_still_holds_a_sockets_path():
    socket = "/session_2026-11-28_22-56-10_123456_4194304/sockets/plasma_store"
    assert room.LONGEST + len(socket) == 107


@pytest.mark.parametrize("given", ["relative", "/proc/none", "/dev/null/x"])
def test_a_folder_that_cannot_be_made_is_passed_over(monkeypatch, given):
    monkeypatch.setenv("RAY_TMPDIR", given)
    assert room.folder() == f"/tmp/raysp-{os.getuid()}"


def test_another_users_folder_is_passed_over(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    monkeypatch.setattr(room.tempfile, "mkdtemp", lambda **where: f"{where['dir']}/{where['prefix']}x")
    assert room.folder() == "/tmp/raysp-x"
    for place in ("/tmp", "/var/tmp", room.SHARED):
        os.rmdir(f"{place}/raysp-12345")


def test_where_no_folder_can_be_made_it_is_told_what_to_set(monkeypatch):
    def refuse(*where, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "makedirs", refuse)
    monkeypatch.setattr(room.tempfile, "mkdtemp", refuse)
    with pytest.raises(NotReady, match=r"/tmp/ray cannot be used, nor one below /tmp; set RAY_TMPDIR to a folder"):
        room.folder()


@pytest.mark.parametrize(
    ("shared", "disk", "expected"),
    [
        (10**12, 10**12, (3 * 10**9, "/dev/shm")),
        (10**9, 10**12, (9 * 10**8, "/dev/shm")),
        (10**6, 10**12, (2 * 10**9, "/place")),
        (10**6, 5 * 10**8, (5 * 10**8, "/place")),
    ],
)
def test_objects_lie_in_shared_memory_or_on_disk_where_that_has_no_room(monkeypatch, shared, disk, expected):
    monkeypatch.setattr(os, "statvfs", statvfs({"/dev/shm": shared, "else": disk}))
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    monkeypatch.setattr(machine, "limit", lambda kind: None)
    assert room._objects(10**10, "/place") == expected


def test_no_room_for_objects_anywhere_is_told(monkeypatch):
    monkeypatch.setattr(os, "statvfs", statvfs({"else": 10**6}))
    with pytest.raises(NotReady, match=r"1 MB are free in /dev/shm, 1 MB in /tmp; make 200 MB free.*--shm-size"):
        room._objects(10**10, "/tmp")


def test_a_limit_that_may_be_raised_is_and_one_that_may_not_is_told(monkeypatch):
    limits, raised = {resource.RLIMIT_NOFILE: (256, 4096)}, []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits.get(kind, (-1, -1)))

    def setrlimit(kind, values):
        raised.append((kind, values))
        limits[kind] = values

    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    room.check_limits()
    assert raised == [(resource.RLIMIT_NOFILE, (4096, 4096))]
    limits[resource.RLIMIT_NOFILE] = (100, 100)
    with pytest.raises(NotReady, match=r"150 open files, and this process may have 100 \(ulimit -n\); raise it with"):
        room.check_limits()


@pytest.mark.parametrize(("user", "refused"), [(1000, True), (0, False)])
def test_few_processes_are_refused_but_not_to_root(monkeypatch, user, refused):
    limits = {resource.RLIMIT_NPROC: (40, 40)}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits.get(kind, (-1, -1)))
    monkeypatch.setattr(os, "getuid", lambda: user)
    expected = pytest.raises(NotReady, match=r"256 processes and threads.*ulimit -u") if refused else nullcontext()
    with expected:
        room.check_limits()
