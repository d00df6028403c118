"""The table of spike-train metrics with one row per unit, decoding and width."""

from __future__ import annotations

import numpy as np
import polars
import pytest

from raysp.evaluation.spike_trains import curves
from raysp.kinds.stimulus.score import SIGMAS_MS, spike_train_rows
from raysp.kinds.stimulus.spike_trains_file import SpikeTrain, write_spike_trains
from raysp.kinds.stimulus.table import write_spike_train_table
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import write_metrics
from tests.collection.made_up import make_trial
from tests.models.made_up_stimulus import made_up_recording

SPLIT = made_up_recording(units=2)
DECODINGS = ("round", "sample")


@pytest.fixture
def scored(tmp_path):
    rng = np.random.default_rng(0)
    run = RunFolder(str(tmp_path / "run"))
    trains, rows = {}, []
    for model in ("one", "two"):
        trial = make_trial("poisson_counts", "made_up", seed=3, label=model)
        for unit in SPLIT.units.tolist():
            for decoding in DECODINGS:
                predicted, recorded = (rng.poisson(0.05, 500).astype(np.uint8) for _ in range(2))
                trains[model, unit, decoding] = SpikeTrain(unit, decoding, 1.6, 540, predicted, recorded, None, 10)
        own = [train for key, train in trains.items() if key[0] == model]
        write_spike_trains(run.trial(trial.id).predictions, trial, SPLIT, own, 64)
        rows += spike_train_rows(trial, SPLIT, None, run.trial(trial.id))
    write_metrics(run, rows)
    return run, trains


def test_each_row_holds_all_measures_of_its_width(scored):
    run, trains = scored
    write_spike_train_table(run)
    table = polars.read_parquet(f"{run.path}/spike_train_metrics.parquet")
    assert len(table) == len(trains) * len(SIGMAS_MS)
    assert table.null_count().sum_horizontal().item() == 0
    assert set(table["input_bins"]) == {64}
    assert set(table["step"]) == {10}
    ids = dict(zip(SPLIT.units.tolist(), SPLIT.global_ids.tolist(), strict=True))
    for (model, unit, decoding), train in trains.items():
        own = table.filter(model=model, unit=unit, decoding=decoding).sort("sigma_ms")
        found = curves(train.recorded, train.predicted, 1.6, SIGMAS_MS)
        for column, name in (("schreiber", "Schreiber"), ("van_rossum", "van Rossum")):
            np.testing.assert_array_equal(own[column], found[name])
        assert set(own["spikes_predicted"]) == {train.predicted.sum()}
        assert set(own["spikes_recorded"]) == {train.recorded.sum()}
        assert set(own["global_id"]) == {ids[unit]}


def test_a_run_without_spike_trains_gets_no_such_table(tmp_path):
    run = RunFolder(str(tmp_path))
    write_metrics(run, [])
    write_spike_train_table(run)
    assert not (tmp_path / "spike_train_metrics.parquet").exists()
