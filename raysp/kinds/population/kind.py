"""Trials of a population of units: binned spike counts, of which models predict rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from raysp.config.experiment import Experiment, Trial
from raysp.data.splits.header import Header
from raysp.data.splits.units import find_units
from raysp.kinds.kind import Kind, Products, Rows, Units
from raysp.kinds.population.metrics import CEILING, FLOOR, METRICS, NEEDS
from raysp.runs.folder import RunFolder, TrialFolder
from raysp.runs.roles import roles

if TYPE_CHECKING:
    from raysp.report.pages import Pages
    from raysp.report.run_data import RunData
    from raysp.report.section import Section
    from raysp.training.batches import Batches
    from raysp.training.fitted import Fitted
    from raysp.training.job import Job


class Population(Kind):
    """Spike counts of trials by bins by units; some units, and bins after the observed ones, may be held out."""

    name = "population"
    metrics: ClassVar = METRICS
    floor, ceiling = FLOOR, CEILING
    outputs = ("submission-val.h5", "submission-test.h5", "standin-submission-val.h5", "standin-submission-test.h5")

    def units(self, experiment: Experiment, header: Header) -> Units:
        """Return positions, held-in units first; None for all."""
        if experiment.units == "all" or not isinstance(experiment.units, str):
            return None if experiment.units == "all" else experiment.units
        return find_units(experiment.units, range(header.sizes.units))

    def work(self, header: Header) -> float:
        """Return how many counts the training trials have."""
        return header.trials["train"] * header.sizes.bins * header.sizes.units

    def lacks(self, objective: str, header: Header, units: Units) -> str | None:
        """Return what a split lacks for held-out units or forward bins to be predicted."""
        sizes, name = header.sizes, header.name
        field, words = NEEDS.get(objective, (None, ""))
        if field is not None and not getattr(sizes, field):
            return f"needs {words}, which {name} does not have; no trial reports it"
        heldout = sizes.heldout and (units is None or any(one >= sizes.heldin for one in units))
        if objective == "unseen_loss" and not heldout and not sizes.forward:
            return f"needs held-out units or forward bins; {name} has neither"
        if field == "heldout" and not heldout:
            return f"needs {words}, and the chosen units of {name} are all held-in"
        return None

    def words(self, trial: Trial, split: Any) -> str:
        """Return how many trials train, validate and evaluate. Raises BadInput as `validation_mask` does."""
        from raysp.kinds.population.learner import parts_in_words

        return parts_in_words(trial, split)

    def learner(self, job: Job, split: Any, answers: Any = None) -> tuple[Any, Batches]:
        """Return a new model and the training trials, those that validate set aside."""
        from raysp.kinds.population.learner import learner

        return learner(job, split, answers)

    def fit(self, job: Job, split: Any, answers: Any = None) -> Fitted:
        """Fit a model, and where that is asked for, anew on all training trials once its epochs are selected."""
        from raysp.kinds.population.learner import fit

        return fit(job, split, answers)

    def predict(self, job: Job, fitted: Fitted, split: Any) -> Products:
        """Predict rates of training and evaluation trials, with latents where there are any, and masked deviance."""
        from raysp.kinds.population.predict import predict

        return predict(job, fitted, split)

    def score(self, trial: Trial, split: Any, answers: Any, folder: TrialFolder) -> Rows:
        """Return the benchmark's numbers, those of known truth, and each unit's."""
        from raysp.kinds.population.score import population_rows

        return population_rows(trial, split, answers, folder)

    def remarks(self, table: Any, floor: str, trials: Sequence[Trial], done: Mapping[str, Any]) -> list[str]:
        """Return remarks on judges that were not there, spikes too many, models below the floor."""
        from raysp.evaluation.shortfalls import last_epochs
        from raysp.kinds.population.remarks import remarks

        return remarks(table, floor, last_epochs(trials, done))

    def submitted(self, run: RunFolder) -> list[Trial]:
        """Return the trials on splits of the Neural Latents Benchmark."""
        known = roles(run)
        return [trial for trial in run.trials() if known[trial.split].benchmark]

    def submit(self, run: RunFolder, root: str, **choice: Any) -> dict[str, str]:
        """Write the submissions to the Neural Latents Benchmark."""
        from raysp.kinds.population.submission import submissions, whose

        written = submissions(run, root, **choice)
        return {path.rpartition("/")[2]: whose(path) for path in written}

    def stale(self, run: RunFolder) -> list[str]:
        """Return submissions of trials that are not the experiment's any more."""
        from raysp.kinds.population.submission import stale

        return stale(run)

    def compare(self, run: RunFolder, trials: Sequence[Trial], bounds: tuple[str, str]) -> Rows:
        """Return means over seeds, and paired differences to the floor, of every metric over all units."""
        from raysp.kinds.population.compare import compare

        return compare(run, trials, bounds)

    def section(self, data: RunData, pages: Pages, say: Callable[[str], None], at: str = "") -> Section:
        """Return tables of scores, and figures split by split."""
        from raysp.kinds.population.page.page import section

        return section(data, pages, say, at)


KIND = Population()
