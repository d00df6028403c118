"""A reading in a process of its own, with limits of time and memory: whatever it does, the campaign goes on."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS"):
    # Threads that a library starts do not live on in a fork.
    os.environ[name] = "1"

CPU_S, WALL_S = 30, 300
"""A reading takes a few hundredths of a second; the limits hold on a machine that is ten times slower, and busy."""
MEMORY_BYTES = 3 << 30

Outcome = dict[str, Any]


def run(work: Callable[[], Outcome]) -> Outcome:
    """Return what `work` returns, or how its process ended: {"ended": "hang"}, or {"ended": "crash", "how": ...}."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _in_child(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number in (signal.SIGALRM, signal.SIGXCPU):
            return {"ended": "hang"}
        return {"ended": "crash", "how": signal.Signals(number).name}
    if not said:
        return {"ended": "crash", "how": f"exit status {os.WEXITSTATUS(status)}"}
    return json.loads(said)


def _in_child(work: Callable[[], Outcome], pipe: int) -> None:
    status = 1
    try:
        faulthandler.disable()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        _limit()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            found = work()
        os.write(pipe, json.dumps(found).encode())
        status = 0
    except BaseException:
        os.write(pipe, json.dumps({"ended": "broken", "how": traceback.format_exc()[-3000:]}).encode())
        status = 0
    finally:
        os._exit(status)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Other systems than Linux do not say how much is taken.
    with contextlib.suppress(FileNotFoundError), open("/proc/self/statm") as file:
        most = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(WALL_S)
