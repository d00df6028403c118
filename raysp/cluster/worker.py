"""What each worker of the pool does: pull a trial, run it, say how it ended, until the queue is empty."""

from __future__ import annotations

import pkgutil
import threading
import time
import traceback
from typing import Any

from raysp.cluster.events import News
from raysp.cluster.node_check import unfit
from raysp.config.note import Note
from raysp.errors import Interrupted
from raysp.io import machine
from raysp.runs.folder import trial_from
from raysp.runs.records import PlainTrial
from raysp.runs.trial_log import Setting
from raysp.training.process_limits import limit_memory, limit_threads

BEAT_S = 2.0
OF_DONE = ("validation_loss", "unseen_loss", "best_epoch", "epochs", "seconds", "validation")


def work(config: dict[str, Any]) -> None:
    """Run trials from the queue until none is left. The loop of one Ray Train worker.

    Args:
        config: "queue" (the queue actor), "setting" (the fields of trial_log.Setting), "threads" (CPU threads per
            trial), "runner": the dotted name of the function that runs one trial, "first": the number of the group's
            first worker, and "expected" (a node_check.Expected, or None to look at nothing).
    """
    import ray.train

    rank = config["first"] + ray.train.get_context().get_world_rank()
    queue = _Remote(config["queue"])
    if config["expected"] is not None and (reason := unfit(config["expected"])) is not None:
        queue.turn_away(rank, ray.util.get_node_ip_address(), reason)
        return
    queue.register(rank)
    while (taken := queue.take(rank)) is not None:
        if "wait" in taken:
            time.sleep(taken["wait"])
            continue
        _one(queue, rank, taken["trial"], config)


def _one(queue: _Remote, rank: int, trial: PlainTrial, config: dict[str, Any]) -> None:
    name = trial["id"]
    beats = _Beats(queue, rank, name)
    try:
        # Imported here, so that a broken installation fails the trial with its traceback instead of the worker.
        limit_threads(config["threads"])
        limit_memory(config["share"])
        runner = pkgutil.resolve_name(config["runner"])
        result = runner(trial_from(trial), Setting(**config["setting"]), beats.note, beats.keep_going)
    except Interrupted:
        queue.release(rank, name)
    except Exception:
        queue.fail(rank, name, traceback.format_exc())
    else:
        queue.finish(rank, name, {key: result.get(key) for key in OF_DONE})
    finally:
        beats.end()
        machine.give_memory_back()


class _Remote:
    """The queue actor's methods as plain calls that wait for the answer."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def __getattr__(self, name: str) -> Any:
        import ray

        method = getattr(self._actor, name)
        return lambda *args: ray.get(method.remote(*args))


class Notes:
    """Progress of a trial that was not passed on yet: the newest of each number, and all epochs."""

    def __init__(self) -> None:
        self._note: News = {}
        self._rows: list[Note] = []
        self._lock = threading.Lock()

    def note(self, note: Note) -> None:
        """Take a note of progress."""
        with self._lock:
            self._note = {**self._note, **note}
            if "epoch" in note:
                self._rows.append(note)

    def take(self) -> News:
        """Return what is there, and forget it."""
        with self._lock:
            note: News = {**self._note, "rows": self._rows}
            self._note, self._rows = {}, []
        return note


class _Beats(Notes):
    """Renews the lease from a thread, carrying the newest progress, so that long fits keep it and epochs stay fast."""

    def __init__(self, queue: _Remote, rank: int, name: str) -> None:
        super().__init__()
        self._queue, self._rank, self._name = queue, rank, name
        self._going, self._over = True, threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def keep_going(self) -> bool:
        return self._going

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._over.wait(BEAT_S):
            self._going = self._queue.beat(self._rank, self._name, self.take())
