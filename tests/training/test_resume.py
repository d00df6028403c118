"""Killed and resumed gives what an unbroken run gives, bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
import torch

from raysp.errors import BadInput, Interrupted
from raysp.models import smoothing
from raysp.training import checkpoint as checkpoints
from tests.training.made_up import fit, made_up_trial, same_weights, smoothing_trial, without_seconds

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# The tests are no installed package, and some installed package may be called tests.
CHILD = """
import sys, types
tests = sys.modules["tests"] = types.ModuleType("tests")
tests.__path__ = [sys.argv[1] + "/tests"]
from tests.training import made_up
getattr(made_up, sys.argv[3])(sys.argv[2])
"""


@pytest.fixture
def path(tmp_path) -> str:
    return str(tmp_path / "checkpoint.pt")


def stop_after(epochs: int):
    left = iter([True] * (epochs - 1) + [False])
    return lambda: next(left)


@pytest.mark.parametrize(
    "training",
    [{}, {"schedule": "plateau", "plateau_patience": 1}, {"schedule": "cosine", "patience": 7, "optimizer": "adamw"}],
)
@pytest.mark.parametrize("epochs", [1, 4, 7])
def test_from_any_checkpoint_on_the_numbers_are_those_of_an_unbroken_run(path, training, epochs):
    trial = made_up_trial(**training)
    with pytest.raises(Interrupted):
        fit(trial, checkpoint=path, keep_going=stop_after(epochs))
    resumed, unbroken = fit(trial, checkpoint=path), fit(trial)
    assert same_weights(resumed, unbroken)
    assert without_seconds(resumed.curve) == without_seconds(unbroken.curve)
    assert (resumed.best_epoch, resumed.learning_rates) == (unbroken.best_epoch, unbroken.learning_rates)


def killed(way: str, path: str, when: str) -> None:
    """Let a process run one of the ways of `made_up` to go on from a file; kill it when it says so."""
    command = [sys.executable, "-c", CHILD, ROOT, path, way]
    environment = os.environ | {"PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        for line in process.stdout:
            if line.strip() == when:
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL


def test_a_process_killed_while_training_loses_nothing(path):
    killed("train_slowly", path, "6")
    notes = []
    trial = made_up_trial(epochs=40)
    resumed = fit(trial, checkpoint=path, report=notes.append)
    assert notes[0]["epoch"] in (6, 7, 8)
    assert same_weights(resumed, fit(trial))


def test_a_finished_trial_is_not_trained_again(path):
    trial = made_up_trial()
    first = fit(trial, checkpoint=path)
    notes = []
    again = fit(trial, checkpoint=path, report=notes.append)
    assert notes == []
    assert same_weights(first, again)
    assert again.curve == first.curve


def test_checkpoints_are_written_while_training_when_their_time_has_come(path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SAVE_EVERY_S", 0.0)
    saved = []
    save = checkpoints.save

    def counting(*args):
        saved.append(args[1])
        return save(*args)

    monkeypatch.setattr(checkpoints, "save", counting)
    fit(made_up_trial(), checkpoint=path)
    assert len(saved) == 8 + 1


def test_a_damaged_checkpoint_is_told_of_and_training_starts_over(path):
    trial = made_up_trial()
    with pytest.raises(Interrupted):
        fit(trial, checkpoint=path, keep_going=stop_after(3))
    with open(path, "r+b") as file:
        file.truncate(1000)
    notes = []
    fitted = fit(trial, checkpoint=path, report=notes.append)
    assert "damaged" in notes[0]["warning"]
    assert "starts over" in notes[0]["warning"]
    assert notes[1]["epoch"] == 1
    assert same_weights(fitted, fit(trial))


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: state["random"].update(order=torch.zeros(7, dtype=torch.uint8)),
        lambda state: state["random"].pop("torch"),
        lambda state: state["random"].update(masks=state["random"]["masks"][:100]),
        lambda state: state["optimizer"].update(param_groups=[]),
        lambda state: state["progress"].update(more=1),
        lambda state: state.pop("averaging"),
        lambda state: state.pop("seconds"),
        lambda state: state.update(model=None),
    ],
)
def test_a_state_that_nothing_can_go_on_from_is_told_of_and_training_starts_over(path, damage):
    trial = made_up_trial()
    with pytest.raises(Interrupted):
        fit(trial, checkpoint=path, keep_going=stop_after(3))
    state = torch.load(path, weights_only=True)
    damage(state)
    torch.save(state, path)
    notes = []
    fitted, unbroken = fit(trial, checkpoint=path, report=notes.append), fit(trial)
    assert "starts over" in notes[0]["warning"]
    assert notes[1]["epoch"] == 1
    assert same_weights(fitted, unbroken)
    assert without_seconds(fitted.curve) == without_seconds(unbroken.curve)


def test_a_checkpoint_of_other_weights_is_told_of_and_training_starts_over(path):
    trial = made_up_trial()
    fit(trial, checkpoint=path)
    state = torch.load(path, weights_only=True)
    state["model"]["to_log_rates.bias"] = torch.zeros(2)
    checkpoints.save(path, trial.id, {name: value for name, value in state.items() if name not in ("format", "trial")})
    notes = []
    fit(trial, checkpoint=path, report=notes.append)
    assert "another version of the model" in notes[0]["warning"]


def test_another_trials_checkpoint_is_refused(path):
    fit(made_up_trial(epochs=1), checkpoint=path)
    with pytest.raises(BadInput, match="expected the checkpoint of trial"):
        fit(made_up_trial(epochs=2), checkpoint=path)


def test_a_process_killed_while_a_model_fits_itself_loses_no_stage(path, monkeypatch):
    killed("regress_slowly", path, "second")
    unbroken, done = fit(smoothing_trial()), []
    regression = smoothing.poisson_regression
    monkeypatch.setattr(smoothing, "poisson_regression", lambda *args: done.append(1) or regression(*args))
    resumed = fit(smoothing_trial(), checkpoint=path)
    assert len(done) == 1
    assert same_weights(resumed, unbroken)
    assert without_seconds(resumed.curve) == without_seconds(unbroken.curve)


def test_a_model_that_fits_itself_stops_between_its_stages_and_goes_on(path, monkeypatch):
    with pytest.raises(Interrupted, match="stopped after regression"):
        fit(smoothing_trial(), checkpoint=path, keep_going=lambda: False)
    with pytest.raises(Interrupted, match="stopped after regression"):
        fit(smoothing_trial(), checkpoint=path, keep_going=lambda: False)
    unbroken = fit(smoothing_trial())
    monkeypatch.setattr(smoothing, "poisson_regression", None)
    assert same_weights(fit(smoothing_trial(), checkpoint=path), unbroken)


def test_stages_that_are_damaged_are_told_of_and_done_again(path):
    with pytest.raises(Interrupted):
        fit(smoothing_trial(), checkpoint=path, keep_going=lambda: False)
    with open(f"{path}-validated", "r+b") as file:
        file.truncate(500)
    notes = []
    assert same_weights(fit(smoothing_trial(), checkpoint=path, report=notes.append), fit(smoothing_trial()))
    assert next(note["warning"] for note in notes if "warning" in note).startswith("the checkpoint is damaged")
