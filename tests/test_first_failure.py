import pytest

from raysp.config.experiment import Trial
from raysp.driver.launch_words import show_failure
from raysp.io import files
from raysp.runs.folder import RunFolder

TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n    fit()\n'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{TRACE}raysp.errors.BadInput: hidden expected at least 1, got 0\n", "hidden expected at least 1, got 0"),
        (f"{TRACE}ValueError: boom\nmore of it\n", "ValueError: boom"),
    ],
)
def test_the_first_failure_is_a_line_and_its_traceback_stays_in_the_file(tmp_path, text, shown):
    run, trial, said = RunFolder(str(tmp_path)), Trial("sae", {}, None, "x", "d"), []
    path = run.trial(trial.id).error
    files.write_text(path, text)
    show_failure(run, [trial], {}, said.append)
    assert f"{trial.id}:\n  {shown}" in said[0]
    assert f"its traceback: {path}" in said[1]
    assert "Traceback (most" not in "".join(said)
    assert files.read_text(path) == text


def test_a_killed_worker_leaves_no_traceback_to_point_to(tmp_path):
    run, trial, said = RunFolder(str(tmp_path)), Trial("sae", {}, None, "x", "d"), []
    show_failure(run, [trial], {trial.id: {"error": "the trial killed its worker 3 times"}}, said.append)
    assert said[0].endswith(f"{trial.id}:\n  the trial killed its worker 3 times")
    assert "its traceback" not in "".join(said)
