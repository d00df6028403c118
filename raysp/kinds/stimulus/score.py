"""The numbers of predicted spike trains: each unit's curves over the width of smoothing, as rows of the run's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.config.experiment import Trial
from raysp.data.splits.stimulus import StimulusSplit
from raysp.evaluation.spike_trains import binned_pearson, curves
from raysp.io.rows import Row, Rows
from raysp.runs.folder import TrialFolder
from raysp.runs.metrics_table import of_trial

if TYPE_CHECKING:
    from raysp.kinds.stimulus.spike_trains_file import SpikeTrain

SIGMAS_MS = np.arange(151)
GROUPS_MS = (5, 10, 20, 40, 80)
"""Bin widths at which counts are correlated, ms; as near as whole bins come."""


def spike_train_rows(trial: Trial, split: StimulusSplit, answers: None, folder: TrialFolder) -> Rows:
    """Return the rows of one trial: every measure of every unit and decoding, at every width.

    Args:
        trial: whose spike trains are scored.
        split: its recording.
        answers: none: the split has them.
        folder: of the trial.

    Raises:
        NotReady: nothing was predicted.
        BadInput: the predictions are damaged.
    """
    from raysp.kinds.stimulus.spike_trains_file import read_spike_trains

    places = {int(unit): index for index, unit in enumerate(split.units)}
    return [
        row
        for train in read_spike_trains(folder.predictions)
        for row in _rows(trial, split, train, places.get(train.unit))
    ]


def _rows(trial: Trial, split: StimulusSplit, train: SpikeTrain, index: int | None) -> Rows:
    place: Row = {"decoding": train.decoding, "unit": train.unit, "unit_index": index, "bin_ms": float(train.bin_ms)}
    common = of_trial(trial, split, "test") | place
    counts = {"spikes predicted": train.predicted, "spikes recorded": train.recorded}
    rows: Rows = [{**common, "metric": name, "value": float(np.sum(array))} for name, array in counts.items()]
    for name, values in curves(train.recorded, train.predicted, train.bin_ms, SIGMAS_MS).items():
        rows += [
            {**common, "metric": name, "parameter": str(sigma), **_defined(float(value), train)}
            for sigma, value in zip(SIGMAS_MS.tolist(), values, strict=True)
        ]
    for width in GROUPS_MS:
        group = max(round(width / train.bin_ms), 1)
        value = binned_pearson(train.recorded, train.predicted, group)
        rows.append({**common, "metric": "binned Pearson", "parameter": str(width), **_defined(value, train)})
    return rows


def _defined(value: float, train: SpikeTrain) -> Row:
    """Return a value and its note: None, with the reason, where it is not finite."""
    if np.isfinite(value):
        return {"value": value}
    silent = [name for name in ("recorded", "predicted") if not getattr(train, name).any()]
    why = f"undefined: no spike was {' and none was '.join(silent)}" if silent else "undefined: nothing varies"
    return {"value": None, "note": why}
