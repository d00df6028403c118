"""What a report is drawn from: the run's record, its trials' states, and its numbers, read once from disk."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

import polars
from polars import col

from raysp.config.experiment import STANDIN, Trial
from raysp.config.note import CurveRow
from raysp.data.sources.catalog import recordings
from raysp.data.splits import store
from raysp.data.splits.header import Header
from raysp.data.splits.units import spell_units
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.report.mixed import mixed
from raysp.runs.comparison_table import COLUMNS, Comparison, read_comparison
from raysp.runs.curve import read_curve
from raysp.runs.folder import RunFolder, State
from raysp.runs.metrics_table import frame, metric_name, read_metrics
from raysp.runs.records import Done, Record
from raysp.runs.roles import roles
from raysp.runs.test_looks import test_looks


class Kind(Protocol):
    """What the page of a run must know of a kind of data, see `raysp.kinds.kind`."""

    name: str
    shares_units: bool

    def bounds(self, record: Record) -> tuple[str, str]:
        """Return floor and ceiling of a run, from its record."""


T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Task:
    """The trials of one split (or of one subset of its units): what is compared in one table.

    Attributes:
        split: the prepared split's name.
        units: the subset of units; None for all, and where subsets only share out the work.
        trials: of every model and seed, in the plan's order.
        kind: of data.
        phase: "test" where answers are looked at by explicit request alone, else "val".
    """

    split: str
    units: tuple[int, ...] | None
    trials: tuple[Trial, ...]
    kind: str
    phase: str

    @property
    def name(self) -> str:
        """The split's name, with the units behind it when it is a subset."""
        if self.units is None:
            return self.split
        units = spell_units(self.units)
        return f"{self.split}[{units if len(units) <= 24 else f'{len(self.units)} units from {self.units[0]}'}]"

    @property
    def slug(self) -> str:
        """The name as part of a file's name."""
        if self.units is None:
            return self.split
        units = re.sub(r"[^0-9-]+", "_", spell_units(self.units))
        return f"{self.split}_n{units if len(units) <= 40 else files.digest(list(self.units))[:10]}"

    @property
    def standin(self) -> bool:
        """Whether the data were generated to stand in for a recording."""
        return self.trials[0].standin

    @property
    def models(self) -> list[str]:
        """The models' names, in the plan's order."""
        return list(dict.fromkeys(trial.shown for trial in self.trials))


@dataclass(frozen=True)
class RunData:
    """All that is known of a run without opening predictions.

    Attributes:
        run: the run folder.
        root: the data root.
        record: what experiment.yaml says.
        tasks: the plan's trials, grouped.
        states: each trial's state by its id.
        done: what done.json says of each finished trial.
        scores: rows of metrics.parquet on evaluation trials, of finished trials of the plan, with a column `name`: the
            metric's with its parameter; no rows where there is no table.
        compared: rows of comparison.parquet, likewise.
        problems: what could not be read, in words.
        test_looks: how often the test answers were looked at.
        bounds: kind of data -> floor and ceiling.
    """

    run: RunFolder
    root: str
    record: Record
    tasks: tuple[Task, ...]
    states: dict[str, State]
    done: dict[str, Done]
    scores: polars.DataFrame
    compared: polars.DataFrame
    problems: list[str]
    test_looks: int
    bounds: Mapping[str, tuple[str, str]]

    @property
    def trials(self) -> list[Trial]:
        """All trials of the plan."""
        return [trial for task in self.tasks for trial in task.trials]

    @property
    def seeds(self) -> list[int]:
        """The seeds of all trials, ascending."""
        return sorted({trial.seed for trial in self.trials})

    @property
    def floor(self) -> str:
        """The model every result is read against from below."""
        return self._bounds[0]

    @property
    def ceiling(self) -> str:
        """The model every result is read against from above."""
        return self._bounds[1]

    @property
    def _bounds(self) -> tuple[str, str]:
        return self.bounds[self.tasks[0].kind] if self.tasks else ("", "")

    @property
    def models(self) -> list[str]:
        """All models: the floor first, the ceiling last, the others in the plan's order."""
        return self.ordered(list(dict.fromkeys(trial.shown for trial in self.trials)))

    def ordered(self, names: Sequence[str]) -> list[str]:
        """Return models with the floor first and the ceiling last."""
        return sorted(names, key=lambda name: (name == self.ceiling) - (name == self.floor))

    def only(self, kind: str) -> RunData:
        """Return what is known of the tasks of one kind of data."""
        tasks = tuple(task for task in self.tasks if task.kind == kind)
        kept = {trial.id for task in tasks for trial in task.trials}
        return dataclasses.replace(
            self, tasks=tasks, states={name: state for name, state in self.states.items() if name in kept}
        )

    def about(self, task: Task) -> RunData:
        """Return what is known of one task; of the others, only which models there are, in the same order."""
        first: dict[str, Trial] = {}
        for trial in self.trials:
            first.setdefault(trial.shown, trial)
        models = dataclasses.replace(task, split="", units=None, trials=tuple(first.values()))
        kept = {trial.id for trial in (*task.trials, *models.trials)}
        return dataclasses.replace(
            self,
            tasks=(models, task),
            states={name: state for name, state in self.states.items() if name in kept},
            done={name: done for name, done in self.done.items() if name in kept},
            scores=self.of(task),
            compared=self.comparisons(task),
        )

    def finished(self, task: Task) -> list[Trial]:
        """Return the finished trials of a task."""
        return [trial for trial in task.trials if self.states[trial.id] == "done"]

    def curve(self, trial: Trial) -> list[CurveRow]:
        """Return a trial's training curve, see `read_curve`; no rows where there is none."""
        path = self.run.trial(trial.id).curve
        return read_curve(path, trial) if files.exists(path) else []

    def header(self, task: Task) -> Header | None:
        """Return what is known of a task's split without opening it; None where it is no longer prepared."""
        try:
            return store.header(self.root, task.split)
        except (BadInput, NotReady, OSError):
            return None

    def progress(self, task: Task) -> dict[str, str | bool]:
        """Return how far a task's trials are, in words, and whether all are done."""
        done = len(self.finished(task))
        return {"state": f"{done} of {len(task.trials)} trials done", "complete": done == len(task.trials)}

    def incomplete(self, means: str) -> tuple[str, ...]:
        """Return what must be said where trials are missing; `means` ends the sentence."""
        total, done = len(self.states), list(self.states.values()).count("done")
        missing = f"This run is not complete: {total - done} of {total} trials are not done, and {means}."
        return (missing,) if done < total else ()

    def of(self, task: Task) -> polars.DataFrame:
        """Return the scores of a task's trials, those of single units among them."""
        return self.scores.filter(col("run_trial").is_in([trial.id for trial in task.trials]))

    def comparisons(self, task: Task) -> polars.DataFrame:
        """Return the rows of the table of comparisons that are of a task."""
        units = None if task.units is None else spell_units(task.units)
        return self.compared.filter(col("split") == task.split, col("units").eq_missing(units))

    @functools.cached_property
    def means(self) -> Mapping[tuple[str, str, str | None, str], Comparison]:
        """Return (slug of the task, model, decoding, metric's name) -> the row of what a model comes to by itself."""
        return {
            (task.slug, row["model"], row["decoding"], name): row
            for task in self.tasks
            for rows in [self.comparisons(task).filter(comparison="mean")]
            for row, name in zip(cast("list[Comparison]", rows.to_dicts()), rows["name"], strict=True)
        }

    @functools.cached_property
    def values(self) -> Mapping[tuple[str, str, str], Mapping[int, float | None]]:
        """Return (slug of the task, model, metric's name) -> seed -> value over all units; undefined ones are None."""
        slugs = {trial.id: task.slug for task in self.tasks for trial in task.trials}
        groups = (
            self.scores.filter(col("unit").is_null() & col("unit_index").is_null())
            .with_columns(slug=col("run_trial").replace_strict(slugs, default=None))
            .group_by("slug", "model", "name", maintain_order=True)
            .agg("seed", "value")
        )
        return {tuple(key): dict(zip(seeds, values, strict=True)) for *key, seeds, values in groups.iter_rows()}

    def metrics(self, task: Task) -> list[str]:
        """Return the names of the metrics that a task was scored by, over all units."""
        return list(dict.fromkeys(name for slug, _, name in self.values if slug == task.slug))


def read_run_data(run: RunFolder, root: str, kinds: Mapping[str, Kind]) -> RunData:
    """Read what a report of the run is drawn from.

    Args:
        run: the run folder.
        root: the data root.
        kinds: the kind of data of each split.

    Raises:
        NotReady: nothing was ever run there.
        BadInput: the run's record is damaged.
    """
    record, trials = run.record(), run.trials()
    states = run.states(trials)
    problems: list[str] = []

    def tried(read: Callable[[], T], otherwise: U) -> T | U:
        try:
            return read()
        except NotReady:
            return otherwise
        except BadInput as error:
            problems.append(str(error))
            return otherwise

    finished = [name for name, state in states.items() if state == "done"]
    done = {name: found for name in finished if (found := tried(run.trial(name).read_done, None))}
    problems += mixed(record, trials, done)
    # The curves of single units are a million rows and more; whoever draws them reads them column by column.
    wanted = (col("part") == "eval") & col("run_trial").is_in(finished)
    scores = tried(lambda: read_metrics(run, wanted), frame([]))
    compared = tried(lambda: read_comparison(run), polars.DataFrame(schema=COLUMNS))
    return RunData(
        run=run,
        root=root,
        record=record,
        tasks=group(
            trials,
            kinds,
            {name: role.phase for name, role in roles(run).items()},
            [one["name"] for one in record["experiment"].get("recordings", ())],
        ),
        states=states,
        done=done,
        scores=scores.with_columns(name=metric_name()),
        compared=compared.with_columns(name=metric_name()),
        problems=problems,
        test_looks=tried(lambda: test_looks(run), 0),
        bounds={kind.name: kind.bounds(record) for kind in kinds.values()},
    )


def group(
    trials: Sequence[Trial], kinds: Mapping[str, Kind], phases: Mapping[str, str], own: Sequence[str] = ()
) -> tuple[Task, ...]:
    """Return the trials by split and unit subset, in the order of the known recordings, then of the experiment's own.

    The plan's order is another one: what takes long begins first.

    Args:
        trials: of the plan.
        kinds: as of `read_run_data`.
        phases: of the splits.
        own: names of the experiment's own recordings, in its order.
    """
    found: dict[tuple[str, tuple[int, ...] | None], list[Trial]] = {}
    for trial in trials:
        units = None if kinds[trial.split].shares_units else trial.units
        found.setdefault((trial.split, units), []).append(trial)
    places = {name: place for place, name in enumerate((*recordings(), *own))}
    return tuple(
        Task(split, units, tuple(members), kinds[split].name, phases[split])
        for (split, units), members in sorted(
            found.items(), key=lambda one: places.get(one[0][0].removeprefix(STANDIN), len(places))
        )
    )
