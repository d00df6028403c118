"""Units that respond to a known stimulus: one continuous recording, of which models predict spike trains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from raysp.config.experiment import Experiment, Trial
from raysp.data.splits.header import Header
from raysp.data.splits.units import find_units
from raysp.errors import present
from raysp.kinds.kind import Elsewhere, Kind, Units
from raysp.kinds.stimulus.lines import METRICS
from raysp.runs.folder import RunFolder
from raysp.runs.jobs import Jobs, in_turn

if TYPE_CHECKING:
    import polars

    from raysp.data.splits.stimulus import StimulusSplit
    from raysp.kinds.scores import Scores
    from raysp.kinds.stimulus.spike_trains_file import SpikeTrain
    from raysp.training.fitted import Fitted
    from raysp.training.job import Job


class Stimulus(Kind["StimulusSplit"]):
    """A stimulus and the spikes of units over time, cut into training, validation and test part."""

    name = "stimulus"
    metrics = METRICS
    floor, ceiling = "no_spikes", "perfect_distance"
    outputs = ("spike_train_metrics.parquet",)
    shares_units = True

    def units(self, experiment: Experiment, header: Header) -> tuple[int, ...]:
        """Return the recording's own numbers."""
        return find_units(experiment.units, present(header.units), header.left_out)

    def cuts(self, experiment: Experiment, header: Header) -> list[Units]:
        """Return so many units for each trial."""
        chosen = self.units(experiment, header)
        size = experiment.units_per_trial or len(chosen)
        return [chosen[first : first + size] for first in range(0, len(chosen), size)]

    def work(self, header: Header) -> float:
        """Return how many bins of units train."""
        return float(header.trials["train"] * header.sizes.units)

    def lacks(self, objective: str, header: Header, units: Units) -> str | None:
        """Return that trials report their own loss alone."""
        return None if objective == "validation_loss" else "is no number of a continuous recording's trials"

    def words(self, trial: Trial, split: StimulusSplit) -> str:
        """Return how many units and bins train."""
        return f"{split.sizes.units} units, {split.bins_of('train')} bins to train on"

    check = Elsewhere("learner")
    learner = Elsewhere("learner")
    fit = Elsewhere("learner")
    predict = Elsewhere("predict")
    score = Elsewhere("score", "spike_train_rows")
    compare = Elsewhere("compare")
    about = Elsewhere("compare")
    section = Elsewhere("page.page")
    contract = Elsewhere("contract")

    def tables(self, run: RunFolder, jobs: Jobs = in_turn) -> None:
        """Write the scores of spike trains as one table."""
        from raysp.kinds.stimulus.table import write_spike_train_table

        write_spike_train_table(run)

    def predicted(self, job: Job, fitted: Fitted, data: StimulusSplit) -> list[SpikeTrain]:
        """Return the spike trains of the test part, one for each unit and decoding; decodings are calibrated first."""
        from raysp.kinds.stimulus.predict import PART, calibrated_on_validation, predicted

        boosts = calibrated_on_validation(job, fitted, data)
        return [one for stretch in data.parts[PART] for one in predicted(job, fitted, data, stretch, boosts)]

    def scores(self, table: polars.DataFrame, bounds: tuple[str, str]) -> Iterator[Scores]:
        """Yield a table per recording: models and decodings by measures, mean and spread over units."""
        from raysp.kinds.stimulus.printed import over_units

        return over_units(table, self.metrics, bounds)


KIND = Stimulus()
