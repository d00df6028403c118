"""Where a report's numbers come from: data, code, machines and submissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raysp.report.run_data import RunData, Task


@dataclass(frozen=True)
class Data:
    """One split's data: its fingerprint, its builder, the recordings it was built from, notes of its preparation."""

    split: str
    fingerprint: str
    builder: str
    standin: bool
    recordings: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


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


def splits(data: RunData) -> list[Data]:
    """Return the data of each split of the run, as the run's record has them."""
    recorded = data.record.get("data", {})
    names = dict.fromkeys(task.split for task in data.tasks)
    return [_data(name, recorded.get(name, {}), data) for name in names]


def fits(data: RunData, task: Task) -> list[Fit]:
    """Return how each model of a task was fitted, the floor first."""
    return [_fit(data, task, model) for model in data.ordered(task.models)]


def _data(split: str, found: dict[str, Any], data: RunData) -> Data:
    used = next(trial.data for trial in data.trials if trial.split == split)
    return Data(
        split=split,
        fingerprint=found.get("fingerprint", used),
        builder=found.get("builder") or "unknown",
        standin=bool(found.get("standin", split.startswith("standin-"))),
        recordings=tuple((name, sha) for name, sha in found.get("recordings", [])),
        notes=tuple(found.get("notes", [])),
    )


def _fit(data: RunData, task: Task, model: str) -> Fit:
    planned = [trial for trial in task.trials if trial.shown == model]
    done = [data.done[trial.id] for trial in planned if trial.id in data.done]
    failed = sum(data.states[trial.id] == "failed" for trial in planned)
    seeds = f"{len(done)} of {len(planned)}" + (f", {failed} failed" if failed else "")
    best, run = _mean(done, "best_epoch"), _mean(done, "epochs")
    trained = any(trial.training is not None for trial in planned)
    return Fit(
        model=model,
        seeds=seeds,
        parameters=next((found["parameters"] for found in done if found.get("parameters") is not None), None),
        epochs=f"{best:.0f} of {run:.0f}" if trained and best is not None and run is not None else "",
        seconds=_mean(done, "seconds"),
        devices=", ".join(sorted({str(found["device"]) for found in done if found.get("device")})),
        selected_on="; ".join(sorted({found["selected_on"] for found in done if found.get("selected_on")})),
    )


def _mean(done: Sequence[dict[str, Any]], name: str) -> float | None:
    values = [found[name] for found in done if found.get(name) is not None]
    return sum(values) / len(values) if values else None
