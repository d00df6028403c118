"""Sequences that each belong to one of several classes: models say which, at steps with zero input after the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from raysp.config.experiment import Experiment, Trial
from raysp.data.splits.header import Header
from raysp.data.splits.labelled_sequences import LabelledSequencesSplit
from raysp.errors import BadInput
from raysp.kinds.kind import Elsewhere, Kind, Units
from raysp.kinds.labelled_sequences.metrics import METRICS
from raysp.runs.records import Done

if TYPE_CHECKING:
    import numpy as np
    import polars

    from raysp.training.fitted import Fitted
    from raysp.training.job import Job


class LabelledSequences(Kind[LabelledSequencesSplit]):
    """Samples of so many steps and features, with a label each, in training, validation and test part."""

    name = "labelled_sequences"
    metrics = METRICS
    floor = "majority_class"

    def units(self, experiment: Experiment, header: Header) -> Units:
        """Return None: sequences have no units. Raises BadInput where some are asked for."""
        if experiment.units != "all":
            raise BadInput(f"{header.name}: labelled sequences have no units; expected 'all', got {experiment.units!r}")
        return None

    def work(self, header: Header) -> float:
        """Return how many numbers are trained on."""
        return float(header.trials["train"] * header.sizes.steps * header.sizes.features)

    def lacks(self, objective: str, header: Header, units: Units) -> str | None:
        """Return that trials report what they come to on the validation part alone."""
        there = [name for name, one in METRICS.items() if one.searched]
        return None if objective in there else f"is no number of labelled sequences' trials: {' or '.join(there)}"

    words = Elsewhere("learner", "parts_in_words")
    check = Elsewhere("learner")
    learner = Elsewhere("learner")
    fit = Elsewhere("learner")
    predict = Elsewhere("predict")
    score = Elsewhere("score", "rows")
    compare = Elsewhere("compare")
    section = Elsewhere("page.page")
    inputs = Elsewhere("inputs")
    contract = Elsewhere("contract")

    def predicted(self, job: Job, fitted: Fitted, data: LabelledSequencesSplit | np.ndarray) -> np.ndarray:
        """Return (samples, readouts, classes) float32 logits of a split's test part, or of sequences."""
        from raysp.kinds.labelled_sequences.learner import logits_of

        sequences = data.test if isinstance(data, LabelledSequencesSplit) else data
        return logits_of(fitted.model, sequences, fitted.device, job.trial.seed)

    def remarks(
        self, table: polars.DataFrame, floor: str, trials: Sequence[Trial], done: Mapping[str, Done]
    ) -> list[str]:
        """Return models below the floor, and those that were still getting better at their last epoch."""
        from raysp.evaluation.shortfalls import below_floor, last_epochs, still_better

        return [*below_floor(table, floor), *still_better(table, last_epochs(trials, done))]


KIND = LabelledSequences()
