"""What many trials cost the platform itself, and what ten times as many would.

    python benchmarks/scale.py [--trials 10000] [--real 200]

Five parts, each per trial: planning, the record and reading it back; the queue alone, in one process; the pool with
two workers whose trials do nothing; tasks that do nothing, as scoring has one for each trial; and, for a smaller
number, real trials of the mean-rate floor on generated data, for the size of the run folder and the time to collect,
score and report. The named baseline of each is the same for a tenth of the trials: a ratio above one says that the
cost of a trial grows with how many there are.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from typing import Any

from raysp.cluster.jobs import jobs
from raysp.cluster.pool import Pool, wait_for
from raysp.cluster.queue import TrialQueue
from raysp.cluster.session import session
from raysp.config.experiment import Experiment, ModelChoice, Resources, Trial
from raysp.data.standin.nlb import write_standin
from raysp.driver.finish import finish
from raysp.driver.launch import Request, launch
from raysp.driver.plan import make_plan
from raysp.driver.record import write_record
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.trial_log import Setting

SPLIT = "standin-mc_maze_small-20ms-val"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


def memory_mb() -> float:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def experiment(count: int) -> Experiment:
    return Experiment(
        name="scale", models=(ModelChoice("mean_rate"),), splits=("mc_maze_small-20ms-val",), seeds=tuple(range(count))
    )


def planning(root: str, count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        run, whole = RunFolder(folder), experiment(count)
        plan_s, plan = timed(lambda: make_plan(whole, [SPLIT], root))
        record_s, _ = timed(lambda: write_record(run, whole, plan, root))
        read_s, _ = timed(run.trials)
        return {"plan": plan_s, "record": record_s, "read back": read_s}


def plain_trials(count: int) -> list[dict[str, Any]]:
    return [trial_to(Trial("none", {}, None, f"split{i}", "x")) for i in range(count)]


def queue_alone(count: int) -> dict[str, float]:
    trials = plain_trials(count)
    before = memory_mb()
    queue = TrialQueue(trials)

    def work() -> None:
        seen = 0
        for index in range(count):
            worker = index % 64
            queue.finish(worker, queue.take(worker)["trial"]["id"], {"seconds": 0.0})
            if index % 100 == 0:
                seen += len(queue.news(seen)[0])

    return {"queue": timed(work)[0], "queue's memory, MB": memory_mb() - before}


def pool(count: int) -> dict[str, float]:
    resources, trials = Resources(workers=2), plain_trials(count)
    with session(resources) as start:
        available = start()
        before, first = memory_mb(), []
        began = Pool(trials, Setting("", ""), resources, available, runner="raysp.cluster.pool.noop")
        states = wait_for(began, lambda events, _: first or not events or first.append(time.perf_counter()))
        took = time.perf_counter() - first[0]
        assert {entry["state"] for entry in states.values()} == {"done"}
        return {"pool": took, "driver's memory, MB": memory_mb() - before}


def tasks(count: int) -> dict[str, float]:
    with session(Resources(workers=2)):
        jobs("operator.add", [((1, 2), {})] * 10)
        return {"tasks": timed(lambda: jobs("operator.add", [((1, 2), {})] * count))[0]}


def real(root: str, count: int) -> dict[str, float]:
    runs = tempfile.mkdtemp(prefix="raysp-scale-")
    try:
        request = Request(root=root, runs=runs)
        quiet = lambda line: None  # noqa: E731
        whole, _ = timed(lambda: launch(experiment(count), request, quiet))
        (name,) = os.listdir(runs)
        run = RunFolder(os.path.join(runs, name))
        with session(Resources()):
            os.remove(run.finished)
            again, _ = timed(lambda: finish(run, root, quiet))
        files = [os.path.join(folder, name) for folder, _, names in os.walk(run.path) for name in names]
        size = sum(map(os.path.getsize, files)) / 2**20
        return {"whole run": whole, "collect, report": again, "files": len(files), "size, MB": size}
    finally:
        shutil.rmtree(runs)


def show(name: str, count: int, work: Callable[[int], dict[str, float]]) -> None:
    small, large = work(max(count // 10, 1)), work(count)
    print(f"{name}, {count} trials (ratio: per trial, to a tenth as many)")
    for what, value in large.items():
        unit = "ms" if not what[0].isupper() and "MB" not in what and what != "files" else ""
        each = value / count * (1000 if unit else 1)
        ratio = (value / count) / (small[what] / max(count // 10, 1)) if small[what] else float("nan")
        print(
            f"  {what:24} {value:10.2f}{' s' if unit else '':3}   {each:8.4f} {unit or '':2} each   ratio {ratio:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--real", type=int, default=200)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        write_standin(root, size="small", seed=0, datasets=("mc_maze_small",))
        one = Experiment(name="first", models=(ModelChoice("mean_rate"),), splits=("mc_maze_small-20ms-val",))
        with tempfile.TemporaryDirectory() as runs:
            launch(one, Request(root=root, runs=runs), lambda line: None)
        show("planning", args.trials, lambda count: planning(root, count))
        show("the queue alone", args.trials, queue_alone)
        show("the pool, two workers, trials that do nothing", args.trials, pool)
        show("tasks that do nothing", args.trials, tasks)
        show("real trials of the floor", args.real, lambda count: real(root, count))


if __name__ == "__main__":
    main()
