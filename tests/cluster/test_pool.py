import ipaddress
import os

import psutil
import pytest

# Before raysp starts a session: its sockets must stay on loopback all the same.
from ray.train import ControllerError

from raysp.cluster import jobs
from raysp.cluster.pool import Pool, wait_for
from raysp.config.experiment import Resources, Trial
from raysp.runs.folder import trial_to
from raysp.runs.trial_log import Setting
from tests import shared_ray

pytestmark = pytest.mark.ray(shared=True)
RUNNER = "pool_runners.behave"


@pytest.fixture(scope="module")
def machines():
    return shared_ray.machines()


def plain(name, does="nothing", follows=None):
    return trial_to(Trial("fake", {"name": name, "does": does}, None, name, "x", follows=follows))


def run_pool(trials, machines, folder, on_event=lambda events, states: None):
    resources = Resources(workers=2, max_crashes=2)
    pool = Pool(trials, Setting(str(folder), ""), resources, machines, runner=RUNNER)
    states = wait_for(pool, on_event)
    return {entry["split"]: states[entry["id"]] for entry in trials}


def attempts(folder, name):
    return len(list(folder.glob(f"{name}.*")))


def test_a_poison_is_set_aside_a_failure_is_told_and_the_rest_is_done(machines, tmp_path):
    val = plain("val")
    trials = [
        plain("poison", "die"),
        plain("error", "raise"),
        plain("unlucky", "die once"),
        val,
        plain("test", follows=val["id"]),
        plain("orphan", follows=plain("error", "raise")["id"]),
    ]
    states = run_pool(trials, machines, tmp_path)
    assert states["poison"]["state"] == "failed"
    assert "killed its worker 2 times" in states["poison"]["error"]
    # A worker that is started again because another one died repeats its trial without blame.
    assert states["poison"]["crashes"] == 2 <= attempts(tmp_path, "poison")
    assert "ValueError: as told" in states["error"]["error"]
    assert states["error"]["crashes"] == 0
    assert states["unlucky"]["state"] == "done"
    assert states["unlucky"]["crashes"] <= 1
    assert attempts(tmp_path, "unlucky") >= 2
    assert states["val"]["state"] == states["test"]["state"] == "done"
    assert "which failed" in states["orphan"]["error"]
    assert attempts(tmp_path, "orphan") == 0


def test_an_interrupt_lets_trials_save_their_state_and_gives_them_back(machines, tmp_path):
    trials = [plain("a", "wait"), plain("b", "wait"), plain("c", "wait")]
    seen = {}

    def interrupt(events, states):
        seen.update(states)
        if sum(entry["note"].get("epoch", 0) > 0 for entry in states.values()) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_pool(trials, machines, tmp_path, interrupt)
    assert sorted(attempts(tmp_path, name) for name in "abc") == [0, 1, 1]


def test_every_listening_socket_is_on_loopback(machines):
    this = psutil.Process(os.getpid())
    addresses = {ip for process in [this, *this.children(recursive=True)] for ip in listening(process)}
    assert addresses
    assert all(on_loopback(address) for address in addresses), addresses


def on_loopback(text):
    address = ipaddress.ip_address(text)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def listening(process):
    try:
        return [c.laddr.ip for c in process.net_connections(kind="inet") if c.status == psutil.CONN_LISTEN]
    except psutil.NoSuchProcess:
        return []


def test_tasks_are_answered_in_order_however_few_wait_at_a_time(machines, monkeypatch):
    monkeypatch.setattr(jobs, "AT_ONCE", 3)
    done = []
    calls = [((i, 1), {}) for i in range(11)]
    assert jobs.jobs("operator.add", calls, on_done=lambda i, found: done.append(i)) == list(range(1, 12))
    assert sorted(done) == list(range(11))


def test_the_error_of_a_task_is_its_own(machines, monkeypatch):
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    with pytest.raises(ZeroDivisionError):
        jobs.jobs("operator.truediv", [((1, 1), {}), ((1, 0), {}), ((1, 2), {})])


class DeadController:
    """A trainer whose controller dies with a worker that was just being started."""

    def fit(self):
        raise ControllerError(RuntimeError("The actor died unexpectedly before finishing this task."))


def test_a_dead_controller_is_replaced_and_the_trials_are_done(machines, tmp_path, monkeypatch):
    make, made = Pool._make, []

    def dead_at_first(self, *args):
        made.append(args)
        return DeadController() if len(made) == 1 else make(self, *args)

    monkeypatch.setattr(Pool, "_make", dead_at_first)
    states = run_pool([plain("one")], machines, tmp_path)
    assert len(made) == 2
    assert {entry["state"] for entry in states.values()} == {"done"}


def test_controllers_that_keep_dying_are_told_of(machines, tmp_path, monkeypatch):
    monkeypatch.setattr(Pool, "_make", lambda self, *args: DeadController())
    with pytest.raises(RuntimeError, match=r"the pool of workers failed.*controller error"):
        run_pool([plain("one")], machines, tmp_path)
