"""Runs of made-up trials with stores of their own."""

import shutil

import pytest

from raysp.driver.tracking import catch_up
from raysp.driver.tracking_store import Store
from raysp.runs.folder import RunFolder
from tests.driver.tracked import TRIALS, content, finish, record, sql


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A run whose store holds all, and the file of a store that holds nothing yet: to make one takes seconds."""
    folder = tmp_path_factory.mktemp("template")
    run, empty = RunFolder(str(folder / "standin-x")), RunFolder(str(folder / "standin-empty"))
    for trial in TRIALS:
        finish(run, trial)
    record(run)
    catch_up(run)
    Store(empty, None, {})._connect()
    sql(empty, "DELETE FROM runs", "DELETE FROM tags", "DELETE FROM experiments")
    return run, empty.mlflow


@pytest.fixture(scope="session")
def whole(template):
    """What the store holds when nothing goes wrong."""
    return {row for row in content(template[0]) if row[3] != "raysp.predictions"}


@pytest.fixture
def stored(template, tmp_path):
    """A run of one's own whose store holds all."""
    shutil.copytree(template[0].path, tmp_path / "standin-x")
    return RunFolder(str(tmp_path / "standin-x"))


@pytest.fixture
def run(template, tmp_path):
    """A run of one's own whose store holds nothing."""
    shutil.copytree(template[0].path, tmp_path / "standin-x", ignore=shutil.ignore_patterns("mlflow.db"))
    shutil.copy(template[1], tmp_path / "standin-x" / "mlflow.db")
    return RunFolder(str(tmp_path / "standin-x"))
