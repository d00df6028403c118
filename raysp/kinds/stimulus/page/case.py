"""The predicted spike trains of a few cells, opened for drawing: nothing is read of other cells."""

from __future__ import annotations

from dataclasses import dataclass, field

from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.data.splits.stimulus import StimulusSplit
from raysp.errors import BadInput, NotReady
from raysp.kinds.stimulus.page.lines import Line
from raysp.kinds.stimulus.page.numbers import HEADLINE, Numbers
from raysp.kinds.stimulus.page.scores import headline
from raysp.kinds.stimulus.spike_trains_file import Train, read_trains
from raysp.report.run_data import RunData, Task


@dataclass(frozen=True)
class ShownCell:
    """One cell that stands for others: its number, its place among them, and its score by the main model."""

    cell: int
    place: str
    score: float


@dataclass
class TrainCase:
    """What the figures of spike trains are drawn from.

    Attributes:
        material: of the run.
        task: the recording's trials.
        numbers: what was measured.
        main: the model whose predictions are looked at closely.
        shown: the cells, in the order in which they are drawn.
        problems: predictions that could not be read, in words.
    """

    material: RunData
    task: Task
    numbers: Numbers
    main: Line
    shown: tuple[ShownCell, ...]
    problems: list[str] = field(default_factory=list)
    _read: dict[str, dict[tuple[int, str], Train]] = field(default_factory=dict)
    _split: StimulusSplit | None = None

    def trial(self, model: str, cell: int) -> Trial | None:
        """Return the first finished trial of a model that has a cell; None where there is none."""
        having = (t for t in self.material.finished(self.task) if t.shown == model and cell in (t.neurons or ()))
        return next(having, None)

    def train(self, line: Line, cell: int) -> Train | None:
        """Return a cell's predicted and recorded spikes, without the network's output; None where there are none."""
        trial = self.trial(line.model, cell)
        if trial is None:
            return None
        if trial.id not in self._read:
            self._read[trial.id] = self._opened(trial)
        return self._read[trial.id].get((cell, line.decoding))

    def output(self, line: Line, cell: int) -> Train | None:
        """Return the same with what the network said; None where there is none."""
        trial = self.trial(line.model, cell)
        if trial is None:
            return None
        found = read_trains(self.material.run.trial(trial.id).predictions, [cell])
        return next((train for train in found if train.decoding == line.decoding), None)

    @property
    def split(self) -> StimulusSplit:
        """The recording.

        Raises:
            NotReady: it is not prepared.
            BadInput: it is damaged, or was prepared anew from other data since.
        """
        if self._split is None:
            store.same_data(self.material.root, self.task.trials[0])
            self._split = store.load(self.material.root, self.task.split)
        return self._split

    def _opened(self, trial: Trial) -> dict[tuple[int, str], Train]:
        path = self.material.run.trial(trial.id).predictions
        try:
            found = read_trains(path, [one.cell for one in self.shown], output=False)
        except (BadInput, NotReady) as reason:
            self.problems.append(str(reason))
            return {}
        # Of a test part in several stretches the first is shown.
        return {(train.cell, train.decoding): train for train in reversed(found)}


def open_train_case(material: RunData, task: Task, numbers: Numbers) -> TrainCase:
    """Choose what is shown of a recording.

    Raises:
        NotReady: no model but floors and ceilings was scored.
    """
    if numbers.main is None:
        raise NotReady(
            f"no figures of spike trains: neither a network nor Poisson counts were scored on {task.split}; "
            f"when trials are finished, run: raysp evaluate {material.run.name}"
        )
    return TrainCase(material, task, numbers, numbers.main, shown_cells(numbers))


def shown_cells(numbers: Numbers) -> tuple[ShownCell, ...]:
    """Return the median, the best and the worst cell of the main model by the headline; fewer where there are fewer."""
    scores = numbers.of(numbers.main, *HEADLINE)
    ranked = sorted(scores, key=lambda cell: (scores[cell], cell))
    places = {"median": ranked[(len(ranked) - 1) // 2], "best": ranked[-1], "worst": ranked[0]}
    found: dict[int, str] = {}
    for place, cell in places.items():
        found.setdefault(cell, place if len(ranked) > 1 else "only")
    return tuple(ShownCell(cell, place, scores[cell]) for cell, place in found.items())


def chosen_by(case: TrainCase) -> str:
    """Say which cells are shown."""
    if len(case.shown) == 1:
        return "The only cell"
    words = {"median": "the median", "best": "the best", "worst": "the worst"}
    places = [words[one.place] for one in case.shown]
    return f"{', '.join(places[:-1]).capitalize()} and {places[-1]} cell of {case.main.label} by {headline()}"
