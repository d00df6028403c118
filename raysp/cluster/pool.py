"""One Ray Train run as a pool of workers; the driver starts it, watches its queue, and stops it."""

from __future__ import annotations

import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from raysp import files
from raysp.cluster.queue import SETTLED, TrialQueue
from raysp.cluster.session import pool_size
from raysp.config import Resources
from raysp.one_trial import Setting
from raysp.training.share import pinned

RUNNER = "raysp.one_trial.run_trial"
MOST_CONTROLLERS = 10
STOP_GRACE_S = 60.0


class Pool:
    """A pool at work on some trials.

    Use: `for events, states in pool.watch(): ...`; call `pool.stop()` to end it early, its trials' state saved.

    Args:
        trials: the plain form of each trial, those that others follow included.
        setting: where the trials run.
        resources: how many workers of what size.
        available: what the cluster has.
        runner: dotted name of the function that runs a trial; for measuring the pool itself.
    """

    def __init__(
        self,
        trials: list[dict[str, Any]],
        setting: Setting,
        resources: Resources,
        available: dict[str, Any],
        *,
        runner: str = RUNNER,
        lease_s: float | None = None,
    ) -> None:
        import ray

        self.workers, self.share = pool_size(resources, available, len(trials))
        options = {"max_crashes": resources.max_crashes} | ({} if lease_s is None else {"lease_s": lease_s})
        self._queue = ray.remote(TrialQueue).options(num_cpus=0, max_concurrency=1).remote(trials, **options)
        # Nothing is ever read from there, and Train's controller writes to it on the driver's machine.
        self._storage = tempfile.mkdtemp(prefix="raysp-pool-")
        self._make_trainer = lambda: self._make(setting, resources, runner, len(trials))
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._fit, daemon=True)
        self._thread.start()

    def watch(self, every_s: float = 0.3) -> Any:
        """Yield (new events, states of all trials, the same mapping each time) until the pool has ended.

        Raises:
            RuntimeError: the pool itself could not be started or kept running.
        """
        import ray

        seen, settled_at, over = 0, None, False
        states = ray.get(self._queue.states.remote())
        unsettled = {name for name, entry in states.items() if entry["state"] not in SETTLED}
        while not over:
            # A group whose workers cannot live is started again and again; nothing of it is worth waiting for.
            stuck = settled_at is not None and time.monotonic() - settled_at > STOP_GRACE_S
            over = stuck or not self._thread.is_alive()
            # Only what changed comes over: of many trials, all states would be megabytes each time.
            events, changed = ray.get(self._queue.news.remote(seen))
            seen += len(events)
            states.update(changed)
            unsettled -= {name for name, entry in changed.items() if entry["state"] in SETTLED}
            if settled_at is None and not unsettled:
                settled_at = time.monotonic()
            yield events, states
            if not over:
                self._thread.join(every_s)
        if self._error is not None:
            raise RuntimeError(f"the pool of workers failed: {self._error}") from self._error

    def stop(self) -> None:
        """Let the running trials save their state, and end the pool."""
        import ray

        ray.get(self._queue.stop.remote())
        self._thread.join(STOP_GRACE_S)

    def close(self) -> None:
        """Remove what Ray Train left behind; call when the pool has ended."""
        files.remove(self._storage)

    def _make(self, setting: Setting, resources: Resources, runner: str, trials: int) -> Any:
        import dataclasses

        import ray.train
        from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

        # Not TorchTrainer: the trials share nothing, and its process group would open a port on every interface.
        threads = resources.cpus_per_worker
        per_worker = {"CPU": threads} | ({"GPU": self.share} if self.share else {})
        return DataParallelTrainer(
            _work,
            train_loop_config={
                "queue": self._queue,
                "setting": dataclasses.asdict(setting),
                "threads": threads,
                "share": self.share,
                "runner": runner,
            },
            scaling_config=ray.train.ScalingConfig(
                num_workers=self.workers, use_gpu=bool(self.share), resources_per_worker=per_worker
            ),
            run_config=ray.train.RunConfig(
                name=f"pool-{uuid.uuid4().hex[:8]}",
                storage_path=self._storage,
                # Each crash is counted by the queue, per trial; this only bounds a pool that cannot live at all.
                failure_config=ray.train.FailureConfig(max_failures=resources.max_crashes * trials + 10),
                callbacks=[_blame(self._queue)],
                worker_runtime_env={"env_vars": pinned(threads)},
            ),
        )

    def _fit(self) -> None:
        from ray.train import ControllerError

        for _ in range(MOST_CONTROLLERS):
            try:
                self._make_trainer().fit()
            except ControllerError as error:
                # A worker that dies while its group is being started takes Train's controller along, whatever number
                # of failures is allowed. The queue knows what is left: another controller goes on with it.
                self._error = error
            except BaseException as error:
                self._error = error
                return
            else:
                self._error = None
                return


def _work(config: dict[str, Any]) -> None:
    from raysp.cluster.worker import work

    work(config)


def _blame(queue: Any) -> Any:
    import ray.train

    class Blame(ray.train.UserCallback):
        """Tells the queue which workers died, from the Train controller."""

        def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:
            import ray

            for rank, error in worker_exceptions.items():
                ray.get(queue.crashed.remote(rank, _reason(error)))

    return Blame()


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].strip() if lines[0].startswith(("Traceback", "ray::")) else lines[0].strip()


def wait_for(pool: Pool, on_event: Callable[[list, dict], None]) -> dict[str, dict[str, Any]]:
    """Watch a pool to its end; Ctrl-C stops it with its trials' state saved. Returns the last states."""
    states: dict[str, dict[str, Any]] = {}
    try:
        for events, states in pool.watch():
            on_event(events, states)
    except KeyboardInterrupt:
        pool.stop()
        raise
    finally:
        pool.close()
    return states


def noop(trial: Any, setting: Any, report: Any, keep_going: Any) -> dict[str, Any]:
    """Run nothing: what is left is the platform's own cost."""
    report({"epoch": 1, "epochs": 1})
    return {"seconds": 0.0, "at": time.time()}
