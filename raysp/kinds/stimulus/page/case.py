"""The predicted spike trains of a few units, opened for drawing: nothing is read of other units."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import cast

from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.data.splits.stimulus import StimulusSplit
from raysp.errors import BadInput, NotReady, present
from raysp.kinds.stimulus.lines import Line
from raysp.kinds.stimulus.page.numbers import Numbers
from raysp.kinds.stimulus.page.tables import headline
from raysp.kinds.stimulus.spike_trains_file import SpikeTrain, read_spike_trains
from raysp.report.run_data import RunData, Task

LIGHTS = {"red 630 nm": "#D62728", "green 530 nm": "#2E9E46", "blue 480 nm": "#2B6CB8", "UV 420 nm": "#7B3FA0"}
"""The four lights of the retina recordings of Doran et al. 2024, in the order of the channels."""

OTHERS = ("#222222", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6A3D9A")


@dataclass(frozen=True)
class ShownUnit:
    """One unit that stands for others: its number, and its place among them by the main model's score."""

    unit: int
    place: str

    @property
    def name(self) -> str:
        """As it is called in figures."""
        return f"unit {self.unit} ({self.place})"


@dataclass
class Case:
    """What the figures of spike trains are drawn from.

    Attributes:
        data: of the run.
        task: the recording's trials.
        numbers: what was measured.
        main: the model whose predictions are looked at closely.
        shown: the units, in the order in which they are drawn.
        problems: predictions that could not be read, in words.
    """

    data: RunData
    task: Task
    numbers: Numbers
    main: Line
    shown: tuple[ShownUnit, ...]
    problems: list[str] = field(default_factory=list)
    _read: dict[str, dict[tuple[int, str], SpikeTrain]] = field(default_factory=dict)

    def trial(self, model: str, unit: int) -> Trial | None:
        """Return the first finished trial of a model that has a unit; None where there is none."""
        having = (t for t in self.data.finished(self.task) if t.shown == model and unit in (t.units or ()))
        return next(having, None)

    def train(self, line: Line, unit: int, *, output: bool = False) -> SpikeTrain | None:
        """Return a unit's predicted and recorded spikes, the network's output if wanted; None where there are none."""
        if (trial := self.trial(line.model, unit)) is None:
            return None
        if output:
            found = read_spike_trains(self.data.run.trial(trial.id).predictions, [unit])
            return next((train for train in found if train.decoding == line.decoding), None)
        if trial.id not in self._read:
            self._read[trial.id] = self._opened(trial)
        return self._read[trial.id].get((unit, line.decoding))

    @functools.cached_property
    def split(self) -> StimulusSplit:
        """The recording.

        Raises:
            NotReady: it is not prepared.
            BadInput: it is damaged, or was prepared anew from other data since.
        """
        store.same_data(self.data.root, self.task.trials[0])
        return cast(StimulusSplit, store.load(self.data.root, self.task.split))

    @property
    def channels(self) -> dict[str, str]:
        """Names and colours of the stimulus' channels. Raises as `split` does."""
        return channel_colours(self.split.sizes.channels, self.split.provenance.builder)

    @property
    def chosen(self) -> str:
        """Which units are shown, in words."""
        if len(self.shown) == 1:
            return "The only unit"
        places = [f"the {one.place}" for one in self.shown]
        return f"{', '.join(places[:-1]).capitalize()} and {places[-1]} unit of {self.main.label} by {headline()}"

    def _opened(self, trial: Trial) -> dict[tuple[int, str], SpikeTrain]:
        path = self.data.run.trial(trial.id).predictions
        try:
            found = read_spike_trains(path, [one.unit for one in self.shown], output=False)
        except (BadInput, NotReady) as reason:
            self.problems.append(str(reason))
            return {}
        # Of a test part in several stretches the first is shown.
        return {(train.unit, train.decoding): train for train in reversed(found)}


def open_case(data: RunData, task: Task, numbers: Numbers) -> Case:
    """Choose what is shown of a recording.

    Raises:
        NotReady: no model but floors and ceilings was scored.
    """
    if numbers.main is None:
        raise NotReady(
            f"no figures of spike trains: neither a network nor Poisson counts were scored on {task.split}; "
            f"when trials are finished, run: raysp evaluate {data.run.name}"
        )
    return Case(data, task, numbers, numbers.main, shown_units(numbers))


def shown_units(numbers: Numbers) -> tuple[ShownUnit, ...]:
    """Return the median, the best and the worst unit of the main model by the headline; fewer where there are fewer."""
    scores = numbers.by_unit[present(numbers.main)]
    ranked = sorted(scores, key=lambda unit: (scores[unit], unit))
    found: dict[int, str] = {}
    for place, unit in (("median", ranked[(len(ranked) - 1) // 2]), ("best", ranked[-1]), ("worst", ranked[0])):
        found.setdefault(unit, place if len(ranked) > 1 else "only")
    return tuple(ShownUnit(unit, place) for unit, place in found.items())


def channel_colours(channels: int, builder: str) -> dict[str, str]:
    """Return the names and colours of a stimulus' channels.

    Args:
        channels: how many.
        builder: what built the split; a retina recording's four channels are known lights.
    """
    if channels == len(LIGHTS) and builder.startswith("retina"):
        return LIGHTS
    return {f"channel {i}": OTHERS[i % len(OTHERS)] for i in range(channels)}
