import os
import subprocess
import sys
import time

import pytest

from raysp.io import files, leftovers
from raysp.runs.folder import RunFolder
from raysp.runs.lock import locked

KILLED = """
import os, signal, sys
from raysp.io import files
with files.replacing(sys.argv[1]) as path:
    open(path, "w").write("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
WRITING = """
import sys
from raysp.io import files
with files.replacing(sys.argv[1]) as path, open(path, "w") as file:
    print("at it", flush=True)
    file.write(sys.stdin.readline())
"""


def command(code, path):
    return [sys.executable, "-c", code, str(path)]


@pytest.fixture
def killed(tmp_path):
    """A run folder with a trial whose writer was killed."""
    place = tmp_path / "run" / "trials" / "a"
    place.mkdir(parents=True)
    subprocess.run(command(KILLED, place / "predictions.parquet"), check=False)
    assert len(os.listdir(place)) == 1
    return place


def test_the_next_command_with_the_lock_removes_what_a_killed_one_left(tmp_path, killed):
    (killed / "done.json").write_text("{}")
    (killed / ".mine.tmp").write_text("of somebody")
    with locked(RunFolder(str(tmp_path / "run"))):
        assert sorted(os.listdir(killed)) == [".mine.tmp", "done.json"]


def test_a_file_that_is_being_written_stays(tmp_path, killed):
    process = subprocess.Popen(
        command(WRITING, killed / "curve.parquet"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "at it\n"
    leftovers.clear(str(tmp_path))
    assert [name.startswith(".curve.parquet.") for name in os.listdir(killed)] == [True]
    process.communicate("whole\n")
    assert (killed / "curve.parquet").read_text() == "whole\n"


@pytest.mark.parametrize(
    ("own", "age", "kept"), [(True, 5, True), (True, 60, False), (False, 60, True), (False, 7200, False)]
)
def test_where_others_may_write_only_what_is_old_goes(monkeypatch, tmp_path, killed, own, age, kept):
    monkeypatch.setattr(leftovers, "_own_disk", lambda folder: own)
    (name,) = os.listdir(killed)
    os.utime(killed / name, (time.time() - age,) * 2)
    leftovers.clear(str(tmp_path), leftovers.QUIET_S)
    assert os.listdir(killed) == [name] * kept


def test_what_ray_was_to_write_goes_with_a_killed_command(monkeypatch, tmp_path):
    monkeypatch.setattr(leftovers.tempfile, "tempdir", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    (tmp_path / f"raysp-pool-{done.stdout.strip()}-abc" / "x").mkdir(parents=True)
    mine = leftovers.scratch("tune")
    assert [str(tmp_path / name) for name in os.listdir(tmp_path)] == [mine]
    assert leftovers.scratch("pool") != mine
    assert os.path.isdir(mine)


def test_a_folder_that_this_user_may_not_look_into_is_not_called_empty(monkeypatch):
    def refuse(path, **options):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os.path, "exists", lambda path: False)
    monkeypatch.setattr(os, "stat", refuse)
    for ask in (lambda: files.exists("/x/experiment.yaml"), lambda: RunFolder("/x").record()):
        with pytest.raises(PermissionError):
            ask()
