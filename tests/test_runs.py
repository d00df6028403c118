"""A run folder's own files as a bad disk or a person's hand leaves them: read right, or refused in a sentence."""

from __future__ import annotations

import dataclasses
import json

import pytest

from raysp import files
from raysp.config import Training, Trial
from raysp.errors import BadInput
from raysp.runs import RunFolder, trial_from, trial_to
from raysp.yaml_files import write_yaml

TRIAL = Trial("sae", {"latents": 4}, Training(), "mc_maze_small-20ms-val", "d" * 64)
RECORD = {"name": "x", "trials": [trial_to(TRIAL)], "submissions": [{"command": "raysp run x"}], "data": {}}


@pytest.fixture
def run(tmp_path) -> RunFolder:
    return RunFolder(str(tmp_path))


def test_what_is_written_is_read(run):
    write_yaml(run.experiment, RECORD)
    assert run.record() == {"experiment": {}, **RECORD}
    assert run.trials() == [TRIAL]
    assert run.trials()[0].id == TRIAL.id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "3",
        "trials",
        "[]",
        "a: 1",
        "trials:",
        "trials: [3]",
        "trials: {a: 1}",
        "trials: [null]",
        "trials: [[]]",
        "trials: text",
        "trials: []\nsubmissions: 3",
        "trials: []\nsubmissions: [3]",
        "trials: []\nsubmissions: [{versions: 3}]",
        "trials: []\nexperiment: [3]",
        "trials: []\nexperiment: {floor: [1]}",
        "trials: []\ndata: [1]",
        "trials: []\ndata: {x: 1}",
        "trials: []\ndata: {x: {recordings: 3}}",
        "trials: []\ndata: {x: {notes: [3]}}",
        "trials: []\nleft_out: [1]",
        "trials: []\nroot: 3",
        "trials: []\naccepted: [{from: 1}]",
        "trials: []\nearlier: {a: 1}",
        "trials: \0",
        "trials: " + "[" * 5000,
    ],
)
def test_a_record_of_the_wrong_kind_is_damaged(run, text):
    files.write_text(run.experiment, text)
    with pytest.raises(BadInput, match=r"experiment\.yaml is (damaged|not YAML)") as refused:
        run.trials()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["../../x", "a/b", "a\\b", "/etc", "", ".", "..", "a" * 101, "a\0b", "ü", " a", "a\n"])
@pytest.mark.parametrize("field", ["split", "model", "label"])
def test_names_that_could_be_other_folders_are_refused(field, name):
    if field == "label" and not name:
        return
    values = {**trial_to(TRIAL), field: name}
    with pytest.raises(BadInput, match=f"{field} name expected letters"):
        trial_from(values)


@pytest.mark.parametrize("name", ["../x", "a/b", "..", "a" * 256, "a\0"])
@pytest.mark.parametrize("field", ["id", "follows"])
def test_ids_that_could_be_other_folders_are_refused(field, name):
    with pytest.raises(BadInput, match="trial expected an id of letters"):
        trial_from({**trial_to(TRIAL), field: name})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 3),
        ("seed", 1 << 70),
        ("seed", "0"),
        ("seed", True),
        ("settings", [1]),
        ("training", 3),
        ("training", {"epochs": "ten"}),
        ("training", {"learning_rate": float("nan")}),
        ("neurons", [1.5]),
        ("data", None),
        ("more", 1),
    ],
)
def test_fields_of_the_wrong_kind_are_refused(field, value):
    with pytest.raises(BadInput, match=r"trial|training, "):
        trial_from({**trial_to(TRIAL), field: value})


def test_a_wrong_trial_is_told_with_its_file(run):
    write_yaml(run.experiment, {"trials": [trial_to(TRIAL), {**trial_to(TRIAL), "seed": "x"}]})
    with pytest.raises(BadInput, match=r"experiment\.yaml is damaged \(trial, seed expected int"):
        run.trials()


def test_the_longest_names_are_taken():
    trial = dataclasses.replace(TRIAL, split="s" * 100, label="l" * 100)
    assert trial_from(trial_to(trial)).id == trial.id


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "3",
        '"text"',
        "null",
        '{"validation": []}',
        '{"validation": 3}',
        '{"best_epoch": "three"}',
        '{"best_epoch": 1e3}',
        '{"learning_rates": [null]}',
        '{"learning_rates": 3}',
        '{"seconds": "long"}',
        "{",
        '{"seconds": NaN}',
    ],
)
def test_a_done_of_the_wrong_kind_is_damaged(run, content):
    folder = run.trial(TRIAL.id)
    files.write_text(folder.done, content)
    with pytest.raises(BadInput, match=r"done\.json is (damaged|not JSON)") as refused:
        folder.read_done()
    assert "\n" not in str(refused.value)


def test_what_a_reader_needs_must_be_there(run):
    folder = run.trial(TRIAL.id)
    files.write_json(folder.done, {"best_epoch": 3, "seconds": 1, "validation": {"co-bps": None}, "more": "x"})
    assert folder.read_done("best_epoch", "validation")["best_epoch"] == 3
    with pytest.raises(BadInput, match="it lacks learning_rates"):
        folder.read_done("best_epoch", "learning_rates")


def test_a_changed_number_is_told_of(run):
    folder = run.trial(TRIAL.id)
    files.write_json(folder.done, {"best_epoch": 3})
    files.write_text(folder.done, files.read_text(folder.done).replace("3", "4", 1))
    with pytest.raises(BadInput, match="is damaged: its content is not what was written"):
        folder.read_done()
    assert json.loads(files.read_text(folder.done))["best_epoch"] == 4
