"""What `raysp evaluate` prints of a run."""

import polars as pl
import pytest

from raysp.config.experiment import Trial
from raysp.driver.score_table import lines
from raysp.io import files, tables
from raysp.io.terminal import Terminal
from raysp.io.words import number
from raysp.io.yaml_files import dump_yaml
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.metrics_table import SCHEMA


@pytest.fixture
def run(tmp_path):
    kinds = {"a": {"kind": "population"}, "b": {"kind": "stimulus"}}
    record = {"experiment": {"floor": "no_spikes", "ceiling": "perfect"}, "data": kinds, "trials": []}
    (tmp_path / "experiment.yaml").write_text(dump_yaml(record))
    return RunFolder(str(tmp_path))


def written(run, rows, width=400):
    common = {"run_trial": "x", "split": "a", "phase": "val", "seed": 0, "part": "test"}
    tables.write_table(run.metrics, pl.DataFrame([{**common, **row} for row in rows], schema=SCHEMA))
    return list(lines(run, "val", None, Terminal(width)))


def row(model, value, unit=None, seed=0, metric="Schreiber", **others):
    return {"model": model, "value": value, "unit": unit, "seed": seed, "metric": metric, **others}


def test_models_stand_with_the_floor_first_and_their_spread_over_seeds(run):
    rows = [row("sae", 0.2, metric="co-bps"), row("sae", 0.4, seed=1, metric="co-bps"), row("no_spikes", 0.0)]
    rows[2]["metric"] = "co-bps"
    _, title, head, *models = written(run, rows)
    assert (title, head.split()) == ("a", ["co-bps", "↑"])
    assert [line.split()[:2] for line in models] == [["no_spikes", "(floor)"], ["sae", "0.3000"]]
    assert "0.3000 ± 0.1414 (2)" in models[1]


def test_a_spread_over_as_many_seeds_everywhere_says_so_once(run):
    rows = [row(model, 0.1 * seed, metric="co-bps", seed=seed) for model in ("no_spikes", "sae") for seed in (0, 1, 2)]
    _, title, _, *models = written(run, rows)
    assert title == "a, mean ± SD over 3 seeds"
    assert models[1].split() == ["sae", "0.1000", "±", "0.1000"]


def test_the_best_of_the_models_is_marked_and_neither_floor_nor_ceiling_is(run):
    scores = {"no_spikes": 0.0, "sae": 0.2, "ndt": 0.3, "perfect": 0.9}
    rows = [row(model, value, metric="co-bps") for model, value in scores.items()]
    rows += [row(model, -value, metric="masked deviance") for model, value in scores.items()]
    rows += [row(model, 1.0, metric="psth R2") for model in scores]
    *_, head = (found := written(run, rows))[:-4]
    models = found[-4:]
    assert head.split() == ["co-bps", "↑", "R2", "↑", "deviance", "↓"]
    assert [line.count("*") for line in models] == [0, 0, 2, 0]
    (bold,) = [line for line in lines(run, "val", None, Terminal(400, bold=True)) if "ndt" in line]
    assert bold.count("\x1b[1m") == 2
    assert "*" not in bold


def test_what_is_not_better_than_the_floor_is_not_marked(run):
    scores = {"no_spikes": -0.02, "smoothing": -0.05, "sae": -0.3}
    rows = [row(model, value, metric="co-bps") for model, value in scores.items()]
    rows += [row(model, 1.0 - value, metric="masked deviance") for model, value in scores.items()]
    rows += [row(model, value, metric="psth R2") for model, value in (scores | {"no_spikes": -0.06}).items()]
    models = [line for line in written(run, rows) if line.startswith("  ") and line.split()[0] in scores]
    assert [line.count("*") for line in models] == [0, 1, 0]


def test_every_metric_stands_in_a_table_where_it_is_asked_for(run):
    kinds = {"metric": "predicted / recorded spikes", "parameter": "held-in units"}
    rows = [row("sae", 0.2, metric="co-bps"), row("sae", 0.7, metric="weight against the mean rate")]
    rows += [row("sae", 0.9, unit=3, metric="co-bps"), row("no_spikes", 1.5, metric="mine"), row("sae", 0.4, **kinds)]
    written(run, rows)
    found = list(lines(run, "val", None, Terminal(400), every=True))
    floor, model = [line for line in found[found.index("a, further metrics") :] if line[2:].startswith(("no_", "sae"))]
    assert floor.split() == ["no_spikes", "(floor)", "-", "-", "1.5000"]
    assert model.split() == ["sae", "0.4000", "0.7000", "-"]
    assert "further metrics" not in " ".join(lines(run, "val", None, Terminal(400)))


def test_many_splits_have_a_line_each_of_the_first_metric(run):
    names = [f"split {number}" for number in range(5)]
    record = {"experiment": {"floor": "no_spikes", "ceiling": ""}, "trials": []}
    record["data"] = {name: {"kind": "population"} for name in names}
    files.write_text(run.experiment, dump_yaml(record))
    rows = [row("sae", 0.1, metric="co-bps", split=name) for name in names]
    rows += [row("no_spikes", 0.0, metric="co-bps", split=name) for name in names[:4]]
    written(run, rows)
    _, title, *head, first, _, _, _, last = lines(run, "val", None, Terminal(80), whole=False)
    assert title == "co-bps ↑ of 5 splits"
    assert " ".join(head).split() == ["no_spikes", "(floor)", "sae"]
    assert (first.split(), last.split()) == (["split", "0", "0.0000", "0.1000"], ["split", "4", "-", "0.1000"])


def test_spike_trains_are_counted_by_cell_after_the_mean_over_seeds(run):
    at = {"split": "b", "decoding": "nearest", "parameter": "50"}
    rows = [row("net", value, unit, seed, **at) for unit, seed, value in [(1, 0, 0.2), (1, 1, 0.4), (2, 0, 0.5)]]
    rows += [row("net", 9.0, 1, **{**at, "parameter": "51"})]
    *head, net = written(run, rows)
    assert head[-1].split() == ["10", "ms", "↑", "ms", "↑", "ms", "↓", "ms", "↓"]
    assert net.split()[:2] == ["net,", "nearest"]
    assert "0.4000 ± 0.1414" in net
    assert "9.0" not in net


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_no_line_is_longer_than_the_terminal_and_every_score_is_there(run, width):
    metrics = ("co-bps", "reconstruction bits/spike", "true-rate Pearson r squared, pooled", "masked deviance")
    rows = [row("a model of a long name", -0.1234 - n, metric=name) for n, name in enumerate(metrics)]
    found = written(run, [*rows, row("no_spikes", 0.5, metric="fp-bps")], width)
    assert max(map(len, found)) <= width
    text = " ".join(" ".join(found).split())
    assert all(number(-0.1234 - n) in text for n in range(4))
    assert text.count("no_spikes (floor)") == text.count("a model of a long" if width > 43 else "a model o")


@pytest.mark.parametrize("value", [-0.0005, -0.00001, 0.12345, -2345.67])
def test_a_score_is_spelled_as_in_the_report(run, value):
    *_, net = written(run, [row("net", value, metric="co-bps")])
    assert net.split() == ["net", number(value)]


def test_undefined_values_are_counted_and_explained(run):
    rows = [row("sae", 0.2, metric="co-bps"), row("sae", None, metric="co-bps", seed=1, note="no spike was recorded")]
    *_, sae, _, note = written(run, rows)
    assert "0.2000 (1 undefined)" in sae
    assert note == "note: a: co-bps undefined for sae: no spike was recorded"


def test_each_variable_of_behaviour_has_a_column(run):
    name = "behavior R2"
    rows = [row("sae", 0.1 * k, metric=name, parameter=f"variable {k}") for k in (0, 1, 10, 2)]
    *_, sae = written(run, [*rows, row("sae", 0.3, metric=f"{name}, mean over variables")])
    assert sae.split() == ["sae", "0.3000", "0.0000", "0.1000", "0.2000", "1.0000"]


def test_another_model_whose_role_is_a_ceilings_competes_with_none(run):
    record = {**run.record(), "models": {"perfect_counts": {"kind": "stimulus", "role": "ceiling"}, "net": {}}}
    trials = [Trial("perfect_counts", {}, None, "b", "", label="counts_20"), Trial("net", {}, None, "b", "")]
    files.write_text(run.experiment, dump_yaml({**record, "trials": [trial_to(trial) for trial in trials]}))
    rows = [
        row(model, value, unit, parameter="10", decoding="one", split="b")
        for model, value in (("no_spikes", 0.0), ("net", 0.3), ("counts_20", 0.9), ("other", 0.2), ("perfect", 1.0))
        for unit in (1, 2)
    ]
    found = written(run, rows)
    (own,) = [line for line in found if "counts_20" in line]
    assert "counts_20, one (ceiling)" in own
    assert [line.count("*") for line in found if ", one" in line] == [0, 1, 0, 0, 0]


def test_a_mean_over_fewer_units_is_no_winner(run):
    rows = [
        row(model, value, unit, parameter="10", decoding="one", split="b")
        for model, value, units in (("few", 0.9, (1,)), ("whole", 0.3, (1, 2)), ("other", 0.2, (1, 2)))
        for unit in units
    ]
    found = [line for line in written(run, rows) if ", one" in line]
    assert [line.count("*") for line in found] == [0, 1, 0]
