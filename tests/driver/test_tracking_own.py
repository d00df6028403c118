import contextlib
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile

import pytest

from raysp.driver import tracking_own
from raysp.driver.tracking import Tracker, default_uri
from raysp.runs.folder import RunFolder
from tests.driver.tracked import TRIALS, content


def database(path, *statements):
    with sqlite3.connect(path) as opened:
        for statement in statements:
            opened.execute(statement)
    opened.close()


def cut(path):
    database(path, "CREATE TABLE a (b)", *(f"INSERT INTO a VALUES ('{'x' * 2000}')" for _ in range(20)))
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        file.truncate(size // 2)


def other(path, version):
    database(path, "CREATE TABLE alembic_version (version_num)", f"INSERT INTO alembic_version VALUES ('{version}')")


def flipped(path):
    """Change a bit of a key in the table, which its index holds as well."""
    other(path, "0123456789ab")
    database(path, "CREATE TABLE params (key TEXT PRIMARY KEY)", "INSERT INTO params VALUES ('hidden_size')")
    found = bytearray(pathlib.Path(path).read_bytes())
    found[found.find(b"hidden_size")] ^= 1
    pathlib.Path(path).write_bytes(found)


def no_letters(path):
    other(path, "0123456789ab")
    database(path, "CREATE TABLE tags (value TEXT)", "INSERT INTO tags VALUES (CAST(x'6189' AS TEXT))")


def hollow(path):
    """Make a store of this MLflow's version whose tables lack what MLflow reads."""
    other(path, tracking_own._head())
    database(path, *(f"CREATE TABLE {table} (run_uuid)" for table in sorted(tracking_own.NEEDED)))
    database(path, "INSERT INTO runs VALUES (1)")


SPOILT = {
    r"is damaged \(its table experiment_tags is not there, or not whole\)": hollow,
    r"is damaged \(its table experiments is not there, or not whole\)": lambda path: (
        hollow(path),
        database(path, "DROP TABLE experiments", "DROP TABLE params"),
    ),
    r"is damaged \(row 1 missing from index .*\)": flipped,
    r"is damaged \(Could not decode to UTF-8 column 'value' .*\)": no_letters,
    "is no database": lambda path: pathlib.Path(path).write_bytes(b"junk" * 999),
    "is a folder": lambda path: os.makedirs(f"{path}/x"),
    "is damaged|is no database": cut,
    r"is unfinished, or of another version of MLflow \(0123456789ab\)": lambda path: other(path, "0123456789ab"),
    "is the database of something else": lambda path: database(path, "CREATE TABLE mine (x)"),
    "is a link that leads nowhere": lambda path: os.symlink("/nowhere/x", path),
}


@pytest.mark.parametrize("reason", SPOILT)
def test_a_store_that_is_spoilt_is_kept_aside(tmp_path, reason):
    path = str(tmp_path / "mlflow.db")
    SPOILT[reason](path)
    line = tracking_own.set_aside(path)
    assert re.fullmatch(rf"{path} ({reason}).*; it is kept as mlflow.db.1, and the store is written anew", line)
    assert os.listdir(tmp_path) == ["mlflow.db.1"]
    assert tracking_own.set_aside(path) is None


def test_a_store_that_was_only_begun_goes(tmp_path):
    path = str(tmp_path / "mlflow.db")
    other(path, "0123456789ab")
    database(path, "CREATE TABLE experiments (name)", "CREATE TABLE runs (run_uuid)")
    assert tracking_own.set_aside(path) is None
    assert os.listdir(tmp_path) == []
    # Before its version was written.
    database(path, "CREATE TABLE experiments (name)", "CREATE TABLE runs (run_uuid)", "CREATE TABLE tags (value)")
    assert tracking_own.set_aside(path) is None
    assert os.listdir(tmp_path) == []
    other(path, "0123456789ab")
    database(path, "CREATE TABLE experiments (name)", "CREATE TABLE runs (run_uuid)", "INSERT INTO runs VALUES (1)")
    assert "unfinished" in tracking_own.set_aside(path)


def test_what_a_killed_writer_had_begun_is_taken_back_and_the_store_stays(tmp_path):
    path = str(tmp_path / "mlflow.db")
    other(path, tracking_own._head())
    quoted = {table: ", ".join(f'"{one}"' for one in names) for table, names in tracking_own._columns().items()}
    database(path, *(f"CREATE TABLE {table} ({names})" for table, names in quoted.items()))
    database(path, "INSERT INTO tags (value) VALUES ('of a person')")
    killed = (
        f"import os, sqlite3; opened = sqlite3.connect({path!r}); opened.execute('PRAGMA cache_size = 1');"
        "[opened.execute('INSERT INTO tags (value) VALUES (?)', ('x' * 3000,)) for _ in range(99)]; os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == 9
    assert os.path.exists(f"{path}-journal")
    assert tracking_own.set_aside(path) is None
    with contextlib.closing(sqlite3.connect(path)) as found:
        assert found.execute("SELECT value FROM tags").fetchall() == [("of a person",)]


def test_and_is_written_anew(run, whole):
    pathlib.Path(run.mlflow).write_bytes(b"junk" * 999)
    (line,) = Tracker(run, TRIALS, None, {"commit": "abc", "run": run.name}).close()
    assert line.startswith(f"tracking: {run.mlflow} is no database (file is not a database); it is kept as mlflow.db.1")
    assert content(run) == whole
    assert tracking_own.spoilt(run.mlflow) is None


def test_one_that_cannot_be_written_to_is_set_aside_and_an_empty_or_busy_one_is_not(tmp_path, monkeypatch):
    path = str(tmp_path / "mlflow.db")
    pathlib.Path(path).touch()
    assert tracking_own.spoilt(path) is None
    database(path, "CREATE TABLE a (b)")
    with sqlite3.connect(path) as busy:
        busy.execute("BEGIN EXCLUSIVE")
        assert tracking_own.spoilt(path) is None
    busy.close()
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    assert tracking_own.spoilt(path) == "cannot be written to"


def test_of_a_folder_that_cannot_be_written_to_the_store_lies_in_the_users_cache(run, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "access", lambda place, mode: str(place) != run.path)
    assert default_uri(run).startswith(f"sqlite:///{tmp_path}/cache/raysp/standin-x-")
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert default_uri(run).startswith(f"sqlite:///{tmp_path}/raysp-ui-")


@pytest.mark.parametrize("name", ["plain", "[a]", "x*", "a?b", "a#b%20c", "ü ~ b", "{a}", "a&b=c;d'e", "a::b"])
def test_a_store_lies_where_its_path_says(tmp_path, name):
    import sqlalchemy

    run = RunFolder(str(tmp_path / name))
    uri, path = default_uri(run), str(tmp_path / name / "mlflow.db")
    assert tracking_own.path_of(uri) == path
    engine = sqlalchemy.create_engine(uri)
    with engine.begin() as database:
        database.execute(
            sqlalchemy.text("CREATE TABLE metrics (run_uuid TEXT, key TEXT, step INT, value REAL, is_nan INT)")
        )
    engine.dispose()
    assert os.listdir(tmp_path / name) == ["mlflow.db"]
    assert tracking_own.history(uri, "x") == []
    assert tracking_own.path_of("http://server:5000") is None
    with tracking_own.without_litter(uri):
        os.makedirs(os.path.dirname(uri.removeprefix("sqlite:///")), exist_ok=True)
    assert os.listdir(tmp_path) == [name]
    assert os.listdir(tmp_path / name) == ["mlflow.db"]
