import signal
import socket
import subprocess
import sys
import urllib.request

import psutil
import pytest

from raysp.driver.tracking import catch_up, default_uri
from raysp.driver.tracking_server import serve
from raysp.errors import BadInput, NotReady
from tests.driver.tracked import TRIALS, finish


@pytest.mark.slow
def test_the_pages_are_announced_once_they_can_be_opened_and_the_server_ends_with_its_caller(run):
    finish(run, TRIALS[0])
    store, codes = catch_up(run, trials=[(TRIALS[0], {})]), []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(NotReady, match=f"127.0.0.1:{port} is taken.*--port {port + 1}"):
            serve(store.uri, store.opened(), "127.0.0.1", port, lambda: None)

    def ready():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=300) as page:
            codes.append(page.status)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(store.uri, store.opened(), "127.0.0.1", port, ready)
    assert codes == [200]
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


def test_a_host_that_is_not_known_is_refused_before_a_server_starts(run):
    with pytest.raises(BadInput, match="--host expected a name or address of this machine, got unknown"):
        serve(default_uri(run), "/", "unknown.invalid", 5000, lambda: None)


SERVING = """
import sys
from raysp.io.interruption import taken_for_ctrl_c
from raysp.driver.tracking_content import numbers_of
from raysp.driver.tracking_server import serve
with taken_for_ctrl_c():
    serve(sys.argv[1], "/", "127.0.0.1", int(sys.argv[2]), lambda: print("ready", flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_of_the_server_outlives_its_caller(tmp_path, number):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVING, f"sqlite:///{tmp_path}/x.db", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline() == "ready\n"
    started = psutil.Process(process.pid).children(recursive=True)
    assert len(started) >= 2
    process.send_signal(number)
    process.communicate()
    _, alive = psutil.wait_procs(started, timeout=600)
    assert not alive
