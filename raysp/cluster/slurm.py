"""One sbatch script that starts Ray on the nodes of a Slurm job, runs an experiment there, and stops it."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from raysp.cluster.session import QUIET
from raysp.errors import BadInput, expect, present
from raysp.io import address

TEMPLATE = pathlib.Path(__file__).with_name("slurm.sh")
"""The script, with @PLACES@ for what differs from job to job."""
# How long before its time limit a job gets a signal, in seconds: a pool takes up to a minute to save its trials' state.
NOTICE_S = 120
CPUS_PER_GPU = 4
TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")
MEMORY = re.compile(r"[1-9]\d*[KMGT]?")
# What Slurm's own names are made of; a space or a line's end would make another directive of the rest.
WORD = re.compile(r"[\w.,:@%+=/-]+")


@dataclass(frozen=True)
class Job:
    """What is asked of Slurm.

    Attributes:
        nodes: machines.
        gpus: GPUs of each node, 0 for none.
        cpus: CPU cores of each node; None for 4 per GPU, at least 4.
        memory: of each node, as Slurm writes it ("64G"); None for the partition's default.
        time: the limit, as Slurm writes it ("12:00:00"); None for the partition's.
        partition: None for the cluster's default.
        account: None for the user's default.
        name: of the job.
    """

    nodes: int = 1
    gpus: int = 0
    cpus: int | None = None
    memory: str | None = None
    time: str | None = None
    partition: str | None = None
    account: str | None = None
    name: str = "raysp"

    def __post_init__(self) -> None:
        for option, value, least in (
            ("--nodes", self.nodes, 1),
            ("--gpus-per-node", self.gpus, 0),
            ("--cpus-per-task", self.cpus, 1),
        ):
            expect(value is None or value >= least, f"{option} expected at least {least}, got {value}")
        if self.memory is not None and not MEMORY.fullmatch(self.memory):
            raise BadInput(f"--mem expected a whole number and K, M, G or T, such as 64G, got {self.memory!r}")
        if self.time is not None:
            seconds(self.time)
        for option, text in (("--partition", self.partition), ("--account", self.account), ("--job-name", self.name)):
            if text is not None and (not WORD.fullmatch(text) or text.startswith("-")):
                raise BadInput(f"{option} expected letters, digits and . _ - without spaces, got {text!r}")

    def directives(self) -> list[str]:
        """Return the job's #SBATCH lines, less the marks."""
        notice = NOTICE_S if self.time is None else min(NOTICE_S, seconds(self.time) // 4)
        asked = {
            "job-name": self.name,
            "nodes": self.nodes,
            "ntasks-per-node": 1,
            "cpus-per-task": self.cpus or CPUS_PER_GPU * max(1, self.gpus),
            "gpus-per-node": self.gpus or None,
            "mem": self.memory,
            "time": self.time,
            "partition": self.partition,
            "account": self.account,
            "signal": f"B:TERM@{notice}",
        }
        return [f"--{name}={value}" for name, value in asked.items() if value is not None]


def seconds(text: str) -> int:
    """Return a Slurm time limit in seconds: M, M:S, H:M:S, D-H, D-H:M or D-H:M:S.

    Raises:
        BadInput: it is none of these, or less than a minute.
    """
    found = TIME.fullmatch(text)
    expect(found is not None, f"--time expected minutes, H:M:S or D-H:M:S, such as 12:00:00, got {text!r}")
    days, *given = present(found).groups()
    parts = [int(part) for part in given if part is not None]
    # Without days, the first of one or two parts is of minutes.
    parts = [0, *parts] if days is None and len(parts) < 3 else parts
    hours, minutes, rest = (*parts, 0, 0)[:3]
    total = ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + rest
    expect(total >= 60, f"--time expected at least a minute, got {text!r}")
    return total


def script(experiment: str, job: Job, arguments: Sequence[str] = ()) -> str:
    """Return the sbatch script: it starts Ray on the job's nodes, runs the experiment there, and stops them.

    Args:
        experiment: the experiment's file.
        job: what is asked of Slurm.
        arguments: options of `raysp run`, as typed.

    Raises:
        BadInput: there is no such file, or an option carries a password, which the script would keep.
    """
    for one in arguments:
        address.check(one, "an option after --", f"{address.TRACKING}. {address.STORE}")
    expect(os.path.isfile(experiment), f"expected an experiment's Python file, found none at {experiment}")
    command = shlex.join(["-m", "raysp", "run", os.path.abspath(experiment), *arguments])
    values = {
        "DIRECTIVES": "\n".join(f"#SBATCH {line}" for line in job.directives()),
        "FOLDER": shlex.quote(os.getcwd()),
        "PYTHON": shlex.quote(sys.executable),
        "COMMAND": f'"$python" {command}',
        "GPUS": str(job.gpus),
        "QUIET": " \\\n    ".join(f"{name}={shlex.quote(value)}" for name, value in QUIET.items()),
    }
    return re.sub(r"@([A-Z]+)@", lambda mark: values[mark[1]], TEMPLATE.read_text(encoding="utf-8"))
