"""What a page shows of labelled sequences: from a run's files, whole or with some gone."""

import shutil

from raysp.driver.report import open_run, write_report
from raysp.io import files
from raysp.kinds.labelled_sequences.page.page import columns, draw, drawn_trial
from raysp.runs.folder import RunFolder


def test_figures_are_of_readouts_training_and_the_best_models_confusions(waves):
    data = open_run(waves.run, waves.root)
    (task,) = data.tasks
    drawn = draw(data, task)
    assert [one.name for one in drawn.pictures] == [
        f"{task.slug}-{name}" for name in ("readouts", "learning", "confusions")
    ]
    assert drawn.notes == []
    assert all(one.png.startswith(b"\x89PNG") for one in drawn.pictures)
    assert drawn_trial(data, task).shown != "majority_class"
    # The floor is read out five times, as is usual.
    steps = [f"accuracy (step {step})" for step in (2, 3, 4, 5)]
    assert list(columns(data, task))[:6] == ["accuracy", *steps, "accuracy (vote)"]


def test_a_page_is_whole_without_its_data_and_without_scores(tmp_path, waves):
    shutil.copytree(waves.run.path, tmp_path / "made-up")
    run = RunFolder(str(tmp_path / "made-up"))
    page = files.read_text(write_report(run, waves.root))
    for words in (
        "accuracy (vote)",
        "Which class is taken for which",
        "6 steps with 4 features",
        "best epoch selected",
    ):
        assert words in page
    page = files.read_text(write_report(run, str(tmp_path / "nowhere")))
    assert "no longer prepared" in page
    files.remove(run.metrics)
    assert "Nothing was scored yet" in files.read_text(write_report(run, waves.root))
