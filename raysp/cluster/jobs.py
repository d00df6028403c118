"""Functions of the other rooms as Ray tasks: preparing, collecting, evaluating, reporting."""

from __future__ import annotations

import pkgutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysp.cluster import machines, node_check, session
from raysp.cluster.node_check import Expected
from raysp.config import plugins
from raysp.errors import NotReady
from raysp.training.process_limits import pinned

if TYPE_CHECKING:
    import ray

Call = tuple[Sequence[object], dict[str, object]]
"""What a function is called with: arguments, and those by name."""

LOOK_S = 5.0
RETRIES = 5
AT_ONCE = 500
"""Tasks that Ray knows of at a time: each look at those that wait costs as much as there are."""


@dataclass(frozen=True)
class Unfit:
    """What a task returns from a machine that must not run it: which, and why."""

    machine: str
    reason: str


def job(function: str, *args: object, cpus: int = 1, **options: object) -> Any:
    """Run one function, given by its dotted name, as a Ray task, and return what it returns.

    Raises:
        Exception: what the function raised, as it was.
    """
    return jobs(function, [(args, options)], cpus=cpus)[0]


def jobs(
    function: str,
    calls: Sequence[Call],
    *,
    cpus: int = 1,
    gpus: float = 0.0,
    at_once: int = AT_ONCE,
    on_done: Callable[[int, Any], None] = lambda i, found: None,
    more: Callable[[int, Any], Sequence[Call]] = lambda i, found: (),
    on_wait: Callable[[], None] = lambda: None,
) -> list[Any]:
    """Run a function once per call, as many at a time as the cluster has room for.

    Args:
        function: its dotted name, so that the task's process imports it by itself.
        calls: (arguments, options) of each call.
        cpus: cores that each call may use.
        gpus: GPUs, or a share of one, likewise.
        at_once: calls at a time, at most.
        on_done: called with the index of each call that has ended, and what it returned.
        more: called likewise; returns calls that are to be made now that it has ended, numbered on from the last one.
        on_wait: called every few seconds while none ends.

    Returns:
        What the calls returned, in their order.

    Raises:
        NotReady: the cluster had no machine with so many cores for too long, or a call's process died again and again.
        Exception: what the first failing call raised, as it was; the others are cancelled.
    """
    session.ready()
    import ray

    calls, left, index = list(calls), deque(range(len(calls))), {}
    waiting: list[ray.ObjectRef[Any]] = []
    found: list[Any] = [None] * len(calls)
    plugged: ray.ObjectRef[plugins.Plugged] = ray.put(plugins.plugged())
    since = time.monotonic()
    while left or waiting:
        while left and len(waiting) < min(at_once, AT_ONCE):
            i = left.popleft()
            waiting.append(_submit(calls[i], cpus=cpus, gpus=gpus, function=function, plugged=plugged))
            index[waiting[-1]] = i
        ready, waiting = ray.wait(waiting, num_returns=1, timeout=LOOK_S)
        if not ready:
            on_wait()
            since = time.monotonic() if any(one.get("CPU", 0) >= cpus for one in machines.present()) else since
            _give_up(waiting, cpus, time.monotonic() - since)
            continue
        i = index.pop(ready[0])
        try:
            found[i] = ray.get(ready[0])
        except ray.exceptions.RayTaskError as error:
            _cancel(waiting)
            raise (error.cause if isinstance(error.cause, Exception) else error) from error
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
            _cancel(waiting)
            raise NotReady(
                f"{function} killed its process {RETRIES + 1} times ({str(error).strip().splitlines()[0]}); what is "
                "finished stays: run the same command again"
            ) from error
        if isinstance(found[i], Unfit):
            # It came after the machines were looked at; what it cannot do, another does.
            _turn_away(found[i])
            left.appendleft(i)
            continue
        on_done(i, found[i])
        for call in more(i, found[i]):
            left.append(len(calls))
            calls.append(call)
            found.append(None)
    return found


def _cancel(waiting: Iterable[ray.ObjectRef[Any]]) -> None:
    import ray

    for ref in waiting:
        ray.cancel(ref, force=True)


def _submit(
    call: Call, *, cpus: int, gpus: float, function: str, plugged: ray.ObjectRef[plugins.Plugged]
) -> ray.ObjectRef[Any]:
    import ray

    # Machines are taken away also while they do this: what counts is an error of the function's own.
    task = ray.remote(_call).options(num_cpus=cpus, max_retries=RETRIES, runtime_env={"env_vars": pinned(cpus)})
    task = task.options(num_gpus=gpus) if gpus else task
    if node_check.turned_away:
        task = task.options(label_selector={"ray.io/node-id": f"!in({','.join(sorted(node_check.turned_away))})"})
    args, options = call
    return task.remote(function, tuple(args), options, node_check.driver, plugged)


def _turn_away(unfit: Unfit) -> None:
    import ray

    node_check.turned_away.add(unfit.machine)
    there = {node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")}
    if there <= node_check.turned_away:
        raise NotReady(f"no machine of the cluster can do what is left; the last one: {unfit.reason}")


def _give_up(waiting: list[ray.ObjectRef[Any]], cpus: int, seconds: float) -> None:
    limit = machines.machines_within_min
    if seconds > 60 * limit:
        _cancel(waiting)
        raise NotReady(f"no machine with {cpus} CPU slots was there for {limit:g} minutes; {machines.none_came()}")


def _call(
    function: str,
    args: tuple[object, ...],
    options: dict[str, object],
    driver: Expected | None,
    plugged: plugins.Plugged,
) -> Any:
    import ray

    if driver is not None and (reason := node_check.unfit(driver)) is not None:
        return Unfit(ray.get_runtime_context().get_node_id(), reason)
    plugins.plug(plugged)
    return pkgutil.resolve_name(function)(*args, **options)
