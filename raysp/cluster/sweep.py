"""Ray Tune at work on a sweep: a searcher that asks the scheduler, trials as plain functions in reused processes."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import ray
from ray import tune
from ray.tune.error import TuneError
from ray.tune.search import Searcher

from raysp.cluster.events import Event, News, What
from raysp.cluster.machines import Machines, pool_size
from raysp.cluster.rungs import Kept, Ladder, Rungs
from raysp.cluster.sweep_worker import train
from raysp.config.experiment import Resources
from raysp.data.splits.split import Split
from raysp.errors import StoreError
from raysp.io import files, leftovers
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.trial_log import Setting
from raysp.search.scheduler import StudyScheduler
from raysp.trials.limits import Limits

if TYPE_CHECKING:
    from ray.tune.experiment import Trial as TuneTrial

Result = dict[str, Any]
"""What a trial of Tune's reports, see `sweep_worker.train`, among what Tune adds."""

Watch = Callable[[Event], None]


def work(
    scheduler: StudyScheduler,
    parts: dict[str, Split],
    setting: Setting,
    resources: Resources,
    machines: Machines,
    made_by: dict[str, str],
    watch: Watch,
    runner: str = "raysp.trials.search_trial.search_trial",
    limits: Limits | None = None,
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
        watch: given every event.
        runner: dotted name of the function that runs a trial; for measuring the machinery itself.
        limits: how long a trial may take; None for as long as it takes.

    Raises:
        KeyboardInterrupt: Ctrl-C; the trials' checkpoints hold their state.
    """
    _keep_credentials_out_of_logs()
    trouble, storage = Trouble(), leftovers.scratch("tune")
    workers, share = pool_size(resources, machines, len(scheduler.studies) * 10**6)
    full, _ = pool_size(dataclasses.replace(resources, workers=None), machines, 10**9)
    studies = [active.study for active in scheduler.studies]
    shared = {
        "parts": {name: ray.put(part) for name, part in parts.items()},
        "setting": dataclasses.asdict(setting),
        "threads": resources.cpus_per_worker,
        "share": share,
        "made_by": made_by,
        "runner": runner,
        "limits": dataclasses.asdict(limits or Limits()),
        "rungs": {one.name: (one.definition.rungs, one.definition.objectives[0]) for one in studies},
    }
    events = Events(setting, scheduler, watch, trouble, resources.max_crashes)
    room = {"cpu": resources.cpus_per_worker} | ({"gpu": share} if share else {})
    try:
        tune.Tuner(
            tune.with_resources(tune.with_parameters(train, shared=shared), room),
            tune_config=_tune_config(scheduler, trouble, workers if workers < full else None),
            run_config=_run_config(storage, events, resources.max_crashes),
        ).fit()
    except TuneError as error:
        # Tune passes an error of the driver's own part on as text; what it was matters to the caller.
        raise (trouble.first or error) from None
    finally:
        files.remove(storage)


def _run_config(storage: str, events: Events, max_crashes: int) -> tune.RunConfig:
    failures = tune.FailureConfig(max_failures=max_crashes - 1)
    return tune.RunConfig("sweep", storage_path=storage, verbose=0, failure_config=failures, callbacks=[events])


def _tune_config(scheduler: StudyScheduler, trouble: Trouble, at_once: int | None) -> tune.TuneConfig:
    ladders = {one.study.name: Ladder(one) for one in scheduler.studies if one.study.definition.halving is not None}
    return tune.TuneConfig(
        search_alg=Studies(scheduler, trouble),
        scheduler=Rungs(ladders),
        num_samples=-1,
        reuse_actors=True,
        max_concurrent_trials=at_once,
        trial_name_creator=lambda trial: trial.trial_id,
        trial_dirname_creator=lambda trial: trial.trial_id,
    )


def _keep_credentials_out_of_logs() -> None:
    """Let Tune hand no AWS credentials to its processes: Ray writes what it hands over into logs that all can read.

    They are in the environment of each machine, where Ray's processes have them from.
    """
    from ray.tune.execution import class_cache

    passed_on = class_cache.ENV_VARS_TO_PROPAGATE
    class_cache.ENV_VARS_TO_PROPAGATE = {name for name in passed_on if not name.startswith("AWS_")}


class Trouble:
    """Keeps what the disk or the store first raises in its blocks; Tune passes it on as text alone."""

    def __init__(self) -> None:
        self.first: OSError | StoreError | None = None

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what the block raises."""
        try:
            yield
        except (OSError, StoreError) as error:
            self.first = self.first or error
            raise


class Studies(Kept, Searcher):
    """Hands Tune the scheduler's next trial."""

    def __init__(self, scheduler: StudyScheduler, trouble: Trouble) -> None:
        super().__init__()
        self._studies, self._trouble = scheduler, trouble

    def suggest(self, trial_id: str) -> Any:
        """Return the configuration of the next trial, None when some must end first."""
        with self._trouble.kept():
            found = self._studies.next()
        if found == "over":
            return Searcher.FINISHED
        if found is None:
            return None
        plain = trial_to(found)
        study = self._studies.study_of(plain["id"]).study
        # A final is not a race: ASHA has no say in it.
        name = study.name if found.seed in study.definition.seeds else None
        return {"id": plain["id"], "study": name, "trial": json.dumps(plain)}

    def on_trial_complete(self, trial_id: str, result: Result | None = None, error: bool = False) -> None:
        """Do nothing: the callback settles trials, since it knows their names."""

    def save(self, checkpoint_path: str) -> None:
        """Write nothing that is ever read."""
        files.write_text(checkpoint_path, "")

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing."""


class Events(Kept, tune.Callback):
    """Settles trials with the scheduler and passes on what happened.

    Args:
        setting: where trials run.
        scheduler: whose trials they are.
        watch: given every event.
        trouble: keeps what the disk or the store raises.
        max_crashes: how often a trial may kill its process.
    """

    def __init__(
        self, setting: Setting, scheduler: StudyScheduler, watch: Watch, trouble: Trouble, max_crashes: int
    ) -> None:
        self._run, self._scheduler, self._watch = RunFolder(setting.run), scheduler, watch
        self._trouble, self._max_crashes = trouble, max_crashes
        self._crashes: Counter[str] = Counter()

    def on_trial_start(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object) -> None:
        """Pass on that a trial starts."""
        self._event("start", trial.config["id"], {})

    def on_trial_result(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, result: Result, **info: object
    ) -> None:
        """Pass on progress; a full disk or a store that stays away ends the sweep."""
        with self._trouble.kept():
            # No result of the trial: the study must not learn from it.
            if "disk_full" in result:
                raise OSError(errno.ENOSPC, "no space left on the disk", result["disk_full"])
            if "store" in result:
                raise StoreError(result["store"])
        if "note" in result:
            self._event("progress", trial.config["id"], result["note"])

    def on_trial_recover(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object) -> None:
        """Count a crash of a trial that Tune starts again."""
        self._crashed(trial.config["id"])

    def on_trial_complete(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object) -> None:
        """Settle a trial that has ended."""
        self._settle(trial.config["id"])

    def on_trial_error(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object) -> None:
        """Settle a trial that Tune gave up, or give it back."""
        name = trial.config["id"]
        folder = self._run.trial(name)
        if not files.exists(folder.done) and not files.exists(folder.error):
            self._crashed(name)
            if self._crashes[name] < self._max_crashes:
                # Tune gives a trial up at once where its process dies while it is being handed over to it.
                self._scheduler.give_back(name)
                return
            reason = str(trial.get_error() or "").strip().splitlines()
            text = f"the trial killed its process {self._crashes[name]} times; the last time: "
            # A full disk may refuse this; then the trial counts as never run.
            with contextlib.suppress(OSError):
                files.write_text(folder.error, text + (reason[-1] if reason else "unknown") + "\n")
        self._settle(name)

    def _crashed(self, name: str) -> None:
        self._crashes[name] += 1
        self._event("crash", name, {"crashes": self._crashes[name], "reason": "its process died"})

    def _settle(self, name: str) -> None:
        with self._trouble.kept():
            found = self._scheduler.settle(name)
        self._event("failed" if found.state == "failed" else "done", name, {"outcome": found})

    def _event(self, kind: What, name: str, note: News) -> None:
        with self._trouble.kept():
            self._watch({"kind": kind, "trial": name, "note": note})
