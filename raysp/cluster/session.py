"""Ray started quietly: on loopback for one machine, or joined where an address says so."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from raysp.cluster import machines, room
from raysp.cluster.joining import address, join
from raysp.cluster.machines import Machines, present, with_machines_to_come
from raysp.config.experiment import Resources
from raysp.errors import NotReady
from raysp.io import machine
from raysp.io.interruption import taken_for_ctrl_c
from raysp.training.process_limits import pinned

# Ray reads these when it is imported or started, so they are set before either happens.
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "600",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_worker_niceness": "0",
    # Ray starts a process a core beforehand, which none of ours is like: each has an environment of its own.
    "RAY_prestart_worker_first_driver": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # How long a process may take between a trial's last report and its end; on a crowded machine 2 s are too few.
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "60",
    # Tune's own snapshots are never read: the run folder is the record.
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
}
# Pages of advice on each process that dies: who holds the trial says so in one line.
SILENT = {"RAY_DEDUP_LOGS_SKIP_REGEX": "."}
STARTS, TOO_SLOW = 5, "timed out during startup"
# On Linux this makes every server that Ray starts listen on 127.0.0.1 alone; a test asserts that it does.
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "disabled"}
# No cloud takes back the one node of a session of our own: without the actor that waits for that, a start is faster.
UNWATCHED = {"RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0"}

_offers: list[Callable[[], Machines]] = []
"""What starts Ray, of the sessions of this process that are open."""


@contextlib.contextmanager
def session(resources: Resources, *, verbose: bool = False) -> Iterator[Callable[[], Machines]]:
    """Offer Ray for the block; yield what starts it, once, and returns the cluster's machines.

    The cluster at RAY_ADDRESS is joined at once. On this machine alone Ray starts when somebody asks for the machines
    or gives it a task (`ready`): a command that finds all done does not wait for it.

    Raises:
        NotReady: RAY_ADDRESS names a cluster that does not answer, or not to this token.
    """
    for name, value in {**QUIET, **({} if address() else LOOPBACK | UNWATCHED), **({} if verbose else SILENT)}.items():
        os.environ.setdefault(name, value)
    # Schedulers send SIGTERM before they kill, and trials' state can be saved till then.
    with taken_for_ctrl_c(from_others=True), contextlib.ExitStack() as block:
        own = functools.cache(lambda: block.enter_context(_started(resources, verbose=verbose)))
        start = _offers[-1] if _offers else own
        if address():
            start()
        _offers.append(start)
        block.callback(_offers.pop)
        yield start


def ready() -> None:
    """Have Ray started where a session offers it."""
    if _offers:
        _offers[-1]()


@contextlib.contextmanager
def _started(resources: Resources, *, verbose: bool) -> Iterator[Machines]:
    import ray

    logging.getLogger("ray.tune").setLevel(logging.INFO if verbose else logging.CRITICAL)

    if ray.is_initialized():
        yield present()
        return
    machines.machines_within_min = resources.machines_within_min
    level = logging.INFO if verbose else logging.ERROR
    # For every process of the session, since a process reads them before it imports torch.
    environment = {"env_vars": pinned(resources.cpus_per_worker)}
    common = {"log_to_driver": verbose, "logging_level": level, "namespace": "raysp", "runtime_env": environment}
    try:
        if address():
            join(**common)
        else:
            _stay_on_loopback()
            _start(address="local", num_cpus=cores(resources), include_dashboard=False, **room.options(), **common)
        # Ray's own handler of SIGTERM, which starting it has set, ends the process on the spot.
        with taken_for_ctrl_c(from_others=True):
            yield with_machines_to_come(present()) if address() else present()
    finally:
        ray.shutdown()


def _start(**options: Any) -> None:
    """Start Ray, again where it was too slow: it waits 30 s for its own processes, few on a crowded machine.

    Raises:
        NotReady: it cannot be started.
        OSError: the system refuses a process or a file.
    """
    import ray

    for attempt in range(1, STARTS + 1):
        try:
            ray.init(**options)
            return
        except OSError:
            ray.shutdown()
            raise
        except Exception as error:
            _end_what_began(error)
            ray.shutdown()
            if attempt < STARTS and TOO_SLOW in str(error):
                continue
            place = options.get("_temp_dir", "/tmp/ray")
            raise NotReady(
                f"Ray could not be started ({str(error).splitlines()[0]}); what it wrote is in the newest folder below "
                f"{place}, and `raysp doctor` says what this machine has"
            ) from error


def _end_what_began(error: Exception) -> None:
    """End the processes of a start that failed; Ray itself would let them live, and slow the next start down.

    Nobody but the call that failed knows them.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if (end := getattr(frame.f_locals.get("self"), "kill_all_processes", None)) is not None:
            end(check_alive=False, wait=True)


def _stay_on_loopback() -> None:
    """Keep every socket of the session on loopback, whoever imported ray first."""
    from ray._private import ray_constants

    # The environment variable above is read when ray is imported, which a person's own script may have done before.
    ray_constants.ENABLE_RAY_CLUSTER = False


def cores(resources: Resources) -> int:
    """Return how many CPU slots a session of our own offers: what the pool asks for, at least what may be used."""
    wanted = (resources.workers or 1) * resources.cpus_per_worker
    return max(wanted, machine.cores())
