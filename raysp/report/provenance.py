"""Where a report's numbers come from: data, code, machines and submissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from raysp.config.experiment import STANDIN
from raysp.report.run_data import RunData, Task
from raysp.runs.records import PreparedSplit


@dataclass(frozen=True)
class Fit:
    """How one model was fitted on one task, over its seeds.

    Attributes:
        model: the model.
        seeds: done and planned, in words.
        parameters: trained numbers; None where unknown.
        epochs: best epoch, and epochs run, in words.
        seconds: mean time of a trial.
        devices: where, in words.
        selected_on: what the best epoch was chosen by.
    """

    model: str
    seeds: str
    parameters: int | None
    epochs: str
    seconds: float | None
    devices: str
    selected_on: str


class SplitData(PreparedSplit, total=False):
    """The same of a split, by name."""

    split: str


def splits(data: RunData) -> list[SplitData]:
    """Return the data of each split of the run, as the run's record has them.

    Returns:
        Of each its `split`, `fingerprint`, `builder`, `standin`, `recordings` with their hashes, `notes` of its
        preparation.
    """
    recorded, used = data.record.get("data", {}), {trial.split: trial.data for trial in data.trials}
    found: list[SplitData] = []
    for name in used:
        given: SplitData = {"split": name, "fingerprint": used[name], "standin": name.startswith(STANDIN)}
        given |= {"recordings": [], "notes": []}
        given |= cast(SplitData, recorded.get(name, {}))
        found.append(given | {"builder": given.get("builder") or "unknown"})
    return found


def fits(data: RunData, task: Task) -> list[Fit]:
    """Return how each model of a task was fitted, the floor first."""
    return [_fit(data, task, model) for model in data.ordered(task.models)]


def _fit(data: RunData, task: Task, model: str) -> Fit:
    planned = [trial for trial in task.trials if trial.shown == model]
    done = [data.done[trial.id] for trial in planned if trial.id in data.done]
    failed = sum(data.states[trial.id] == "failed" for trial in planned)
    seeds = f"{len(done)} of {len(planned)}" + (f", {failed} failed" if failed else "")
    best, run = _mean([found.get("best_epoch") for found in done]), _mean([found.get("epochs") for found in done])
    trained = any(trial.training is not None for trial in planned)
    return Fit(
        model=model,
        seeds=seeds,
        parameters=next((found["parameters"] for found in done if found.get("parameters") is not None), None),
        epochs=f"{best:.0f} of {run:.0f}" if trained and best is not None and run is not None else "",
        seconds=_mean([found.get("seconds") for found in done]),
        devices=", ".join(sorted({str(found["device"]) for found in done if found.get("device")})),
        selected_on="; ".join(sorted({found["selected_on"] for found in done if found.get("selected_on")})),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
