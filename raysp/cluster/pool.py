"""Ray Train runs as a pool of workers; the driver starts them, watches their queue, and stops them."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray
import ray.train
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from raysp.cluster.events import Event, State
from raysp.cluster.machines import Machines, group_sizes, none_came, pool_size
from raysp.cluster.node_check import Expected
from raysp.cluster.queue import SETTLED, Health, TrialQueue
from raysp.cluster.worker import work
from raysp.config.experiment import Resources, Trial
from raysp.config.note import Report
from raysp.errors import NotReady, present
from raysp.io import files, leftovers
from raysp.runs.records import PlainTrial
from raysp.runs.trial_log import Setting
from raysp.training.process_limits import pinned

if TYPE_CHECKING:
    from ray.train.torch import TorchTrainer

RUNNER = "raysp.trials.run_trial.run_trial"
MOST_CONTROLLERS = 10
STOP_GRACE_S = 60.0


@dataclass
class Group:
    """Workers that start together, as one Ray Train run.

    Attributes:
        first: the number of its first worker.
        size: how many it has.
        thread: what waits for it.
        error: why it ended, when it did not end well.
    """

    first: int
    size: int
    thread: threading.Thread | None = None
    error: BaseException | None = None

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self.thread is not None and self.thread.is_alive()

    def came(self, health: Health) -> bool:
        """Tell whether any of its workers ever lived."""
        return any(self.first <= worker < self.first + self.size for worker in health.workers)


class Pool:
    """A pool at work on some trials: one group of workers for each machine, all with the same queue.

    Use: `for events, states in pool.watch(): ...`; call `pool.stop()` to end it early, its trials' state saved.

    Args:
        trials: the plain form of each trial, those that others follow included.
        setting: where the trials run.
        resources: how many workers of what size.
        machines: what the cluster has.
        runner: dotted name of the function that runs a trial; for measuring the pool itself.
        expected: what the workers' machines must agree with before they take trials; None to look at nothing.
    """

    def __init__(
        self,
        trials: list[PlainTrial],
        setting: Setting,
        resources: Resources,
        machines: Machines,
        *,
        runner: str = RUNNER,
        expected: Expected | None = None,
        lease_s: float | None = None,
    ) -> None:
        self.workers, self.share = pool_size(resources, machines, len(trials))
        self._resources, self._machines = resources, machines
        options = {"max_crashes": resources.max_crashes} | ({} if lease_s is None else {"lease_s": lease_s})
        # On the driver's machine: any other may be taken away.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        actor = ray.remote(TrialQueue).options(num_cpus=0, max_concurrency=1, scheduling_strategy=here)
        self._queue: Any = actor.remote(trials, **options)
        # Nothing is ever read from there, and Train's controllers write to it on the driver's machine.
        self._storage = leftovers.scratch("pool")
        self._config = {
            "queue": self._queue,
            "setting": dataclasses.asdict(setting),
            "threads": resources.cpus_per_worker,
            "share": self.share,
            "runner": runner,
            "expected": expected,
        }
        # Each crash is counted by the queue, per trial; this only bounds a group that cannot live at all.
        self._failures = resources.max_crashes * len(trials) + 10
        self._groups: list[Group] = []
        for size in group_sizes(self.workers, resources, machines):
            self._groups.append(Group(sum(group.size for group in self._groups), size))
        for group in self._groups:
            group.thread = threading.Thread(target=self._fit, args=(group,), daemon=True)
            group.thread.start()

    def watch(self, every_s: float = 0.3) -> Iterator[tuple[list[Event], dict[str, State]]]:
        """Yield (new events, states of all trials, the same mapping each time) until the pool has ended.

        Raises:
            RuntimeError: the pool itself could not be started or kept running.
            NotReady: no machine came, or none that can run trials. What was finished is kept.
        """
        seen, over = 0, False
        settled_at: float | None = None
        states: dict[str, State] = ray.get(self._queue.states.remote())
        unsettled = {name for name, entry in states.items() if entry["state"] not in SETTLED}
        while not over:
            # Looked at before the news: what a group that has ended did is among them.
            alive = [group for group in self._groups if group.alive]
            # Only what changed comes over: of many trials, all states would be megabytes each time.
            events, changed, health = ray.get(self._queue.news.remote(seen))
            seen += len(events)
            states.update(changed)
            unsettled -= {name for name, entry in changed.items() if entry["state"] in SETTLED}
            if settled_at is None and not unsettled:
                settled_at = time.monotonic()
            # A group whose workers cannot live is started again and again; nothing of it is worth waiting for. Nor is
            # a machine that has not come when all is done.
            stuck = settled_at is not None and time.monotonic() - settled_at > STOP_GRACE_S
            over = stuck or not alive or (settled_at is not None and not any(group.came(health) for group in alive))
            yield events, states
            if unsettled and health.quiet_s > 60 * self._resources.machines_within_min:
                raise NotReady(self._nobody())
            if not over:
                present(alive[0].thread).join(every_s)
        if unsettled:
            self._say_why(health)

    def stop(self) -> None:
        """Let the running trials save their state, and end the pool."""
        ray.get(self._queue.stop.remote())
        _, _, health = ray.get(self._queue.news.remote(0))
        until = time.monotonic() + STOP_GRACE_S
        for group in self._groups:
            if group.came(health):
                present(group.thread).join(max(until - time.monotonic(), 0.0))

    def close(self) -> None:
        """Remove what Ray Train left behind; call when the pool has ended."""
        files.remove(self._storage)

    def _say_why(self, health: Health) -> None:
        errors = [group.error for group in self._groups if group.error is not None]
        if errors:
            raise RuntimeError(f"the pool of workers failed: {errors[0]}") from errors[0]
        if health.unfit:
            reasons = "; ".join(f"{machine}: {reason}" for machine, reason in health.unfit.items())
            raise NotReady(f"no machine of the cluster can run the trials that are left ({reasons})")

    def _nobody(self) -> str:
        each = f"CPU {self._resources.cpus_per_worker}" + (f", GPU {self.share:g}" if self.share else "")
        return (
            f"no worker was alive for {self._resources.machines_within_min:g} minutes: {self.workers} with {each} each "
            f"were asked for, and {none_came()}"
        )

    def _make(self, group: Group) -> TorchTrainer:
        # Here, since each controller imports this file, and needs no torch.
        from ray.train.torch import TorchTrainer

        threads = self._resources.cpus_per_worker
        per_worker = {"CPU": threads} | ({"GPU": self.share} if self.share else {})
        # Ray's types are those of Train's first version.
        alone: Any = _Alone()
        options: dict[str, Any] = {
            "name": f"pool-{uuid.uuid4().hex[:8]}",
            "storage_path": self._storage,
            "failure_config": ray.train.FailureConfig(max_failures=self._failures),
            "callbacks": [_Blame(self._queue, group.first)],
            "worker_runtime_env": {"env_vars": pinned(threads)},
        }
        return TorchTrainer(
            work,
            torch_config=alone,
            train_loop_config=self._config | {"first": group.first},
            scaling_config=ray.train.ScalingConfig(
                num_workers=group.size, use_gpu=bool(self.share), resources_per_worker=per_worker
            ),
            run_config=ray.train.RunConfig(**options),
        )

    def _fit(self, group: Group) -> None:
        for _ in range(MOST_CONTROLLERS):
            try:
                self._make(group).fit()
            except ray.train.ControllerError as error:
                # A worker that dies while its group is being started takes Train's controller along, whatever number
                # of failures is allowed. The queue knows what is left: another controller goes on with it.
                group.error = error
            except BaseException as error:
                group.error = error
                return
            else:
                group.error = None
                return


class _Alone(ray.train.BackendConfig):
    """No process group: the trials share nothing, and it would open a port on every interface."""

    # What a trainer of torch asks of its configuration; torch's own would start a group.
    backend = "none"


class _Blame(ray.train.UserCallback):
    """Passes on to the queue which workers died, from the Train controller."""

    def __init__(self, queue: Any, first: int) -> None:
        self._queue, self._first = queue, first

    def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:
        for rank, error in worker_exceptions.items():
            ray.get(self._queue.crashed.remote(self._first + rank, _reason(error)))


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].strip() if lines[0].startswith(("Traceback", "ray::")) else lines[0].strip()


def wait_for(
    pool: Pool, on_event: Callable[[list[Event], dict[str, State]], None], late: Callable[[], bool] = lambda: False
) -> dict[str, State]:
    """Watch a pool to its end; Ctrl-C stops it with its trials' state saved. Returns the last states.

    Args:
        pool: at work.
        on_event: told what happens.
        late: tells whether the pool is to stop, with its trials' state saved.
    """
    states: dict[str, State] = {}
    try:
        for events, states in pool.watch():
            on_event(events, states)
            if late():
                pool.stop()
                break
    except KeyboardInterrupt:
        # A scheduler may have ended Ray as well; its workers' checkpoints are what is left then.
        with contextlib.suppress(ray.exceptions.RayError):
            pool.stop()
        raise
    finally:
        pool.close()
    return states


def noop(trial: Trial, setting: Setting, report: Report, keep_going: Callable[[], bool]) -> dict[str, float]:
    """Run nothing: what is left is the platform's own cost."""
    report({"epoch": 1, "epochs": 1})
    return {"seconds": 0.0, "at": time.time()}
