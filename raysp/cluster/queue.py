"""The queue that the pool's workers pull trials from: leases, crashes, and what must come first."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypedDict

from raysp.cluster.events import Event, News, State, What
from raysp.runs.records import PlainTrial

SETTLED = ("done", "failed")
LEASE_S = 60.0
MAX_CRASHES = 3
MAX_RELEASES = 10
"""The least number of times that a trial may be given back; more where it may crash more often."""


class Taken(TypedDict):
    """A trial that a worker is to run, the how-many-th time."""

    trial: PlainTrial
    attempt: int


class Wait(TypedDict):
    """Seconds after which a worker is to ask again: others must finish first."""

    wait: float


@dataclass
class Entry:
    """What the queue knows of one trial."""

    trial: PlainTrial
    place: int = 0
    state: str = "waiting"
    worker: int | None = None
    expires: float = 0.0
    crashes: int = 0
    releases: int = 0
    note: News = field(default_factory=News)
    error: str = ""


@dataclass(frozen=True)
class Health:
    """How the pool's workers are.

    Attributes:
        workers: those that ever came.
        quiet_s: seconds since any of them was heard of.
        unfit: machine -> why its workers take no trials.
    """

    workers: tuple[int, ...]
    quiet_s: float
    unfit: dict[str, str]


class TrialQueue:
    """Trials with their leases. Plain Python: the pool runs one of these as an actor, tests run it as it is.

    A worker that stops renewing its lease loses the trial; one that is seen to die is blamed, and a trial that has
    killed its worker `max_crashes` times is set aside. Workers that are restarted because another one died are not
    blamed, but a trial that is given back `max_releases` times is set aside too, so that nothing goes round for ever.
    """

    def __init__(
        self,
        trials: list[PlainTrial],
        *,
        lease_s: float = LEASE_S,
        max_crashes: int = MAX_CRASHES,
        max_releases: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries = {trial["id"]: Entry(trial, place) for place, trial in enumerate(trials)}
        self._lease_s, self._max_crashes = lease_s, max_crashes
        self._max_releases = max(MAX_RELEASES, 3 * max_crashes) if max_releases is None else max_releases
        self._clock = clock
        self._events: list[Event] = []
        self._dropped = 0
        self._stopped = False
        self._barren = 0
        self._workers: set[int] = set()
        self._unfit: dict[str, str] = {}
        self._heard = clock()
        # Nothing below is found by looking through all trials: there may be a hundred thousand.
        self._ready: list[tuple[int, str]] = []
        self._running: dict[str, Entry] = {}
        self._followers: dict[str, list[str]] = {}
        self._unsettled = len(self._entries)
        for name, entry in self._entries.items():
            if (before := entry.trial.get("follows") or "") in self._entries:
                self._followers.setdefault(before, []).append(name)
            else:
                self._line_up(name)

    def register(self, worker: int) -> None:
        """Note a new process under this rank; what the rank's earlier process held goes back into the queue."""
        self._workers.add(worker)
        self._heard = self._clock()
        for name in self._held_by(worker):
            self._release(name, "its worker was started again")

    def turn_away(self, worker: int, machine: str, reason: str) -> None:
        """Note that a worker takes no trials, since its machine cannot run them."""
        self.register(worker)
        if machine not in self._unfit:
            self._unfit[machine] = reason
            self._event("unfit", "", note={"machine": machine, "reason": reason})

    def take(self, worker: int) -> Taken | Wait | None:
        """Lease the next trial to a worker.

        Returns:
            What to do next; None when all is settled.
        """
        self._heard = self._clock()
        if self._stopped:
            return None
        self._expire()
        if (name := self._next()) is None:
            return {"wait": 0.5} if self._unsettled else None
        entry = self._entries[name]
        entry.state, entry.worker, entry.note = "running", worker, {}
        entry.expires = self._clock() + self._lease_s
        self._running[name] = entry
        self._event("start", name)
        self._barren = 0
        return {"trial": entry.trial, "attempt": entry.releases + 1}

    def beat(self, worker: int, name: str, note: News | None = None) -> bool:
        """Renew a lease and pass on progress; False tells the worker to save its state and stop."""
        entry, self._heard = self._entries[name], self._clock()
        if entry.state != "running" or entry.worker != worker:
            return False
        entry.expires = self._clock() + self._lease_s
        if note:
            entry.note.update(note)
            self._event("progress", name, note=note)
        return not self._stopped

    def finish(self, worker: int, name: str, result: News) -> None:
        """Note that a trial's folder says done. Right whoever says so: the folder is the record."""
        entry = self._entries[name]
        entry.note = {**entry.note, **result}
        self._settle(name, "done")
        self._event("done", name, note=result)
        for follower in self._followers.pop(name, ()):
            if self._entries[follower].state == "waiting":
                self._line_up(follower)

    def fail(self, worker: int, name: str, error: str) -> None:
        """Note that a trial raised an error; it is not tried again in this run."""
        entry = self._entries[name]
        if entry.state == "running" and entry.worker == worker:
            self._set_aside(name, error)

    def release(self, worker: int, name: str) -> None:
        """Give a trial back unfinished, its state saved."""
        entry = self._entries[name]
        if entry.state == "running" and entry.worker == worker:
            self._wait_again(name)
            self._event("given back", name)

    def crashed(self, worker: int, reason: str) -> None:
        """Blame the trial that a dead worker held; when workers keep dying before they take one, give all up."""
        held = self._held_by(worker)
        self._barren += not held
        if self._barren >= self._max_releases:
            barren = f"no worker lives long enough to take a trial; the last one died of: {reason}"
            for name, entry in self._entries.items():
                if entry.state in ("waiting", "running"):
                    self._set_aside(name, barren)
            return
        for name in held:
            entry = self._entries[name]
            entry.crashes += 1
            self._event("crash", name, note={"crashes": entry.crashes, "reason": reason})
            if entry.crashes >= self._max_crashes:
                self._set_aside(name, f"the trial killed its worker {entry.crashes} times; the last time: {reason}")
            else:
                self._release(name, reason)

    def stop(self) -> None:
        """Let no more trials start, and tell the workers to save their state and stop."""
        self._stopped = True

    def events(self, since: int) -> list[Event]:
        """Return what happened after the first `since` events, in order; those before are forgotten."""
        del self._events[: max(since - self._dropped, 0)]
        self._dropped = max(since, self._dropped)
        return list(self._events)

    def news(self, since: int) -> tuple[list[Event], dict[str, State], Health]:
        """Return the events after the first `since`, the states of the trials they tell of, and how the workers are."""
        events = self.events(since)
        health = Health(tuple(sorted(self._workers)), self._clock() - self._heard, dict(self._unfit))
        return events, {name: self._state(name) for name in {event["trial"] for event in events} - {""}}, health

    def states(self) -> dict[str, State]:
        """Return each trial's state, worker, crashes, last progress and error."""
        return {name: self._state(name) for name in self._entries}

    def _state(self, name: str) -> State:
        one = self._entries[name]
        return {
            "state": one.state,
            "worker": one.worker,
            "crashes": one.crashes,
            "note": one.note,
            "error": one.error,
        }

    def _held_by(self, worker: int) -> list[str]:
        return [name for name, entry in self._running.items() if entry.worker == worker]

    def _line_up(self, name: str) -> None:
        heapq.heappush(self._ready, (self._entries[name].place, name))

    def _next(self) -> str | None:
        """Take the first in line; those that were settled while they stood there are passed over."""
        while self._ready:
            _, name = heapq.heappop(self._ready)
            if self._entries[name].state == "waiting":
                return name
        return None

    def _expire(self) -> None:
        now = self._clock()
        for name in [name for name, entry in self._running.items() if entry.expires < now]:
            self._release(name, f"its worker gave no sign for {self._lease_s:.0f} s")

    def _wait_again(self, name: str) -> None:
        entry = self._running.pop(name)
        entry.state, entry.worker = "waiting", None
        self._line_up(name)

    def _settle(self, name: str, state: str) -> None:
        entry = self._entries[name]
        self._unsettled -= entry.state not in SETTLED
        self._running.pop(name, None)
        entry.state, entry.worker = state, None

    def _release(self, name: str, reason: str) -> None:
        entry = self._entries[name]
        entry.releases += 1
        if entry.releases >= self._max_releases:
            self._set_aside(name, f"the trial was given back {entry.releases} times; the last time: {reason}")
            return
        self._wait_again(name)
        self._event("again", name, note={"reason": reason})

    def _set_aside(self, name: str, error: str) -> None:
        self._settle(name, "failed")
        self._entries[name].error = error
        self._event("failed", name, note={"error": error})
        for follower in self._followers.pop(name, ()):
            if self._entries[follower].state == "waiting":
                self._set_aside(follower, f"it takes its epochs from {name}, which failed")

    def _event(self, kind: What, name: str, note: News | None = None) -> None:
        self._events.append({"kind": kind, "trial": name, "note": note or {}})
