"""What `raysp evaluate` prints of a run."""

import polars as pl
import pytest

from raysp.evaluation.run import SCHEMA
from raysp.evaluation.table import lines
from raysp.runs import RunFolder
from raysp.yaml_files import dump_yaml


@pytest.fixture
def run(tmp_path):
    record = {"experiment": {"floor": "no_spikes", "ceiling": "perfect"}, "trials": []}
    (tmp_path / "experiment.yaml").write_text(dump_yaml(record))
    return RunFolder(str(tmp_path))


def written(run, rows):
    common = {"trial_id": "x", "split": "a", "phase": "val", "seed": 0, "part": "test"}
    schema = {name: getattr(pl, kind) for name, kind in SCHEMA.items()}
    pl.DataFrame([{**common, **row} for row in rows], schema=schema).write_parquet(run.metrics)
    return list(lines(run, "val"))


def row(model, value, unit=None, seed=0, metric="Schreiber", **others):
    return {"model": model, "value": value, "unit": unit, "seed": seed, "metric": metric, **others}


def test_models_stand_with_the_floor_first_and_their_spread_over_seeds(run):
    rows = [row("sae", 0.2, metric="co-bps"), row("sae", 0.4, seed=1, metric="co-bps"), row("no_spikes", 0.0)]
    rows[2]["metric"] = "co-bps"
    _, head, *models = written(run, rows)
    assert head.split() == ["a", "co-bps"]
    assert [line.split()[0] for line in models] == ["no_spikes", "sae"]
    assert "0.3000 ± 0.1414 (2)" in models[1]


def test_spike_trains_are_counted_by_cell_after_the_mean_over_seeds(run):
    at = {"decoding": "nearest", "parameter": "50"}
    rows = [row("net", value, unit, seed, **at) for unit, seed, value in [(1, 0, 0.2), (1, 1, 0.4), (2, 0, 0.5)]]
    rows += [row("net", 9.0, 1, decoding="nearest", parameter="51")]
    _, head, net = written(run, rows)
    assert "Schreiber 50 ms" in head
    assert net.split()[:2] == ["net,", "nearest"]
    assert "0.4000 ± 0.1414 (2)" in net
    assert "9.0" not in net
