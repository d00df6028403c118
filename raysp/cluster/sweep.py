"""Ray Tune at work on a sweep: a searcher that asks the board, trials as plain functions in reused processes."""

from __future__ import annotations

import contextlib
import errno
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from raysp import files
from raysp.cluster.rungs import Kept, Ladder, scheduler
from raysp.cluster.session import pool_size
from raysp.config import Resources
from raysp.data.split import TrainingPart
from raysp.one_trial import Setting
from raysp.runs import RunFolder, trial_to
from raysp.search.board import Board

Watch = Callable[[dict[str, Any]], None]


def work(
    board: Board,
    parts: dict[str, TrainingPart],
    setting: Setting,
    resources: Resources,
    available: dict[str, Any],
    made_by: dict[str, Any],
    watch: Watch,
    runner: str = "raysp.search_trial.search_trial",
) -> None:
    """Run a board's trials until it is over.

    Tune's own state goes to a temporary folder and is never read again: what to run follows from the run folder.

    Args:
        board: what to run.
        parts: split -> its training part; put into the object store once, and read from there without a copy.
        setting: where trials run.
        resources: processes, and cores and GPUs of each.
        available: what the cluster has.
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

    trouble: list[OSError] = []

    workers, share = pool_size(resources, available, len(board.lanes) * 10**6)
    ladders = {lane.study.name: Ladder(lane) for lane in board.lanes if lane.study.definition.halving is not None}
    shared = {
        "parts": {name: ray.put(part) for name, part in parts.items()},
        "setting": asdict(setting),
        "threads": resources.cpus_per_worker,
        "share": share,
        "made_by": made_by,
        "runner": runner,
        "rungs": {
            lane.study.name: (lane.study.definition.rungs, lane.study.definition.objectives[0]) for lane in board.lanes
        },
    }
    room = {"cpu": resources.cpus_per_worker} | ({"gpu": share} if share else {})
    full = int(available.get("CPU", 1)) // resources.cpus_per_worker
    with tempfile.TemporaryDirectory(prefix="raysp-tune-") as storage:
        tuner = tune.Tuner(
            tune.with_resources(tune.with_parameters(train, shared=shared), room),
            tune_config=tune.TuneConfig(
                search_alg=_searcher(board),
                scheduler=scheduler(ladders),
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
                callbacks=[_callback(setting, board, watch, trouble, resources.max_crashes)],
            ),
        )
        try:
            tuner.fit()
        except TuneError as error:
            # Tune tells of an error in the driver's own part as text; what it was matters to the caller.
            raise (trouble[0] if trouble else error) from None


def _searcher(board: Board) -> Any:
    from ray.tune.search import Searcher

    class Studies(Kept, Searcher):
        """Hands Tune the board's next trial."""

        def suggest(self, trial_id: str) -> Any:
            found = board.next()
            if found == "over":
                return Searcher.FINISHED
            if found is None:
                return None
            plain = trial_to(found)
            study = board.lane(plain["id"]).study
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


def _callback(setting: Setting, board: Board, watch: Watch, trouble: list[OSError], max_crashes: int) -> Any:
    from ray import tune

    crashes: Counter[str] = Counter()

    class Events(Kept, tune.Callback):
        """Settles trials on the board and tells what happened."""

        def on_trial_start(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
            watch({"kind": "start", "trial": trial.config["id"], "note": {}})

        def on_trial_result(
            self, iteration: int, trials: list, trial: Any, result: dict[str, Any], **info: Any
        ) -> None:
            if "disk_full" in result:
                # No result of the trial: the study must not learn from it.
                self._stop(OSError(errno.ENOSPC, "no space left on the disk", result["disk_full"]))
            if "note" in result:
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
                    board.give_back(name)
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
            try:
                found = board.settle(name)
                kind = "failed" if found.state == "failed" else "done"
                watch({"kind": kind, "trial": name, "note": {"outcome": found}})
            except OSError as error:
                self._stop(error)

        def _stop(self, error: OSError) -> None:
            trouble.append(error)
            raise error

    return Events()
