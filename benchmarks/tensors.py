"""NLB recordings to tensors: nlb_tools 0.0.4 against raysp, each in a process of its own, CPU seconds and peak memory.

    python benchmarks/tensors.py --dataset mc_maze_small
    python benchmarks/tensors.py --dataset mc_maze --only raysp

The recording is a generated one of real size, made below --root when it is not there. Each process reads it and builds
the val phase at 5 ms (training tensors with behaviour and forward bins, evaluation tensors, answers with PSTH), as
nlb_tools does it behind `raysp.data.nlb.reference`. Imports are not counted in the CPU seconds, but are in the memory.
nlb_tools needs about 3.2 GB for mc_maze_small and 9.5 GB for mc_maze_large.

The floor is what must be read and written at all. mc_maze_large has 1.4 million milliseconds and 162 neurons: about
1.8 million spikes (15 MB) and 1.3 million samples of two velocities with their times (31 MB) in, 500 trials x 180 bins
x 162 neurons of float16 (29 MB) out; copying that takes a few hundredths of a second.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time

BIN_MS = 5


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--dataset", default="mc_maze_small")
    options.add_argument("--root", default=os.path.join("data", "real-size"))
    options.add_argument("--only", choices=["raysp", "nlb_tools"])
    options.add_argument("--child", choices=["raysp", "nlb_tools", "standin"], help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        one = generated if given.child == "standin" else measured
        print(json.dumps(one(given.child, given.dataset, given.root)))
        return
    # In a process of its own too: a child's peak memory counts what its parent held when it was started.
    child("standin", given)
    found = {who: child(who, given) for who in ("nlb_tools", "raysp") if given.only in (None, who)}
    for who, one in found.items():
        figures = f"{one['cpu_s']:8.2f} CPU s  {one['peak_mb']:8.0f} MB peak  {one['arrays']} arrays"
        print(f"{given.dataset:16} {who:10} {figures}")
    if len(found) == 2:
        cpu, peak = (found["nlb_tools"][key] / found["raysp"][key] for key in ("cpu_s", "peak_mb"))
        print(f"{given.dataset:16} ratio      {cpu:8.1f} x        {peak:8.1f} x")


def generated(who: str, dataset: str, root: str) -> dict[str, float]:
    from raysp.data.nlb.sets import SETS
    from raysp.io import files

    if not files.exists(SETS[dataset].train_path(root)):
        from raysp.data.standin.nlb import write_standin

        write_standin(root, size="real", datasets=[dataset])
    return {}


def child(who: str, given: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", who, "--dataset", given.dataset, "--root", given.root]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{who} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def measured(who: str, dataset: str, root: str) -> dict[str, float]:
    from raysp.data.nlb import recording as nlb_recording
    from raysp.data.nlb import reference as nlb_reference
    from raysp.data.nlb import tensors as nlb_tensors
    from raysp.data.nlb.sets import SETS

    nlb = SETS[dataset]
    if who == "nlb_tools":
        nlb_reference.repaired_tools()
    before = cpu_s()
    if who == "nlb_tools":
        train, given, answers = nlb_reference.reference_tensors(nlb, root, BIN_MS, "val")
    else:
        session = nlb_recording.read_recording(nlb, root).train
        train = nlb_tensors.train_input(session, nlb, BIN_MS)
        given = nlb_tensors.eval_input(session, nlb, BIN_MS)
        answers = nlb_tensors.eval_target(session, nlb, BIN_MS)
    used = cpu_s() - before
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {"cpu_s": used, "peak_mb": max(peaks) / 1024, "arrays": len(train) + len(given) + len(answers)}


def cpu_s() -> float:
    """CPU seconds of this process and its ended children: nlb_tools smooths in a pool."""
    found = time.process_time()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    main()
