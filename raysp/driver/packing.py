"""How many trials to train side by side: trials per device against throughput, measured with real processes.

Each row starts n processes that all train the same trial, as workers of the pool would: threads pinned before torch is
imported, on a GPU with memory capped at 1/n of it. They warm up, start together, and train until all of them have
trained for long enough, so that nobody is measured on a machine that others have left already. Epochs are those of
`training.trial.fit`: training and validation loss, without checkpoints and live metrics.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np

import raysp
from raysp.config import plugin, plugins, settings
from raysp.config.experiment import Training, Trial
from raysp.config.settings import Plain
from raysp.data.splits import store
from raysp.driver.packing_table import Packing, lines
from raysp.errors import BadInput, present
from raysp.io import files, leftovers
from raysp.io.machine import cores
from raysp.runs.folder import trial_to
from raysp.training.process_limits import pinned

if TYPE_CHECKING:
    from raysp.driver.packed import Asked, Measured

__all__ = ["Packing", "cores", "environment", "lines", "measure", "trial_of"]

BLOCKS = 5
"""Equal parts of the measured time, whose scatter gives the standard error."""
START_LIMIT_S = 600.0
"""Time to start, warm up and finish a last epoch; a process that needs longer is taken for dead."""


def trial_of(
    model: str,
    root: str,
    split: str,
    model_settings: Mapping[str, Plain] | None = None,
    training: Training | None = None,
) -> Trial:
    """Return the trial of a model on a prepared split.

    Raises:
        BadInput: an unknown model or setting, or one that gradient descent does not fit.
        NotReady: the split is not prepared.
    """
    from raysp.kinds import catalog as kinds
    from raysp.models import catalog
    from raysp.runs import inputs

    config = settings.plain(catalog.config(model, model_settings or {}))
    fingerprint = store.header(root, split).fingerprint
    own = plugins.of_model(model, config)
    given = inputs.digests(kinds.of(catalog.kind(model)).inputs(model, config))
    return Trial(model, config, training or Training(), split, fingerprint, plugins=own, inputs=given)


def measure(
    trial: Trial,
    root: str,
    *,
    counts: Sequence[int] | None = None,
    threads: int = 1,
    device: str = "auto",
    seconds: float = 20.0,
    report: Callable[[str], None] = lambda text: None,
) -> list[Packing]:
    """Measure the throughput of a trial for several numbers of processes on this machine.

    Args:
        trial: what each process trains.
        root: the data root, where the trial's split is prepared.
        counts: numbers of processes; None takes 1, 2, 4 ... up to what fills the cores, and on a CPU
            twice that, on a GPU 8 at most; on a CPU also processes that each run as many threads as there are cores,
            as without pinning.
        threads: CPU threads of each process.
        device: "auto", "cpu", "cuda" or "cuda:<number>".
        seconds: time to measure each row, at least; slow epochs take longer.
        report: called with a line before and after each row.

    Returns:
        A row for each number, in order; one whose processes died says why.

    Raises:
        BadInput: a number is less than one, the model or a setting is unknown, the model fits itself, or the data
            are not the trial's.
        NotReady: the split is not prepared, or a GPU was asked for and there is none.
    """
    _check(trial, root, counts, seconds)
    environment(threads)
    from raysp.training.device import choose

    place = choose(device)
    job: Asked = {"trial": trial_to(trial), "root": root, "device": str(place), "seconds": seconds}
    rows = []
    with _copied() as code:
        for processes, each in _arrangements(counts, threads, place.type):
            report(f"{processes} x {each} threads ...")
            rows.append(_row(trial, {**job, "code": code, "threads": each}, processes))
            report(rows[-1].problem or f"{rows[-1].total:.3g} epochs/s in total")
    return rows


@contextlib.contextmanager
def _copied() -> Iterator[str]:
    """Give a folder with copies of the plug-ins that this process knows; it goes again."""
    folder = leftovers.scratch("code")
    try:
        for given in plugins.plugged().values():
            plugin.save(given.plugin, folder)
        yield folder
    finally:
        files.remove(folder)


def environment(threads: int) -> dict[str, str]:
    """Return the environment in which a process with so many threads starts. Raises BadInput for less than one."""
    package = str(pathlib.Path(raysp.__file__).parent.parent)
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, **pinned(threads), "PYTHONPATH": path}


def _check(trial: Trial, root: str, counts: Sequence[int] | None, seconds: float) -> None:
    from raysp.models import catalog

    if counts is not None and (not counts or min(counts) < 1):
        raise BadInput(f"packing, counts expected numbers of processes of at least 1, got {list(counts)}")
    if not seconds > 0:
        raise BadInput(f"packing, seconds expected more than 0, got {seconds}")
    catalog.config(trial.model, dict(trial.hyperparameters))
    if trial.training is None or catalog.fits_itself(trial.model):
        raise BadInput(f"packing counts epochs of gradient descent; model {trial.model} fits itself, choose another")
    found = store.header(root, trial.split).fingerprint
    if found != trial.data:
        raise BadInput(f"{trial.split} below {root} expected data {trial.data[:12]}, found {found[:12]}; plan it again")


def _arrangements(counts: Sequence[int] | None, threads: int, kind: str) -> list[tuple[int, int]]:
    if counts is not None:
        return list(dict.fromkeys((n, threads) for n in counts))
    available = cores()
    fill = max(1, available // threads)
    below = [2**i for i in range(fill.bit_length())]
    if kind == "cuda":
        return [(n, threads) for n in below if n <= 8]
    pinned = [(n, threads) for n in (*below, fill, 2 * fill)]
    return list(dict.fromkeys([*pinned, (1, available), (fill, available)]))


def _row(trial: Trial, job: Asked, processes: int) -> Packing:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    threads, seconds = job["threads"], job["seconds"]
    title = f"{trial.model} on {trial.split}"
    row = Packing(title, present(trial.training).epochs, job["device"], cores(), load, processes, threads)
    try:
        with _started(processes, threads, START_LIMIT_S + seconds) as started:
            found = _together(started, {**job, "share": 1 / processes})
    except _Died as death:
        return dataclasses.replace(row, problem=str(death))
    return _with_figures(row, found)


def _with_figures(row: Packing, found: list[Measured]) -> Packing:
    """Return a row with its numbers: ends of epochs of each process, in the time in which all were training."""
    begin, end = max(one["ends"][0] for one in found), min(one["ends"][-1] for one in found)
    grid = np.linspace(begin, end, BLOCKS + 1)
    epochs = np.stack([np.diff(np.interp(grid, one["ends"], np.arange(len(one["ends"])))) for one in found])
    cpu = sum(np.diff(np.interp([begin, end], one["ends"], one["cpu"]))[0] for one in found)
    block = (end - begin) / BLOCKS
    return dataclasses.replace(
        row,
        device=found[0]["device"],
        threads=found[0]["threads"],
        rates=tuple((epochs.sum(axis=1) / (end - begin)).tolist()),
        error=float((epochs.sum(axis=0) / block).std(ddof=1) / BLOCKS**0.5),
        cores_used=float(cpu / (end - begin)),
        host_bytes=max(one["host_bytes"] for one in found),
        device_bytes=max(one["device_bytes"] for one in found),
    )


class _Died(Exception):
    """A process ended before it had answered."""


@dataclass
class _Process:
    popen: subprocess.Popen[str]
    errors: IO[str]

    def tell(self, text: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # its death shows when it is asked
            pipe = present(self.popen.stdin)
            pipe.write(text + "\n")
            pipe.flush()

    def ask(self) -> str:
        line = present(self.popen.stdout).readline()
        if not line:
            raise _Died(self._death())
        return line

    def end(self) -> None:
        self.popen.kill()
        for pipe in (self.popen.stdin, self.popen.stdout):
            with contextlib.suppress(BrokenPipeError):
                present(pipe).close()
        self.popen.wait()

    def _death(self) -> str:
        code = self.popen.wait()
        if code < 0:
            hint = f"; was the host out of memory, or did it need above {START_LIMIT_S:g} s to start?"
            return f"a process was killed by {signal.Signals(-code).name}{hint if -code == signal.SIGKILL else ''}"
        self.errors.seek(0)
        output = [line.strip() for line in self.errors if line.strip()]
        return f"a process died: {output[-1] if output else f'exit status {code}'}"


@contextlib.contextmanager
def _started(processes: int, threads: int, limit_s: float) -> Iterator[list[_Process]]:
    started: list[_Process] = []

    def end() -> None:
        for one in started:
            one.popen.kill()

    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    with contextlib.ExitStack() as stack:
        stack.callback(timer.cancel)
        for _ in range(processes):
            errors = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace"))
            started.append(_Process(_start(threads, errors), errors))
            stack.callback(started[-1].end)
        yield started


def _start(threads: int, errors: IO[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "raysp.driver.packed"]
    own, pipe = environment(threads), subprocess.PIPE
    try:
        return subprocess.Popen(command, env=own, text=True, stdin=pipe, stdout=pipe, stderr=errors)
    except OSError as error:
        raise _Died(f"a process could not be started: {error}") from error


def _together(started: list[_Process], job: Asked) -> list[Measured]:
    """Say each word to all processes, then wait for all answers: ready, enough, and what was measured."""
    for word in (json.dumps(job), "go", "stop"):
        for one in started:
            one.tell(word)
        answers = [one.ask() for one in started]
    return [json.loads(answer) for answer in answers]
