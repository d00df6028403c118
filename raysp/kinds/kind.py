"""What generic code knows of a kind of data, and all it knows: one object for each, found by its name."""

from __future__ import annotations

import abc
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypedDict, TypeVar, Unpack

from raysp.config.settings import Plain
from raysp.errors import BadInput
from raysp.io.rows import Rows
from raysp.kinds.metric import Metric
from raysp.kinds.scores import Scores, over_units
from raysp.runs.jobs import Jobs, in_turn
from raysp.runs.records import Done, Record

if TYPE_CHECKING:
    import polars

    from raysp.config.experiment import Experiment, Training, Trial
    from raysp.data.splits.header import Header
    from raysp.data.splits.split import Answers, Split
    from raysp.evaluation.mixture import Evidence
    from raysp.kinds.check import Check
    from raysp.kinds.looked import Looked
    from raysp.kinds.perturbation import Perturbation
    from raysp.kinds.readouts import Readouts
    from raysp.models.base import Model
    from raysp.report.pages import Pages
    from raysp.report.run_data import RunData
    from raysp.report.section import Section
    from raysp.runs.folder import RunFolder, TrialFolder
    from raysp.training.batches import Batches
    from raysp.training.fitted import Fitted
    from raysp.training.job import Job

Units = tuple[int, ...] | None
"""A subset of units; None for all."""


@dataclass(frozen=True)
class Products:
    """What a fitted model gives.

    Attributes:
        files: name of a file of the trial's folder -> writes it, given its path: "predictions.parquet", which every
            trial has and whose note says whose it is (`collection.gather`), and whatever else there is.
        metrics: what metrics.json says beside the numbers of the validation part.
        done: what done.json says beside what every trial's says.
    """

    files: Mapping[str, Callable[[str], None]]
    metrics: Mapping[str, object] = field(default_factory=dict)
    done: Done = field(default_factory=Done)


S = TypeVar("S", bound="Split")


class Choice(TypedDict, total=False):
    """Whose predictions are sent to a benchmark, as `raysp collect` has it.

    Attributes:
        model: the model; by default the only one that is neither floor nor ceiling.
        seeds: one of them, or "mean" over all.
        partial: leave out what is not finished.
    """

    model: str | None
    seeds: Literal["mean"] | int
    partial: bool


class Elsewhere:
    """A method of a kind that is a function of another file of its folder, imported when it is first asked for.

    Args:
        file: its name, without ".py".
        function: its name there; the method's own unless it is given.
    """

    def __init__(self, file: str, function: str = "") -> None:
        self._file, self._function = file, function

    def __set_name__(self, owner: type, name: str) -> None:
        self._room, self._function = owner.__module__.rpartition(".")[0], self._function or name

    def __get__(self, kind: object, owner: type) -> Any:
        return self if kind is None else getattr(importlib.import_module(f"{self._room}.{self._file}"), self._function)


class Kind(abc.ABC, Generic[S]):
    """A kind of data, `class Mine(Kind[MySplit])` by the class of its splits.

    Attributes:
        name: of its folder here, and of the file of its Split.
        metrics: by name, as tables have them in order.
        training: fields of Training as models of the kind are trained where an experiment does not say how.
        fewest: training trials that a network needs, those included that are set aside to select it.
        floor: the model every result is read against from below, where an experiment names none.
        ceiling: likewise from above; empty where there is none.
        outputs: names of files in the run folder that the kind makes of it.
        shares_units: subsets of units share out the work of one task; else each is a task of its own.
        exports: forms in which other programs keep what models of the kind come to.
        averages: scores of validation trials that averages of stored predictions are judged by, the first one where
            nothing else is asked for; none where trials store no predictions of those.
    """

    name: str
    metrics: ClassVar[Mapping[str, Metric]]
    training: ClassVar[Mapping[str, Plain]] = {}
    fewest: ClassVar[int] = 0
    floor: str
    ceiling: str = ""
    outputs: tuple[str, ...] = ()
    shares_units: bool = False
    exports: tuple[str, ...] = ()
    averages: tuple[str, ...] = ()

    @abc.abstractmethod
    def units(self, experiment: Experiment, header: Header) -> Units:
        """Return the units that an experiment takes of a split. Raises BadInput for unknown ones."""

    def cuts(self, experiment: Experiment, header: Header) -> list[Units]:
        """Return the subsets of them that are trials of their own."""
        return [self.units(experiment, header)]

    @abc.abstractmethod
    def work(self, header: Header) -> float:
        """Return about how long an epoch takes, in any measure: what is long begins first."""

    def check(self, model: Model, training: Training | None, header: Header) -> None:
        """Refuse at planning, before anything starts, what would be refused when training begins.

        Args:
            model: for the split's sizes, without memory for its weights.
            training: how it is fitted; None where it fits itself.
            header: of the split.

        Raises:
            BadInput: they do not go together.
        """
        return

    def inputs(self, model: str, hyperparameters: Mapping[str, Plain]) -> Mapping[str, polars.DataFrame]:
        """Return the tables of other runs that a model with these settings starts from, by name.

        Raises:
            NotReady: such a run is not there, or not finished.
            BadInput: what it holds does not go with the settings.
        """
        return {}

    def contract(self) -> Sequence[Check]:
        """Return what every model of the kind must keep, beside what all models must; see `kinds.contract`."""
        return ()

    def about(self, model: type[Model]) -> Mapping[str, object]:
        """Return what tables and pages need to know of a model, as plain values for the record: they import none."""
        return {}

    def lacks(self, objective: str, header: Header, units: Units) -> str | None:
        """Return what a split, or a subset of its units, lacks for an objective, as the end of a sentence."""
        return None

    @abc.abstractmethod
    def words(self, trial: Trial, split: S) -> str:
        """Return what a trial is fitted to, for its log. Raises BadInput where a split is too small."""

    @abc.abstractmethod
    def learner(self, job: Job, split: S, answers: Answers | None = None) -> tuple[Model, Batches]:
        """Return a new model on the job's device that starts from a split, and what the one loop needs of its data.

        Args:
            job: what to fit, and where.
            split: the trial's units already selected; of a search, what a search may see.
            answers: of the evaluation part, where the trial selects on it.
        """

    def fit(self, job: Job, split: S, answers: Answers | None = None) -> Fitted:
        """Fit a model: by the one loop, or, where the model fits itself, its own way. Arguments as of `learner`."""
        from raysp.training.trial import fit

        return fit(job, lambda job: self.learner(job, split, answers))

    def each_unseen(self, job: Job, fitted: Fitted, split: S) -> Sequence[tuple[float, int]]:
        """Return (`unseen_loss`, of how many entries) of each validation trial: how sure a search is; or nothing."""
        return ()

    def unpredicted(self, job: Job, fitted: Fitted, split: S) -> str | None:
        """Return what a search's model does not predict of what `unseen_loss` is of, in words; None for nothing."""
        return None

    def unheard(self, trial: Trial, split: S) -> str | None:
        """Return why validation trials cannot tell a search's models apart, a sentence; None where they may."""
        return None

    @abc.abstractmethod
    def predict(self, job: Job, fitted: Fitted, split: S) -> Products:
        """Return what a fitted model gives for the evaluation part. Raises Interrupted as the job says."""

    def predicted(self, job: Job, fitted: Fitted, data: Any) -> Any:
        """Return what a fitted model predicts, in memory, for a person at a notebook.

        Args:
            job: of the trial.
            fitted: its model.
            data: a split, the trial's units already selected; or a part of one, where the kind has parts of their own.

        Raises:
            BadInput: the kind gives files alone.
        """
        raise BadInput(f"{self.name} data: predictions come as files alone; run an experiment and open its run")

    def perturb(self, job: Job, fitted: Fitted, split: S, how: Perturbation) -> polars.DataFrame:
        """Return rates of each unit while a model runs on freely, and while some of its units are silenced or driven.

        Args:
            job: of the trial.
            fitted: its model.
            split: the trial's units already selected.
            how: what is done to which.

        Raises:
            BadInput: models of the kind do not run on freely, or there is no such unit or bin.
        """
        raise BadInput(f"{self.name} data: models have no spikes of their own to run on with, so nothing is perturbed")

    @abc.abstractmethod
    def score(self, trial: Trial, split: S, answers: Answers | None, folder: TrialFolder) -> Rows:
        """Return the rows of metrics.parquet of a trial's predictions.

        Args:
            trial: whose.
            split: the trial's units already selected, unless trials share out the units of a task.
            answers: likewise; None where the kind has none.
            folder: of the trial.

        Raises:
            BadInput: predictions are damaged or another trial's; predictions and answers do not fit each other.
        """

    def look(self, split: S, answers: Answers | None) -> Looked:
        """Return what a person sees of a whole split before anything is trained; answers where they are known."""
        from raysp.kinds.looked import Looked

        return Looked((f"{self.name} data, {split.sizes}",))

    def remarks(
        self, table: polars.DataFrame, floor: str, trials: Sequence[Trial], done: Mapping[str, Done]
    ) -> list[str]:
        """Return what a person must know beside the scores, a sentence each.

        Args:
            table: rows of metrics.parquet, a polars frame.
            floor: the run's.
            trials: of the run.
            done: what done.json says of the finished ones, by id.
        """
        return []

    def scores(self, table: polars.DataFrame, bounds: tuple[str, str]) -> Iterator[Scores]:
        """Yield the terminal's table of scores of each split: models by metrics, mean and spread over seeds.

        Args:
            table: rows of metrics.parquet, a polars frame.
            bounds: floor and ceiling of the run.
        """
        return over_units(table, self.metrics, bounds)

    def tables(self, run: RunFolder, jobs: Jobs = in_turn) -> None:
        """Write what is computed of a whole run's scores; what is stale goes.

        Args:
            run: the run folder.
            jobs: runs a function, given by its dotted name, once per call, as many at a time as there is room for.
        """
        return

    def compare(self, run: RunFolder, trials: Sequence[Trial], bounds: tuple[str, str]) -> Rows:
        """Return rows of comparison.parquet: what models come to side by side.

        Args:
            run: the run folder, which has a table of metrics.
            trials: the finished ones, of this kind and others.
            bounds: floor and ceiling of the run.
        """
        return []

    def submitted(self, run: RunFolder, **choice: Unpack[Choice]) -> list[Trial]:
        """Return the trials of which a benchmark is sent predictions. Raises BadInput for a choice that has none."""
        return []

    def submit(self, run: RunFolder, root: str, **choice: Unpack[Choice]) -> dict[str, str]:
        """Write what is sent; return whose predictions are in it, by name of a file in the run folder.

        Args:
            run: the run folder.
            root: the data root.
            choice: see `Choice`.
        """
        return {}

    def check_submission(self, path: str, root: str, phase: str | None = None) -> list[str]:
        """Return what a file to be sent to a benchmark holds, in words; nothing where the kind sends none.

        Args:
            path: of the file, of raysp or any other program.
            root: the data root, whose prepared splits it must fit.
            phase: "val" or "test"; None for what the file says.

        Raises:
            NotReady, BadInput: the file is not there, or does not fit; every mismatch is said.
        """
        return []

    def stale(self, run: RunFolder) -> list[str]:
        """Return which of those files hold a trial that is not finished, or not the experiment's, any more."""
        return []

    def export(self, source: str, path: str, form: str, **choice: Plain) -> str:
        """Write what models of a run came to as another program's file; return what was written, in words.

        Args:
            source: the run folder, or what `take_in` wrote.
            path: of the file.
            form: one of `exports`.
            choice: of what the kind lets a person choose.

        Raises:
            NotReady, BadInput: nothing is there to be written, or cannot be in that form.
        """
        raise NotImplementedError(f"{self.name} has no form {form}")

    def take_in(self, path: str, target: str, form: str) -> str:
        """Write what another program's file holds into a table that `export` takes; return what is in it, in words.

        Args:
            path: of the file.
            target: of the table, .parquet.
            form: one of `exports`.

        Raises:
            NotReady, BadInput: the file is not there, is damaged, or holds something else.
        """
        raise NotImplementedError(f"{self.name} has no form {form}")

    @abc.abstractmethod
    def section(self, data: RunData, pages: Pages, say: Callable[[str], None], at: str = "") -> Section:
        """Return the kind's part of a run's page.

        Args:
            data: of the splits of this kind.
            pages: takes the figures.
            say: told what is being drawn.
            at: begins the names of places on the page.
        """

    def evidence(self, by: str, trials: Sequence[Trial], split: S, paths: Sequence[str]) -> Evidence:
        """Return what counts of validation trials say of what trials predicted; of predictions, one is held at a time.

        Args:
            by: one of `averages`.
            trials: fitted to the same training trials, with the same ones set aside.
            split: theirs, their units already selected.
            paths: of their predictions.

        Raises:
            BadInput: predictions are damaged, or lack what is judged.
        """
        raise NotImplementedError(f"{self.name} has no averages")

    def average(
        self, trial: Trial, split: S, paths: Sequence[str], weights: Sequence[float], into: str, given: object = None
    ) -> None:
        """Write the average of predictions as a trial's own; of predictions, one is held at a time.

        Args:
            trial, split: whose they become; its units already selected.
            paths, weights, into: of the predictions; of each, adding up to 1; the path to write.
            given: answers with the conditions that rates are averaged over, too; None for none.

        Raises:
            BadInput: predictions are damaged, or unlike each other; or there are no conditions.
        """
        raise NotImplementedError(f"{self.name} has no averages")

    def latents(self, run: RunFolder, root: str, how: Readouts) -> Iterator[str]:
        """Write what latents of a run are worth; yield it in words. Raises BadInput, NotReady where there are none."""
        raise BadInput(f"{self.name} data: what latents are worth is not asked of their models")

    def bounds(self, record: Record) -> tuple[str, str]:
        """Return floor and ceiling of a run, from its record."""
        experiment = record.get("experiment") or {}
        return experiment.get("floor") or self.floor, experiment.get("ceiling") or self.ceiling
