import base64
import socket
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from raysp import files
from raysp.collection.curve import write_curve
from raysp.config import Training, Trial
from raysp.errors import BadInput, NotReady
from raysp.runs import RunFolder
from raysp.tracking import Tracker, catch_up, default_uri, serve, told

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


@pytest.fixture
def run(tmp_path):
    run = RunFolder(str(tmp_path / "standin-x"))
    files.make_folder(run.path)
    for trial in TRIALS:
        finish(run, trial)
    return run


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
        started = time.monotonic()
        tracker = Tracker(run, TRIALS, f"http://127.0.0.1:{server.server_port}", {})
        tracker.events([{"kind": "progress", "trial": TRIALS[0].id, "note": {"rows": rows(1)}}])
        assert time.monotonic() - started < 1
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


@pytest.mark.slow
@pytest.mark.timeout(290)
def test_the_pages_are_announced_once_they_can_be_opened_and_the_server_ends_with_its_caller(run):
    finish(run, TRIALS[0])
    uri, codes = catch_up(run, trials=[(TRIALS[0], {})]), []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(NotReady, match=f"127.0.0.1:{port} is taken.*--port {port + 1}"):
            serve(uri, "127.0.0.1", port, lambda: None)

    def ready():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
            codes.append(page.status)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(uri, "127.0.0.1", port, ready)
    assert codes == [200]
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
