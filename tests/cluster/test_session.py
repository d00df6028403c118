"""Starting Ray, without Ray."""

import pytest
import ray

from raysp.cluster import session


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
