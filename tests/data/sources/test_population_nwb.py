"""An NWB recording at an address: only what is asked for is fetched, and what the server refuses is a sentence."""

import contextlib
import http.server
import re
import threading

import h5py
import numpy as np
import pytest

import raysp
from raysp.data.sources.proposal import proposal
from raysp.errors import BadInput, StoreError
from raysp.io import files

RNG = np.random.default_rng(0)
TRIALS, UNITS = 30, 4
START = np.cumsum(RNG.uniform(1.2, 1.6, TRIALS)).round(3)
EACH = [np.sort(RNG.uniform(0, START[-1] + 2, 800)).round(3) for _ in range(UNITS)]
SETTINGS = {"align": "start_time", "window_ms": (0, 600), "bin_ms": 20}


class Server(http.server.ThreadingHTTPServer):
    """Serves one file; counts the bytes it sends."""

    def __init__(self, body):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.sent, self.ranges, self.status = body, 0, True, 200
        self.tags = {"ETag": '"one"'}
        self.path, self.elsewhere = "/a.nwb", 404


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        return None

    def do_HEAD(self):
        self.do_GET(head=True)

    def do_GET(self, head=False):
        server = self.server
        if server.status != 200 or self.path != server.path:
            self.send_error(server.status if server.status != 200 else server.elsewhere)
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if server.ranges else None
        first = int(asked[1]) if asked else 0
        part = server.body[first : int(asked[2]) + 1 if asked and asked[2] else None]
        self.send_response(206 if asked else 200)
        if server.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(server.body)}")
        if server.ranges or not head:
            self.send_header("Content-Length", str(len(part)))
        for name, value in server.tags.items():
            self.send_header(name, value)
        self.end_headers()
        if not head:
            with contextlib.suppress(ConnectionError):
                self.wfile.write(part)
                server.sent += len(part)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("web") / "a.nwb"
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.6.0"
        table = file.create_group("intervals/trials")
        table["id"], table["start_time"], table["stop_time"] = np.arange(TRIALS), START, START + 1
        units = file.create_group("units")
        units["id"], units["spike_times"] = np.arange(UNITS), np.concatenate(EACH)
        units["spike_times_index"] = np.cumsum(list(map(len, EACH)))
        file["acquisition/raw/data"] = RNG.integers(-99, 99, 4_000_000, dtype=np.int16)
    return path


@pytest.fixture
def server(recording):
    with Server(recording.read_bytes()) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.address = f"http://127.0.0.1:{running.server_port}/a.nwb"
        yield running
        running.shutdown()
        thread.join()


def test_only_what_is_asked_for_is_fetched_and_the_split_is_that_of_the_file(server, recording):
    assert proposal(server.address).settings["align"] == "start_time"
    split = raysp.load_split(server.address, **SETTINGS)
    assert server.sent < len(server.body) / 3
    on_disk = raysp.load_split(recording, **SETTINGS)
    assert split.fingerprint() == on_disk.fingerprint()
    assert split.provenance.recordings[0][1] == files.sha256(server.address) != on_disk.provenance.recordings[0][1]


def test_a_server_that_gives_no_parts_is_read_whole(server, recording):
    server.ranges = False
    split = raysp.load_split(server.address, **SETTINGS)
    assert split.fingerprint() == raysp.load_split(recording, **SETTINGS).fingerprint()


@pytest.mark.parametrize("tags", [{"ETag": '"{}"'}, {"Last-Modified": "Mon, 0{} Jun 2026 10:00:00 GMT"}, {}])
def test_what_has_changed_at_an_address_goes_by_another_name(server, tags):
    def name(version):
        server.tags = {key: value.format(version) for key, value in tags.items()}
        server.body = bytes([version]) * 3_000
        return files.sha256(server.address)

    assert name(1) == name(1) != name(2)


def test_a_file_that_is_replaced_while_its_parts_are_read_is_no_recording(server):
    with (
        pytest.raises(StoreError, match="was replaced while it was read"),
        files.opened(server.address, parts=True) as file,
    ):
        file.read(10)
        server.tags = {"ETag": '"two"'}
    with files.opened(server.address, parts=True) as file:
        assert file.read(4) == server.body[:4]


def test_what_pynapple_saved_is_read_at_an_address(server, tmp_path):
    times, index = np.concatenate(EACH), np.repeat(np.arange(UNITS), list(map(len, EACH)))
    np.savez(tmp_path / "group.npz", t=times, index=index, keys=np.arange(UNITS), type=np.array(["TsGroup"]))
    server.path, server.body = "/group.npz", (tmp_path / "group.npz").read_bytes()
    address = server.address.replace("/a.nwb", server.path)
    found = proposal(address)
    assert (found.source, found.settings["per_second"]) == ("spike_tables", 1.0)
    here, there = (raysp.load_split(path, source="spike_tables", window_ms=(0, 600), bin_ms=20)
                   for path in (str(tmp_path / "group.npz"), address))  # fmt: skip
    assert here.fingerprint() == there.fingerprint()


def test_a_table_is_looked_at_where_the_server_lists_no_folder(server):
    server.path, server.elsewhere = "/a/spikes.csv", 403
    server.body = b"unit,time\n" + b"".join(b"%d,%d.25\n" % (row % 3, row) for row in range(200))
    assert proposal(server.address.replace("/a.nwb", server.path)).settings["time"] == "time"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, r"needs a login \(HTTP 401\): download it"),
        (403, "needs a login"),
        (404, "gives no file; check the address"),
    ],
)
def test_what_a_server_refuses_is_a_sentence(server, status, says):
    server.status = status
    with pytest.raises(BadInput, match=says):
        proposal(server.address)
    with pytest.raises(BadInput, match=says):
        raysp.load_split(server.address, **SETTINGS)


def test_a_server_that_is_not_there_is_a_sentence():
    nobody = "http://127.0.0.1:9/a.nwb"
    with pytest.raises(BadInput, match="cannot be reached"):
        proposal(nobody)
