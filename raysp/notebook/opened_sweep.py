"""A sweep opened to look at: its trials, their curves, the best settings; also while it is being written."""

from __future__ import annotations

from collections.abc import Mapping

import polars

from raysp.config.experiment import Trial
from raysp.errors import BadInput, unknown
from raysp.notebook.opened_run import OpenedRun
from raysp.runs.curve import read_curve
from raysp.search import table
from raysp.search.result import read_result
from raysp.search.settings_file import Best, read_settings
from raysp.search.study import read_studies


class OpenedSweep(OpenedRun):
    """A sweep's folder, read anew at each question. Its trials never see evaluation trials, and predict nothing.

    Attributes:
        path: of the sweep's folder.
        root: as of `OpenedRun`.
    """

    @property
    def trials(self) -> polars.DataFrame:
        """A row per trial of each candidate: numbers of the validation trials, settings, and what made it.

        `candidate` counts the proposals, `rank` orders those that ended, `winner` is true for the best, `run_trial` is
        the trial's id.

        Raises:
            NotReady: no study was begun.
            BadInput: a file of its record is damaged.
        """
        if self._folder.record()["submissions"][-1].get("ended") == "finished":
            return table.read_table(self._folder)
        return table.table(self._folder, [read_result(study) for study in read_studies(self._folder)])

    @property
    def settings(self) -> Mapping[str, Mapping[str, Best]]:
        """The best settings, model -> split -> "hyperparameters", "training" and what chose them.

        Raises:
            NotReady: a study is not finished.
            BadInput: the file is damaged.
        """
        return read_settings(self.path).models

    def curve(self, trial: str) -> polars.DataFrame:
        """Return a finished trial's training curve, a row per epoch.

        Args:
            trial: its id, as `run_trial` of `trials` has it.

        Raises:
            BadInput: there is no such trial, or its curve is damaged.
            NotReady: it is not finished.
        """
        known = self.trials["run_trial"].to_list()
        if trial not in known:
            raise unknown(f"trial of {self.path}", trial, known)
        return polars.DataFrame(read_curve(self._folder.trial(trial).curve), infer_schema_length=None)

    @property
    def scores(self) -> polars.LazyFrame:
        """Raise BadInput: a sweep's numbers are columns of `trials`."""
        raise self._predicts_nothing()

    @property
    def predictions(self) -> polars.LazyFrame:
        """Raise BadInput: a sweep predicts nothing."""
        raise self._predicts_nothing()

    def _one(self, trial: str) -> Trial:
        raise self._predicts_nothing()

    def _predicts_nothing(self) -> BadInput:
        return BadInput(
            f"{self.path} is a sweep, whose trials predict nothing and keep no weights: it has .trials, .settings and "
            f".curve(trial); raysp run EXPERIMENT --settings {self.path} trains with the best settings"
        )
