"""Movies, and spikes recorded while each was shown: judged by what a model's own spikes do, and one bin ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from raysp.config.experiment import Experiment, Trial
from raysp.data.splits.header import Header
from raysp.data.splits.movie import MovieSplit
from raysp.data.splits.units import find_units
from raysp.errors import present
from raysp.kinds.kind import Elsewhere, Kind, Units
from raysp.kinds.movie.metrics import METRICS
from raysp.runs.records import Done

if TYPE_CHECKING:
    import polars

    from raysp.kinds.movie.runs_file import Forecast
    from raysp.training.fitted import Fitted
    from raysp.training.job import Job


class Movies(Kind[MovieSplit]):
    """Frames and repeated spikes, in training, validation and test repeats; movies may be in the test part alone."""

    name = "movie"
    metrics = METRICS
    floor, ceiling = "movie_mean_rate", "movie_psth"

    def units(self, experiment: Experiment, header: Header) -> Units:
        """Return the recording's own numbers; None for all of them."""
        chosen = find_units(experiment.units, present(header.units), header.left_out)
        return None if experiment.units == "all" else chosen

    def work(self, header: Header) -> float:
        """Return how many bins of units are trained on."""
        return float(header.trials["train"] * sum(header.sizes.lengths) * header.sizes.units)

    def lacks(self, objective: str, header: Header, units: Units) -> str | None:
        """Return that trials report what they come to on the validation part alone."""
        there = [name for name, one in METRICS.items() if one.searched]
        return None if objective in there else f"is no number of movies' trials: {' or '.join(there)}"

    words = Elsewhere("learner")
    check = Elsewhere("learner")
    learner = Elsewhere("learner")
    fit = Elsewhere("learner")
    predict = Elsewhere("predict")
    perturb = Elsewhere("perturb")
    score = Elsewhere("score", "rows")
    compare = Elsewhere("compare")
    section = Elsewhere("page.page")
    contract = Elsewhere("contract")

    def predicted(self, job: Job, fitted: Fitted, data: MovieSplit) -> list[Forecast]:
        """Return free runs and clamped rates of each movie of the test part."""
        from raysp.kinds.movie.forecast import forecast

        return list(forecast(fitted.model, data, fitted.device, job.trial.seed))

    def remarks(
        self, table: polars.DataFrame, floor: str, trials: Sequence[Trial], done: Mapping[str, Done]
    ) -> list[str]:
        """Return models below the floor, and scores that leave out units or pairs of them."""
        from polars import col

        from raysp.evaluation.shortfalls import below_floor

        shown = col("metric").is_in([name for name, one in METRICS.items() if one.printed])
        some = table.filter(
            shown & col("unit").is_null() & col("parameter").is_null(), col("value").is_finite(), col("note") != ""
        )
        each = some.group_by("split", "model", "note", maintain_order=True).agg(
            col("metric").unique(maintain_order=True)
        )
        left_out = (f"{split}: {model}, {', '.join(names)} {note}" for split, model, note, names in each.iter_rows())
        return [*below_floor(table, floor), *left_out]


KIND = Movies()
