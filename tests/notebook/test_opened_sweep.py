"""A sweep opened: finished, and while it is being written."""

import polars
import pytest

import raysp
from raysp.config.experiment import Experiment, ModelChoice
from raysp.driver import sweep_record
from raysp.errors import BadInput, NotReady
from raysp.runs.curve import write_curve
from raysp.search.result import read_result
from raysp.search.settings_file import write_settings
from raysp.search.table import write_table
from tests.search.recorded import end, fail, finish, study, trial_folder

CURVE = [{"epoch": 1, "train_loss": 0.5, "validation_loss": 0.4, "learning_rate": 1e-3, "seconds": 0.1}]


@pytest.fixture
def swept(tmp_path, monkeypatch):
    made = study(tmp_path)
    monkeypatch.setattr(sweep_record, "data", lambda root, split: {"fingerprint": "f" * 64})
    experiment = Experiment("x", (ModelChoice("sae"),), (made.definition.split,))
    sweep_record.begin(made.run, experiment, [made.definition], str(tmp_path), {"samples": 3})
    end(made, 0, validation_loss=0.3)
    end(made, 1, validation_loss=0.1)
    write_curve(trial_folder(made, 1).curve, CURVE)
    return made


def test_of_a_sweep_that_is_going_on_what_ended_is_there(swept):
    sweep = raysp.open_run(swept.run.path)
    assert sweep.trials["state"].to_list() == ["done", "done", "waiting"]
    assert sweep.trials["validation_loss"].to_list() == [0.3, 0.1, None]
    with pytest.raises(NotReady, match="not finished"):
        sweep.settings
    fail(swept, 2)
    assert sweep.trials.filter(state="failed")["error"].to_list() == ["ValueError: no luck"]
    best = sweep.trials.filter(polars.col("winner"))["run_trial"].item()
    assert sweep.curve(best)["validation_loss"].to_list() == [0.4]


def test_a_finished_sweep_has_the_table_that_was_written_and_its_best_settings(swept, monkeypatch):
    fail(swept, 2)
    finish(swept, finalists=[], final_seeds=[], winner=1)
    results = [read_result(swept)]
    write_table(swept.run, results)
    write_settings(swept.run, results, "abc")
    sweep_record.end(swept.run, "finished")
    monkeypatch.setattr("raysp.notebook.opened_sweep.read_result", None)
    sweep = raysp.open_run(swept.run.path)
    assert sweep.trials["rank"].to_list() == [2, 1, None]
    monkeypatch.undo()
    assert sweep.settings["sae"][swept.definition.split]["hyperparameters"]["hidden"] == 32


def test_what_a_sweep_has_not_is_refused_with_what_it_has(swept):
    sweep = raysp.open_run(swept.run.path)
    trial = sweep.trials["run_trial"][1]
    for ask in (
        lambda: sweep.scores,
        lambda: sweep.predictions,
        lambda: sweep.split(trial),
        lambda: sweep.fitted(trial),
        lambda: sweep.model(trial),
    ):
        with pytest.raises(BadInput, match=r"is a sweep, whose trials predict nothing .* has \.trials, \.settings and"):
            ask()
    with pytest.raises(BadInput, match=f"unknown trial of .*: did you mean '{trial}'"):
        sweep.curve(trial[:-1])
