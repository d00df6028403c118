"""The MLflow experiment of one run folder: a parent run, a child run per trial; what it lacks is judged by content."""

from __future__ import annotations

import logging
import os
import time
from itertools import count, starmap, takewhile
from typing import TYPE_CHECKING

from raysp.config.experiment import Trial
from raysp.config.note import Note
from raysp.driver import tracking_content as content
from raysp.driver import tracking_members, tracking_own, tracking_view
from raysp.driver.tracking_content import COMMIT, COMPLETE, ERROR, KIND, LEFT_OUT, NOTE, PARENT, TRIAL, same
from raysp.io import files
from raysp.runs.folder import RunFolder

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

BATCH, PARAMS = 1000, 100
"""Metrics and parameters that MLflow takes in one request."""
EVERY_EPOCH = (f"{content.CURVE}train_loss", f"{content.CURVE}learning_rate")
QUIET_LOGGERS = ("mlflow", "alembic", "sqlalchemy", "urllib3")
ENVIRONMENT = {
    # A dead server must answer "dead" in seconds, not in MLflow's default of minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


class Store:
    """The picture of one run folder in MLflow.

    Args:
        run: the run folder.
        uri: a tracking server's address; None for the run's own store.
        tags: what holds for the whole run.
        looking: only write what is missing, and change no tag that is there.
    """

    def __init__(self, run: RunFolder, uri: str | None, tags: dict[str, str], *, looking: bool = False) -> None:
        self._run, self._given, self._tags, self._looking = run, uri, tags, looking
        self.uri = uri or tracking_own.default_uri(run)
        self.own_tags: dict[str, dict[str, str]] = {}
        self.notes: list[str] = []
        self._children: dict[str, Run] = {}
        self._steps: dict[str, int] = {}
        self._searched = False
        self._connected: tuple[MlflowClient, str, Run] | None = None

    def curve(self, trial: Trial, rows: list[Note]) -> None:
        """Add epochs to a running trial's curve; those beyond a gap wait for `sync`, which knows the whole curve."""
        run_id = self._child(trial).info.run_id
        last = self._last_step(run_id)
        by_epoch = {row["epoch"]: row for row in rows if row["epoch"] > last}
        fresh = [by_epoch[epoch] for epoch in takewhile(by_epoch.__contains__, count(last + 1))]
        if fresh:
            # Where it fails, nobody knows how far it came.
            del self._steps[run_id]
            self._log(run_id, [(n, value, row["epoch"]) for row in fresh for n, value in content.points(row).items()])
            self._steps[run_id] = fresh[-1]["epoch"]

    def sync(self, trials: list[Trial]) -> None:
        """Write what the run folder holds and MLflow lacks: finished and failed trials, their numbers, the report."""
        self._searched = False
        self._find()
        states, scores = self._run.states(trials), content.scores_of(self._run)
        for trial in trials:
            if states[trial.id] == "done":
                self._finish(trial, scores.get(trial.id, {}))
            elif states[trial.id] == "failed":
                self._fail(trial)
        if not self._looking:
            self._mark_left_out()
        client, experiment, parent = self._connect()
        tracking_members.show_members(client, experiment, parent.info.run_id, self._run)
        self._artifacts(trials if self._looking else [])
        self._show()

    def opened(self) -> str:
        """Return where the comparison of the trials lies on a server's pages, from "/" on."""
        return tracking_view.address(self._connect()[1])

    def _show(self) -> None:
        """Say what MLflow's pages open on, from the trials that are there by now."""
        client, experiment, _ = self._connect()
        self._find()
        trials = [(run.data.params, run.data.metrics) for run in self._children.values()]
        wanted = {**tracking_view.EXPERIMENT_KIND, tracking_view.TAG: tracking_view.view(trials)}
        there = client.get_experiment(experiment).tags
        for name, value in wanted.items():
            if there.get(name) != value:
                client.set_experiment_tag(experiment, name, value)

    def _connect(self) -> tuple[MlflowClient, str, Run]:
        """Return (client, the experiment's id, the parent run)."""
        if self._connected is None:
            for name, value in ENVIRONMENT.items():
                os.environ.setdefault(name, value)
            for name in QUIET_LOGGERS:
                # What goes wrong is one sentence at the end, and nothing is lost by it.
                logging.getLogger(name).setLevel(logging.CRITICAL)
            from mlflow import MlflowClient

            own = tracking_own.path_of(self.uri)
            if self._given is None and own is not None and (note := tracking_own.set_aside(own)):
                self.notes.append(note)
            with tracking_own.without_litter(self.uri):
                client = MlflowClient(self.uri)
                if self._given is None and own is not None:
                    tracking_own.move_artifacts(own)
                experiment = self._experiment(client)
            self._connected = (client, experiment, self._parent(client, experiment))
        return self._connected

    def _experiment(self, client: MlflowClient) -> str:
        found = client.get_experiment_by_name(self._run.name)
        if found is not None:
            if found.lifecycle_stage == "deleted":
                client.restore_experiment(found.experiment_id)
            return found.experiment_id
        own = tracking_own.path_of(self.uri)
        place = None if own is None else tracking_own.artifacts(own)
        if self._given is None and (earlier := self._earlier_name(client)):
            client.rename_experiment(earlier, self._run.name)
            parent = self._parent(client, earlier).info.run_id
            client.update_run(parent, name=self._run.name)
            client.set_tag(parent, "run", self._run.name)
            return earlier
        return client.create_experiment(self._run.name, artifact_location=place)

    def _earlier_name(self, client: MlflowClient) -> str | None:
        """Return the id of the experiment that a copied or renamed folder brought along; None where there is none."""
        for one in client.search_experiments():
            if client.search_runs([one.experiment_id], f"tags.`{KIND}` = 'run'", max_results=1):
                return str(one.experiment_id)
        return None

    def _parent(self, client: MlflowClient, experiment: str) -> Run:
        found = client.search_runs([experiment], f"tags.`{KIND}` = 'run'", max_results=1)
        if not found:
            tags = {KIND: "run", **self._tags}
            began = content.began(self._run) if self._looking else None
            return client.create_run(experiment, start_time=began, run_name=self._run.name, tags=tags)
        for name, value in self._tags.items():
            if self._lacks(found[0], name, value):
                client.set_tag(found[0].info.run_id, name, value)
        return found[0]

    def _find(self) -> None:
        """Look up the trials that are there, the earliest where one was written twice."""
        client, experiment, _ = self._connect()
        self._children, token = {}, None
        while True:
            oldest = ["attributes.start_time ASC"]
            page = client.search_runs([experiment], max_results=1000, page_token=token, order_by=oldest)
            for run in page:
                trial = run.data.tags.get(TRIAL)
                if trial is None and run.data.tags.get(KIND) == "trial":
                    # Nothing tells which; it is written anew.
                    client.delete_run(run.info.run_id)
                elif trial and self._children.setdefault(trial, run) is not run and not self._looking:
                    # Its request was repeated since the answer to the first was lost.
                    client.delete_run(run.info.run_id)
            token = page.token
            if not token:
                self._searched = True
                return

    def _child(self, trial: Trial, known: dict[str, str] | None = None, *, anew: bool = False) -> Run:
        """Return a trial's run with all its parameters and tags, made where it is not there.

        Args:
            trial: of the plan.
            known: tags of a finished trial, None of another; the commit that it was trained under outlives commands.
            anew: delete a run that is there, and keep the tags that a person gave it.
        """
        client, experiment, parent = self._connect()
        if not self._searched:
            self._find()
        own, params = self.own_tags.get(trial.id, {}), content.params_of(trial)
        tags = {**self._tags, **content.tags_of(trial, parent.info.run_id), **own, **(known or {})}
        run, kept = self._children.get(trial.id), {}
        if run is not None and known is not None and COMMIT not in known and COMMIT in run.data.tags:
            tags[COMMIT] = run.data.tags[COMMIT]
        if run is not None and (anew or any(run.data.params.get(n, value) != value for n, value in params.items())):
            # MLflow changes no parameter.
            client.delete_run(run.info.run_id)
            kept, run = _of_a_person(run.data.tags), None
        if run is None:
            began = None if known is None else content.times_of(self._run, trial)[0]
            name = content.label(trial, own)
            run = client.create_run(experiment, start_time=began, run_name=name, tags={**kept, **tags})
            self._children[trial.id], self._steps[run.info.run_id] = run, 0
        missing = {name: value for name, value in params.items() if name not in run.data.params}
        changed = {name: value for name, value in tags.items() if self._lacks(run, name, value)}
        if missing or changed:
            self._write(run.info.run_id, missing, changed)
            run = self._children[trial.id] = client.get_run(run.info.run_id)
        return run

    def _lacks(self, run: Run, name: str, value: str) -> bool:
        there = run.data.tags.get(name)
        # Whose parent was deleted has none.
        keep = there is not None and self._looking and name != PARENT
        return there != value and not keep

    def _write(self, run_id: str, params: dict[str, str], tags: dict[str, str]) -> None:
        from mlflow.entities import Param, RunTag

        client, left = self._connect()[0], list(starmap(Param, params.items()))
        for start in range(0, len(left), PARAMS):
            client.log_batch(run_id, params=left[start : start + PARAMS])
        if tags:
            client.log_batch(run_id, tags=list(starmap(RunTag, tags.items())))

    def _log(self, run_id: str, found: list[tuple[str, float, int]]) -> None:
        """Write metrics, each as (name, value, step)."""
        from mlflow.entities import Metric

        client, now = self._connect()[0], int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for name, value, step in found]
        for start in range(0, len(metrics), BATCH):
            client.log_batch(run_id, metrics=metrics[start : start + BATCH])

    def _last_step(self, run_id: str) -> int:
        if run_id not in self._steps:
            curves = [self._points_of(run_id, name) for name in EVERY_EPOCH]
            self._steps[run_id] = min(max((step for _, step, _ in curve), default=0) for curve in curves)
        return self._steps[run_id]

    def _finish(self, trial: Trial, scores: dict[str, float]) -> None:
        numbers, tags = content.numbers_of(self._run, trial)
        run, client = self._child(trial, tags), self._connect()[0]
        single = {name: {0: value} for name, value in {**numbers, **scores}.items()}
        wanted = content.curves_of(self._run, trial) | single
        there = self._history(run, wanted)
        if _differs(run, wanted, there) or not run.data.metrics.keys().isdisjoint(content.EARLIER):
            # MLflow changes no number: another at the same step would stand beside it.
            run, there = self._child(trial, tags, anew=True), []
        run_id, found = run.info.run_id, {(name, step) for name, step, _ in there}
        missing = [(n, value, step) for n, curve in wanted.items() for step, value in curve.items()]
        self._log(run_id, [(n, value, step) for n, value, step in missing if (n, step) not in found])
        if ERROR in run.data.tags:
            client.delete_tag(run_id, ERROR)
        # Last, so that nobody takes half for all.
        if run.data.tags.get(COMPLETE) != "true":
            client.set_tag(run_id, COMPLETE, "true")
        if run.info.status != "FINISHED":
            began, ended = content.times_of(self._run, trial)
            client.set_terminated(run_id, "FINISHED", ended)
            if began is not None and began != run.info.start_time:
                # Written while it was trained, when its first epoch was heard of.
                tracking_own.begin(self.uri, run_id, began)

    def _history(self, run: Run, wanted: dict[str, dict[int, float]]) -> list[tuple[str, int, float]]:
        """Return the points that are there, each as (name, step, value).

        A server is asked for all of them only where its last values, or the length of the first curve, tell of a gap.
        """
        own = tracking_own.history(self.uri, run.info.run_id)
        if own is not None:
            return own
        last = run.data.metrics
        found: list[tuple[str, int, float]] = []
        if all(same(last.get(name), curve[max(curve)]) for name, curve in wanted.items()):
            first = next(iter(wanted), "")
            found = self._points_of(run.info.run_id, first) if wanted else []
            if len(found) >= len(wanted.get(first, ())):
                rest = ((name, curve) for name, curve in wanted.items() if name != first)
                return found + [(name, step, value) for name, curve in rest for step, value in curve.items()]
        return [point for name in wanted if name in last for point in self._points_of(run.info.run_id, name)]

    def _points_of(self, run_id: str, name: str) -> list[tuple[str, int, float]]:
        history = self._connect()[0].get_metric_history(run_id, name)
        return [(name, point.step, point.value) for point in history]

    def _fail(self, trial: Trial) -> None:
        run, client = self._child(trial), self._connect()[0]
        text = files.read_text(self._run.trial(trial.id).error)[-4000:]
        if run.data.tags.get(ERROR) != text:
            client.set_tag(run.info.run_id, ERROR, text)
        if run.info.status != "FAILED":
            client.set_terminated(run.info.run_id, "FAILED")

    def _mark_left_out(self) -> None:
        """Tell the trials of an earlier form of the experiment from those that it asks for now."""
        client, record = self._connect()[0], self._run.record() if files.exists(self._run.experiment) else {}
        earlier = {one["id"] for one in record.get("earlier", ())}
        for name, run in self._children.items():
            marked = LEFT_OUT in run.data.tags
            if name in earlier and not marked:
                client.set_tag(run.info.run_id, LEFT_OUT, "true")
            elif marked and name not in earlier:
                client.delete_tag(run.info.run_id, LEFT_OUT)

    def _artifacts(self, trials: list[Trial]) -> None:
        """Write the report, and that the run has ended: with these trials where they are given, now where not."""
        client, _, parent = self._connect()
        run_id = parent.info.run_id
        there = {item.path.rpartition("/")[2]: item.file_size for item in client.list_artifacts(run_id, "report")}
        for name in files.listing(self._run.report):
            path = files.join(self._run.report, name)
            if name.endswith((".html", ".png")) and (not self._looking or there.get(name) != files.stamp(path)["size"]):
                with files.fetched(path) as local:
                    client.log_artifact(run_id, local, "report")
        if parent.info.status != "FINISHED" or not self._looking:
            ends = [content.times_of(self._run, trial)[1] for trial in self._run.finished_of(trials)]
            client.set_terminated(run_id, "FINISHED", max((end for end in ends if end is not None), default=None))


def _differs(run: Run, wanted: dict[str, dict[int, float]], there: list[tuple[str, int, float]]) -> bool:
    """Tell whether a number that is there is another than the run folder's; one that is missing is none."""
    ends: dict[str, int] = {}
    for name, step, value in there:
        if name in wanted:
            if step not in wanted[name] or not same(value, wanted[name][step]):
                return True
            ends[name] = max(step, ends.get(name, step))
    return any(not same(run.data.metrics.get(name), wanted[name][step]) for name, step in ends.items())


def _of_a_person(tags: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in tags.items() if not name.startswith(("raysp.", "mlflow.")) or name == NOTE}
