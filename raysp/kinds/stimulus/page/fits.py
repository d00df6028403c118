"""Where a recording's predictions come from: its parts and cells, and how each model's networks were fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.data.splits.stimulus import PARTS
from raysp.errors import BadInput, NotReady
from raysp.io.words import counted
from raysp.kinds.stimulus.page.learning import best_epochs
from raysp.kinds.stimulus.page.scores import planned_cells
from raysp.report.run_data import RunData, Task


@dataclass(frozen=True)
class CellFit:
    """How one model was fitted to the cells of a recording.

    Attributes:
        model: as it is called.
        trials: done and planned, in words.
        parameters: trained numbers of one cell's network; None where unknown.
        epochs: the cells' median best epoch with its range, of epochs run, in words.
        seconds: mean time of a trial; None where unknown.
        hours: of all its trials together; None where unknown.
        devices: where, in words.
        selected_on: what best epochs were chosen by, in words.
    """

    model: str
    trials: str
    parameters: int | None
    epochs: str
    seconds: float | None
    hours: float | None
    devices: str
    selected_on: str


def cell_fits(material: RunData, task: Task) -> list[CellFit]:
    """Return how each model of a recording was fitted, the floor first."""
    return [
        _fit(material, model, [t for t in task.trials if t.shown == model]) for model in material.ordered(task.models)
    ]


def about(material: RunData, task: Task) -> str:
    """Say what a recording is: cells, bin width, the length of each part; what is known without it where it is gone."""
    chosen = len(planned_cells(task))
    seeds = len({trial.seed for trial in task.trials})
    planned = f"{counted(chosen, 'cell')}, {counted(seeds, 'seed')}"
    try:
        header = store.header(material.root, task.split)
    except (BadInput, NotReady, OSError):
        return f"{planned}; the recording is no longer prepared below {material.root}"
    bin_ms, left_out = header.sizes.bin_ms, len(header.left_out)
    parts = ", ".join(
        f"{name} {sum(stop - start for start, stop in stretches) * bin_ms / 1000:,.0f} s"
        for name, stretches in sorted(header.parts.items(), key=lambda part: PARTS.index(part[0]))
    )
    gone = f"; {counted(left_out, 'cell')} of the recording left out by its filters" if left_out else ""
    return f"{planned}; bins of {bin_ms:.4g} ms; {parts}{gone}"


def _fit(material: RunData, model: str, planned: Sequence[Trial]) -> CellFit:
    done = [trial for trial in planned if trial.id in material.done]
    records = [material.done[trial.id] for trial in done]
    failed = sum(material.states[trial.id] == "failed" for trial in planned)
    seconds = [found["seconds"] for found in records if found.get("seconds") is not None]
    return CellFit(
        model=model,
        trials=f"{len(done)} of {len(planned)}" + (f", {failed} failed" if failed else ""),
        parameters=next((size for trial in done if (size := _size(material, trial)) is not None), None),
        epochs=_epochs(material, done),
        seconds=float(np.mean(seconds)) if seconds else None,
        hours=sum(seconds) / 3600 if seconds else None,
        devices=", ".join(sorted({str(found["device"]) for found in records if found.get("device")})),
        selected_on="; ".join(sorted({found["selected_on"] for found in records if found.get("selected_on")})),
    )


def _size(material: RunData, trial: Trial) -> int | None:
    found = material.done[trial.id].get("parameters")
    return None if found is None or not trial.neurons else found // len(trial.neurons)


def _epochs(material: RunData, done: Sequence[Trial]) -> str:
    trained = [trial for trial in done if trial.training is not None]
    best = [epoch for trial in trained for epoch in best_epochs(material, trial).values()]
    if not best:
        return ""
    run = max(material.done[trial.id].get("epochs") or 0 for trial in trained)
    spread = f" ({min(best)}–{max(best)})" if len(best) > 1 else ""
    return f"{np.median(best):g}{spread} of {run}"
