"""Which predictions of spike trains are compared, and the part each plays: floor, network, Poisson counts, ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raysp.config.experiment import Trial
from raysp.models import catalog
from raysp.models.windowed import CALIBRATED, Role
from raysp.report.run_data import RunData, Task

ORDER: tuple[Role, ...] = ("floor", "network", "poisson", "ceiling")


@dataclass(frozen=True)
class Line:
    """One model with one way of turning its output into spikes: a row of a table, a line of a figure.

    Attributes:
        model: as it is called in the experiment.
        decoding: how its output becomes spikes.
        role: its part in the comparison.
        interval: bins whose spikes it counts; None for models that do not count.
        only: whether the model has no other decoding.
        published: whether its paper has the decoding.
    """

    model: str
    decoding: str
    role: Role
    interval: int | None = None
    only: bool = True
    published: bool = True

    @property
    def label(self) -> str:
        """The model's name, with the decoding where it has several."""
        return self.model if self.only else f"{self.model}, {self.decoding}"

    @property
    def calibrated(self) -> bool:
        """Whether the decoding was adapted to each cell on the validation part."""
        return self.decoding in CALIBRATED


def role_of(material: RunData, trial: Trial) -> Role:
    """Return the part that a trial's model plays."""
    if trial.shown == material.floor:
        return "floor"
    return "ceiling" if trial.shown == material.ceiling else catalog.module(trial.model).Model.role


def is_published(trial: Trial, decoding: str) -> bool:
    """Tell whether a decoding is one that the model's paper has."""
    own = catalog.module(trial.model).Model.published
    return decoding not in CALIBRATED and (own is None or decoding in own)


def lines(material: RunData, task: Task, found: Sequence[tuple[str, str]]) -> tuple[Line, ...]:
    """Return what is compared on a recording: floors first, networks, Poisson counts by interval, ceilings last.

    Args:
        material: of the run.
        task: the recording's trials.
        found: (model, decoding) of all that was scored, decodings in the order they shall have.
    """
    first = {trial.shown: trial for trial in reversed(task.trials)}
    models = [model for model, _ in found]
    made = [
        Line(
            model,
            decoding,
            role_of(material, trial),
            trial.settings.get("interval"),
            models.count(model) == 1,
            is_published(trial, decoding),
        )
        for model, decoding in found
        if (trial := first.get(model)) is not None
    ]
    places = {name: i for i, name in enumerate(task.models)}
    return tuple(sorted(made, key=lambda line: _place(material, places, line)))


def _place(material: RunData, places: dict[str, int], line: Line) -> tuple[int, ...]:
    counts = line.interval if line.interval is not None else 1 << 30
    last = line.model == material.ceiling
    return (ORDER.index(line.role), last, counts if line.role != "network" else 0, places[line.model])
