"""Units that respond to a known stimulus: one continuous recording, of which models predict spike trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from raysp.config.experiment import Experiment, Training, Trial
from raysp.data.splits.header import Header
from raysp.data.splits.units import find_units
from raysp.kinds.kind import Kind, Products, Rows, Units
from raysp.kinds.stimulus.lines import METRICS
from raysp.runs.folder import RunFolder, TrialFolder

if TYPE_CHECKING:
    from raysp.report.pages import Pages
    from raysp.report.run_data import RunData
    from raysp.report.section import Section
    from raysp.training.batches import Batches
    from raysp.training.fitted import Fitted
    from raysp.training.job import Job


class Stimulus(Kind):
    """A stimulus and the spikes of units over time, cut into training, validation and test part."""

    name = "stimulus"
    metrics: ClassVar = METRICS
    floor, ceiling = "no_spikes", "perfect_distance"
    outputs = ("spike_train_metrics.parquet",)
    shares_units = True

    def units(self, experiment: Experiment, header: Header) -> tuple[int, ...]:
        """Return the recording's own numbers."""
        return find_units(experiment.units, header.units, header.left_out)

    def cuts(self, experiment: Experiment, header: Header) -> list[Units]:
        """Return so many units for each trial."""
        chosen = self.units(experiment, header)
        size = experiment.units_per_trial or len(chosen)
        return [chosen[first : first + size] for first in range(0, len(chosen), size)]

    def work(self, header: Header) -> float:
        """Return how many bins of units train."""
        return float(header.trials["train"] * header.sizes.units)

    def check(self, model: Any, training: Training | None, header: Header) -> None:
        """Refuse parts that are shorter than a window, and settings that mean nothing for windows."""
        from raysp.kinds.stimulus.learner import check_goes

        check_goes(model, header.parts, training)

    def lacks(self, objective: str, header: Header, units: Units) -> str | None:
        """Return that trials report their own loss alone."""
        return None if objective == "validation_loss" else "is no number of a continuous recording's trials"

    def words(self, trial: Trial, split: Any) -> str:
        """Return how many units and bins train."""
        return f"{split.sizes.units} units, {split.bins_of('train')} bins to train on"

    def learner(self, job: Job, split: Any, answers: Any = None) -> tuple[Any, Batches]:
        """Return a new model and the recording's windows."""
        from raysp.kinds.stimulus.learner import learner

        return learner(job, split)

    def fit(self, job: Job, split: Any, answers: Any = None) -> Fitted:
        """Fit the units' networks; each keeps its weights of lowest validation loss."""
        from raysp.kinds.stimulus.learner import fit

        return fit(job, split)

    def predict(self, job: Job, fitted: Fitted, split: Any) -> Products:
        """Calibrate on the validation part, then predict the test part step by step."""
        from raysp.kinds.stimulus.predict import predict

        return predict(job, fitted, split)

    def score(self, trial: Trial, split: Any, answers: Any, folder: TrialFolder) -> Rows:
        """Return each unit's curves over the width of smoothing, for every decoding."""
        from raysp.kinds.stimulus.score import spike_train_rows

        return spike_train_rows(trial, split, folder)

    def lines(self, table: Any, bounds: tuple[str, str]) -> Iterator[str]:
        """Yield a block per recording: models and decodings by measures, mean and spread over units."""
        from raysp.kinds.stimulus.printed import over_units

        return over_units(table, self.metrics, bounds)

    def tables(self, run: RunFolder) -> None:
        """Write the curves as a table of one row per unit, decoding and width."""
        from raysp.kinds.stimulus.table import write_spike_train_table

        write_spike_train_table(run)

    def compare(self, run: RunFolder, trials: Sequence[Trial], bounds: tuple[str, str]) -> Rows:
        """Return means over units, and networks against counts."""
        from raysp.kinds.stimulus.compare import compare

        return compare(run, trials, *bounds)

    def section(self, data: RunData, pages: Pages, say: Callable[[str], None], at: str = "") -> Section:
        """Return tables and figures of spike trains."""
        from raysp.kinds.stimulus.page.page import section

        return section(data, pages, say, at)


KIND = Stimulus()
