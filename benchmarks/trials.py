"""What the platform costs per trial: trials that do nothing, in a sweep and in the pool, 100 of them and 1,000.

A trial of a sweep here is a whole one but for its training: a proposal of TPE over five settings, written down; a Ray
Tune trial in a reused process; config.yaml, log.txt and done.json written; its MLflow run. A trial of the pool is a
lease and its answer. Seconds per trial are counted from the first trial done to the last, since Ray's start is paid
once; the peak memory is the driver's.

Floor: the same files written by a bare loop in one process.

    python benchmarks/trials.py [--counts 100,1000]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time

SWEEP = """
import json, resource, sys, time
from raysp.io import files
from raysp.cluster.session import session
from raysp.cluster.sweep import work
from raysp.config import Resources, Training
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.runs.trial_log import Setting
from raysp.driver.plan import _hyperparameters
from raysp.runs.folder import RunFolder
from raysp.search.scheduler import StudyScheduler
from raysp.search.active_study import Amount, ActiveStudy
from raysp.search.space_check import flat
from raysp.search.space_file import parse_space
from raysp.search.study import Definition, Study
from raysp.driver.tracking import Tracker
import numpy

folder, count = sys.argv[1], int(sys.argv[2])
run = RunFolder(folder)
space = parse_space({"model": "sae", "space": {
    "model.hidden": {"int": [16, 256], "log": True}, "model.dropout": {"uniform": [0, 0.6]},
    "model.latents": {"choice": [0, 8, 16]}, "training.learning_rate": {"loguniform": [1e-4, 1e-1]},
    "training.weight_decay": {"loguniform": [1e-3, 5]}}}, "space")
base = flat(_hyperparameters("sae", {}), Training())
study = Study(run, Definition("split", "0" * 64, base, space))
study.write()
part = PopulationSplit("split", Sizes("none", 20.0, 5, 3), TrialArrays(numpy.zeros((4, 5, 3), numpy.float32)), None)
resources = Resources(workers=2)
done = []
with session(resources) as start:
    available = start()
    scheduler = StudyScheduler([ActiveStudy(study, Amount(count), retry=False, late=lambda: False)])
    tracker = Tracker(run, [], None, {"run": "benchmark"})
    def watch(event):
        if event["kind"] == "start":
            tracker.add(scheduler.trial(event["trial"]), {"candidate": "0"})
        if event["kind"] == "done":
            done.append(time.monotonic())
        tracker.events([event])
    setting = Setting(run=folder, root="")
    work(scheduler, {"split": part}, setting, resources, available, {}, watch, "raysp.cluster.sweep_worker.noop")
    trained = time.monotonic()
    tracker.close()
assert len(done) == count and tracker.problem is None, (len(done), tracker.problem)
half = done[count // 2] - done[0], done[-1] - done[count // 2]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"trial": (done[-1] - done[0]) / (count - 1), "last": half[1] / (count - count // 2 - 1),
                  "index": time.monotonic() - trained, "peak": peak}))
"""

POOL = """
import json, resource, sys, time
from raysp.cluster.pool import Pool, wait_for
from raysp.cluster.session import session
from raysp.config import Resources, Trial
from raysp.runs.trial_log import Setting
from raysp.runs.folder import trial_to
count = int(sys.argv[2])
trials = [trial_to(Trial("none", {}, None, f"split{i}", "x")) for i in range(count)]
resources, done = Resources(workers=2), []
with session(resources) as start:
    available = start()
    pool = Pool(trials, Setting("", ""), resources, available, runner="raysp.cluster.pool.noop")
    def seen(events, states):
        done.extend(time.monotonic() for event in events if event["kind"] == "done")
    states = wait_for(pool, seen)
assert {entry["state"] for entry in states.values()} == {"done"}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"trial": (done[-1] - done[0]) / (count - 1), "last": 0, "index": 0, "peak": peak}))
"""

BARE = """
import json, sys, time
from raysp.cluster.sweep_worker import noop
from raysp.config import Training, Trial
from raysp.runs.trial_log import Setting
count = int(sys.argv[2])
trials = [Trial("sae", {"hidden": i}, Training(), "split", "x") for i in range(count)]
started = time.monotonic()
for trial in trials:
    noop(trial, None, Setting(sys.argv[1], ""), None, None, {})
print(json.dumps({"trial": (time.monotonic() - started) / count, "last": 0, "index": 0, "peak": 0}))
"""


def measured(code: str, count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        command = [sys.executable, "-c", code, folder + "/run", str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        return {**json.loads(done.stdout.strip().splitlines()[-1]), "whole": time.monotonic() - started}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="100,1000")
    counts = [int(count) for count in parser.parse_args().counts.split(",")]
    floor = measured(BARE, counts[0])["trial"]
    print(f"floor: the files of a trial, written by a bare loop: {1000 * floor:.1f} ms")
    print("          trials   s/trial   x floor   s/trial, last half   MLflow after, s   driver MB   all, s")
    for name, code in (("sweep", SWEEP), ("pool", POOL)):
        for count in counts:
            found = measured(code, count)
            print(
                f"{name:6} {count:9} {found['trial']:9.3f} {found['trial'] / floor:9.1f} {found['last']:20.3f} "
                f"{found['index']:17.1f} {found['peak']:11.0f} {found['whole']:8.1f}"
            )


if __name__ == "__main__":
    main()
