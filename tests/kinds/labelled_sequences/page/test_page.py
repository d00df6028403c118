"""What a page shows of labelled sequences: from a run's files, whole or with some gone."""

import shutil
from dataclasses import replace

import pytest

from raysp.data.splits.labelled_sequences import SequenceSizes
from raysp.driver.report import open_run, write_report
from raysp.errors import NotReady
from raysp.io import files
from raysp.kinds.labelled_sequences.page import published
from raysp.kinds.labelled_sequences.page.page import columns, draw, drawn_trial, starts
from raysp.kinds.labelled_sequences.page.units import activity, neurons
from raysp.runs.folder import RunFolder


def test_figures_are_of_readouts_training_and_the_best_networks_answers_units_and_neurons(waves):
    data = open_run(waves.run, waves.root)
    (task,) = data.tasks
    drawn = draw(data, task)
    names = ("readouts", "learning", "confusions", "activity", "neurons")
    assert [one.name for one in drawn.pictures] == [f"{task.slug}-{name}" for name in names]
    assert drawn.notes == []
    assert all(one.png.startswith(b"\x89PNG") for one in drawn.pictures)
    assert drawn_trial(data, task, "neurons.parquet").shown == "gfr_network"
    assert drawn_trial(data, task).shown != "majority_class"
    # The floor is read out five times, as is usual.
    steps = [f"accuracy (step {step})" for step in (2, 3, 4, 5)]
    entropies = [f"entropy of {which} answers" for which in ("right", "wrong")]
    assert list(columns(data, task)) == ["accuracy", "accuracy (vote)", "cross-entropy", *entropies, *steps]


def test_activity_is_of_the_best_model_that_leaves_some(waves, tmp_path):
    shutil.copytree(waves.run.path, tmp_path / "made-up")
    data = open_run(RunFolder(str(tmp_path / "made-up")), waves.root)
    (task,) = data.tasks
    best = drawn_trial(data, task).shown
    for trial in data.finished(task):
        if trial.shown == best:
            files.remove(files.join(data.run.trial(trial.id).path, "activity.parquet"))
    drawn = draw(data, task)
    assert drawn.notes == []
    assert f"{task.slug}-activity" in [one.name for one in drawn.pictures]


def test_where_neurons_come_from_is_said_once_for_each_model(waves):
    settings = {"neurons": "runs/gfr_cells"}
    cells = [
        replace(one, label="cells", hyperparameters=settings, inputs={"neurons": "ab" * 32}) for one in waves.trials
    ]
    assert starts([*waves.trials, *cells]) == [
        "cells starts from neurons of runs/gfr_cells (SHA-256 of the rows abababababab)"
    ]


def test_figures_of_what_a_model_does_not_have_are_notes(waves):
    data = open_run(waves.run, waves.root)
    for figure, says in ((activity, "majority_class leaves none"), (neurons, "majority_class has none")):
        with pytest.raises(NotReady, match=says):
            figure(data, waves.of("majority_class"))


def test_published_networks_stand_beside_digits_of_their_size_alone():
    columns = ["accuracy", "accuracy (step 2)", "accuracy (vote)"]
    assert len(published.rows(SequenceSizes("l-mnist", 28, 28, 10), columns)) == 7
    assert published.rows(SequenceSizes("digits-small", 8, 8, 10), columns) == []


def test_a_page_is_whole_without_its_data_and_without_scores(tmp_path, waves):
    shutil.copytree(waves.run.path, tmp_path / "made-up")
    run = RunFolder(str(tmp_path / "made-up"))
    page = files.read_text(write_report(run, waves.root))
    for words in (
        "accuracy (vote)",
        "Which class is taken for which",
        "6 steps with 4 features",
        "<th>best epoch</th> <th>s per trial</th> <th>on</th> <th>selected on</th>",
    ):
        assert words in page
    page = files.read_text(write_report(run, str(tmp_path / "nowhere")))
    assert "no longer prepared" in page
    files.remove(run.metrics)
    assert "Nothing was scored yet" in files.read_text(write_report(run, waves.root))
