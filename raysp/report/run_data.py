"""What a report is drawn from: the run's record, its trials' states, and its numbers, read once from disk."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from raysp.config.experiment import Experiment, Trial
from raysp.data.nlb.sets import phase_of
from raysp.data.splits.population import spell_neurons
from raysp.errors import BadInput
from raysp.io import files
from raysp.report.kinds import in_one_piece
from raysp.report.mixed import mixed
from raysp.runs.folder import RunFolder, State
from raysp.runs.metrics_table import read_metrics
from raysp.runs.test_looks import test_looks


@dataclass(frozen=True)
class Task:
    """The trials of one split (or of one cell subset of it): what is compared in one table.

    Attributes:
        split: the prepared split's name.
        neurons: the cell subset; None for all, and for recordings in one piece, whose cells are shared out in trials.
        trials: of every model and seed, in the plan's order.
        kind: of data, "population" or "stimulus".
    """

    split: str
    neurons: tuple[int, ...] | None
    trials: tuple[Trial, ...]
    kind: str = "population"

    @property
    def name(self) -> str:
        """The split's name, with the cells behind it when it is a subset."""
        if self.neurons is None:
            return self.split
        cells = spell_neurons(_array(self.neurons))
        return f"{self.split}[{cells if len(cells) <= 24 else f'{len(self.neurons)} cells from {self.neurons[0]}'}]"

    @property
    def slug(self) -> str:
        """The name as part of a file's name."""
        if self.neurons is None:
            return self.split
        cells = re.sub(r"[^0-9-]+", "_", spell_neurons(_array(self.neurons)))
        return f"{self.split}_n{cells if len(cells) <= 40 else files.digest(list(self.neurons))[:10]}"

    @property
    def phase(self) -> str:
        """The phase: "test" for a benchmark split whose answers are the benchmark's, else "val"."""
        return phase_of(self.split)

    @property
    def standin(self) -> bool:
        """Whether the data were generated to stand in for a recording."""
        return self.trials[0].standin

    @property
    def models(self) -> list[str]:
        """The models' names, in the plan's order."""
        return list(dict.fromkeys(trial.shown for trial in self.trials))


@dataclass(frozen=True)
class Material:
    """All that is known of a run without opening predictions.

    Attributes:
        run: the run folder.
        root: the data root.
        record: what experiment.yaml says.
        tasks: the plan's trials, grouped.
        states: each trial's state by its id.
        done: what done.json says of each finished trial.
        scores: rows of metrics.parquet over all units of evaluation trials, of finished trials of the plan; None where
            there is no table.
        unit_scores: rows of single units.
        problems: what could not be read, in words.
        test_looks: how often the test answers were looked at.
    """

    run: RunFolder
    root: str
    record: dict[str, Any]
    tasks: tuple[Task, ...]
    states: dict[str, State]
    done: dict[str, dict[str, Any]]
    scores: list[dict[str, Any]] | None
    unit_scores: list[dict[str, Any]]
    problems: list[str]
    test_looks: int

    @property
    def trials(self) -> list[Trial]:
        """All trials of the plan."""
        return [trial for task in self.tasks for trial in task.trials]

    @property
    def floor(self) -> str:
        """The model every result is read against from below."""
        return self.record.get("experiment", {}).get("floor", Experiment.floor)

    @property
    def ceiling(self) -> str:
        """The model every result is read against from above."""
        return self.record.get("experiment", {}).get("ceiling", Experiment.ceiling)

    @property
    def models(self) -> list[str]:
        """All models: the floor first, the ceiling last, the others in the plan's order."""
        return self.ordered(list(dict.fromkeys(trial.shown for trial in self.trials)))

    def ordered(self, names: Sequence[str]) -> list[str]:
        """Return models with the floor first and the ceiling last."""
        return sorted(names, key=lambda name: (name == self.ceiling) - (name == self.floor))

    def only(self, kind: str) -> Material:
        """Return what is known of the tasks of one kind of data."""
        tasks = tuple(task for task in self.tasks if task.kind == kind)
        kept = {trial.id for task in tasks for trial in task.trials}
        return dataclasses.replace(
            self, tasks=tasks, states={name: state for name, state in self.states.items() if name in kept}
        )

    def finished(self, task: Task) -> list[Trial]:
        """Return the finished trials of a task."""
        return [trial for trial in task.trials if self.states[trial.id] == "done"]

    def values(self, task: Task, model: str, metric: str) -> list[tuple[int, float]]:
        """Return (seed, value) of a metric, undefined values included."""
        ids = {trial.id: trial.seed for trial in task.trials if trial.shown == model}
        return [
            (ids[row["run_trial"]], row["value"])
            for row in self.scores or []
            if row["run_trial"] in ids and metric_name(row) == metric
        ]


def read_material(run: RunFolder, root: str) -> Material:
    """Read what a report of the run is drawn from.

    Raises:
        NotReady: nothing was ever run there.
        BadInput: the run's record is damaged.
    """
    record = run.record()
    trials = run.trials()
    states = run.states(trials)
    problems: list[str] = []
    done = {name: found for name, state in states.items() if state == "done" and (found := _done(run, name, problems))}
    problems += mixed(record, trials, done)
    table = _scores(run, problems)
    rows = [row for row in table or [] if states.get(row["run_trial"]) == "done"]
    return Material(
        run=run,
        root=root,
        record=record,
        tasks=group(trials, in_one_piece(trials, root)),
        states=states,
        done=done,
        scores=None if table is None else [row for row in rows if not _of_one_unit(row)],
        unit_scores=[row for row in rows if _of_one_unit(row)],
        problems=problems,
        test_looks=_test_looks(run, problems),
    )


def group(trials: Sequence[Trial], recordings: Collection[str] = ()) -> tuple[Task, ...]:
    """Return the trials by split and cell subset, in the plan's order.

    Args:
        trials: of the plan.
        recordings: names of the splits that are recordings in one piece. Each is one task, whatever cells its trials
            have: there the subsets share out the work.
    """
    found: dict[tuple[str, tuple[int, ...] | None], list[Trial]] = {}
    for trial in trials:
        found.setdefault((trial.split, None if trial.split in recordings else trial.neurons), []).append(trial)
    return tuple(
        Task(split, neurons, tuple(members), "stimulus" if split in recordings else "population")
        for (split, neurons), members in found.items()
    )


def metric_name(row: dict[str, Any]) -> str:
    """Return a metric's name with its parameter, where it has one."""
    return row["metric"] if row["parameter"] is None else f"{row['metric']} ({row['parameter']})"


def _done(run: RunFolder, trial_id: str, problems: list[str]) -> dict[str, Any] | None:
    try:
        return run.trial(trial_id).read_done()
    except BadInput as error:
        problems.append(str(error))
        return None


def _scores(run: RunFolder, problems: list[str]) -> list[dict[str, Any]] | None:
    if not files.exists(run.metrics):
        return None
    from polars import col

    try:
        # The curves of single cells are a million rows and more; whoever draws them reads them column by column.
        return read_metrics(run, col("part") == "eval").to_dicts()
    except BadInput as error:
        problems.append(str(error))
        return None


def _of_one_unit(row: dict[str, Any]) -> bool:
    return row["unit"] is not None or row["unit_index"] is not None


def _test_looks(run: RunFolder, problems: list[str]) -> int:
    try:
        return test_looks(run)
    except BadInput as error:
        problems.append(str(error))
        return 0


def _array(neurons: tuple[int, ...]) -> Any:
    import numpy as np

    return np.asarray(neurons, dtype=np.int64)
