import contextlib
import errno
import fnmatch
import json
import os

import pytest

from raysp.errors import BadInput
from raysp.io import files


def test_replacing_leaves_the_old_file_when_writing_fails(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(OSError, match="No space"), files.replacing(str(path)) as temporary:
        with open(temporary, "w") as file:
            file.write("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_replacing_makes_folders_and_no_pattern_finds_what_is_unfinished(tmp_path):
    with files.replacing(str(tmp_path / "x" / "y.parquet")) as temporary:
        assert files.is_temporary(os.path.basename(temporary))
        assert os.path.dirname(temporary) == str(tmp_path / "x")
        assert not fnmatch.fnmatch(temporary, "*.parquet")
        with open(temporary, "w") as file:
            file.write("new")
    assert (tmp_path / "x" / "y.parquet").read_text() == "new"


def test_the_unfinished_file_may_lie_in_another_folder(tmp_path):
    with files.replacing(str(tmp_path / "x" / "y"), folder=str(tmp_path)) as temporary:
        assert os.path.dirname(temporary) == str(tmp_path)
        with open(temporary, "w") as file:
            file.write("new")
    assert (tmp_path / "x" / "y").read_text() == "new"


def test_the_longest_name_can_be_written(tmp_path):
    path = str(tmp_path / ("a" * 255))
    files.write_text(path, "new")
    assert files.read_text(path) == "new"


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1, "b": {"c": [0.1, None, "ü"]}},
        {},
        [1, 2],
        "text",
        3,
        None,
        {"value": 1},
        {"checksum": "x"},
        {1: 2, 10: 3},
    ],
)
def test_json_carries_a_checksum(tmp_path, value):
    path = str(tmp_path / "a.json")
    files.write_json(path, value)
    assert files.read_json(path) == json.loads(json.dumps(value))
    assert json.loads(files.read_text(path))["checksum"].startswith("sha256:")


def test_a_flipped_bit_of_json_is_told_of_or_changes_nothing(tmp_path):
    path, right = str(tmp_path / "a.json"), {"a": 1.5, "trial": "mean_rate_x", "deep": {"epoch": 3, "list": [1, 2]}}
    files.write_json(path, right)
    whole = files.read_bytes(path)
    for place in range(len(whole)):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        with open(path, "wb") as file:
            file.write(content)
        with contextlib.suppress(BadInput):
            assert files.read_json(path) == right, content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe{}", "is not JSON.*utf-8"),
        (b"{", "is not JSON"),
        (b"", "is not JSON"),
        (b"{}\0", "is not JSON"),
        (b'{"a": NaN}', "finite numbers, got NaN"),
        (b'{"a": 1e999}', "finite numbers, got 1e999"),
        (b'{"a": ' + b"1" * 5000 + b"}", "is not JSON.*4300 digits"),
        (b"[" * 100_000, "is not JSON.*recursion"),
        (b'{"a": 2, "checksum": "sha256:' + b"0" * 64 + b'"}', "is damaged: its content is not what was written"),
        (b'{"a": 2, "checksum": null}', "is damaged"),
        (b"[]", "expected values by name, got \\[\\]"),
        (b"null", "expected values by name, got None"),
    ],
)
def test_what_is_no_json_of_ours_is_one_sentence(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(BadInput, match=f"a.json {message}" if message.startswith("is") else message):
        files.read_object(str(tmp_path / "a.json"))


def test_what_a_json_file_needs_is_named(tmp_path):
    files.write_json(path := str(tmp_path / "a.json"), {"a": 1})
    assert files.read_object(path, "a") == {"a": 1}
    with pytest.raises(BadInput, match=r"a\.json is damaged: expected a, b by name, got \{'a': 1\}"):
        files.read_object(path, "a", "b")


def test_a_folder_in_a_files_place_is_one_sentence(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(BadInput, match=r"a\.json is not JSON"):
        files.read_json(str(tmp_path / "a.json"))


def test_json_of_an_earlier_version_and_an_editors_mark_are_read(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": [1]}')
    assert files.read_json(str(tmp_path / "a.json")) == {"a": [1]}


@pytest.mark.parametrize("name", ["[a]", "x*", "a?b", "a#b%20c", "~", "~root", "a::b", "file:x", "ü {a} b", "seed=1"])
def test_names_are_names(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for path in (name, f"file://{tmp_path}/{name}", str(tmp_path / name)):
        inside = files.join(path, "deep", "a.json")
        files.write_json(inside, {"a": 1})
        assert files.exists(inside)
        assert files.listing(path) == ["deep"]
        assert os.path.isfile(tmp_path / name / "deep" / "a.json")
        assert files.absolute(path) == str(tmp_path / name)
        files.remove(path)
        assert os.listdir(tmp_path) == []


def test_to_remove_a_folder_removes_no_other_that_its_name_would_match():
    for name in ("x*", "xy", "[x]", "x"):
        files.write_text(f"memory://runs/{name}/done.json", name)
    for name in ("x*", "[x]"):
        files.remove(f"memory://runs/{name}")
        assert not files.exists(f"memory://runs/{name}/done.json")
    assert files.read_text("memory://runs/xy/done.json") == "xy"
    assert files.read_text("memory://runs/x/done.json") == "x"
    for name in ("xy", "x"):
        files.remove(f"memory://runs/{name}")


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
