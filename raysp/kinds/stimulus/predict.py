"""What fitted networks predict of a continuous recording: calibrated on validation, rolled out on the test part."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import cast

import numpy as np
import torch

from raysp.data.splits.stimulus import StimulusSplit
from raysp.data.splits.windows import Tape
from raysp.errors import Interrupted
from raysp.evaluation.van_rossum import van_rossum
from raysp.kinds.kind import Products
from raysp.kinds.stimulus.calibration import calibrated
from raysp.kinds.stimulus.kernels_file import write_kernels
from raysp.kinds.stimulus.rollout import Boost, roll_out
from raysp.kinds.stimulus.spike_trains_file import SpikeTrain, write_spike_trains
from raysp.models.windowed import WindowModel
from raysp.runs.records import Done
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.stages import Stages

PART = "test"


def predict(job: Job, fitted: Fitted, split: StimulusSplit) -> Products:
    """Calibrate a fitted model on the validation part, and predict the test part step by step.

    Args:
        job: of the trial.
        fitted: its model.
        split: the recording, the trial's units already selected.

    Raises:
        Interrupted: the job said stop; the checkpoint holds the fitted model.
    """
    trial, model = job.trial, cast(WindowModel, fitted.model)
    job.report({"phase": "calibrating"})
    boosts = calibrated_on_validation(job, fitted, split)
    job.report({"phase": "predicting"})
    found = [train for stretch in split.parts[PART] for train in predicted(job, fitted, split, stretch, boosts)]
    files = {
        "predictions.parquet": lambda path: write_spike_trains(path, trial, split, found, model.reach.before, PART)
    }
    if (kernels := model.kernels()) is not None:
        weights = kernels.detach().cpu().numpy()
        files["kernels.parquet"] = lambda path: write_kernels(path, trial, split.units, weights)
    units = {unit: own for unit, own in fitted.units.items() if unit not in fitted.lost}
    by_unit = {name: _known(split, fitted, boost.by) for name, boost in boosts.items()}
    return Products(files, {"units": units, "boosts": by_unit}, _done(job, units))


def _known(split: StimulusSplit, fitted: Fitted, values: torch.Tensor) -> dict[int, float]:
    """Return the values of units that have weights, by their numbers."""
    by_unit = zip(split.units.tolist(), values.tolist(), strict=True)
    return {unit: round(value, 3) for unit, value in by_unit if unit not in fitted.lost}


def _done(job: Job, units: Mapping[int, Mapping[str, float]]) -> Done:
    if not units:
        return {"selected_on": "nothing"}
    refit = ", then trained on both parts" if job.training.refit else ""
    # Beside the lowest mean over units, which one epoch has: the mean of each unit's lowest, whose weights predict.
    losses = torch.tensor([own["validation loss"] for own in units.values()])
    return {
        "selected_on": f"validation part, each unit by itself{refit}",
        "units_best_validation_loss": losses.mean().item(),
    }


def calibrated_on_validation(job: Job, fitted: Fitted, split: StimulusSplit) -> dict[str, Boost]:
    """Return the boosts of the model's calibrated decodings by their names; none where it has no such decodings.

    Where the model was fitted anew to the validation part too, its boosts are those of the model that had not seen it.
    """
    model = cast(WindowModel, fitted.selected or fitted.model)

    def squared(recorded: np.ndarray, predicted: np.ndarray) -> float:
        width = np.array([model.config.careful_ms])
        return float(van_rossum(recorded, predicted, split.sizes.bin_ms, width)[0] ** 2)

    tape, stages = Tape.of(split, fitted.device), Stages(job, "calibration")
    return calibrated(model, tape, split.parts["validation"], squared, _Clock(job).look, stages.once)


def predicted(
    job: Job,
    fitted: Fitted,
    split: StimulusSplit,
    stretch: tuple[int, int],
    boosts: Mapping[str, Boost] | None = None,
) -> list[SpikeTrain]:
    """Return the spike trains that a model predicts for a stretch, one per decoding of each unit that has weights."""
    tape = Tape.of(split, fitted.device)
    model = cast(WindowModel, fitted.model)
    found = roll_out(model, tape, stretch, seed=job.trial.seed, boosts=boosts, keep_going=_Clock(job).look)
    rows = []
    for index, unit in enumerate(split.units.tolist()):
        if unit in fitted.lost:
            continue
        recorded = split.spikes[found.first : found.first + found.bins, index]
        for number, (decoding, spikes) in enumerate(found.spikes.items()):
            # Outputs are large; the decodings of one model say almost the same.
            output = found.output[decoding][index] if number == 0 else None
            output = None if output is None else _physical(model, output).reshape(len(output), -1)
            place = (unit, decoding, split.sizes.bin_ms, found.first)
            rows.append(SpikeTrain(*place, spikes[index], recorded, output, found.step))
    return rows


def _physical(model: WindowModel, output: np.ndarray) -> np.ndarray:
    """Return distances in bins of a model whose output is their log, and other outputs as they are."""
    return np.exp(output) if getattr(model, "log_output", False) else output


class _Clock:
    """Asks every few seconds whether to go on."""

    def __init__(self, job: Job, every_s: float = 5.0) -> None:
        self._job, self._every = job, every_s
        self._next = time.monotonic() + every_s

    def look(self) -> None:
        """Raise Interrupted when it is time to stop."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            if not self._job.keep_going():
                raise Interrupted(
                    f"{self._job.trial.id} stopped while predicting; the checkpoint holds the fitted model"
                )
