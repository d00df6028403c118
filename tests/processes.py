"""Commands that tests start: they and all that they started end with the test; only a hang meets a limit of time."""

import contextlib
import os
import subprocess
import time
import uuid

import psutil

LIMIT_S = 1500.0
"""Of any one wait: what takes a minute on a quiet machine may take ten on a crowded one."""
MARK = "RAYSP_TEST_COMMAND"
_started = []


def start(command, **environment):
    """Start a command in a session of its own; its output comes by one pipe."""
    mark = uuid.uuid4().hex
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "backslashreplace"}
    env = {**os.environ, **environment, MARK: mark}
    process = subprocess.Popen(command, env=env, start_new_session=True, **pipes)
    _started.append((process, mark))
    return process


def finish(process, expected=0):
    """Return a command's output once it ended with the status that is expected."""
    output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == expected, output
    return output


def wait_for(condition, process):
    """Return what a condition says once it says something, while a command is running."""
    until = time.monotonic() + LIMIT_S
    while not (found := condition()):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


def count():
    """Return how many commands were started."""
    return len(_started)


def end(since):
    """Kill the commands after the first so many, and whatever they started, also what has left their family."""
    for process, mark in _started[since:]:
        while alive := _marked(mark):
            for one in alive:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            psutil.wait_procs(alive, timeout=1)
        process.wait()
        process.stdout.close()
    del _started[since:]


def _marked(mark):
    """Return the living processes that carry a command's mark in their environment, as children of children do."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found
