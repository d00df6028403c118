"""What a campaign does to a command at work: kill -9 of its processes, Ctrl-C, a full disk, a store that is away."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable

import psutil

VICTIMS = {"worker": "RayTrainWorker", "actor": "ImplicitFunc", "task": "ray::_call"}
"""What the title of a process has in it: of the pool, of a sweep, and of collecting, evaluating and reporting."""

Running = Callable[[], bool]


def victims(driver: int, kind: str) -> list[int]:
    """Return the processes of one kind that a driver has now."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(driver).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if VICTIMS[kind] in " ".join(process.cmdline()):
                    found.append(process.pid)
    return sorted(found)


def kill_one(driver: int, kinds: tuple[str, ...], rng: random.Random, running: Running) -> str | None:
    """Kill -9 a process of the kinds, a moment after there is one; None when the command ended first."""
    while running():
        found = [(kind, pid) for kind in kinds for pid in victims(driver, kind)]
        if found:
            rest(rng.uniform(0.2, 4.0), running)
            kind, pid = rng.choice(found)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return kind
        time.sleep(0.1)
    return None


def kill_driver(driver: int, rng: random.Random, running: Running) -> str | None:
    """Kill -9 the command itself, at any moment from its first second on."""
    rest(rng.uniform(0.5, 20.0), running)
    if not running():
        return None
    os.kill(driver, signal.SIGKILL)
    return "driver"


def interrupt(driver: int, rng: random.Random, running: Running) -> str | None:
    """Ctrl-C once work has begun."""
    while running() and not any(victims(driver, kind) for kind in VICTIMS):
        time.sleep(0.1)
    rest(rng.uniform(0.2, 4.0), running)
    if not running():
        return None
    os.kill(driver, signal.SIGINT)
    return "interrupt"


def fill_disk(place: str, driver: int, rng: random.Random, running: Running) -> str | None:
    """Leave no byte free on the file system of `place` for some seconds, once work has begun."""
    while running() and not any(victims(driver, kind) for kind in VICTIMS):
        time.sleep(0.1)
    rest(rng.uniform(0.2, 6.0), running)
    if not running():
        return None
    ballast = os.path.join(place, "ballast")
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"\0" * 65536):
            pass
    time.sleep(rng.uniform(2.0, 6.0))
    os.remove(ballast)
    return "disk full"


def rest(seconds: float, running: Running) -> None:
    """Sleep, but not past the end of the command."""
    until = time.monotonic() + seconds
    while running() and time.monotonic() < until:
        time.sleep(0.05)


class Server:
    """A tracking server on loopback that can be taken away and brought back; its store stays."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        self.store = f"sqlite:///{folder}/tracking.db"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers. Raises TimeoutError when it does not within two minutes."""
        os.makedirs(self.folder, exist_ok=True)
        places = ["--backend-store-uri", self.store, "--artifacts-destination", f"{self.folder}/artifacts"]
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self._port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        self._process = subprocess.Popen([*command, *places, "--workers", "1"], **quiet)
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.address}/health", timeout=2):
                return
            time.sleep(0.2)
        raise TimeoutError(f"no tracking server at {self.address}")

    def kill(self) -> None:
        """Kill -9 the server and all it started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def away(self, driver: int, rng: random.Random, running: Running) -> str | None:
        """Kill the server once work has begun, and start it again some seconds later."""
        while running() and not any(victims(driver, kind) for kind in VICTIMS):
            time.sleep(0.1)
        rest(rng.uniform(0.2, 4.0), running)
        if not running():
            return None
        self.kill()
        time.sleep(rng.uniform(3.0, 10.0))
        self.start()
        return "tracking away"
