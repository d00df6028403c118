"""MLflow as the index of a run: written by the driver alone, a picture of the run folder that can always be redrawn."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from raysp import address, files
from raysp.config import Trial
from raysp.errors import NotReady
from raysp.runs import RunFolder

FLUSH_S = 5.0
LAST_TRIES = 3
"""Of the last sync: a server that has just come back may be slow to answer."""
BATCH = 1000
QUIET_LOGGERS = ("mlflow", "alembic", "sqlalchemy", "urllib3")
COMPLETE, TRIAL, PARENT = "raysp.complete", "raysp.trial", "mlflow.parentRunId"


def default_uri(run: RunFolder) -> str:
    """Return the address of the run's own store: SQLite in the run folder, or on this machine for a run elsewhere."""
    files.make_folder(run.own)
    return f"sqlite:///{files.absolute(run.mlflow)}"


def check(uri: str | None) -> None:
    """Refuse a tracking address with a password or a token in it, None is the run's own store. Raises BadInput."""
    if uri is not None:
        address.check(uri, "--tracking", address.TRACKING)


def told(error: BaseException) -> str:
    """Return an error as one line without passwords and tokens; a client's message may quote its whole request."""
    return address.masked(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")


class Tracker:
    """Passes a run's events to MLflow from a thread of its own, so that a slow or dead server holds nothing up.

    What could not be written is written later by `sync`, from the run folder.

    Args:
        run: the run folder.
        trials: the trials of the plan.
        uri: a tracking server's address; None for the run's own store.
        tags: what holds for the whole run, e.g. commit and submission time.
    """

    def __init__(self, run: RunFolder, trials: list[Trial], uri: str | None, tags: dict[str, str]) -> None:
        self._store = Store(run, uri or default_uri(run), tags)
        self._trials = {trial.id: trial for trial in trials}
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.problem: str | None = None
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def add(self, trial: Trial, tags: dict[str, str]) -> None:
        """Take a trial that was not in the plan from the beginning, with tags of its own."""
        self._store.own_tags[trial.id] = tags
        self._trials[trial.id] = trial

    def events(self, events: list[dict[str, Any]]) -> None:
        """Hand over what happened; returns at once."""
        for event in events:
            self._events.put(event)

    def close(self, timeout_s: float | None = None) -> None:
        """Write all that is missing, and say in `problem` what could not be written.

        Args:
            timeout_s: how long to wait; by default two minutes and two seconds for each trial.
        """
        timeout_s = 120.0 + 2.0 * len(self._trials) if timeout_s is None else timeout_s
        self._events.put(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self.problem = f"no answer within {timeout_s:.0f} s"

    def _loop(self) -> None:
        over = False
        while not over:
            over, waiting = self._collect()
            if waiting:
                self._try(lambda waiting=waiting: self._write(waiting))
        for attempt in range(LAST_TRIES):
            time.sleep(attempt)
            self._try(lambda: self._store.sync(list(self._trials.values())))
            if self.problem is None:
                break

    def _collect(self) -> tuple[bool, list[dict[str, Any]]]:
        waiting, until = [], time.monotonic() + FLUSH_S
        while (left := until - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=left)
            except queue.Empty:
                break
            if event is None:
                return True, waiting
            waiting.append(event)
        return False, waiting

    def _write(self, events: list[dict[str, Any]]) -> None:
        rows: dict[str, list[dict[str, Any]]] = {}
        for event in events:
            # What is told of a machine has no trial.
            if event["trial"]:
                rows.setdefault(event["trial"], []).extend(event["note"].get("rows", []))
        for name, curve in rows.items():
            self._store.curve(self._trials[name], curve)

    def _try(self, step: Any) -> None:
        try:
            step()
            self.problem = None
        except Exception as error:
            # Whatever the server or its client raises: training goes on, and the last sync tries all of it again.
            self.problem = told(error)


class Store:
    """The MLflow experiment of one run folder: a parent run, and a child run per trial."""

    def __init__(self, run: RunFolder, uri: str, tags: dict[str, str]) -> None:
        check(uri)
        self._run, self._uri, self._tags = run, uri, tags
        self.own_tags: dict[str, dict[str, str]] = {}
        self._children: dict[str, str] = {}
        self._steps: dict[str, int] = {}
        self._searched = False
        self._connected: tuple[Any, str, str] | None = None

    def curve(self, trial: Trial, rows: list[dict[str, Any]]) -> None:
        """Add the epochs that are not there yet to a trial's run, in batches."""
        client, run_id = self._client(), self._child(trial)
        last = self._steps.get(run_id, -1)
        fresh = [row for row in rows if row["epoch"] > last]
        metrics = [point for row in fresh for point in _points(row)]
        for start in range(0, len(metrics), BATCH):
            client.log_batch(run_id, metrics=metrics[start : start + BATCH])
        if fresh:
            self._steps[run_id] = max(row["epoch"] for row in fresh)

    def sync(self, trials: list[Trial]) -> None:
        """Write what the run folder holds and MLflow lacks: finished and failed trials, their numbers, the report."""
        client = self._client()
        complete, states = self._found(), self._run.states(trials)
        for trial in trials:
            state = states[trial.id]
            if state == "done" and not complete.get(trial.id):
                self._finish(trial)
            elif state == "failed":
                client.set_tag(self._child(trial), "raysp.error", self._error(trial))
                client.set_terminated(self._child(trial), "FAILED")
        self._metrics()
        self._artifacts()

    def _client(self) -> Any:
        return self._connect()[0]

    def _connect(self) -> tuple[Any, str, str]:
        if self._connected is None:
            # A dead server must answer "dead" in seconds, not in MLflow's default of minutes.
            os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
            os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
            os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")
            os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
            for name in QUIET_LOGGERS:
                # What goes wrong is told in one sentence at the end, and nothing is lost by it.
                logging.getLogger(name).setLevel(logging.CRITICAL)
            from mlflow import MlflowClient

            client = MlflowClient(self._uri)
            experiment = self._experiment(client)
            self._connected = (client, experiment, self._parent(client, experiment))
        return self._connected

    def _experiment(self, client: Any) -> str:
        found = client.get_experiment_by_name(self._run.name)
        if found is not None:
            return found.experiment_id
        own = self._uri.startswith("sqlite:")
        place = f"file://{files.absolute(files.join(self._run.own, 'artifacts'))}" if own else None
        return client.create_experiment(self._run.name, artifact_location=place)

    def _parent(self, client: Any, experiment: str) -> str:
        found = client.search_runs([experiment], "tags.`raysp.kind` = 'run'", max_results=1)
        if found:
            run_id = found[0].info.run_id
            for name, value in self._tags.items():
                client.set_tag(run_id, name, value)
            return run_id
        tags = {"raysp.kind": "run", **self._tags}
        return client.create_run(experiment, run_name=self._run.name, tags=tags).info.run_id

    def _found(self) -> dict[str, bool]:
        client, experiment, _ = self._connect()
        complete, token = {}, None
        while True:
            page = client.search_runs([experiment], "tags.`raysp.kind` = 'trial'", max_results=1000, page_token=token)
            for run in page:
                name = run.data.tags[TRIAL]
                self._children[name] = run.info.run_id
                complete[name] = run.data.tags.get(COMPLETE) == "true" and run.info.status == "FINISHED"
            token = page.token
            if not token:
                self._searched = True
                return complete

    def _child(self, trial: Trial) -> str:
        client, experiment, parent = self._connect()
        if not self._searched:
            self._found()
        if trial.id not in self._children:
            own = self.own_tags.get(trial.id, {})
            tags = {**self._tags, **_tags(trial, parent), **own}
            run = client.create_run(experiment, run_name=_label(trial, own), tags=tags)
            self._children[trial.id], self._steps[run.info.run_id] = run.info.run_id, -1
            from mlflow.entities import Param

            client.log_batch(run.info.run_id, params=[Param(k, v) for k, v in _params(trial).items()])
        run_id = self._children[trial.id]
        if run_id not in self._steps:
            history = client.get_metric_history(run_id, "learning_rate")
            self._steps[run_id] = max((point.step for point in history), default=-1)
        return run_id

    def _finish(self, trial: Trial) -> None:
        from mlflow.entities import Metric, RunTag

        folder, client, run_id = self._run.trial(trial.id), self._client(), self._child(trial)
        if files.exists(folder.curve):
            self.curve(trial, _curve(folder.curve))
        done = files.read_json(folder.done)
        numbers = {f"final/{name}": value for name, value in done["validation"].items()}
        numbers |= {name: done[name] for name in ("seconds", "parameters", "best_epoch", "stopped_at") if name in done}
        now = int(time.time() * 1000)
        metrics = [Metric(name, float(value), now, 0) for name, value in numbers.items() if value is not None]
        tags = {"raysp.selected_on": done["selected_on"], COMPLETE: "true"}
        if files.exists(folder.predictions):
            tags["raysp.predictions"] = files.absolute(folder.predictions)
        client.log_batch(run_id, metrics=metrics, tags=[RunTag(name, value) for name, value in tags.items()])
        client.set_terminated(run_id, "FINISHED")

    def _metrics(self) -> None:
        if not files.exists(self._run.metrics):
            return
        from mlflow.entities import Metric
        from polars import col

        from raysp.evaluation.metrics_table import read_metrics

        client, now = self._client(), int(time.time() * 1000)
        whole = col("unit").is_null() & col("unit_index").is_null()
        table = read_metrics(self._run, whole, col("decoding").is_null(), col("value").is_finite())
        for (name,), rows in table.group_by("run_trial"):
            if name in self._children:
                points = [Metric(_name(row), row["value"], now, 0) for row in rows.to_dicts()]
                client.log_batch(self._children[name], metrics=points)

    def _artifacts(self) -> None:
        client, _, parent = self._connect()
        for name in files.listing(self._run.report):
            if name.endswith((".html", ".png")):
                with files.fetched(files.join(self._run.report, name)) as path:
                    client.log_artifact(parent, path, "report")
        client.set_terminated(parent, "FINISHED")

    def _error(self, trial: Trial) -> str:
        return files.read_text(self._run.trial(trial.id).error)[-4000:]


def _name(row: dict[str, Any]) -> str:
    """Return what MLflow calls a score: part, metric and parameter, in the characters that it allows."""
    parameter = "" if row["parameter"] is None else f" {row['parameter']}"
    return re.sub(r"[^\w.\- :/]", "", f"{row['part']}/{row['metric']}{parameter}")


def _label(trial: Trial, own: dict[str, str]) -> str:
    number = f" #{own['candidate']}" if "candidate" in own else ""
    return f"{trial.shown} {trial.split}{number} s{trial.seed}"


def _tags(trial: Trial, parent: str) -> dict[str, str]:
    tags = {
        "raysp.kind": "trial",
        TRIAL: trial.id,
        PARENT: parent,
        "model": trial.shown,
        "split": trial.split,
        "seed": str(trial.seed),
        "data": trial.data,
        "standin": str(trial.standin).lower(),
    }
    stem, _, phase = trial.split.rpartition("-")
    dataset, _, width = stem.rpartition("-")
    if phase in ("val", "test") and width.endswith("ms"):
        tags |= {"phase": phase, "dataset": dataset, "bin_ms": str(int(width.removesuffix("ms")))}
    return tags


def _params(trial: Trial) -> dict[str, str]:
    from raysp import settings

    training = {} if trial.training is None else settings.plain(trial.training)
    params = {"model": trial.shown, "split": trial.split, "seed": trial.seed, **trial.settings}
    return {name: str(value)[:6000] for name, value in {**params, **training}.items()}


def _points(row: dict[str, Any]) -> list[Any]:
    from mlflow.entities import Metric

    now, step = int(time.time() * 1000), int(row["epoch"])
    skip = ("epoch", "epochs", "seconds", "phase", "best_loss")
    numbers = {name: value for name, value in row.items() if name not in skip and isinstance(value, int | float)}
    return [Metric(name, float(value), now, step) for name, value in numbers.items()]


def _curve(path: str) -> list[dict[str, Any]]:
    from raysp.collection.curve import read_curve

    return read_curve(path)


def catch_up(run: RunFolder, uri: str | None = None, trials: list[tuple[Trial, dict[str, str]]] | None = None) -> str:
    """Write to a run's store what it lacks; return its address.

    Args:
        run: the run folder.
        uri: a tracking server's address; None for the run's own store.
        trials: the trials and tags of their own; None for those of the plan.

    Raises:
        NotReady: the folder is no run.
        BadInput: the address carries a password or a token.
    """
    from raysp.record import commit

    store = Store(run, uri or default_uri(run), {"commit": commit()["commit"], "run": run.name})
    given = [(trial, {}) for trial in run.trials()] if trials is None else trials
    store.own_tags = {trial.id: tags for trial, tags in given}
    store.sync([trial for trial, _ in given])
    return uri or default_uri(run)


def serve(uri: str, host: str, port: int, ready: Callable[[], None]) -> None:
    """Serve MLflow's pages for a store until Ctrl-C.

    Args:
        uri: the store's address.
        host, port: where to listen.
        ready: called once the pages can be opened.

    Raises:
        NotReady: the port is taken, or the server ended.
    """
    import socket
    import subprocess
    import sys
    import tempfile
    import urllib.request

    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        raise NotReady(f"{host}:{port} is taken, expected a free port; try raysp ui ... --port {port + 1}")
    # Without its job runners, and for one person, the server is 2 processes instead of 13.
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, "--workers", "1"]
    with tempfile.TemporaryFile("w+") as said:
        options = {"env": environment, "stdout": said, "stderr": subprocess.STDOUT}
        process = subprocess.Popen([*command, "--host", host, "--port", str(port)], **options)
        try:
            while process.poll() is None:
                with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{host}:{port}/health", timeout=2):
                    break
                time.sleep(0.2)
            if process.poll() is None:
                ready()
            # Libraries imported by now restart a system call after a signal: Ctrl-C would wait for its end.
            while process.poll() is None:
                time.sleep(0.2)
            if process.returncode != 0:
                said.seek(0)
                raise NotReady(f"MLflow's server on {host}:{port} ended: {said.read()[-1000:].strip()}")
        finally:
            process.terminate()
            process.wait()
