"""Functions of the other rooms as Ray tasks: preparing, collecting, evaluating, reporting."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from raysp.training.share import pinned


def job(function: str, *args: Any, cpus: int = 1, **options: Any) -> Any:
    """Run one function, given by its dotted name, as a Ray task, and return what it returns.

    Raises:
        Exception: what the function raised, as it was.
    """
    return jobs(function, [(args, options)], cpus=cpus)[0]


def jobs(
    function: str,
    calls: Sequence[tuple[Sequence[Any], dict[str, Any]]],
    *,
    cpus: int = 1,
    on_done: Callable[[int], None] = lambda i: None,
) -> list[Any]:
    """Run a function once per call, as many at a time as the cluster has room for.

    Args:
        function: its dotted name, so that the task's process imports it by itself.
        calls: (arguments, options) of each call.
        cpus: cores that each call may use.
        on_done: told the index of each call that has ended.

    Returns:
        What the calls returned, in their order.

    Raises:
        Exception: what the first failing call raised, as it was; the others are cancelled.
    """
    import ray

    task = ray.remote(_call).options(num_cpus=cpus, max_retries=1, runtime_env={"env_vars": pinned(cpus)})
    refs = [task.remote(function, tuple(args), options) for args, options in calls]
    index = {ref: i for i, ref in enumerate(refs)}
    waiting = list(refs)
    while waiting:
        ready, waiting = ray.wait(waiting, num_returns=1)
        try:
            ray.get(ready[0])
        except ray.exceptions.RayTaskError as error:
            for ref in waiting:
                ray.cancel(ref, force=True)
            raise (error.cause if isinstance(error.cause, Exception) else error) from error
        on_done(index[ready[0]])
    return ray.get(refs)


def _call(function: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    module, _, name = function.rpartition(".")
    return getattr(importlib.import_module(module), name)(*args, **options)
