"""MLflow's pages of a store, served until Ctrl-C; the server ends with whoever started it, however that one ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import IO

from raysp.errors import BadInput, NotReady, present

# The keeper leads a process group of its own. What it reads ends when the process that started it does, killed or not.
KEEPER = """
import os, signal, subprocess, sys, threading
# Its own word to the group must not end it. A handler, unlike a signal that is ignored, is not passed on to the child.
signal.signal(signal.SIGTERM, lambda number, frame: None)
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
def end():
    sys.stdin.read()
    os.killpg(0, signal.SIGTERM)
    try:
        child.wait(GRACE_S)
    finally:
        os.killpg(0, signal.SIGKILL)
threading.Thread(target=end, daemon=True).start()
sys.exit(child.wait())
"""
GRACE_S = 5

STORE, OPENED = "RAYSP_STORE", "RAYSP_OPENED"
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""Nothing is told to anybody, and no job runners are started."""


def serve(uri: str, opened: str, host: str, port: int, ready: Callable[[], None]) -> None:
    """Serve MLflow's pages for a store until Ctrl-C.

    Args:
        uri: the store's address.
        opened: what the first page shows, from "/" on.
        host, port: where to listen.
        ready: called once the pages can be opened.

    Raises:
        BadInput: nothing has that host's name.
        NotReady: the port is taken, or the server ended.
    """
    try:
        socket.getaddrinfo(host, port)
    except (OSError, UnicodeError) as error:
        # Told later, it is only a server that ended.
        raise BadInput(
            f"--host expected a name or address of this machine, got {host}, not known ({error}); leave it out "
            "for 127.0.0.1"
        ) from None
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        raise NotReady(f"{host}:{port} is taken, expected a free port; try raysp ui ... --port {port + 1}")
    with tempfile.TemporaryFile("w+") as output, _started(uri, opened, host, port, output) as process:
        while process.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{host}:{port}/health", timeout=2):
                break
            time.sleep(0.2)
        if process.poll() is not None:
            raise _ended(host, port, output)
        ready()
        # Libraries imported by now restart a system call after a signal: Ctrl-C would wait for its end.
        while process.poll() is None:
            time.sleep(0.2)
        if process.returncode != 0:
            raise _ended(host, port, output)


def _ended(host: str, port: int, output: IO[str]) -> NotReady:
    output.seek(0)
    last = " ".join(output.read().split())[-400:]
    return NotReady(
        f"MLflow's server on {host}:{port} ended: {last or 'it printed nothing'}; try another --host or --port"
    )


@contextlib.contextmanager
def _started(uri: str, opened: str, host: str, port: int, output: IO[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start the server under its keeper, and end both with the block."""
    environment = {**os.environ, **QUIET, STORE: uri, OPENED: opened}
    command = [sys.executable, "-m", "uvicorn", "raysp.driver.tracking_pages:app", "--log-level", "warning"]
    keeper = [sys.executable, "-c", KEEPER.replace("GRACE_S", str(GRACE_S))]
    process = subprocess.Popen(
        [*keeper, *command, "--host", host, "--port", str(port)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        present(process.stdin).close()
        process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
