"""A run opened to look at: tables, curves, predictions, trained networks; also while it is being written."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars

from raysp.collection.predictions import AGAIN
from raysp.config.experiment import Trial
from raysp.driver.evaluate import evaluate_trial, wanted
from raysp.errors import BadInput, NotReady, last_line, unknown
from raysp.io import files, lazy_tables
from raysp.io.rows import Rows
from raysp.kinds import catalog as kinds
from raysp.notebook import loaded_split
from raysp.notebook.fitted_model import FittedModel
from raysp.notebook.loaded_split import LoadedSplit
from raysp.runs import ensemble_tables
from raysp.runs.curve import read_curve
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.metrics_table import as_read, frame, read_metrics
from raysp.runs.trial_log import Setting
from raysp.trials.fitted_again import fitted_again

if TYPE_CHECKING:
    from torch import nn

TRIALS = {
    **dict.fromkeys(("run_trial", "model", "split"), polars.String),
    **dict.fromkeys(("seed", "units"), polars.Int64),
    "state": polars.String,
    **dict.fromkeys(("best_epoch", "epochs", "parameters"), polars.Int64),
    **dict.fromkeys(("validation_loss", "unseen_loss", "seconds"), polars.Float64),
    "error": polars.String,
}
"""Columns of `OpenedRun.trials`: `run_trial` is a trial's id, as in every table; `units` is how many it has of its own,
null for all; `state` is done, failed, started or missing; of the error the last line."""


@dataclass(frozen=True)
class OpenedRun:
    """A run folder, read anew at each question: of a run that is going on, what is finished is there.

    Attributes:
        path: of the run folder.
        root: the data root; None for the recorded one.
    """

    path: str
    root: str | None = None
    _rows: dict[str, Rows] = field(default_factory=dict, repr=False, compare=False)

    @property
    def trials(self) -> polars.DataFrame:
        """A row per trial of the experiment, with its state, and what came of it; columns: `TRIALS`.

        Raises:
            BadInput: the run's record, or what a trial says of itself, is damaged.
        """
        trials = self._folder.trials()
        states = self._folder.states(trials)
        return polars.DataFrame([self._row(trial, states[trial.id]) for trial in trials], schema=TRIALS, strict=False)

    @property
    def scores(self) -> polars.LazyFrame:
        """The run's scores, a row per trial, metric, parameter and unit; null where one is undefined (`note` says why).

        Of a run that is going on, the finished trials that nobody scored yet are scored here, once. Answers of the
        test phase are not looked at: `raysp evaluate RUN --phase test` does that, and the run counts it.

        Raises:
            NotReady: no trial is finished.
            BadInput: the table is damaged, or the data are not what the run was made with.
        """
        there = read_metrics(self._folder) if files.exists(self._folder.metrics) else frame([])
        known = set(there["run_trial"])
        try:
            fresh = [trial for trial in wanted(self._folder, "val") if trial.id not in known]
        except (BadInput, NotReady):
            if there.is_empty():
                raise
            fresh = []
        rows = [row for trial in fresh for row in self._scored(trial)]
        return polars.concat([there, as_read(frame(rows))]).lazy()

    @property
    def predictions(self) -> polars.LazyFrame:
        """What the finished trials predict, a row per trial of the data and unit (of other kinds, as they have them).

        Nothing is read before `collect`: filter first, e.g. by `model`, `split`, `part` ("eval") and `unit`. `rates`
        is a list of expected spikes per bin.

        Raises:
            NotReady: no trial is finished.
        """
        of_split = kinds.of_run(self._folder, self.root)
        together: dict[str, list[str]] = {}
        for trial in self._folder.finished_of(self._folder.trials()):
            path = self._folder.trial(trial.id).predictions
            together.setdefault(of_split[trial.split].name, []).append(path)
        if not together:
            raise NotReady(f"{self.path} has no finished trial yet; run the experiment, or wait for it")
        frames = [lazy_tables.scan(paths, AGAIN) for paths in together.values()]
        return frames[0] if len(frames) == 1 else polars.concat(frames, how="diagonal_relaxed")

    @property
    def members(self) -> polars.DataFrame:
        """Of an ensemble, a row per member of each split: its run, its trial, its own score and its weight.

        Raises:
            NotReady: the run is no ensemble, or none of its trials is finished.
        """
        trials = self._folder.finished_of(self._folder.trials())
        there = [one for one in trials if files.exists(ensemble_tables.members_path(self._folder.trial(one.id)))]
        if not there:
            raise NotReady(f"{self.path} holds no finished ensemble; make one: raysp ensemble {self.path}")
        tables = [ensemble_tables.read_members(self._folder.trial(one.id)) for one in there]
        return polars.concat(
            [
                table.select(polars.lit(one.split).alias("split"), polars.all())
                for one, table in zip(there, tables, strict=True)
            ]
        )

    def curve(self, trial: str) -> polars.DataFrame:
        """Return a finished trial's training curve, a row per epoch.

        Args:
            trial: its id, as `trials` has it; or the model's name, where the run has one trial of it.

        Raises:
            BadInput: there is no such trial, or its curve is damaged.
            NotReady: it is not finished.
        """
        one = self._one(trial)
        return polars.DataFrame(read_curve(self._folder.trial(one.id).curve, one), infer_schema_length=None)

    def split(self, trial: str) -> LoadedSplit:
        """Return the data of a trial, its units selected; with answers, where they are known.

        Args:
            trial: as of `curve`.

        Raises:
            NotReady: the split is not prepared below the data root.
            BadInput: there is no such trial; or the split is not what the trial was trained on.
        """
        return loaded_split.of_trial(self._root, self._one(trial))

    def fitted(self, trial: str, device: str = "auto") -> FittedModel:
        """Return a finished trial's model, to predict and to score with.

        This runs the model's code. Nothing is trained, and nothing in the run folder is changed.

        Args:
            trial: as of `curve`.
            device: "auto", "cpu", "cuda" or "cuda:<number>".

        Raises:
            NotReady: the trial is not finished, its checkpoint is gone, its split is not prepared, or the model's code
                is not what it was.
            BadInput: there is no such trial; or the split is not what the trial was trained on.
        """
        one = self._one(trial)
        whose = f" from {self._folder.code}" if one.plugins else ""
        print(f"running the code of model {one.model}{whose} for {one.id}", file=sys.stderr)
        split = loaded_split.of_trial(self._root, one)
        job, fitted, _ = fitted_again(one, Setting(self.path, self._root, device))
        return FittedModel(one, job, fitted, header=split.header)

    def model(self, trial: str, device: str = "auto") -> nn.Module:
        """Return a finished trial's trained network, a torch module in eval mode. This runs the model's code.

        Arguments and errors as of `fitted`.
        """
        return self.fitted(trial, device).model

    @property
    def _folder(self) -> RunFolder:
        return RunFolder(self.path)

    @property
    def _root(self) -> str:
        return files.absolute(self.root if self.root is not None else self._folder.record().get("root") or "data")

    def _one(self, trial: str) -> Trial:
        known = {one.id: one for one in self._folder.trials()}
        if trial in known:
            return known[trial]
        alike = [one for one in known.values() if trial in (one.shown, one.front)]
        if len(alike) == 1:
            return alike[0]
        if alike:
            raise BadInput(f"{trial} has {len(alike)} trials in {self.path}; give one's id, as {alike[0].id}")
        raise unknown(f"trial of {self.path}", trial, known)

    def _row(self, trial: Trial, state: str) -> dict[str, object]:
        folder = self._folder.trial(trial.id)
        found: Mapping[str, object] = folder.read_done() if state == "done" else {}
        error = last_line(files.read_text(folder.error)) if state == "failed" else None
        units = None if trial.units is None else len(trial.units)
        own = {"run_trial": trial.id, "model": trial.shown, "split": trial.split, "seed": trial.seed, "units": units}
        return {name: found.get(name) for name in TRIALS} | own | {"state": state, "error": error}

    def _scored(self, trial: Trial) -> Rows:
        if trial.id not in self._rows:
            self._rows[trial.id] = evaluate_trial(self.path, self._root, trial_to(trial))
        return self._rows[trial.id]
