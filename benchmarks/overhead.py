"""What the platform itself costs: 28 trials that do nothing, through Ray and the pool, Ray's start included.

Floor: starting a Python process that imports torch, twice (the pool's two workers), on the same cores. Everything
above that is Ray's start (about ten processes), the Train controller, and the queue.

    python benchmarks/overhead.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

POOL = """
import json, time
started = time.monotonic()
from raysp.cluster.pool import Pool, wait_for
from raysp.cluster.session import session
from raysp.config import Resources, Trial
from raysp.runs.trial_log import Setting
from raysp.runs.folder import trial_to
trials = [trial_to(Trial("none", {}, None, f"split{i}", "x")) for i in range(28)]
resources = Resources(workers=2)
with session(resources) as start:
    available = start()
    ray = time.monotonic() - started
    pool = Pool(trials, Setting("", ""), resources, available, runner="raysp.cluster.pool.noop")
    first = []
    states = wait_for(pool, lambda events, states: first or not events or first.append(time.monotonic() - started))
    done = time.monotonic() - started
assert {entry["state"] for entry in states.values()} == {"done"}
print(json.dumps({"ray": ray, "first": first[0], "done": done}))
"""


def timed(code: str) -> tuple[float, str]:
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return time.monotonic() - started, done.stdout


def main() -> None:
    timed("import torch")
    floor = sum(timed("import torch")[0] for _ in range(2))
    whole, output = timed(POOL)
    parts = json.loads(output.strip().splitlines()[-1])
    print(f"floor: two processes that import torch, one after the other   {floor:6.1f} s")
    print(f"Ray's start                                                   {parts['ray']:6.1f} s")
    print(f"then until the first trial                                    {parts['first'] - parts['ray']:6.1f} s")
    print(f"then until all 28 are done and the pool has ended             {parts['done'] - parts['first']:6.1f} s")
    print(f"all, Ray's end included                                       {whole:6.1f} s")
    print(f"ratio to the floor                                            {whole / floor:6.1f}")


if __name__ == "__main__":
    main()
