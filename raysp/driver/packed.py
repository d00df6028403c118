"""What each process of a packing measurement does: train a trial, start and stop with the others, say what it took.

It reads one line at a time from standard input (the job as JSON, "go", "stop") and answers each on standard output
("ready" after warming up, "enough" after the wanted time, then its figures as JSON), so that neither side ever polls.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import resource
import select
import sys
import time
from typing import IO, TYPE_CHECKING, TypedDict

from raysp.errors import Interrupted, present
from raysp.runs.records import PlainTrial

if TYPE_CHECKING:
    import torch

WARM_UP_EPOCHS = 3
"""The first epoch makes handles, picks kernels and fills caches; the allocator settles in the second."""
LEAST_EPOCHS = 4
FOREVER = 10**9


class Asked(TypedDict, total=False):
    """What a process is to train: a trial, where copies of its plug-ins lie, and the share of a GPU's memory it has."""

    trial: PlainTrial
    code: str
    root: str
    threads: int
    device: str
    share: float
    seconds: float


class Taken(TypedDict):
    """What a process took of the machine: threads, device, bytes on the host and on the device."""

    threads: int
    device: str
    host_bytes: int
    device_bytes: int


class Measured(Taken):
    """The same, with the ends of epochs: time of the machine, and of this process's CPU (s)."""

    ends: list[float]
    cpu: list[float]


def main() -> None:
    """Train the job of standard input's first line until it reads "stop"."""
    # Another line on standard output, from anywhere, would be taken for an answer.
    with contextlib.redirect_stdout(sys.stderr):
        job = json.loads(sys.stdin.readline())
        meter = Meter(job["seconds"], sys.stdin, present(sys.__stdout__))
        train(job, meter)


def train(job: Asked, meter: Meter) -> None:
    """Train a job's trial until the meter says stop, and say the figures.

    Args:
        job: what to train.
        meter: asked after each epoch.
    """
    from raysp.config import plugins
    from raysp.data.splits import store
    from raysp.kinds import catalog as kinds
    from raysp.runs.folder import trial_from
    from raysp.training import process_limits
    from raysp.training.device import choose
    from raysp.training.job import Job

    process_limits.limit_threads(job["threads"])
    place = choose(job["device"])
    process_limits.limit_memory(job["share"], str(place))
    trial = trial_from(job["trial"])
    plugins.use(trial.plugins, job["code"])
    endless = dataclasses.replace(present(trial.training), epochs=FOREVER, patience=0, measure_every=0)
    split = store.load(job["root"], trial.split)
    answers = store.load_answers(job["root"], trial.split) if endless.validate_on == "eval" else None
    if trial.units is not None:
        split = split.select(trial.units)
        answers = None if answers is None else answers.select(trial.units)
    trial = dataclasses.replace(trial, training=endless)
    with contextlib.suppress(Interrupted):
        kinds.of(split.kind).fit(Job(trial, device=str(place), keep_going=meter.keep_going), split, answers)
    meter.say(json.dumps({"ends": meter.ends, "cpu": meter.cpu, **taken(place)}))


class Meter:
    """Notes when epochs end; holds training back until "go" and ends it at "stop".

    Args:
        seconds: from "go" until "enough" is printed; training goes on until "stop".
        words: where "go" and "stop" come from: a file with a descriptor.
        answers: where the answers go.
    """

    def __init__(self, seconds: float, words: IO[str], answers: IO[str]) -> None:
        self.seconds, self.words, self.answers = seconds, words, answers
        self.ends: list[float] = []
        self.cpu: list[float] = []
        self._warm, self._until, self._enough = 0, 0.0, False

    def keep_going(self) -> bool:
        """Note the end of an epoch; tell whether to train on."""
        if self._warm < WARM_UP_EPOCHS:
            self._warm += 1
            return self._warm < WARM_UP_EPOCHS or self._start()
        # CLOCK_MONOTONIC is the machine's: the ends of several processes can be compared.
        self.ends.append(time.monotonic())
        self.cpu.append(time.process_time())
        if not self._enough and self.ends[-1] >= self._until and len(self.ends) >= LEAST_EPOCHS:
            self._enough = True
            self.say("enough")
        # Ready to be read at "stop", and when the one who would say it is gone.
        return not select.select([self.words], [], [], 0)[0]

    def say(self, answer: str) -> None:
        """Write an answer, a line."""
        print(answer, file=self.answers, flush=True)

    def _start(self) -> bool:
        self.say("ready")
        going = bool(self.words.readline())
        self._until = time.monotonic() + self.seconds
        return going


def taken(place: torch.device) -> Taken:
    """Return what this process took of the machine."""
    import torch

    on_gpu = place.type == "cuda"
    return {
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(place) if on_gpu else "cpu",
        "host_bytes": peak_host_bytes(),
        "device_bytes": torch.cuda.max_memory_reserved(place) if on_gpu else 0,
    }


def peak_host_bytes() -> int:
    """Return the largest resident memory this process ever had, bytes."""
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="utf-8") as status:
        # getrusage would not do: on Linux a process starts with its parent's peak.
        found = [line.split()[1] for line in status if line.startswith("VmHWM:")]
        if found:
            return int(found[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
