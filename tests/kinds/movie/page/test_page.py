"""What a page shows of movies: from a run's files, whole or with some gone."""

import shutil

from raysp.driver.report import open_run, write_report
from raysp.io import files
from raysp.kinds.movie.page.page import columns, draw, drawn_trial
from raysp.runs.folder import RunFolder


def test_figures_are_of_courses_rasters_and_correlations(clips):
    data = open_run(clips.run, clips.root)
    (task,) = data.tasks
    drawn = draw(data, task)
    assert [one.name for one in drawn.pictures] == [
        f"{task.slug}-{name}" for name in ("courses", "rasters", "correlations", "lags", "matrices")
    ]
    assert drawn.notes == []
    assert all(one.png.startswith(b"\x89PNG") for one in drawn.pictures)
    assert drawn_trial(data, task).shown == "movie_psth"
    names = list(columns(data, task))
    assert names[:3] == ["PSTH r", "noise correlation R2", "noise correlation r"]
    assert not any("ceiling" in name or "by lag" in name for name in names)


def test_couplings_have_figures_beside_the_truth(teacher):
    data = open_run(teacher.run, teacher.root)
    (task,) = data.tasks
    drawn = draw(data, task)
    names = [one.name.removeprefix(f"{task.slug}-") for one in drawn.pictures]
    assert names[-2:] == ["connectivity", "filters"]
    assert "beside them the truth" in drawn.pictures[-2].caption
    assert drawn.notes == []


def test_a_page_is_whole_without_its_data_and_without_scores(tmp_path, clips):
    shutil.copytree(clips.run.path, tmp_path / "made-up")
    run = RunFolder(str(tmp_path / "made-up"))
    page = files.read_text(write_report(run, clips.root))
    for words in ("bits per spike (new movies)", "What units do together", "training repeats", "2 × 3 pixels"):
        assert words in page
    page = files.read_text(write_report(run, str(tmp_path / "nowhere")))
    assert "no longer prepared" in page
    files.remove(run.metrics)
    assert "Nothing was scored yet" in files.read_text(write_report(run, clips.root))
