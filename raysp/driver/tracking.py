"""MLflow as the index of a run: written by the driver alone, a picture of the run folder that can always be redrawn."""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable

from raysp.cluster.events import Event
from raysp.config.experiment import Trial
from raysp.config.note import Note
from raysp.driver.tracking_own import default_uri, full
from raysp.driver.tracking_store import Store
from raysp.errors import NotReady
from raysp.io import address
from raysp.io.system_errors import is_disk_full, sentence
from raysp.runs.folder import RunFolder
from raysp.runs.records import Submission

__all__ = ["Tracker", "catch_up", "check", "default_uri", "message"]

FLUSH_S = 5.0
LAST_TRIES = 3
"""Of the last sync: a server that has just come back may be slow to answer."""


def check(uri: str | None) -> None:
    """Refuse a tracking address with a password or a token in it, None is the run's own store. Raises BadInput."""
    if uri is not None:
        address.check(uri, "--tracking", address.TRACKING)


def message(error: BaseException) -> str:
    """Return an error as one line without passwords and tokens; a client's message may quote its whole request."""
    # SQLAlchemy's first line on a full disk is advice on its sessions.
    refused = sentence(error) if is_disk_full(error) else None
    return address.masked(refused or f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")


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
        check(uri)
        self._store = Store(run, uri, tags)
        self._trials = {trial.id: trial for trial in trials}
        self._events: queue.Queue[Event | None] = queue.Queue()
        self.problem: str | None = None
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def add(self, trial: Trial, tags: dict[str, str]) -> None:
        """Take a trial that was not in the plan from the beginning, with tags of its own."""
        self._store.own_tags[trial.id] = tags
        self._trials[trial.id] = trial

    def events(self, events: list[Event]) -> None:
        """Hand over what happened; returns at once."""
        for event in events:
            self._events.put(event)

    def close(self, timeout_s: float | None = None) -> list[str]:
        """Write all that is missing; return what a person should know of it, a line each.

        Args:
            timeout_s: how long to wait; by default two minutes and two seconds for each trial.
        """
        timeout_s = 120.0 + 2.0 * len(self._trials) if timeout_s is None else timeout_s
        self._events.put(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self.problem = f"no answer within {timeout_s:.0f} s"
        left = [f"{self.problem}; nothing is lost: the same command writes it later"] if self.problem else []
        return [f"tracking: {text}" for text in [*self._store.notes, *left]]

    def _loop(self) -> None:
        over = False
        while not over:
            over, waiting = self._collect()
            if waiting:
                self._try(functools.partial(self._write, waiting))
        for attempt in range(LAST_TRIES):
            time.sleep(attempt)
            self._try(lambda: self._store.sync(list(self._trials.values())))
            if self.problem is None:
                break

    def _collect(self) -> tuple[bool, list[Event]]:
        waiting: list[Event] = []
        until = time.monotonic() + FLUSH_S
        while (left := until - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=left)
            except queue.Empty:
                break
            if event is None:
                return True, waiting
            waiting.append(event)
        return False, waiting

    def _write(self, events: list[Event]) -> None:
        rows: dict[str, list[Note]] = {}
        for event in events:
            # An event of a machine has no trial.
            if event["trial"]:
                rows.setdefault(event["trial"], []).extend(event["note"].get("rows", []))
        for name, curve in rows.items():
            self._store.curve(self._trials[name], curve)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
            self.problem = None
        except Exception as error:
            # Whatever the server or its client raises: training goes on, and the last sync tries all of it again.
            self.problem = full(self._store.uri) or message(error)


def catch_up(
    run: RunFolder,
    uri: str | None = None,
    trials: list[tuple[Trial, dict[str, str]]] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Store:
    """Write to a run's store what it lacks, and change nothing that is there; return it.

    Args:
        run: the run folder.
        uri: a tracking server's address; None for the run's own store.
        trials: the trials and tags of their own; None for those of the plan.
        say: prints a line that a person should know of the store.

    Raises:
        NotReady: the folder is no run.
        BadInput: the address carries a password or a token.
    """
    check(uri)
    # Not the commit of who looks: the one that the run was made by.
    made_by = next((one["commit"] for one in reversed(_submissions(run)) if "commit" in one), "unknown")
    given = [(trial, {}) for trial in run.trials()] if trials is None else trials
    store = Store(run, uri, {"commit": made_by, "run": run.name}, looking=True)
    store.own_tags = {trial.id: tags for trial, tags in given}
    store.sync([trial for trial, _ in given])
    for note in store.notes:
        say(f"tracking: {note}")
    return store


def _submissions(run: RunFolder) -> list[Submission]:
    try:
        return run.record().get("submissions", [])
    except NotReady:
        return []
