"""The table of a packing measurement: a row for each number of trials side by side, and what to make of it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from raysp.errors import BadInput

NEAR_BEST = 0.97
GIVEN = 0.9
"""Share of its cores that an arrangement on a quiet CPU gets."""
WIDTH = 120


@dataclass(frozen=True)
class Packing:
    """One arrangement of processes and what it came to; the numbers are 0 where there is a problem.

    Attributes:
        trial: "<model> on <split>".
        epochs: epochs of a whole trial, at most.
        device: "cpu" or the GPU's name.
        cores: CPU cores this process may use.
        load: the machine's load average (1 minute) before the row, NaN where the system has none.
        processes: trials side by side.
        threads: CPU threads of each.
        rates: epochs/s of each process.
        error: standard error of the total, epochs/s.
        cores_used: CPU seconds per second, all processes together.
        host_bytes: largest memory of a process.
        device_bytes: largest memory that a process's allocator took on the GPU; its CUDA context comes on top.
        problem: why there are no numbers.
    """

    trial: str
    epochs: int
    device: str
    cores: int
    load: float
    processes: int
    threads: int
    rates: tuple[float, ...] = ()
    error: float = 0.0
    cores_used: float = 0.0
    host_bytes: int = 0
    device_bytes: int = 0
    problem: str | None = None

    @property
    def total(self) -> float:
        """Epochs/s of all processes together."""
        return sum(self.rates)

    @property
    def trials_per_hour(self) -> float:
        """Whole trials per hour, if none stops early; starting processes and predicting not counted."""
        return self.total * 3600 / self.epochs


def lines(rows: Sequence[Packing]) -> list[str]:
    """Return the table as plain text, its last line an advice. Raises BadInput when there are no rows.

    Speed-up is of the total, against one process with as many threads as in the first row; efficiency is speed-up
    per process. A CPU that others were using too is named: the rows then compare what was left of it.
    """
    if not rows:
        raise BadInput("packing expected at least one row, got none")
    first = rows[0]
    alone = next((row.total for row in rows if (row.processes, row.threads) == (1, first.threads)), 0.0)
    head = f"packing of {first.trial}, {first.device}, {first.cores} cores, load average {first.load:.2f} at start"
    rates = ("processes", "threads", "epochs/s each", "in total", "+-", "speed-up", "efficiency", "cores used")
    titles = (*rates, "host MB", "GPU MB", f"trials/h of {first.epochs} epochs")
    cells = [titles, *(_cells(row, alone) for row in rows)]
    widths = [max(len(row[i]) for row in cells if len(row) == len(titles)) for i in range(len(titles))]
    table = ["  ".join(text.rjust(width) for text, width in zip(row, widths, strict=False)) for row in cells]
    return [head, *table, *_disturbed(rows), advice(rows)]


def advice(rows: Sequence[Packing]) -> str:
    """Return the fewest processes within 3 % of the best total, and the settings for them; doubtful on a busy CPU."""
    usable = [row for row in rows if row.rates and row.processes * row.threads <= max(row.cores, row.threads)]
    if not usable:
        return "no advice: no arrangement that fits the cores could be measured"
    best = max(row.total for row in usable)
    near = [row for row in usable if row.total >= NEAR_BEST * best]
    row = min(near, key=lambda row: (row.processes, row.threads))
    where = f"--set resources.cpus_per_worker={row.threads}"
    if row.device == "cpu":
        where = f"--workers {row.processes} {where}"
    else:
        where = f"--set resources.gpus_per_worker={1 / row.processes:.16g} {where}"
    kind = "doubtful advice" if _disturbed(rows) else "advice"
    return f"{kind}: {row.processes} at a time ({row.trials_per_hour:.3g} trials/h): raysp run ... {where}"


def _disturbed(rows: Sequence[Packing]) -> list[str]:
    short = [
        f"{row.processes} x {row.threads} ({row.cores_used:.2f} of {wanted})"
        for row in rows
        if row.rates
        and row.device == "cpu"
        and row.cores_used < GIVEN * (wanted := min(row.processes * row.threads, row.cores))
    ]
    return [f"not all cores were to be had, measure again on a quiet machine: {', '.join(short)}"] if short else []


def _cells(row: Packing, alone: float) -> tuple[str, ...]:
    if not row.rates:
        return (str(row.processes), str(row.threads), textwrap.shorten(row.problem or "no numbers", WIDTH))
    gain = row.total / alone if alone else None
    return (
        str(row.processes),
        str(row.threads),
        f"{row.total / row.processes:.3g}",
        f"{row.total:.3g}",
        f"{row.error:.2g}",
        "-" if gain is None else f"{gain:.2f}",
        "-" if gain is None else f"{gain / row.processes:.2f}",
        f"{row.cores_used:.2f}",
        f"{row.host_bytes / 1e6:.0f}",
        f"{row.device_bytes / 1e6:.0f}" if row.device_bytes else "-",
        f"{row.trials_per_hour:.3g}",
    )
