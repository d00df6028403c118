import errno
import os

import pytest

from raysp import files
from raysp.errors import BadInput


def test_replacing_leaves_the_old_file_when_writing_fails(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(OSError, match="No space"), files.replacing(str(path)) as temporary:
        with open(temporary, "w") as file:
            file.write("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_replacing_makes_folders_and_keeps_the_ending(tmp_path):
    with files.replacing(str(tmp_path / "x" / "y.parquet")) as temporary:
        assert temporary.endswith(".parquet")
        with open(temporary, "w") as file:
            file.write("new")
    assert (tmp_path / "x" / "y.parquet").read_text() == "new"


def test_json_round_trip_and_refusals(tmp_path):
    path = str(tmp_path / "a.json")
    files.write_json(path, {"b": [1, 2.5], "a": None})
    assert files.read_json(path) == {"a": None, "b": [1, 2.5]}
    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_json(path, {"a": float("nan")})
    assert files.read_json(path) == {"a": None, "b": [1, 2.5]}
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(BadInput, match="not JSON"):
        files.read_json(str(tmp_path / "b.json"))


def test_the_same_door_opens_other_file_systems():
    path = "memory://runs/x/done.json"
    files.write_json(path, {"a": 1})
    assert files.read_json(path) == {"a": 1}
    assert files.listing("memory://runs/x") == ["done.json"]
    files.remove("memory://runs/x")
    assert not files.exists(path)


def test_digest_does_not_depend_on_order():
    assert files.digest({"a": 1, "b": 2}) == files.digest({"b": 2, "a": 1})
    assert files.digest({"a": 1}) != files.digest({"a": 2})


def test_a_local_path_in_full_and_an_address_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert files.absolute("runs") == str(tmp_path / "runs")
    assert files.absolute(f"file://{tmp_path}/runs") == str(tmp_path / "runs")
    assert files.absolute("s3://bucket/runs/") == "s3://bucket/runs/"
