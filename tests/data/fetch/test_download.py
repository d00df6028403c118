import errno
import hashlib
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import h5py
import pytest

from raysp.data.fetch import manifest
from raysp.data.fetch.download import check, fetch, status
from raysp.errors import BadInput, NotReady
from tests.data.local_web import BODIES, FILE, OTHER, nothing_but_the_file, pin, start_a_part


def test_all_files_come_whole_with_their_progress(place, web):
    told = []
    paths = fetch(["--all"], str(place.root), report=lambda *what: told.append(what))
    assert paths == [str(place.root / FILE), str(place.root / OTHER)]
    assert {name: Path(path).read_bytes() for name, path in zip(BODIES, paths, strict=True)} == BODIES
    assert nothing_but_the_file(place) == [place.target.name]
    for name, body in BODIES.items():
        mine = [done for told_name, done, total in told if told_name == name and total == len(body)]
        assert mine == sorted(mine)
        assert (mine[0], mine[-1]) == (0, len(body))
    assert [name for name, _ in web.asked] == list(BODIES)


def test_a_second_call_asks_nothing_and_hashes_nothing(place, web, monkeypatch):
    fetch(["one"], str(place.root))
    asked = len(web.asked)
    monkeypatch.setattr("raysp.io.files.sha256", lambda path: pytest.fail("hashed again"))
    told = []
    assert fetch(["one"], str(place.root), report=lambda *what: told.append(what)) == [str(place.target)]
    assert len(web.asked) == asked
    assert told == [(FILE, len(BODIES[FILE]), len(BODIES[FILE]))]


def test_corrupted_bytes_never_get_the_files_name(place, web):
    web.bodies[FILE] = b"\0" + BODIES[FILE][1:]
    expected, got = (hashlib.sha256(body).hexdigest() for body in (BODIES[FILE], web.bodies[FILE]))
    with pytest.raises(BadInput, match=f"expected sha256 {expected}, got {got}. They were removed; run the same"):
        fetch(["one"], str(place.root))
    assert nothing_but_the_file(place) == []
    web.bodies[FILE] = BODIES[FILE]
    fetch(["one"], str(place.root))
    assert place.target.read_bytes() == BODIES[FILE]


def test_a_disk_without_room_is_refused_before_anything_is_asked(place, web, monkeypatch):
    start_a_part(place, 1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=3_999_999))
    with pytest.raises(NotReady, match="4,000,000 more bytes expected to fit, 3,999,999 are free"):
        fetch(["one"], str(place.root))
    assert web.asked == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=4_000_000))
    assert fetch(["one"], str(place.root)) == [str(place.target)]


def test_a_disk_that_fills_up_keeps_the_part(place, monkeypatch):
    def full(name, done, total):
        if done > 2_000_000:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(NotReady, match=r"disk is full .* after [23],.*make room.*goes on from there"):
        fetch(["one"], str(place.root), report=full)
    assert 2_000_000 < place.part.stat().st_size < len(BODIES[FILE])
    fetch(["one"], str(place.root))
    assert place.target.read_bytes() == BODIES[FILE]


def child(place, body, **keywords):
    """Run `body` in a process of its own that downloads with the same manifest."""
    code = (
        "import resource, sys\nfrom raysp.data.fetch import manifest, transfer\n"
        "from raysp.data.fetch.download import fetch\n"
        f"manifest.PATH = {manifest.PATH!r}\nroot = {str(place.root)!r}\n{body}"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, **keywords)


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on file sizes")
def test_a_real_write_that_fails_keeps_the_part_and_resumes(place):
    body = (
        "from raysp.errors import NotReady\nresource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))\n"
        "try:\n    fetch(['one'], root)\nexcept NotReady as error:\n    print(error)"
    )
    with child(place, body) as process:
        said = process.communicate(timeout=600)[0]
    assert "the disk is full (File too large) after 3,000,000 bytes" in said
    assert place.part.read_bytes() == BODIES[FILE][:3_000_000]
    fetch(["one"], str(place.root))
    assert place.target.read_bytes() == BODIES[FILE]


def wait_for_a_part(place):
    deadline = time.monotonic() + 600
    while not (place.part.exists() and place.part.stat().st_size > 1_000_000):
        assert time.monotonic() < deadline, "the other process never began to download"
        time.sleep(0.02)


def test_a_killed_download_is_resumed(place, web):
    web.piece_pause_s = 0.05
    with child(place, "fetch(['one'], root)") as process:
        wait_for_a_part(place)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not place.target.exists()
    web.piece_pause_s, kept = 0.0, place.part.stat().st_size
    fetch(["one"], str(place.root))
    assert place.target.read_bytes() == BODIES[FILE]
    assert web.asked[-1][1]["Range"] == f"bytes={kept}-"


def test_two_downloads_at_once_ask_for_the_file_once(place, web):
    web.piece_pause_s = 0.05
    told = []
    with child(place, "print(fetch(['one'], root))") as other:
        wait_for_a_part(place)
        assert fetch(["one"], str(place.root), report=lambda *what: told.append(what)) == [str(place.target)]
        assert other.communicate(timeout=600)[0].strip() == f"['{place.target}']"
    assert len(web.asked) == 1
    assert told[-1] == (FILE, len(BODIES[FILE]), len(BODIES[FILE]))
    assert 1_000_000 < told[0][1] < len(BODIES[FILE]), "the waiting one reports the other's progress"
    assert place.target.read_bytes() == BODIES[FILE]


@pytest.mark.parametrize("source", [None, "folder", "http"])
def test_a_file_whose_length_nobody_wrote_down_comes_whole_and_goes_on(place, web, monkeypatch, source):
    monkeypatch.setattr(manifest, "PATH", pin(place.tmp, web.address, **{FILE: {"size": 0}}))
    mirror = place.tmp / "mirror" / FILE
    mirror.parent.mkdir(parents=True)
    mirror.write_bytes(BODIES[FILE])
    start_a_part(place, 1_000_000)
    given = {"folder": str(place.tmp / "mirror"), "http": web.address}.get(source)
    assert [Path(path).read_bytes() for path in fetch(["one"], str(place.root), source=given)] == [BODIES[FILE]]
    assert [headers.get("Range") for _, headers in web.asked] == (
        [] if source == "folder" else [None, "bytes=1000000-"]
    )
    assert [found.state for found in check(str(place.root), ["one"])] == ["verified"]
    place.target.write_bytes(b"mine")
    with pytest.raises(BadInput, match=r"is not the archive's file: expected sha256"):
        fetch(["one"], str(place.root), source=given)


@pytest.mark.parametrize("kind", ["folder", "file://", "http"])
def test_a_mirror_gives_the_files_in_the_archives_layout(place, web, kind):
    mirror = place.tmp / "mirror"
    for name, body in BODIES.items():
        (mirror / name).parent.mkdir(parents=True, exist_ok=True)
        (mirror / name).write_bytes(body)
    source = {"folder": str(mirror), "file://": mirror.as_uri(), "http": web.address}[kind]
    paths = fetch(["--all"], str(place.root), source=source)
    assert [Path(path).read_bytes() for path in paths] == list(BODIES.values())
    assert len(web.asked) == (2 if kind == "http" else 0)


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        (None, BadInput, "is not there; check --source"),
        (BODIES[FILE] + b"x", BadInput, "expected 5,000,000 bytes, got more"),
        (BODIES[FILE][:-1], NotReady, "expected 5,000,000 bytes, got 4,999,999"),
        (b"x" + BODIES[FILE][1:], BadInput, r"expected sha256 .* another --source"),
    ],
)
def test_a_folder_that_is_no_good_mirror_is_refused(place, body, error, said):
    mirror = place.tmp / "mirror" / FILE
    mirror.parent.mkdir(parents=True)
    if body is not None:
        mirror.write_bytes(body)
    with pytest.raises(error, match=said):
        fetch(["one"], str(place.root), source=str(place.tmp / "mirror"))
    assert nothing_but_the_file(place) == []


def test_a_standin_is_never_overwritten(place, web):
    place.target.parent.mkdir(parents=True)
    with h5py.File(place.target, "w") as file:
        file["identifier"] = "raysp-standin one"
    before = place.target.read_bytes()
    with pytest.raises(BadInput, match=r"is a stand-in that raysp generated.*--root"):
        fetch(["two", "one"], str(place.root))
    assert place.target.read_bytes() == before
    assert web.asked == []
    assert [found.state for found in status(str(place.root))] == ["standin", "absent"]


def test_a_file_that_is_not_the_archives_is_kept_and_named(place, web):
    place.target.parent.mkdir(parents=True)
    for body, said in ((b"mine", "5,000,000 bytes, got 4 bytes"), (b"x" + BODIES[FILE][1:], "expected sha256")):
        place.target.write_bytes(body)
        with pytest.raises(BadInput, match=f"is not the archive's file: .*{said}.*move or remove it"):
            fetch(["--all"], str(place.root))
        assert place.target.read_bytes() == body
    assert web.asked == []


def test_names_and_roots_are_checked_before_anything_is_asked(place, web):
    with pytest.raises(BadInput, match="unknown recording 'tow': did you mean 'two'"):
        fetch(["one", "tow"], str(place.root))
    with pytest.raises(BadInput, match="expected a folder, got 's3://bucket/data'"):
        fetch(["one"], "s3://bucket/data")
    with pytest.raises(BadInput, match="unknown recording"):
        check(str(place.root), ["three"])
    assert web.asked == []
    assert not place.root.exists()
