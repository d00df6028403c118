"""Starting Ray, without Ray."""

import os
import signal
import subprocess

import pytest
import ray

from raysp.cluster import session
from raysp.cluster.jobs import job
from raysp.config.experiment import Resources
from raysp.errors import NotReady
from raysp.io import machine


@pytest.fixture
def starts(monkeypatch):
    made = []

    def fail(text, times):
        def init(**options):
            made.append(options)
            if len(made) <= times:
                raise RuntimeError(text)

        monkeypatch.setattr(ray, "init", init)
        monkeypatch.setattr(ray, "shutdown", lambda: made.append("ended"))
        return made

    return fail


def test_a_start_that_was_too_slow_is_tried_once_more(starts):
    made = starts("The current node timed out during startup.", 1)
    session._start(num_cpus=2)
    assert made == [{"num_cpus": 2}, "ended", {"num_cpus": 2}]


def test_what_a_start_that_was_too_slow_began_is_ended_before_the_next(monkeypatch):
    began = []

    class Node:
        def __init__(self):
            self.process = subprocess.Popen(["sleep", "600"])
            began.append(self.process)
            if len(began) < 3:
                raise RuntimeError("The current node timed out during startup.")

        def kill_all_processes(self, check_alive=True, allow_graceful=False, wait=False):
            self.process.kill()
            self.process.wait()

    monkeypatch.setattr(ray, "init", lambda **options: Node())
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    session._start()
    *ended, alive = began
    assert [one.returncode for one in ended] == [-signal.SIGKILL] * 2
    assert alive.poll() is None
    alive.kill()
    alive.wait()


def test_a_start_that_is_too_slow_twice_or_fails_otherwise_is_an_error(starts):
    starts("The current node timed out during startup.", 9)
    with pytest.raises(NotReady, match="timed out"):
        session._start()
    made = starts("no such option", 9)
    made.clear()
    with pytest.raises(NotReady, match=r"no such option.*newest folder below /tmp/ray"):
        session._start()
    assert made == [{}, "ended"]


def test_what_the_system_refuses_while_ray_starts_stays_the_systems(monkeypatch):
    def init(**options):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(BlockingIOError):
        session._start()


def test_a_scheduler_that_ends_the_command_interrupts_it(starts, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    made = starts("", 0)
    monkeypatch.setattr(ray, "nodes", list)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), session.session(Resources()) as start:
        assert made == []
        assert start() is start()
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
    # Never a cluster that somebody has started on this machine without being asked to.
    assert made[0]["address"] == "local"
    assert made[0]["_memory"] + made[0]["object_store_memory"] <= machine.memory()
    assert made[0]["num_cpus"] == machine.cores()


def test_a_task_starts_ray_as_a_session_does_and_one_inside_another_is_the_same(starts, monkeypatch):
    class Submitted(Exception):
        pass

    def submit(value):
        raise Submitted

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    made = starts("", 0)
    monkeypatch.setattr(ray, "nodes", list)
    monkeypatch.setattr(ray, "put", submit)
    with session.session(Resources()):
        with session.session(Resources()), pytest.raises(Submitted):
            job("os.getpid")
        assert [one["address"] for one in made] == ["local"]
        session.ready()
    assert made[1:] == ["ended"]


def test_what_needs_no_ray_starts_none(starts):
    made = starts("", 0)
    with session.session(Resources()):
        pass
    session.ready()
    assert made == []
