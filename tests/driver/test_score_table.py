"""What `raysp evaluate` prints of a run."""

import polars as pl
import pytest

from raysp.driver.score_table import lines
from raysp.io import tables
from raysp.io.words import number
from raysp.io.yaml_files import dump_yaml
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import SCHEMA


@pytest.fixture
def run(tmp_path):
    kinds = {"a": {"kind": "population"}, "b": {"kind": "stimulus"}}
    record = {"experiment": {"floor": "no_spikes", "ceiling": "perfect"}, "data": kinds, "trials": []}
    (tmp_path / "experiment.yaml").write_text(dump_yaml(record))
    return RunFolder(str(tmp_path))


def written(run, rows):
    common = {"run_trial": "x", "split": "a", "phase": "val", "seed": 0, "part": "test"}
    tables.write_table(run.metrics, pl.DataFrame([{**common, **row} for row in rows], schema=SCHEMA))
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
    at = {"split": "b", "decoding": "nearest", "parameter": "50"}
    rows = [row("net", value, unit, seed, **at) for unit, seed, value in [(1, 0, 0.2), (1, 1, 0.4), (2, 0, 0.5)]]
    rows += [row("net", 9.0, 1, **{**at, "parameter": "51"})]
    _, head, net = written(run, rows)
    assert "Schreiber 50 ms" in head
    assert net.split()[:2] == ["net,", "nearest"]
    assert "0.4000 ± 0.1414 (2)" in net
    assert "9.0" not in net


def test_columns_never_touch_however_long_a_heading_or_a_value_is(run):
    metrics = ("reconstruction bits/spike", "true-rate Pearson r squared, pooled", "masked deviance")
    rows = [
        row("a model of a very long name, sixty letters", -1234567.5, metric=name, seed=s)
        for name in metrics
        for s in (0, 1)
    ]
    _, head, *models = written(run, rows)
    starts = [head.index(name) for name in metrics]
    assert starts == sorted(starts, key=starts.index)
    assert all(head[head.index(name) - 2 : head.index(name)] == "  " for name in metrics)
    assert "  −1.235e+06 ± 0.0000 (2)  −1.235e+06 ± 0.0000 (2)" in models[0]


@pytest.mark.parametrize("value", [-0.0005, -0.00001, 0.12345, -2345.67])
def test_a_score_is_spelled_as_in_the_report(run, value):
    *_, net = written(run, [row("net", value, metric="co-bps")])
    assert net.split() == ["net", number(value)]


def test_undefined_values_are_counted_and_explained(run):
    rows = [row("sae", 0.2, metric="co-bps"), row("sae", None, metric="co-bps", seed=1, note="no spike was recorded")]
    _, _, sae, _, note = written(run, rows)
    assert "0.2000, 1 undefined" in sae
    assert note == "note: a: co-bps undefined for sae: no spike was recorded"


def test_each_variable_of_behaviour_has_a_column(run):
    name = "behavior R2"
    rows = [row("sae", 0.1 * k, metric=name, parameter=f"variable {k}") for k in (0, 1, 10, 2)]
    _, head, *_ = written(run, [*rows, row("sae", 0.3, metric=f"{name}, mean over variables")])
    places = [head.index(text) for text in ("(variable 0)", "(variable 1)", "(variable 2)", "(variable 10)")]
    assert places == sorted(places)
