"""One Ray of a process of tests, for all modules that share it: to start one takes seconds."""

import contextlib
import gc
import os
import pathlib
import warnings

import pytest

from raysp.cluster.session import session
from raysp.config.experiment import Resources

RUNNERS = str(pathlib.Path(__file__).parent / "cluster")
_open = contextlib.ExitStack()
_machines = []


def machines():
    """Return the machines of the Ray that is shared, started on the first call."""
    if not _machines:
        with contextlib.ExitStack() as block, pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            # On a crowded machine Ray may be too slow, and is started again; what it had begun is still there.
            warnings.simplefilter("ignore", ResourceWarning)
            # The workers are other processes: they find the tests' runners by this path.
            path = os.pathsep.join(filter(None, [RUNNERS, os.environ.get("PYTHONPATH")]))
            patch.setenv("PYTHONPATH", path)
            _machines.extend(block.enter_context(session(Resources(workers=2)))())
            _open.push(block.pop_all())
            gc.collect()
    return list(_machines)


def end():
    """End it, where it is there, and forget what it and starts that were too slow have left."""
    if not _machines:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        _machines.clear()
        _open.close()
        gc.unfreeze()
        gc.collect()
