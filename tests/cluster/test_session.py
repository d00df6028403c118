"""Starting Ray, without Ray."""

import json

import pytest
import ray

from raysp.cluster import session
from raysp.config import Resources
from raysp.errors import NotReady


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


def test_a_start_that_is_too_slow_twice_or_fails_otherwise_is_an_error(starts):
    starts("The current node timed out during startup.", 9)
    with pytest.raises(RuntimeError, match="timed out"):
        session._start()
    made = starts("no such option", 9)
    made.clear()
    with pytest.raises(RuntimeError, match="no such option"):
        session._start()
    assert made == [{}]


CLUSTER = {
    "head_node_type": "head",
    "max_workers": 4,
    "available_node_types": {
        "head": {"resources": {"CPU": 0}, "max_workers": 0},
        "gpu": {"resources": {"CPU": 4, "GPU": 1}, "max_workers": 8},
    },
}


def test_a_cluster_without_workers_offers_those_that_it_may_start(tmp_path, monkeypatch):
    path = tmp_path / "bootstrap.yaml"
    monkeypatch.setattr(session, "BOOTSTRAP", str(path))
    there = {"memory": 2.0, "CPU": 0.0}
    assert session.with_machines_to_come(there) == there
    # Ray writes it as JSON, which is YAML too.
    path.write_text(json.dumps(CLUSTER))
    offered = session.with_machines_to_come(there)
    assert offered == {"memory": 2.0, "CPU": 16.0, "GPU": 4.0}
    assert session.pool_size(Resources(), offered, trials=99) == (4, 1.0)
    assert session.with_machines_to_come({"GPU": 9.0})["GPU"] == 9.0


def test_a_cluster_that_does_not_answer_is_told_in_a_sentence(monkeypatch):
    def init(**options):
        raise ConnectionError("Could not find any running Ray instance.\nmore")

    monkeypatch.setenv("RAY_ADDRESS", "auto")
    monkeypatch.setattr(ray, "init", init)
    with (
        pytest.raises(NotReady, match=r"at RAY_ADDRESS=auto \(Could not find any running Ray instance.\); start one"),
        session.session(Resources()),
    ):
        pass
