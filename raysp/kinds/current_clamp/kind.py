"""Cells with injected currents: each fitted by itself, judged on currents that it was not fitted to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from raysp.config.experiment import Experiment, Trial
from raysp.config.settings import Plain
from raysp.data.splits.header import Header
from raysp.data.splits.units import find_units
from raysp.errors import present
from raysp.io.rows import Rows
from raysp.kinds.current_clamp.metrics import METRICS
from raysp.kinds.kind import Elsewhere, Kind, Products, Units
from raysp.runs.folder import RunFolder, TrialFolder
from raysp.runs.jobs import Jobs, in_turn
from raysp.runs.records import Done

if TYPE_CHECKING:
    import polars

    from raysp.data.splits.current_clamp import CurrentClampSplit
    from raysp.data.splits.split import Answers
    from raysp.kinds.check import Check
    from raysp.kinds.current_clamp.repeats import Repeats
    from raysp.kinds.scores import Scores
    from raysp.report.pages import Pages
    from raysp.report.run_data import RunData
    from raysp.report.section import Section
    from raysp.training.fitted import Fitted
    from raysp.training.job import Job


class CurrentClamp(Kind["CurrentClampSplit"]):
    """Currents injected into cells and the spikes that they answer with, sweep by sweep."""

    name = "current_clamp"
    metrics = METRICS
    floor, ceiling = "clamp_mean_rate", "clamp_psth"
    outputs = ("parameters.parquet", "analyses.parquet")
    shares_units = True
    exports = ("gfr-json", "gfr-pickle", "gfr-cells")

    def units(self, experiment: Experiment, header: Header) -> tuple[int, ...]:
        """Return the recording's own numbers."""
        return find_units(experiment.units, present(header.units), header.left_out)

    def cuts(self, experiment: Experiment, header: Header) -> list[Units]:
        """Return so many units for each trial; a unit's numbers do not depend on the others."""
        chosen = self.units(experiment, header)
        size = experiment.units_per_trial or len(chosen)
        return [chosen[first : first + size] for first in range(0, len(chosen), size)]

    def work(self, header: Header) -> float:
        """Return how many bins train."""
        return float(header.trials["train"])

    def lacks(self, objective: str, header: Header, units: Units) -> str | None:
        """Return that trials report what they come to on the validation part alone."""
        there = [name for name, one in METRICS.items() if one.searched]
        return None if objective in there else f"is no number of injected currents' trials: {' or '.join(there)}"

    def words(self, trial: Trial, split: CurrentClampSplit) -> str:
        """Return how many units, currents and bins train."""
        currents = len(split.current_ptr) - 1
        return f"{split.sizes.units} units, {currents} currents, {split.bins_of('train')} bins to train on"

    learner = Elsewhere("learner")
    fit = Elsewhere("learner")
    check = Elsewhere("learner")

    def predict(self, job: Job, fitted: Fitted, split: CurrentClampSplit) -> Products:
        """Run the model on the currents of the test part; give its parameters."""
        from raysp.kinds.current_clamp.predict import predict

        return predict(job, fitted, split)

    def predicted(self, job: Job, fitted: Fitted, data: CurrentClampSplit) -> list[Repeats]:
        """Return the rates (spikes/ms) of each current of the test part, beside what was recorded in its sweeps."""
        from raysp.kinds.current_clamp.batches import rates_of
        from raysp.kinds.current_clamp.repeats import repeats_of

        return list(repeats_of(data, rates_of(fitted.model, data, fitted.device, job.trial.seed), "test"))

    def score(self, trial: Trial, split: CurrentClampSplit, answers: Answers | None, folder: TrialFolder) -> Rows:
        """Return each unit's explained variance beside its ceiling, and its loss."""
        from raysp.kinds.current_clamp.score import rows

        return rows(trial, split, folder)

    def remarks(
        self, table: polars.DataFrame, floor: str, trials: Sequence[Trial], done: Mapping[str, Done]
    ) -> list[str]:
        """Return how many units have no fit, or are predicted silent."""
        from raysp.kinds.current_clamp.remarks import remarks

        return remarks(table, floor)

    def scores(self, table: polars.DataFrame, bounds: tuple[str, str]) -> Iterator[Scores]:
        """Yield a table per recording: models by measures, medians over units."""
        from raysp.kinds.current_clamp.lines import over_units

        return over_units(table, bounds)

    def tables(self, run: RunFolder, jobs: Jobs = in_turn) -> None:
        """Write the parameters of all units with their scores, and what they say of cell types."""
        from raysp.kinds.current_clamp.cells import write_cells

        write_cells(run, jobs)

    def compare(self, run: RunFolder, trials: Sequence[Trial], bounds: tuple[str, str]) -> Rows:
        """Return medians and means over units, and models against each other, unit by unit."""
        from raysp.kinds.current_clamp.compare import compare

        return compare(run, trials, bounds)

    def export(self, source: str, path: str, form: str, **choice: Plain) -> str:
        """Write parameters of cells as the original's files; see `exchange.export`."""
        from raysp.kinds.current_clamp.exchange import export

        return export(source, path, form, **choice)

    def take_in(self, path: str, target: str, form: str) -> str:
        """Read the original's files of parameters into a table; see `exchange.take_in`."""
        from raysp.kinds.current_clamp.exchange import take_in

        return take_in(path, target, form)

    def contract(self) -> list[Check]:
        """Return what every model of injected currents must keep."""
        from raysp.kinds.current_clamp.contract import contract

        return contract()

    def section(self, data: RunData, pages: Pages, say: Callable[[str], None], at: str = "") -> Section:
        """Return tables and figures of cells."""
        from raysp.kinds.current_clamp.page.page import section

        return section(data, pages, say, at)


KIND = CurrentClamp()
