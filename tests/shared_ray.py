"""One Ray of a process of tests, for all modules that share it: to start one takes seconds."""

import contextlib
import os
import pathlib

import pytest

from raysp.cluster.session import session
from raysp.config.experiment import Resources

RUNNERS = str(pathlib.Path(__file__).parent / "cluster")
_open = contextlib.ExitStack()
_machines = []


def machines():
    """Return the machines of the Ray that is shared, started on the first call."""
    if not _machines:
        with contextlib.ExitStack() as block, pytest.MonkeyPatch.context() as patch:
            # The workers are other processes: they find the tests' runners by this path.
            path = os.pathsep.join(filter(None, [RUNNERS, os.environ.get("PYTHONPATH")]))
            patch.setenv("PYTHONPATH", path)
            _machines.extend(block.enter_context(session(Resources(workers=2)))())
            _open.push(block.pop_all())
    return list(_machines)


def end():
    """End it, where it is there."""
    _machines.clear()
    _open.close()
