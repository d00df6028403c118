"""The rows that a trial's predicted spike trains give in the table of metrics."""

from __future__ import annotations

import numpy as np
import pytest

from raysp.errors import NotReady
from raysp.evaluation.spike_trains import binned_pearson, curves
from raysp.kinds.stimulus.score import GROUPS_MS, SIGMAS_MS, spike_train_rows
from raysp.kinds.stimulus.spike_trains_file import SpikeTrain, write_spike_trains
from raysp.runs.folder import TrialFolder
from raysp.runs.metrics_table import SCHEMA
from tests.collection.made_up import make_trial
from tests.models.made_up_stimulus import made_up_recording

SPLIT = made_up_recording(units=2)
TRIAL = make_trial("distance_unet", "made_up", seed=3, label="mine")
BIN_MS = 1.6


@pytest.fixture(scope="module")
def trains() -> list[SpikeTrain]:
    rng = np.random.default_rng(0)
    found = []
    for unit in SPLIT.units.tolist():
        predicted, recorded = (rng.poisson(0.05, 900).astype(np.uint8) for _ in range(2))
        found.append(SpikeTrain(unit, "nearest", BIN_MS, 540, predicted, recorded, None, 10))
    return found


@pytest.fixture(scope="module")
def rows(trains, tmp_path_factory):
    folder = TrialFolder(str(tmp_path_factory.mktemp("trial")))
    write_spike_trains(folder.predictions, TRIAL, SPLIT, trains, 64)
    return spike_train_rows(TRIAL, SPLIT, None, folder)


def value(rows, unit, metric, parameter=None):
    (found,) = [
        row["value"]
        for row in rows
        if (row["unit"], row["metric"], row["parameter"]) == (unit, metric, parameter)
    ]  # fmt: skip
    return found


def test_every_row_fills_the_tables_columns_and_says_whose_it_is(rows):
    common = {"run_trial": TRIAL.id, "model": "mine", "split": "made_up", "dataset": "made_up", "seed": 3}
    common |= {"part": "test", "decoding": "nearest", "standin": True, "bin_ms": BIN_MS}
    for row in rows:
        assert set(row) == set(SCHEMA)
        assert {name: row[name] for name in common} == common
        assert isinstance(row["value"], float)
    assert len(rows) == 2 * (2 + 3 * 151 + len(GROUPS_MS))


def test_counts_are_those_of_the_spikes(rows, trains):
    for train in trains:
        assert value(rows, train.unit, "spikes predicted") == train.predicted.sum()
        assert value(rows, train.unit, "spikes recorded") == train.recorded.sum()


def test_curves_are_those_of_the_measures_at_every_width(rows, trains):
    for train in trains:
        for name, expected in curves(train.recorded, train.predicted, BIN_MS, SIGMAS_MS).items():
            found = [value(rows, train.unit, name, str(sigma)) for sigma in SIGMAS_MS.tolist()]
            np.testing.assert_array_equal(found, expected)


def test_counts_are_correlated_in_groups_of_as_many_bins_as_come_nearest(rows, trains):
    for train in trains:
        for width, group in zip(GROUPS_MS, (3, 6, 12, 25, 50), strict=True):
            expected = binned_pearson(train.recorded, train.predicted, group)
            assert value(rows, train.unit, "binned Pearson", str(width)) == expected


def test_a_trial_that_predicted_nothing_is_not_ready(tmp_path):
    with pytest.raises(NotReady, match="run the experiment first"):
        spike_train_rows(TRIAL, SPLIT, None, TrialFolder(str(tmp_path)))
