"""Files and leases at gs:// addresses, on an emulator of Google's store; the contract itself is in the S3 tests."""

import threading
import time

import pytest

from raysp import files, lease, storage
from raysp.errors import BadInput
from tests import google_store


@pytest.fixture(scope="module")
def make_bucket():
    with google_store.store() as make_bucket:
        yield make_bucket


@pytest.fixture
def bucket(make_bucket):
    return make_bucket()


def test_a_bucket_that_is_not_there_is_refused_and_one_that_is_there_is_left_as_it_was(bucket):
    for write in (False, True):
        with pytest.raises(BadInput, match="there is no bucket 'raysp-nowhere'"):
            storage.check("gs://raysp-nowhere/runs", write=write)
    storage.check(f"{bucket}/runs", write=True)
    assert files.listing(bucket) == []
    with pytest.raises(BadInput, match="whole bucket"):
        files.remove(bucket)


def test_one_of_many_that_want_a_lease_gets_it(make_bucket, bucket, monkeypatch):
    monkeypatch.setenv("RAYSP_LEASE_S", "8")
    refused, got, errors = make_bucket.handler.refused, [], []

    def take(name):
        mine = lease.Lease(f"{bucket}/run/.lock", name)
        try:
            mine.acquire()
            got.append((name, mine))
        except BadInput as error:
            errors.append(str(error))

    threads = [threading.Thread(target=take, args=(f"process {i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 60
    while any(thread.is_alive() for thread in threads) and time.monotonic() < until:
        for _, mine in got:
            mine.renew()
        time.sleep(0.3)
    assert len(got) == 1
    assert len(errors) == 3
    assert all(f"is being run by {got[0][0]}" in error for error in errors)
    assert make_bucket.handler.refused > refused
    got[0][1].release()
    assert files.listing(f"{bucket}/run") == []


def test_a_lease_that_nobody_renews_is_taken_and_its_first_holder_stops(bucket, monkeypatch):
    monkeypatch.setenv("RAYSP_LEASE_S", "1.2")
    slow = lease.Lease(f"{bucket}/run/.lock", "a slow one")
    slow.acquire()
    with lease.held(f"{bucket}/run/.lock", "a second one"):
        slow.renew()
        assert slow.lost == "a second one"
        slow.release()
        assert files.exists(f"{bucket}/run/.lock")
    assert not files.exists(f"{bucket}/run/.lock")
