"""A lease that lets one process at a time into a run folder in a store of objects."""

import signal
import threading
import time

import pytest

from raysp.errors import BadInput
from raysp.io import files, lease


def race(run, rivals=4):
    """Let some take the lease of a run at once; return who got it, and what the others were told."""
    all_ready, got, errors = threading.Barrier(rivals), [], []

    def take(name):
        mine = lease.Lease(f"{run}/.lock", name)
        all_ready.wait()
        try:
            mine.acquire()
            got.append((name, mine))
        except BadInput as error:
            errors.append(str(error))

    threads = [threading.Thread(target=take, args=(f"process {i}",)) for i in range(rivals)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 600
    while any(thread.is_alive() for thread in threads) and time.monotonic() < until:
        for _, mine in got:
            mine.renew()
        time.sleep(0.3)
    return got, errors


def check_race(run):
    got, errors = race(run)
    assert len(got) == 1
    assert len(errors) == 3
    assert all(f"is being run by {got[0][0]}" in error for error in errors)
    got[0][1].release()
    assert files.listing(run) == []


@pytest.mark.parametrize("ignores", [(), ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH")], ids=["conditions", "no conditions"])
def test_one_of_many_that_want_a_lease_gets_it(door, bucket, monkeypatch, ignores):
    door.ignores.update(ignores)
    monkeypatch.setenv("RAYSP_LEASE_S", "8")
    check_race(f"{bucket}/run")


def test_one_of_many_that_want_a_lease_at_googles_gets_it(google, monkeypatch):
    monkeypatch.setenv("RAYSP_LEASE_S", "8")
    refused = google.handler.refused
    check_race(f"{google()}/run")
    assert google.handler.refused > refused


@pytest.mark.parametrize("store", ["bucket", "google"])
def test_a_lease_that_nobody_renews_is_taken_and_its_first_holder_stops(store, request, monkeypatch):
    monkeypatch.setenv("RAYSP_LEASE_S", "4")
    there = request.getfixturevalue(store)
    path = f"{there if store == 'bucket' else there()}/run/.lock"
    slow = lease.Lease(path, "a slow one")
    slow.acquire()
    began = time.monotonic()
    with lease.held(path, "a second one"):
        assert time.monotonic() - began > 4
        slow.renew()
        assert slow.lost == "a second one"
        slow.release()
        assert files.exists(path)
        time.sleep(2)
        with pytest.raises(BadInput, match="is being run by a second one"):
            lease.Lease(path, "a third one").acquire()
    assert not files.exists(path)


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN], ids=["in front", "in the background"])
def test_a_lease_that_was_taken_stops_the_work_under_it(bucket, monkeypatch, handler):
    monkeypatch.setenv("RAYSP_LEASE_S", "4")
    path = f"{bucket}/run/.lock"
    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(BadInput, match="was taken by an impatient one"), lease.held(path, "the first"):
            files.write_json(path, {"owner": "x", "holder": "an impatient one"})
            time.sleep(20)
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert files.read_json(path)["holder"] == "an impatient one"


def test_a_lease_survives_lost_answers(door, bucket, monkeypatch):
    door.every, door.kinds = 2, ("lost", "500")
    mine = lease.Lease(f"{bucket}/run/.lock", "me")
    mine.acquire()
    for _ in range(5):
        mine.renew()
        assert mine.lost is None
    mine.release()
    assert files.listing(f"{bucket}/run") == []
