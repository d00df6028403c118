import base64
import dataclasses
import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import ClassVar

import pytest

from raysp.driver.tracking import Tracker, catch_up, message
from raysp.driver.tracking_content import numbers_of
from raysp.driver.tracking_store import Store
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.yaml_files import write_yaml
from raysp.runs.folder import trial_to
from tests.driver.tracked import TRIALS, children, content, finish, rows, track


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
    assert first.data.metrics["validation/co-bps"] == 0.1
    history = client.get_metric_history(first.info.run_id, "curve/train_loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    parents = {item.data.tags["mlflow.parentRunId"] for item in found.values()}
    assert len(parents) == 1


def under(run, commit, *trials):
    """Run a command of some commit."""
    tracker = Tracker(run, list(trials), None, {"commit": commit, "run": run.name})
    tracker.close()
    assert tracker.problem is None


def test_a_finished_trial_keeps_the_commit_that_it_was_trained_under(run):
    output, untold = TRIALS[:2]
    files.write_json(run.trial(output.id).done, {**run.trial(output.id).read_done(), "commit": "first"})
    for commit in ("second", "third"):
        under(run, commit, output, untold)
        tags = {name: item.data.tags["commit"] for name, item in children(run)[1].items()}
        assert tags == {output.id: "first", untold.id: "second"}


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
    trained, floor = TRIALS[0], dataclasses.replace(TRIALS[0], model="mean_rate", hyperparameters={}, training=None)
    finish(run, floor)
    assert numbers_of(run, trained)[0]["best_epoch"] == 3
    assert "best_epoch" not in numbers_of(run, floor)[0]


def test_a_number_whose_name_has_other_characters_than_mlflow_allows_is_kept(run):
    folder = run.trial(TRIALS[0].id)
    files.write_json(folder.done, {**folder.read_done(), "validation": {"co-bps gained, standard error (±)": 0.25}})
    assert track(run, TRIALS[:1]).problem is None
    found = children(run)[1][TRIALS[0].id].data.metrics
    assert found["validation/co-bps gained standard error"] == 0.25


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
    problem = message(ValueError("no answer to Bearer hunter2-hunter2 from http://me:hunter3@host:1/x\nmore"))
    assert problem == "ValueError: no answer to Bearer *** from http://***@host:1/x"


def test_a_full_disk_is_told_as_such_and_not_by_the_first_words_of_a_library():
    problem = message(ValueError("(raised as a result of Query-invoked autoflush)\n(sqlite3) database or disk is full"))
    assert problem.startswith("no space left on the disk")


def test_a_full_disk_is_told_whatever_a_library_says_of_what_its_first_try_left(run, monkeypatch):
    def fail(store):
        raise ValueError("table _alembic_tmp_tags already exists")

    monkeypatch.setattr(Store, "_connect", fail)
    for free, said in ((1 << 30, "_alembic_tmp_tags"), (4096, f"no space left on the disk of {run.path}")):
        monkeypatch.setattr(shutil, "disk_usage", lambda place, free=free: SimpleNamespace(free=free))
        (line,) = Tracker(run, TRIALS, None, {"run": run.name}).close()
        assert said in line


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


def test_a_trial_stands_there_with_its_own_times(run):
    trial, (began, ended) = TRIALS[0], (1_000_000.0, 1_000_030.5)
    done = {**run.trial(trial.id).read_done(), "ended": ended, "seconds": ended - began}
    files.write_json(run.trial(trial.id).done, done)
    # Heard of while it was trained, which is later than it began.
    track(run, TRIALS, [{"kind": "progress", "trial": trial.id, "note": {"rows": rows(1)}}])
    info = children(run)[1][trial.id].info
    assert (info.start_time, info.end_time) == (1000 * began, 1000 * ended)
