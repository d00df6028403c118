import base64
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import psutil
import pytest

from raysp.config.experiment import Training, Trial
from raysp.driver import tracking_own
from raysp.driver.tracking import Tracker, catch_up, default_uri, told
from raysp.driver.tracking_content import numbers_of
from raysp.driver.tracking_server import serve
from raysp.driver.tracking_store import Store
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.yaml_files import write_yaml
from raysp.runs.curve import write_curve
from raysp.runs.folder import RunFolder, trial_to

TRIALS = [
    Trial("sae", {"hidden": 8}, Training(epochs=3), f"standin-mc_maze-20ms-{phase}", "d" * 64, seed=seed)
    for phase in ("val", "test")
    for seed in (0, 1)
]


def rows(epochs):
    return [
        {"epoch": e, "train_loss": 1.0 / e, "validation_loss": 2.0 / e, "learning_rate": 1e-3, "seconds": 0.1}
        for e in range(1, epochs + 1)
    ]


def finish(run, trial, epochs=3):
    folder = run.trial(trial.id)
    files.make_folder(folder.path)
    write_curve(folder.curve, rows(epochs))
    files.write_json(
        folder.done,
        {
            "validation": {"validation_loss": 0.5, "co-bps": 0.1},
            "seconds": 1.0,
            "parameters": 10,
            "best_epoch": 3,
            "selected_on": "validation trials of the training part",
        },
    )


def children(run):
    from mlflow import MlflowClient

    client = MlflowClient(default_uri(run))
    experiment = client.get_experiment_by_name(run.name).experiment_id
    found = client.search_runs([experiment], "tags.`raysp.kind` = 'trial'")
    return client, {item.data.tags["raysp.trial"]: item for item in found}


def track(run, trials, events=(), uri=None):
    tracker = Tracker(run, trials, uri, {"commit": "abc", "run": run.name})
    tracker.events(list(events))
    tracker.close()
    return tracker


def test_every_trial_is_a_child_run_with_tags_curve_and_numbers_and_a_second_sync_adds_nothing(run):
    live = [{"kind": "progress", "trial": TRIALS[0].id, "note": {"rows": rows(2)}}]
    assert track(run, TRIALS, live).problem is None
    assert track(run, TRIALS).problem is None
    client, found = children(run)
    assert set(found) == {trial.id for trial in TRIALS}
    first = found[TRIALS[0].id]
    assert first.info.status == "FINISHED"
    tags = first.data.tags
    assert (tags["dataset"], tags["bin_ms"], tags["phase"], tags["standin"]) == ("standin-mc_maze", "20", "val", "true")
    assert (tags["commit"], tags["data"], tags["model"], tags["seed"]) == ("abc", "d" * 64, "sae", "0")
    assert first.data.params["hidden"] == "8"
    assert first.data.params["epochs"] == "3"
    assert first.data.metrics["final/co-bps"] == 0.1
    history = client.get_metric_history(first.info.run_id, "train_loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    parents = {item.data.tags["mlflow.parentRunId"] for item in found.values()}
    assert len(parents) == 1


def under(run, commit, *trials):
    """Run a command of some commit."""
    tracker = Tracker(run, list(trials), None, {"commit": commit, "run": run.name})
    tracker.close()
    assert tracker.problem is None


def test_a_finished_trial_keeps_the_commit_that_it_was_trained_under(run):
    told, untold = TRIALS[:2]
    files.write_json(run.trial(told.id).done, {**run.trial(told.id).read_done(), "commit": "first"})
    for commit in ("second", "third"):
        under(run, commit, told, untold)
        tags = {name: item.data.tags["commit"] for name, item in children(run)[1].items()}
        assert tags == {told.id: "first", untold.id: "second"}


def test_a_trial_of_an_earlier_form_is_marked_until_it_comes_back(run):
    old, new = TRIALS[:2]

    def marked(present, earlier):
        record = {"trials": [trial_to(one) for one in present], "earlier": [trial_to(one) for one in earlier]}
        write_yaml(run.experiment, record)
        under(run, "a", *present)
        return {name for name, item in children(run)[1].items() if item.data.tags.get("raysp.left_out") == "true"}

    assert marked([old, new], []) == set()
    assert marked([new], [old]) == {old.id}
    assert marked([new], [old]) == {old.id}
    assert marked([old, new], []) == set()


def test_a_model_that_fits_itself_has_no_best_epoch(run):
    trained, floor = TRIALS[0], dataclasses.replace(TRIALS[0], model="mean_rate", settings={}, training=None)
    finish(run, floor)
    assert numbers_of(run, trained)[0]["best_epoch"] == 3
    assert "best_epoch" not in numbers_of(run, floor)[0]


def test_a_failed_trial_is_shown_as_failed_with_its_error(run):
    trial = TRIALS[0]
    files.remove(run.trial(trial.id).done)
    files.write_text(run.trial(trial.id).error, "Traceback\nValueError: boom")
    assert track(run, [trial]).problem is None
    item = children(run)[1][trial.id]
    assert item.info.status == "FAILED"
    assert "boom" in item.data.tags["raysp.error"]


class Refusing(BaseHTTPRequestHandler):
    asked: ClassVar = []

    def do_GET(self):
        self.asked.append(self.headers.get("Authorization"))
        self.send_error(503)

    do_POST = do_GET

    def log_message(self, *args):
        pass


@pytest.mark.parametrize("uri", ["http://me:hunter2-hunter2@127.0.0.1:1", "http://127.0.0.1:1?token=hunter2-hunter2"])
@pytest.mark.parametrize("use", [lambda run, uri: track(run, TRIALS, uri=uri), catch_up], ids=["tracker", "catch_up"])
def test_an_address_with_a_password_is_refused_and_told_without_it(run, use, uri):
    with pytest.raises(BadInput, match="MLFLOW_TRACKING_PASSWORD") as refused:
        use(run, uri)
    assert "hunter2" not in str(refused.value)


def test_a_problem_is_told_in_one_line_without_secrets(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hunter2-hunter2")
    problem = told(ValueError("no answer to Bearer hunter2-hunter2 from http://me:hunter3@host:1/x\nmore"))
    assert problem == "ValueError: no answer to Bearer *** from http://***@host:1/x"


def test_a_server_that_is_down_holds_nothing_up_and_is_caught_up_later(run, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter2-hunter2")
    Refusing.asked.clear()
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        tracker = Tracker(run, TRIALS, f"http://127.0.0.1:{server.server_port}", {})
        tracker.events([{"kind": "progress", "trial": TRIALS[0].id, "note": {"rows": rows(1)}}])
        tracker.close()
        assert tracker.problem
        assert "hunter2" not in tracker.problem
        # What the refusal of a password in an address advises.
        assert set(Refusing.asked) == {"Basic " + base64.b64encode(b"me:hunter2-hunter2").decode()}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert track(run, TRIALS).problem is None
    assert len(children(run)[1]) == len(TRIALS)


def content(run):
    """All that the store holds of runs, but when it was written, less the runs that were deleted."""
    with sqlite3.connect(run.mlflow) as database:
        runs = dict(database.execute("SELECT run_uuid, status FROM runs WHERE lifecycle_stage = 'active'"))
        trials = dict(database.execute("SELECT run_uuid, value FROM tags WHERE key = 'raysp.trial'"))
        found = set()
        for table in ("tags", "params", "metrics"):
            step = "step" if table == "metrics" else "0"
            for run_id, key, value, at in database.execute(f"SELECT run_uuid, key, value, {step} FROM {table}"):
                value = "an id" if key == "mlflow.parentRunId" else value
                if run_id in runs:
                    found.add((trials.get(run_id, "parent"), runs[run_id], table, key, value, at))
    database.close()
    return found


def record(run, **submission):
    files.write_text(run.experiment, yaml_text(run, submission))


def yaml_text(run, submission):
    from raysp.io.yaml_files import dump_yaml
    from raysp.runs.folder import trial_to

    return dump_yaml(
        {"trials": [trial_to(trial) for trial in TRIALS], "submissions": [{"commit": "abc", **submission}]}
    )


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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


def sql(run, *statements):
    with sqlite3.connect(run.mlflow) as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def half(run):
    sql(run, "DELETE FROM metrics WHERE key = 'train_loss' AND step = 2")


LOST = {
    "all parameters": lambda run: sql(run, "DELETE FROM params"),
    "one parameter": lambda run: sql(run, "DELETE FROM params WHERE key = 'hidden'"),
    "tags": lambda run: sql(run, "DELETE FROM tags WHERE key IN ('model', 'raysp.selected_on', 'commit')"),
    "the tag that says complete": lambda run: sql(run, "DELETE FROM tags WHERE key = 'raysp.complete'"),
    "final numbers": lambda run: sql(
        run, "DELETE FROM metrics WHERE key LIKE 'final/%'", "DELETE FROM latest_metrics WHERE key LIKE 'final/%'"
    ),
    "an epoch in the middle": half,
    "a whole metric": lambda run: sql(
        run, "DELETE FROM metrics WHERE key = 'train_loss'", "DELETE FROM latest_metrics WHERE key = 'train_loss'"
    ),
    "that it is finished": lambda run: sql(run, "UPDATE runs SET status = 'RUNNING'"),
    "a run, deleted on MLflow's pages": lambda run: children(run)[0].delete_run(
        children(run)[1][TRIALS[0].id].info.run_id
    ),
    "the parent run": lambda run: children(run)[0].delete_run(
        next(iter(children(run)[1].values())).data.tags["mlflow.parentRunId"]
    ),
    "which trial it is": lambda run: sql(run, "DELETE FROM tags WHERE key = 'raysp.trial'"),
    "that it is a trial": lambda run: sql(run, "DELETE FROM tags WHERE key = 'raysp.kind' AND value = 'trial'"),
    "other numbers": lambda run: sql(run, "UPDATE metrics SET value = 99", "UPDATE latest_metrics SET value = 99"),
    "another number within a curve": lambda run: sql(
        run, "UPDATE metrics SET value = 99 WHERE key = 'train_loss' AND step = 2"
    ),
    "no number": lambda run: sql(run, "UPDATE metrics SET is_nan = 1, value = 0 WHERE key = 'final/co-bps'"),
    "an epoch too many": lambda run: sql(run, "UPDATE metrics SET step = 9 WHERE key = 'train_loss' AND step = 3"),
    "another parameter": lambda run: sql(run, "UPDATE params SET value = '9' WHERE key = 'hidden'"),
}


@pytest.mark.parametrize("name", LOST)
def test_what_is_missing_is_found_by_content_and_written_again(stored, whole, name):
    LOST[name](stored)
    assert content(stored) != whole
    catch_up(stored)
    assert content(stored) == whole


@pytest.mark.parametrize("fails", range(9))
def test_a_server_that_goes_away_at_any_request_loses_nothing(run, whole, monkeypatch, fails):
    """At request number `fails` half of it is written, and its answer is an error."""
    from mlflow import MlflowClient

    real, asked = MlflowClient.log_batch, []

    def flaky(self, run_id, metrics=(), params=(), tags=(), **options):
        asked.append(run_id)
        if len(asked) == fails + 1:
            parts = {"metrics": metrics, "params": params, "tags": tags}
            real(self, run_id, **{name: list(part)[: len(part) // 2] for name, part in parts.items()})
            raise ConnectionError("gone")
        return real(self, run_id, metrics=metrics, params=params, tags=tags, **options)

    monkeypatch.setattr(MlflowClient, "log_batch", flaky)
    live = [{"kind": "progress", "trial": TRIALS[0].id, "note": {"rows": [row]}} for row in rows(3)]
    tracker = Tracker(run, TRIALS, None, {"commit": "abc", "run": run.name})
    tracker.events(live)
    assert tracker.close() == []
    assert len(asked) > fails
    assert content(run) == whole


def test_epochs_beyond_a_gap_wait_for_the_whole_curve(run):
    store = Store(run, None, {})
    store.curve(TRIALS[0], rows(3)[:1])
    store.curve(TRIALS[0], rows(3)[2:])
    client, found = children(run)
    run_id = found[TRIALS[0].id].info.run_id
    assert [point.step for point in client.get_metric_history(run_id, "train_loss")] == [1]
    store.sync(TRIALS)
    assert [point.step for point in client.get_metric_history(run_id, "train_loss")] == [1, 2, 3]


@pytest.mark.parametrize("change", ["UPDATE metrics SET value = 99", "UPDATE latest_metrics SET value = 99"])
def test_a_trial_that_is_written_anew_keeps_a_persons_tags_and_no_number_twice(stored, change):
    client, before = children(stored)
    client.set_tag(before[TRIALS[0].id].info.run_id, "mine", "good")
    sql(stored, change)
    catch_up(stored)
    client, after = children(stored)
    run = after[TRIALS[0].id]
    assert run.info.run_id != before[TRIALS[0].id].info.run_id
    assert (run.data.tags["mine"], run.data.metrics["final/co-bps"]) == ("good", 0.1)
    history = client.get_metric_history(run.info.run_id, "train_loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    dump = _dump(stored)
    catch_up(stored)
    assert _dump(stored) == dump


def test_looking_changes_nothing(stored):
    client, found = children(stored)
    client.set_tag(found[TRIALS[0].id].info.run_id, "model", "as a person named it")
    client.set_tag(found[TRIALS[0].id].info.run_id, "mine", "good")
    before = _dump(stored)
    record(stored, commit="of a later day")
    catch_up(stored)
    assert _dump(stored) == before


def _dump(run):
    with sqlite3.connect(run.mlflow) as database:
        found = list(database.iterdump())
    database.close()
    return found


def test_a_trial_that_failed_and_then_finished_has_no_error_any_more(run):
    trial = TRIALS[0]
    done = files.read_json(run.trial(trial.id).done)
    files.remove(run.trial(trial.id).done)
    files.write_text(run.trial(trial.id).error, "boom")
    track(run, [trial])
    files.remove(run.trial(trial.id).error)
    files.write_json(run.trial(trial.id).done, done)
    track(run, [trial])
    item = children(run)[1][trial.id]
    assert "raysp.error" not in item.data.tags
    assert item.info.status == "FINISHED"


def test_a_copied_folder_shows_its_trials_once_under_its_own_name(stored, tmp_path):
    shutil.copytree(stored.path, tmp_path / "standin-other")
    copy = RunFolder(str(tmp_path / "standin-other"))
    catch_up(copy)
    client, found = children(copy)
    assert len(found) == len(TRIALS)
    assert {one.name for one in client.search_experiments()} <= {"Default", "standin-other"}
    assert all("standin-other" in run.info.artifact_uri for run in found.values())
    assert len(children(stored)[1]) == len(TRIALS)


def test_an_experiment_deleted_on_mlflows_pages_is_restored(stored):
    client, _ = children(stored)
    client.delete_experiment(client.get_experiment_by_name(stored.name).experiment_id)
    catch_up(stored)
    assert len(children(stored)[1]) == len(TRIALS)


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


SPOILT = {
    "is no database": lambda path: pathlib.Path(path).write_bytes(b"junk" * 999),
    "is a folder": lambda path: os.makedirs(f"{path}/x"),
    "is damaged|is no database": cut,
    r"is of another version of MLflow \(0123456789ab\)": lambda path: other(path, "0123456789ab"),
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


@pytest.mark.slow
def test_the_pages_are_announced_once_they_can_be_opened_and_the_server_ends_with_its_caller(run):
    finish(run, TRIALS[0])
    uri, codes = catch_up(run, trials=[(TRIALS[0], {})]), []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(NotReady, match=f"127.0.0.1:{port} is taken.*--port {port + 1}"):
            serve(uri, "127.0.0.1", port, lambda: None)

    def ready():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=300) as page:
            codes.append(page.status)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(uri, "127.0.0.1", port, ready)
    assert codes == [200]
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


def test_a_host_that_is_not_known_is_refused_before_a_server_starts(run):
    with pytest.raises(BadInput, match="--host expected a name or address of this machine, got unknown"):
        serve(default_uri(run), "unknown.invalid", 5000, lambda: None)


SERVING = """
import sys
from raysp.io.interruption import taken_for_ctrl_c
from raysp.driver.tracking_content import numbers_of
from raysp.driver.tracking_server import serve
with taken_for_ctrl_c():
    serve(sys.argv[1], "127.0.0.1", int(sys.argv[2]), lambda: print("ready", flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_of_the_server_outlives_its_caller(tmp_path, number):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVING, f"sqlite:///{tmp_path}/x.db", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline() == "ready\n"
    started = psutil.Process(process.pid).children(recursive=True)
    assert len(started) >= 2
    process.send_signal(number)
    process.communicate()
    _, alive = psutil.wait_procs(started, timeout=600)
    assert not alive


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
