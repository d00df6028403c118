"""Trials of a population of units: binned spike counts, of which models predict rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from raysp.config.experiment import Experiment, Trial
from raysp.config.settings import Plain
from raysp.data.splits.header import Header
from raysp.data.splits.population import PopulationSplit, check_units
from raysp.data.splits.units import find_units
from raysp.kinds.kind import Choice, Elsewhere, Kind, Units
from raysp.kinds.population.metrics import CEILING, FLOOR, METRICS, NEEDS
from raysp.runs.folder import RunFolder
from raysp.runs.records import Done
from raysp.runs.roles import roles

if TYPE_CHECKING:
    import polars


class Population(Kind[PopulationSplit]):
    """Spike counts of trials by bins by units; some units, and bins after the observed ones, may be held out."""

    name = "population"
    metrics = METRICS
    # By steps and patience: ten trials and two thousand both train, and neither for long, nor do trials of many bins.
    training: ClassVar[Mapping[str, Plain]] = {
        "epochs": 100,
        "steps_per_epoch": 20,
        "batch_size": 32,
        "batch_bins": 3200,
        "patience": 25,
    }
    fewest = 2
    floor, ceiling = FLOOR, CEILING
    averages = ("co-bps", "fp-bps")
    outputs = (
        "latents.parquet",
        "submission-val.h5",
        "submission-test.h5",
        "standin-submission-val.h5",
        "standin-submission-test.h5",
    )

    def units(self, experiment: Experiment, header: Header) -> Units:
        """Return positions, held-in units first; None for all."""
        if experiment.units == "all":
            return None
        found = find_units(experiment.units, range(header.sizes.units))
        check_units(found, header.sizes)
        return found

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

    words = Elsewhere("learner", "parts_in_words")
    each_unseen = Elsewhere("unseen_trials")
    unpredicted = Elsewhere("unpredicted")
    unheard = Elsewhere("silent")
    learner = Elsewhere("learner")
    fit = Elsewhere("learner")
    predict = Elsewhere("predict")
    predicted = Elsewhere("predict")
    score = Elsewhere("score", "population_rows")
    stale = Elsewhere("submission")
    check_submission = Elsewhere("submission_check")
    compare = Elsewhere("compare")
    section = Elsewhere("page.page")
    contract = Elsewhere("contract")
    look = Elsewhere("look")
    evidence = Elsewhere("average")
    average = Elsewhere("average")
    latents = Elsewhere("latents_worth")

    def remarks(
        self, table: polars.DataFrame, floor: str, trials: Sequence[Trial], done: Mapping[str, Done]
    ) -> list[str]:
        """Return remarks on judges that were not there, spikes too many, models below the floor."""
        from raysp.evaluation.shortfalls import last_epochs
        from raysp.kinds.population.remarks import remarks

        return remarks(table, floor, last_epochs(trials, done), trials)

    def submitted(self, run: RunFolder, **choice: Unpack[Choice]) -> list[Trial]:
        """Return the trials on splits of the Neural Latents Benchmark. Raises BadInput for a choice that has none."""
        from raysp.kinds.population.submission import of_choice

        known = roles(run)
        trials = [trial for trial in run.trials() if known[trial.split].benchmark]
        return of_choice(run, choice.get("model"), choice.get("seeds", "mean")) if trials and choice else trials

    def submit(self, run: RunFolder, root: str, **choice: Unpack[Choice]) -> dict[str, str]:
        """Write the submissions to the Neural Latents Benchmark."""
        from raysp.kinds.population.submission import submissions, whose

        written = submissions(run, root, **choice)
        return {path.rpartition("/")[2]: whose(path) for path in written}


KIND = Population()
