"""Ray Tune at work on a sweep: a searcher that asks the scheduler, trials as plain functions in reused processes."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from raysp.cluster.machines import Machines, pool_size
from raysp.cluster.rungs import Kept, Ladder, tune_scheduler
from raysp.config.experiment import Resources
from raysp.data.splits.population import TrainingPart
from raysp.errors import StoreError
from raysp.io import files, leftovers
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.trial_log import Setting
from raysp.search.scheduler import StudyScheduler

Watch = Callable[[dict[str, Any]], None]


def work(
    scheduler: StudyScheduler,
    parts: dict[str, TrainingPart],
    setting: Setting,
    resources: Resources,
    machines: Machines,
    made_by: dict[str, Any],
    watch: Watch,
    runner: str = "raysp.trials.search_trial.search_trial",
) -> None:
    """Run the trials of a sweep until all its studies are over.

    Tune's own state goes to a temporary folder and is never read again: what to run follows from the run folder.

    Args:
        scheduler: what to run.
        parts: split -> its training part; put into the object store once, and read from there without a copy.
        setting: where trials run.
        resources: processes, and cores and GPUs of each.
        machines: what the cluster has.
        made_by: commit and code hash, for the trials' records.
        watch: told of every event: {"kind": start, progress, done, failed or crash, "trial": id, "note": {...}}.
        runner: dotted name of the function that runs a trial; for measuring the machinery itself.

    Raises:
        KeyboardInterrupt: Ctrl-C; the trials' checkpoints hold their state.
    """
    import ray
    from ray import tune
    from ray.tune.error import TuneError

    from raysp.cluster.sweep_worker import train

    _keep_credentials_out_of_logs()
    trouble: list[OSError | StoreError] = []

    workers, share = pool_size(resources, machines, len(scheduler.studies) * 10**6)
    ladders = {
        active.study.name: Ladder(active) for active in scheduler.studies if active.study.definition.halving is not None
    }
    shared = {
        "parts": {name: ray.put(part) for name, part in parts.items()},
        "setting": dataclasses.asdict(setting),
        "threads": resources.cpus_per_worker,
        "share": share,
        "made_by": made_by,
        "runner": runner,
        "rungs": {
            active.study.name: (active.study.definition.rungs, active.study.definition.objectives[0])
            for active in scheduler.studies
        },
    }
    room = {"cpu": resources.cpus_per_worker} | ({"gpu": share} if share else {})
    full, _ = pool_size(dataclasses.replace(resources, workers=None), machines, 10**9)
    with contextlib.ExitStack() as stack:
        storage = leftovers.scratch("tune")
        stack.callback(files.remove, storage)
        tuner = tune.Tuner(
            tune.with_resources(tune.with_parameters(train, shared=shared), room),
            tune_config=tune.TuneConfig(
                search_alg=_searcher(scheduler, trouble),
                scheduler=tune_scheduler(ladders),
                num_samples=-1,
                reuse_actors=True,
                max_concurrent_trials=workers if workers < full else None,
                trial_name_creator=lambda trial: trial.trial_id,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=storage,
                verbose=0,
                failure_config=tune.FailureConfig(max_failures=resources.max_crashes - 1),
                callbacks=[_callback(setting, scheduler, watch, trouble, resources.max_crashes)],
            ),
        )
        try:
            tuner.fit()
        except TuneError as error:
            # Tune tells of an error in the driver's own part as text; what it was matters to the caller.
            raise (trouble[0] if trouble else error) from None


def _keep_credentials_out_of_logs() -> None:
    """Let Tune hand no AWS credentials to its processes: Ray writes what it hands over into logs that all can read.

    They are in the environment of each machine, where Ray's processes have them from.
    """
    from ray.tune.execution import class_cache

    passed_on = class_cache.ENV_VARS_TO_PROPAGATE
    class_cache.ENV_VARS_TO_PROPAGATE = {name for name in passed_on if not name.startswith("AWS_")}


@contextlib.contextmanager
def _kept(trouble: list[OSError | StoreError]) -> Iterator[None]:
    """Keep what the disk or the store raises in the block; Tune passes it on as text alone."""
    try:
        yield
    except (OSError, StoreError) as error:
        trouble.append(error)
        raise


def _searcher(scheduler: StudyScheduler, trouble: list[OSError | StoreError]) -> Any:
    from ray.tune.search import Searcher

    class Studies(Kept, Searcher):
        """Hands Tune the scheduler's next trial."""

        def suggest(self, trial_id: str) -> Any:
            with _kept(trouble):
                found = scheduler.next()
            if found == "over":
                return Searcher.FINISHED
            if found is None:
                return None
            plain = trial_to(found)
            study = scheduler.study_of(plain["id"]).study
            # A final is not a race: ASHA has no say in it.
            name = study.name if found.seed in study.definition.seeds else None
            return {"id": plain["id"], "study": name, "trial": json.dumps(plain)}

        def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
            """Do nothing: the callback settles trials, since it knows their names."""

        def save(self, checkpoint_path: str) -> None:
            """Write nothing that is ever read."""
            files.write_text(checkpoint_path, "")

        def restore(self, checkpoint_path: str) -> None:
            """Restore nothing."""

    return Studies()


def _callback(
    setting: Setting, scheduler: StudyScheduler, watch: Watch, trouble: list[OSError | StoreError], max_crashes: int
) -> Any:
    from ray import tune

    crashes: Counter[str] = Counter()

    class Events(Kept, tune.Callback):
        """Settles trials with the scheduler and tells what happened."""

        def on_trial_start(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
            with _kept(trouble):
                watch({"kind": "start", "trial": trial.config["id"], "note": {}})

        def on_trial_result(
            self, iteration: int, trials: list, trial: Any, result: dict[str, Any], **info: Any
        ) -> None:
            if "disk_full" in result:
                # No result of the trial: the study must not learn from it.
                self._stop(OSError(errno.ENOSPC, "no space left on the disk", result["disk_full"]))
            if "store" in result:
                self._stop(StoreError(result["store"]))
            if "note" in result:
                with _kept(trouble):
                    watch({"kind": "progress", "trial": trial.config["id"], "note": result["note"]})

        def on_trial_recover(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
            self._crashed(trial.config["id"])

        def on_trial_complete(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
            self._settle(trial.config["id"])

        def on_trial_error(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
            name = trial.config["id"]
            folder = RunFolder(setting.run).trial(name)
            if not files.exists(folder.done) and not files.exists(folder.error):
                self._crashed(name)
                if crashes[name] < max_crashes:
                    # Tune gives a trial up at once where its process dies while it is being handed over to it.
                    scheduler.give_back(name)
                    return
                reason = str(trial.get_error() or "").strip().splitlines()
                text = f"the trial killed its process {crashes[name]} times; the last time: "
                # A full disk may refuse this; then the trial counts as never run.
                with contextlib.suppress(OSError):
                    files.write_text(folder.error, text + (reason[-1] if reason else "unknown") + "\n")
            self._settle(name)

        def _crashed(self, name: str) -> None:
            crashes[name] += 1
            watch({"kind": "crash", "trial": name, "note": {"crashes": crashes[name], "reason": "its process died"}})

        def _settle(self, name: str) -> None:
            with _kept(trouble):
                found = scheduler.settle(name)
                kind = "failed" if found.state == "failed" else "done"
                watch({"kind": kind, "trial": name, "note": {"outcome": found}})

        def _stop(self, error: OSError | StoreError) -> None:
            with _kept(trouble):
                raise error

    return Events()
