from types import SimpleNamespace

import pytest

from raysp.data.fetch import manifest, transfer
from raysp.data.fetch.download import fetch, status
from raysp.errors import BadInput, NotReady
from tests.data.local_web import BODIES, FILE, nothing_but_the_file, pin, start_a_part


def test_a_cut_connection_is_resumed_where_it_broke(place, web):
    # Half of what is left arrives, and is kept in whole pieces of 64 KiB.
    web.faults = ["cut", "cut"]
    fetch(["one"], str(place.root))
    assert place.target.read_bytes() == BODIES[FILE]
    begun = [headers.get("Range") for _, headers in web.asked]
    assert begun == [None, "bytes=2490368-", "bytes=3735552-"]
    assert web.asked[1][1]["If-Range"] == '"v1"'


def test_a_call_goes_on_from_the_part_of_an_earlier_one(place, web):
    start_a_part(place, 4_000_000)
    fetch(["one"], str(place.root))
    assert place.target.read_bytes() == BODIES[FILE]
    assert web.asked[0][1]["Range"] == "bytes=4000000-"


def test_a_part_that_is_whole_is_only_verified(place, web):
    start_a_part(place, len(BODIES[FILE]))
    fetch(["one"], str(place.root))
    assert web.asked == []
    assert nothing_but_the_file(place) == [place.target.name]


def test_a_part_longer_than_the_file_is_started_over(place, web):
    start_a_part(place, None, BODIES[FILE] + b"x")
    fetch(["one"], str(place.root))
    assert place.target.read_bytes() == BODIES[FILE]


def test_a_file_that_changed_on_the_server_is_read_from_the_start(place, web):
    web.faults = ["cut", 404]
    with pytest.raises(BadInput):
        fetch(["one"], str(place.root))
    place.part.write_bytes(b"old" + place.part.read_bytes()[3:])
    web.etag = '"v2"'
    fetch(["one"], str(place.root))
    assert place.target.read_bytes() == BODIES[FILE]


def test_a_server_without_ranges_is_read_from_the_start(place, web):
    web.ranges, web.faults = False, ["cut"]
    fetch(["one"], str(place.root))
    assert place.target.read_bytes() == BODIES[FILE]


def test_a_server_that_answers_with_another_range_is_read_from_the_start(place, web):
    start_a_part(place, 4_000_000)
    web.faults = ["shifted"]
    fetch(["one"], str(place.root))
    assert place.target.read_bytes() == BODIES[FILE]
    assert "Range" not in web.asked[1][1]


def test_a_body_that_stays_truncated_ends_in_a_clear_error_and_keeps_the_part(place, web):
    web.ranges, web.faults = False, ["cut"] * 9
    with pytest.raises(NotReady, match=r"2,490,368 of 5,000,000 bytes. The same command goes on"):
        fetch(["one"], str(place.root))
    assert nothing_but_the_file(place) == [place.part.name, f"{place.part.name}.json"]
    assert [found.state for found in status(str(place.root))] == ["partial", "absent"]


@pytest.mark.parametrize("code", [403, 404])
def test_an_address_without_the_file_is_named_and_a_mirror_advised(place, web, code):
    web.faults = [code]
    with pytest.raises(BadInput, match=rf"{web.address}/.*nwb answered {code}.*--source"):
        fetch(["one"], str(place.root))
    assert len(web.asked) == 1


def test_the_second_address_is_asked_when_the_first_has_no_such_file(place, web, monkeypatch):
    addresses = [f"{web.address}/gone", f"{web.address}/{FILE}"]
    monkeypatch.setattr(manifest, "PATH", pin(place.tmp, web.address, **{FILE: {"addresses": addresses}}))
    fetch(["one"], str(place.root))
    assert [name for name, _ in web.asked] == ["gone", FILE]


@pytest.mark.parametrize("fault", ["another", "no length"])
def test_an_address_that_holds_another_file_is_refused(place, web, fault):
    web.faults = [fault]
    if fault == "no length":
        web.bodies[FILE] = BODIES[FILE] + b"x"
    with pytest.raises(BadInput, match="holds another file: expected 5,000,000 bytes, got"):
        fetch(["one"], str(place.root))
    assert nothing_but_the_file(place) == []


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_failure_that_passes_is_tried_again(place, web, code):
    web.faults = [code, code]
    fetch(["one"], str(place.root))
    assert place.target.read_bytes() == BODIES[FILE]


def test_a_failure_that_stays_ends_in_an_error_that_says_to_come_back(place, web):
    web.faults = [500] * 99
    with pytest.raises(NotReady, match=r"answered 500 .*gave up after 4 attempts.*The same command goes on"):
        fetch(["one"], str(place.root))
    assert len(web.asked) == 4


def test_pauses_grow_and_are_as_long_as_the_server_asks(place, web, monkeypatch):
    waited = []
    monkeypatch.setattr(transfer, "BACK_OFF_S", (1.0, 2.0, 4.0))
    monkeypatch.setattr(transfer, "time", SimpleNamespace(sleep=waited.append))
    web.faults = [500, "busy", 500, 500]
    with pytest.raises(NotReady):
        fetch(["one"], str(place.root))
    assert waited == [1.0, 3.0, 4.0]


def test_a_silent_server_times_out_and_is_asked_again(place, web, monkeypatch):
    monkeypatch.setattr(transfer, "TIMEOUT_S", (0.2, 0.2))
    web.faults = ["silent"] * 5
    with pytest.raises(NotReady, match=r"(?i)timed? ?out.*gave up after 4 attempts with 0 of 5,000,000 bytes"):
        fetch(["one"], str(place.root))
    fetch(["one"], str(place.root))
    assert place.target.read_bytes() == BODIES[FILE]


def test_a_refused_connection_is_named(place, monkeypatch):
    with pytest.raises(NotReady, match=r"http://127\.0\.0\.1:9/000001/.*refused.*--source"):
        fetch(["one"], str(place.root), source="http://127.0.0.1:9")
