"""One finished trial opened for drawing: its split, its answers where they may be seen, its predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from raysp.collection.gather import digest_of
from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.data.splits.population import Answers, PopulationSplit, TrialArrays
from raysp.errors import NotReady, present
from raysp.io import files
from raysp.kinds.population.latents_file import read_latents
from raysp.kinds.population.rates_file import read_rates
from raysp.models.prediction import Predicted, Prediction, check_prediction
from raysp.runs.folder import RunFolder, TrialFolder


@dataclass(frozen=True)
class Case:
    """What the figures of one trial are drawn from.

    Attributes:
        trial: the trial.
        split: its data.
        answers: of the evaluation trials; None where they are unknown or were not asked for yet.
        prediction: of the evaluation trials.
        folder: the trial's files.
    """

    trial: Trial
    split: PopulationSplit
    answers: Answers | None
    prediction: Predicted
    folder: TrialFolder

    @property
    def known(self) -> TrialArrays:
        """The evaluation trials with all that may be seen of them."""
        return present(self.split.eval) if self.answers is None else self.answers.trials

    def trial_name(self, index: int) -> str:
        """Name an evaluation trial by the recording's own number, by its position where the split has none."""
        ids = present(self.split.eval).ids
        return f"evaluation trial {index} (by position)" if ids is None else f"evaluation trial {int(ids[index])}"

    def unit_label(self, index: int) -> str:
        """Return a unit's name in the recording, or else its number, its position where the split has neither."""
        if self.split.units is None:
            return str(index)
        unit = int(self.split.units[index])
        return dict(self.split.provenance.unit_names).get(unit, str(unit))

    def unit_name(self, index: int) -> str:
        """Name a unit, held-in first, likewise: what stands in tables as `unit_name`, or `unit`."""
        kind = "held-out" if index >= self.split.sizes.heldin else "held-in"
        place = " (by position)" if self.split.units is None else ""
        return f"{kind} unit {self.unit_label(index)}{place}"

    @property
    def window_ms(self) -> float:
        """Length of the observed and forward bins together."""
        sizes = self.split.sizes
        return (sizes.bins + sizes.forward) * sizes.bin_ms

    @property
    def observed_ms(self) -> float:
        """Length of the observed bins."""
        return self.split.sizes.bins * self.split.sizes.bin_ms

    def rates(self) -> np.ndarray:
        """Return (trials, bins + forward, units) predicted expected spikes per bin; NaN where none were predicted."""
        forward = self.prediction.rates_forward
        if forward is None:
            forward = np.full((len(self.known), self.split.sizes.forward, self.split.sizes.units), np.nan)
        return np.concatenate([self.prediction.rates, forward], axis=1)

    def counts(self) -> np.ndarray:
        """Return (trials, bins + forward, units) counts; NaN where they are unknown."""
        sizes, known = self.split.sizes, self.known
        counts = np.full((len(known), sizes.bins + sizes.forward, sizes.units), np.nan, dtype=np.float32)
        counts[:, : sizes.bins, : sizes.heldin] = known.heldin
        for name, units, bins in (
            ("heldout", slice(sizes.heldin, None), slice(None, sizes.bins)),
            ("heldin_forward", slice(None, sizes.heldin), slice(sizes.bins, None)),
            ("heldout_forward", slice(sizes.heldin, None), slice(sizes.bins, None)),
        ):
            if (array := getattr(known, name)) is not None:
                counts[:, bins, units] = array
        return counts

    def training_rates(self) -> np.ndarray:
        """Return (training trials, bins, units) predicted expected spikes per bin."""
        return read_rates(self.folder.predictions, "train")[0]

    def latents(self) -> np.ndarray | None:
        """Return (trials, bins or bins + forward, dimensions); None for models without latents."""
        if not files.exists(self.folder.latents):
            return None
        return read_latents(self.folder.latents, trial=self.trial)


def open_case(run: RunFolder, root: str, trial: Trial, *, answers: bool) -> Case:
    """Open a trial for drawing.

    Args:
        run: the run folder.
        root: the data root.
        trial: a finished one.
        answers: whether the evaluation trials' answers may be read.

    Raises:
        NotReady: the split is not prepared, or the predictions are missing.
        BadInput: a file is damaged, or the split was prepared anew from other data since.
    """
    store.same_data(root, trial)
    split = cast(PopulationSplit, store.load(root, trial.split))
    known = _answers(root, trial.split) if answers else None
    if trial.units is not None:
        split = split.select(trial.units)
        known = None if known is None else known.select(trial.units)
    folder = run.trial(trial.id)
    if not files.exists(folder.predictions):
        raise NotReady(f"{trial.id} has no predictions; run the experiment again with --retry")
    digest_of(run, trial)
    prediction = Prediction(*read_rates(folder.predictions, "eval"))
    check_prediction(prediction, split.sizes, len(present(split.eval)), trial.id)
    return Case(trial, split, known, prediction, folder)


def _answers(root: str, split: str) -> Answers | None:
    # A benchmark's unfetched answers are no error: the figures then show the input units alone.
    try:
        return cast(Answers, store.load_answers(root, split))
    except NotReady:
        return None
