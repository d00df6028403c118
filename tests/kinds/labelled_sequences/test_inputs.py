"""Networks whose neurons come from another run: planned with its rows' digest, copied, drawn by seed, or refused."""

import shutil
from dataclasses import replace

import numpy as np
import polars
import pytest
import torch

import raysp
from raysp.config.experiment import Experiment, ModelChoice
from raysp.data.splits.split import header_of
from raysp.driver.plan import make_plan, plan_of
from raysp.driver.record import copy_inputs
from raysp.errors import BadInput, NotReady
from raysp.io import files, tables
from raysp.kinds.current_clamp.cells import best_cells
from raysp.kinds.labelled_sequences.inputs import inputs
from raysp.kinds.labelled_sequences.logits_file import read_logits
from raysp.kinds.labelled_sequences.made_up import made_up
from raysp.runs.folder import RunFolder, alike, trial_from, trial_to
from raysp.runs.trial_log import Setting
from raysp.trials.fitted_again import fitted_again
from raysp.trials.run_trial import run_trial
from tests.kinds.current_clamp import made_up as clamp
from tests.kinds.labelled_sequences.made_up import NAME, TRAINING

ANY = {"least_evr": None, "replacement": True, "hidden": 6, "readouts": 2}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """A finished run of fits to four cells."""
    return clamp.make_run(tmp_path_factory.mktemp("cells"), models=(clamp.MODELS[0], clamp.CLEAN))


def planned(waves, source, seeds=(0,), **settings):
    choice = ModelChoice("gfr_network", {"neurons": source, **ANY, **settings}, label="cells")
    experiment = Experiment("one", (choice,), splits=(NAME,), seeds=seeds, training=TRAINING)
    return make_plan(experiment, [NAME], waves.root).trials


def ran(trial, waves, folder):
    run = RunFolder(str(folder))
    copy_inputs(run, [trial])
    run_trial(trial, Setting(run.path, waves.root))
    return run


def test_a_trial_is_named_by_the_rows_it_starts_from_and_a_record_brings_them_back(waves, cells, tmp_path):
    (trial,) = planned(waves, cells.run.path)
    assert trial.inputs.keys() == {"neurons"}
    assert trial_from(trial_to(trial)) == trial
    assert planned(waves, cells.run.path, neurons_split="cells")[0].inputs == trial.inputs
    copy = str(tmp_path / "cells.parquet")
    table = tables.read_table(files.join(cells.run.path, "parameters.parquet"))
    note = tables.read_note(files.join(cells.run.path, "parameters.parquet"))
    tables.write_table(copy, table.reverse(), note)
    assert planned(waves, copy)[0].inputs == trial.inputs
    tables.write_table(copy, table.with_columns(gamma=polars.col("gamma") * 2), note)
    (other,) = planned(waves, copy)
    assert other.inputs != trial.inputs
    # What started from other rows is not averaged with it.
    assert alike([trial, replace(trial, seed=1), replace(trial, inputs=other.inputs)]) == [
        replace(trial, inputs=other.inputs)
    ]


def test_its_neurons_are_the_cells_drawn_by_seed_and_it_goes_on_without_the_other_run(waves, cells, tmp_path):
    frozen = {"train_filters": False}
    trials = planned(waves, cells.run.path, (0, 1), **frozen)
    known = set(np.float32(best_cells(cells.run.path, plain=True)["gamma"]))
    drawn = []
    for trial in trials:
        run = ran(trial, waves, tmp_path / "run")
        table = polars.read_parquet(files.join(run.trial(trial.id).path, "neurons.parquet"))
        drawn.append(np.float32(table["gamma"]).tolist())
        assert set(drawn[-1]) <= known
        assert table["feedback"].unique().to_list() == [1000.0]
    assert drawn[0] != drawn[1]
    _, fitted, split = fitted_again(trials[0], Setting(run.path, waves.root))
    found = fitted.model.logits(torch.as_tensor(split.test), 2).detach()
    np.testing.assert_array_equal(found, read_logits(run.trial(trials[0].id).predictions))
    assert fitted.parameters == 6 * 4 + 6 + 36 + 6 + 3 * 6 + 3
    sha = trials[0].inputs["neurons"]
    files.remove(files.join(run.path, "inputs", f"{sha}.parquet"))
    with pytest.raises(NotReady, match="which is gone"):
        fitted_again(trials[0], Setting(run.path, waves.root))


def test_a_biological_drive_is_threshold_plus_sigma_times_what_is_heard(waves, cells):
    split, model = raysp.load_split(NAME, root=waves.root), {"neurons": cells.run.path, **ANY}
    fitted = raysp.fit("gfr_network", split, epochs=1, progress=False, hyperparameters=model)
    network, sequences = fitted.model, torch.as_tensor(split.test)
    rates = network.activity(sequences, 1)
    own, heard = network.neurons, network.heard(sequences, 1) + network.recurrent.bias
    drive = own.threshold + own.sigma * (heard[1] + rates[0] @ network.recurrent.weight.T)
    expected = own.step(drive, rates[0], own.alpha * (own.threshold + own.sigma * heard[0])[..., None])[0]
    torch.testing.assert_close(rates[1], expected)


def test_a_trained_networks_neurons_and_outer_layers_go_into_another_that_learns_the_rest(waves, tmp_path):
    trial = waves.of("gfr_network")
    source = files.join(waves.run.trial(trial.id).path, "neurons.parquet")
    same = {"hidden": 12, "replacement": False, "in_order": True, "copy_layers": True}
    (second,) = planned(waves, source, **same, train_filters=False, train_layers=["recurrent"])
    run = ran(second, waves, tmp_path / "run")
    one, other = (
        polars.read_parquet(path) for path in (source, files.join(run.trial(second.id).path, "neurons.parquet"))
    )
    for name in ("alpha", "inward", "inward_bias", "outward", "outward_bias"):
        assert one[name].to_list() == other[name].to_list()
    assert other["alpha"].to_list() == other["initial_alpha"].to_list()
    assert run.trial(second.id).read_done()["parameters"] == 12 * 12 + 12
    assert one["alpha"].to_list() != one["initial_alpha"].to_list()


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"neurons_bin_ms": 50}, BadInput, "neurons_bin_ms expected 20, got 50"),
        ({"neurons_protocol": "paper"}, BadInput, "expected fits by protocol clean, got paper"),
        ({"replacement": False}, BadInput, "6 neurons or more to draw 6 without replacement, got 4"),
        ({"copy_layers": True}, BadInput, "copy_layers expected neurons that were trained in a network, got cells"),
        ({"neurons_split": "standin-cell"}, BadInput, "did you mean 'standin-cells'"),
        ({"in_order": True}, BadInput, "in_order draws nothing: leave out replacement"),
        ({"copy_layers": True, "source": ""}, BadInput, "copy_layers expected neurons that were trained in a network"),
        ({"source": "waves"}, BadInput, "is a run of networks, one trial's neurons expected"),
        ({"least_evr": 2.0}, BadInput, "with replacement, got 0 above least_evr"),
        ({"source": "/no/such/run"}, NotReady, "is not a run folder"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused_at_planning(waves, cells, settings, error, says):
    if settings.get("source") == "waves":
        settings = {"source": waves.run.path}
    with pytest.raises(error, match=says):
        planned(waves, **{"source": cells.run.path, **settings})


@pytest.mark.parametrize(("sizes", "says"), [
    ({"features": 5}, r"copy_layers expected inward.weight of shape \(12, 5\), got \(12, 4\)"),
    ({"classes": 4}, r"copy_layers expected outward.weight of shape \(4, 12\), got \(3, 12\)"),
])  # fmt: skip
def test_layers_of_a_network_for_other_sequences_are_refused_at_planning(waves, sizes, says):
    source = files.join(waves.run.trial(waves.of("gfr_network").id).path, "neurons.parquet")
    config = {"neurons": source, "hidden": 12, "in_order": True, "copy_layers": True}
    other = made_up(**sizes)
    experiment = Experiment("one", (ModelChoice("gfr_network", config),), splits=(other.name,), training=TRAINING)
    with pytest.raises(BadInput, match=says):
        plan_of(experiment, {other.name: header_of(other, {})}, [other.name])


def test_an_unfinished_run_is_refused(cells, tmp_path):
    shutil.copytree(cells.run.path, tmp_path / "run")
    run = RunFolder(str(tmp_path / "run"))
    files.remove(run.trial(cells.trials[0].id).done)
    with pytest.raises(NotReady, match="1 of 4 trials are not finished; a network draws its neurons from a whole run"):
        inputs("gfr_network", {"neurons": run.path, **ANY})
