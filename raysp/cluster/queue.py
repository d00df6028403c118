"""The queue that the pool's workers pull trials from: leases, crashes, and what must come first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LEASE_S = 60.0
MAX_CRASHES = 3
MAX_RELEASES = 10
"""The least number of times that a trial may be given back; more where it may crash more often."""


@dataclass
class Entry:
    """What the queue knows of one trial."""

    trial: dict[str, Any]
    state: str = "waiting"
    worker: int | None = None
    expires: float = 0.0
    crashes: int = 0
    releases: int = 0
    note: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class TrialQueue:
    """Trials with their leases. Plain Python: the pool runs one of these as an actor, tests run it as it is.

    A worker that stops renewing its lease loses the trial; one that is seen to die is blamed, and a trial that has
    killed its worker `max_crashes` times is set aside. Workers that are restarted because another one died are not
    blamed, but a trial that is given back `max_releases` times is set aside too, so that nothing goes round for ever.
    """

    def __init__(
        self,
        trials: list[dict[str, Any]],
        *,
        lease_s: float = LEASE_S,
        max_crashes: int = MAX_CRASHES,
        max_releases: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries = {trial["id"]: Entry(trial) for trial in trials}
        self._lease_s, self._max_crashes = lease_s, max_crashes
        self._max_releases = max(MAX_RELEASES, 3 * max_crashes) if max_releases is None else max_releases
        self._clock = clock
        self._events: list[dict[str, Any]] = []
        self._stopped = False
        self._barren = 0

    def register(self, worker: int) -> None:
        """Note a new process under this rank; what the rank's earlier process held goes back into the queue."""
        for name, entry in self._entries.items():
            if entry.state == "running" and entry.worker == worker:
                self._release(name, "its worker was started again")

    def take(self, worker: int) -> dict[str, Any] | None:
        """Lease the next trial to a worker.

        Returns:
            {"trial": ..., "attempt": n}, {"wait": seconds} when others must finish first, or None when all is settled.
        """
        if self._stopped:
            return None
        self._expire()
        self._fail_orphans()
        for name, entry in self._entries.items():
            if entry.state == "waiting" and self._ready(entry):
                entry.state, entry.worker, entry.note = "running", worker, {}
                entry.expires = self._clock() + self._lease_s
                self._event("start", name)
                self._barren = 0
                return {"trial": entry.trial, "attempt": entry.releases + 1}
        settled = all(entry.state in ("done", "failed") for entry in self._entries.values())
        return None if settled else {"wait": 0.5}

    def beat(self, worker: int, name: str, note: dict[str, Any] | None = None) -> bool:
        """Renew a lease and pass on progress; False tells the worker to save its state and stop."""
        entry = self._entries[name]
        if entry.state != "running" or entry.worker != worker:
            return False
        entry.expires = self._clock() + self._lease_s
        if note:
            entry.note.update(note)
            self._event("progress", name, note=note)
        return not self._stopped

    def finish(self, worker: int, name: str, result: dict[str, Any]) -> None:
        """Note that a trial's folder says done. Right whoever says so: the folder is the record."""
        entry = self._entries[name]
        entry.state, entry.worker, entry.note = "done", None, {**entry.note, **result}
        self._event("done", name, note=result)

    def fail(self, worker: int, name: str, error: str) -> None:
        """Note that a trial raised an error; it is not tried again in this run."""
        entry = self._entries[name]
        if entry.state == "running" and entry.worker == worker:
            self._set_aside(name, error)

    def release(self, worker: int, name: str) -> None:
        """Give a trial back unfinished, its state saved."""
        entry = self._entries[name]
        if entry.state == "running" and entry.worker == worker:
            entry.state, entry.worker = "waiting", None

    def crashed(self, worker: int, reason: str) -> None:
        """Blame the trial that a dead worker held; when workers keep dying before they take one, give all up."""
        held = [name for name, entry in self._entries.items() if entry.state == "running" and entry.worker == worker]
        self._barren += not held
        if self._barren >= self._max_releases:
            for name, entry in self._entries.items():
                if entry.state in ("waiting", "running"):
                    self._set_aside(
                        name, f"no worker lives long enough to take a trial; the last one died of: {reason}"
                    )
            return
        for name, entry in self._entries.items():
            if name in held:
                entry.crashes += 1
                self._event("crash", name, note={"crashes": entry.crashes, "reason": reason})
                if entry.crashes >= self._max_crashes:
                    self._set_aside(name, f"the trial killed its worker {entry.crashes} times; the last time: {reason}")
                else:
                    self._release(name, reason)

    def stop(self) -> None:
        """Let no more trials start, and tell the workers to save their state and stop."""
        self._stopped = True

    def events(self, since: int) -> list[dict[str, Any]]:
        """Return what happened after the first `since` events, in order."""
        return self._events[since:]

    def states(self) -> dict[str, dict[str, Any]]:
        """Return each trial's state, worker, crashes, last progress and error."""
        return {
            name: {
                "state": entry.state,
                "worker": entry.worker,
                "crashes": entry.crashes,
                "note": entry.note,
                "error": entry.error,
            }
            for name, entry in self._entries.items()
        }

    def _ready(self, entry: Entry) -> bool:
        before = entry.trial.get("follows")
        return before not in self._entries or self._entries[before].state == "done"

    def _fail_orphans(self) -> None:
        for name, entry in self._entries.items():
            before = self._entries.get(entry.trial.get("follows") or "")
            if entry.state == "waiting" and before is not None and before.state == "failed":
                self._set_aside(name, f"it takes its epochs from {entry.trial['follows']}, which failed")

    def _expire(self) -> None:
        now = self._clock()
        for name, entry in self._entries.items():
            if entry.state == "running" and entry.expires < now:
                self._release(name, f"its worker gave no sign for {self._lease_s:.0f} s")

    def _release(self, name: str, reason: str) -> None:
        entry = self._entries[name]
        entry.releases += 1
        if entry.releases >= self._max_releases:
            self._set_aside(name, f"the trial was given back {entry.releases} times; the last time: {reason}")
            return
        entry.state, entry.worker = "waiting", None
        self._event("again", name, note={"reason": reason})

    def _set_aside(self, name: str, error: str) -> None:
        entry = self._entries[name]
        entry.state, entry.worker, entry.error = "failed", None, error
        self._event("failed", name, note={"error": error})

    def _event(self, kind: str, name: str, note: dict[str, Any] | None = None) -> None:
        self._events.append({"kind": kind, "trial": name, "note": note or {}})
