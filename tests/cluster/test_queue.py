import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.cluster.queue import Health, TrialQueue


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def make(*names, follows=None, **options):
    follows = follows or {}
    return TrialQueue([{"id": name, "follows": follows.get(name)} for name in names], **options)


def take(queue, worker):
    return queue.take(worker)["trial"]["id"]


def test_each_trial_is_given_once_and_the_end_is_told():
    queue = make("a", "b")
    assert [take(queue, 0), take(queue, 1)] == ["a", "b"]
    assert queue.take(0) == {"wait": 0.5}
    queue.finish(0, "a", {})
    queue.fail(1, "b", "boom")
    assert queue.take(0) is None
    assert {name: entry["state"] for name, entry in queue.states().items()} == {"a": "done", "b": "failed"}


def test_a_trial_waits_for_the_one_it_follows_and_fails_with_it():
    queue = make("test", "val", follows={"test": "val"})
    assert take(queue, 0) == "val"
    assert "wait" in queue.take(1)
    queue.fail(0, "val", "boom")
    assert queue.take(1) is None
    assert "val, which failed" in queue.states()["test"]["error"]


def test_a_lease_that_is_not_renewed_goes_to_another_worker_and_the_first_is_told():
    clock = Clock()
    queue = make("a", lease_s=10, clock=clock)
    take(queue, 0)
    clock.now = 9
    assert queue.beat(0, "a")
    clock.now = 18
    assert "wait" in queue.take(1)
    clock.now = 30
    assert take(queue, 1) == "a"
    assert not queue.beat(0, "a")
    queue.fail(0, "a", "late")
    assert queue.states()["a"]["state"] == "running"


def test_a_trial_that_kills_its_worker_three_times_is_set_aside_and_its_neighbour_is_not():
    queue = make("poison", "innocent")
    take(queue, 0)
    for _ in range(3):
        take(queue, 1)
        queue.crashed(0, "signal 9")
        queue.register(0)
        queue.register(1)
        if queue.states()["poison"]["state"] != "failed":
            assert take(queue, 0) == "poison"
    assert "killed its worker 3 times" in queue.states()["poison"]["error"]
    assert queue.states()["innocent"]["crashes"] == 0
    assert take(queue, 1) == "innocent"


def test_a_trial_given_back_too_often_without_blame_is_set_aside():
    queue = make("a", max_releases=4)
    for _ in range(4):
        take(queue, 0)
        queue.register(0)
    assert "given back 4 times" in queue.states()["a"]["error"]


def test_stop_ends_it_and_tells_those_at_work():
    queue = make("a", "b")
    take(queue, 0)
    queue.stop()
    assert not queue.beat(0, "a")
    queue.release(0, "a")
    assert queue.take(0) is None
    assert queue.states()["a"]["state"] == "waiting"


def test_events_tell_progress_in_order():
    queue = make("a")
    take(queue, 0)
    queue.beat(0, "a", {"epoch": 1})
    queue.finish(0, "a", {"seconds": 2})
    assert [event["kind"] for event in queue.events(0)] == ["start", "progress", "done"]
    assert queue.events(2)[0]["note"] == {"seconds": 2}


def test_news_are_the_states_of_what_changed_and_each_is_told_once():
    queue = make("a", "b", "c")
    take(queue, 0)
    events, states, _ = queue.news(0)
    assert [event["trial"] for event in events] == ["a"]
    assert states == {"a": queue.states()["a"]}
    take(queue, 1)
    queue.release(0, "a")
    more, states, _ = queue.news(len(events))
    assert {name: entry["state"] for name, entry in states.items()} == {"a": "waiting", "b": "running"}
    assert queue.news(len(events) + len(more))[:2] == ([], {})


def test_a_trial_given_back_is_the_next_in_line():
    queue = make("a", "b", "c")
    assert [take(queue, 0), take(queue, 1)] == ["a", "b"]
    queue.release(0, "a")
    assert [take(queue, 0), take(queue, 2)] == ["a", "c"]


def test_a_late_result_settles_a_trial_that_waits_again():
    clock = Clock()
    queue = make("a", "b", lease_s=10, clock=clock)
    take(queue, 0)
    clock.now = 11
    assert take(queue, 1) == "a"
    queue.release(1, "a")
    queue.finish(0, "a", {"seconds": 1})
    assert take(queue, 1) == "b"
    queue.finish(1, "b", {})
    assert queue.take(0) is None


def test_what_follows_a_failure_fails_along_the_whole_chain():
    queue = make("c", "b", "a", follows={"c": "b", "b": "a"})
    assert take(queue, 0) == "a"
    queue.fail(0, "a", "boom")
    assert {entry["state"] for entry in queue.states().values()} == {"failed"}
    assert queue.take(0) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["take", "finish", "fail", "crash", "register"]))))
def test_no_trial_is_ever_held_twice_lost_or_run_after_it_is_done(steps):
    names = [f"t{i}" for i in range(5)]
    queue = make(*names)
    held, done = {}, set()
    message, seen = queue.states(), 0
    for worker, step in steps:
        events, changed, _ = queue.news(seen)
        message, seen = message | changed, seen + len(events)
        mine = held.get(worker)
        if step == "take" and mine is None:
            given = queue.take(worker)
            if given and "trial" in given:
                name = given["trial"]["id"]
                assert name not in held.values()
                assert name not in done
                held[worker] = name
        elif step == "finish" and mine:
            queue.finish(worker, held.pop(worker), {})
            done.add(mine)
        elif step == "fail" and mine:
            queue.fail(worker, held.pop(worker), "x")
            done.add(mine)
        elif step == "crash" and mine:
            queue.crashed(worker, "x")
            held.pop(worker)
        elif step == "register":
            queue.register(worker)
            held.pop(worker, None)
    states = queue.states()
    assert states == message | queue.news(seen)[1]
    assert set(states) == set(names)
    assert {n for n, e in states.items() if e["state"] == "running"} == set(held.values())
    assert done <= {n for n, e in states.items() if e["state"] in ("done", "failed")}


def test_unknown_trial_is_an_error():
    with pytest.raises(KeyError):
        make("a").beat(0, "b")


def test_a_worker_that_is_turned_away_is_told_of_once_for_its_machine_and_takes_nothing():
    now = [100.0]
    queue = TrialQueue([{"id": "a"}], clock=lambda: now[0])
    for worker in (3, 4):
        queue.turn_away(worker, "10.0.0.9", "it does not see the data")
    now[0] += 7.0
    events, states, health = queue.news(0)
    assert [(event["kind"], event["note"]["machine"]) for event in events] == [("unfit", "10.0.0.9")]
    assert states == {}
    assert health == Health((3, 4), 7.0, {"10.0.0.9": "it does not see the data"})
    assert queue.states()["a"]["state"] == "waiting"


def test_any_sign_of_a_worker_ends_the_quiet():
    now = [0.0]
    queue = TrialQueue([{"id": "a"}], clock=lambda: now[0])
    for sign in (lambda: queue.register(0), lambda: queue.take(0), lambda: queue.beat(0, "a")):
        now[0] += 50.0
        assert queue.news(0)[2].quiet_s == 50.0
        sign()
        assert queue.news(0)[2].quiet_s == 0.0
