"""Trials of a population of units: binned spike counts, of which models predict rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from raysp.config.experiment import Experiment, Trial
from raysp.data.splits.header import Header
from raysp.data.splits.units import find_units
from raysp.kinds.kind import Kind, Products, Rows, Units
from raysp.kinds.metric import Metric
from raysp.runs.folder import RunFolder, TrialFolder

if TYPE_CHECKING:
    from raysp.training.fitted import Fitted
    from raysp.training.job import Job

ALONE = ("",)
NEEDS = {"co-bps": ("heldout", "held-out neurons"), "fp-bps": ("forward", "bins after the observed ones")}
"""Objective -> the size that it needs, in words."""


class Population(Kind):
    """Spike counts of trials by bins by units; some units, and bins after the observed ones, may be held out."""

    name = "population"
    metrics: ClassVar = {
        # The model's own; then the Poisson loss of what no model was shown, for any model. Reconstruction of the input
        # is no objective: it rewards copying noise. Nor is closeness to truth, which no recording has.
        "validation_loss": Metric("min", searched=True),
        "unseen_loss": Metric("min", searched=True),
        "co-bps": Metric("max", ALONE, searched=True),
        "vel R2": Metric("max", ALONE),
        "behavior R2, mean over variables": Metric("max", ALONE),
        "behavior R2": Metric("max", ("*",)),
        "tp corr": Metric("max", ALONE),
        "psth R2": Metric("max", ALONE),
        "fp-bps": Metric("max", ALONE, searched=True),
        "co-bps without units silent in training": Metric("max", ALONE),
        "fp-bps without units silent in training": Metric("max", ALONE),
        "true-rate R2": Metric("max", ALONE),
        "true-rate R2 pooled": Metric("max", ALONE),
        "true-rate Pearson r squared, pooled": Metric("max", ALONE),
        "state R2": Metric("max", ALONE),
        "masked deviance": Metric("min", ALONE),
        "reconstruction bits/spike": Metric("max", ALONE),
        "predicted / recorded spikes": Metric("min", ALONE),
    }
    floor, ceiling = "mean_rate", "true_rates"

    def units(self, experiment: Experiment, header: Header) -> Units:
        """Return positions, held-in units first; None for all."""
        if experiment.units == "all" or not isinstance(experiment.units, str):
            return None if experiment.units == "all" else experiment.units
        return find_units(experiment.units, range(header.sizes.neurons))

    def work(self, header: Header) -> float:
        """Return how many counts the training trials have."""
        return header.trials["train"] * header.sizes.bins * header.sizes.neurons

    def lacks(self, objective: str, header: Header, units: Units) -> str | None:
        """Return what a split lacks for held-out units or forward bins to be predicted."""
        sizes, name = header.sizes, header.name
        field, words = NEEDS.get(objective, (None, ""))
        if field is not None and not getattr(sizes, field):
            return f"needs {words}, which {name} does not have; no trial reports it"
        heldout = sizes.heldout and (units is None or any(one >= sizes.heldin for one in units))
        if objective == "unseen_loss" and not heldout and not sizes.forward:
            return f"needs held-out neurons or forward bins; {name} has neither"
        if field == "heldout" and not heldout:
            return f"needs {words}, and the chosen neurons of {name} are all held-in"
        return None

    def words(self, trial: Trial, split: Any) -> str:
        """Return how many trials train, validate and evaluate. Raises BadInput as `validation_mask` does."""
        from raysp.kinds.population.fit import parts_in_words

        return parts_in_words(trial, split)

    def fit(self, job: Job, split: Any, answers: Any = None) -> Fitted:
        """Fit a model, and where that is asked for, anew on all training trials once its epochs are selected."""
        from raysp.kinds.population.fit import fit

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

    def exports(self, run: RunFolder, root: str, *, partial: bool = False, **choice: Any) -> list[str]:
        """Write the submissions to the Neural Latents Benchmark, of its own splits."""
        from raysp.kinds.population.exports import exports

        return exports(run, root, partial=partial, **choice)


KIND = Population()
