import pytest

from raysp.config.experiment import Experiment, ModelChoice, Training, Trial
from raysp.driver.launch import Request, launch
from raysp.driver.launch_words import say_replaced, show_failure
from raysp.errors import BadInput
from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.search.settings_file import adopt, read_settings
from tests.search.test_settings_file import finished

SPLITS = ["mc_maze_small-20ms-val", "mc_maze_small-20ms-test", "mc_rtt-20ms-val"]


def replaced(folder, **changes):
    mine, best, lines = Experiment("x", (ModelChoice("sae"),), ("*",), **changes), read_settings(folder), []
    say_replaced(mine, adopt(mine, best, SPLITS)[0], best, SPLITS, lines.append)
    return lines


def test_values_that_give_way_to_the_sweep_though_it_did_not_search_them_are_told(tmp_path):
    finished(tmp_path)
    swept = Training()
    mine = Training(epochs=swept.epochs + 1, batch_size=swept.batch_size + 2, learning_rate=0.5)
    message = f"also epochs {mine.epochs} -> {swept.epochs}, batch_size {mine.batch_size} -> {swept.batch_size}"
    assert replaced(str(tmp_path), training=mine) == [
        f"sae on {SPLITS[0]}, {SPLITS[1]}: {message}, as the sweep had it"
    ]
    assert replaced(str(tmp_path), training=swept) == []


TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n    fit()\n'


def test_a_candidate_without_its_sweep_is_refused_before_any_recording_is_looked_for():
    absent = Experiment("x", (ModelChoice("means"),), ("nlb_nowhere",))
    with pytest.raises(BadInput, match="--candidate expected the sweep"):
        launch(absent, Request(candidate=3), print)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{TRACE}raysp.errors.BadInput: hidden expected at least 1, got 0\n", "hidden expected at least 1, got 0"),
        (f"{TRACE}ValueError: boom\nmore of it\n", "ValueError: boom"),
    ],
)
def test_the_first_failure_is_a_line_and_its_traceback_stays_in_the_file(tmp_path, text, shown):
    run, trial, output = RunFolder(str(tmp_path)), Trial("sae", {}, None, "x", "d"), []
    path = run.trial(trial.id).error
    files.write_text(path, text)
    show_failure(run, [trial], {}, output.append)
    assert f"{trial.id}:\n  {shown}" in output[0]
    assert f"its traceback: {path}" in output[1]
    assert "Traceback (most" not in "".join(output)
    assert files.read_text(path) == text


def test_a_killed_worker_leaves_no_traceback_to_point_to(tmp_path):
    run, trial, output = RunFolder(str(tmp_path)), Trial("sae", {}, None, "x", "d"), []
    show_failure(run, [trial], {trial.id: {"error": "the trial killed its worker 3 times"}}, output.append)
    assert output[0].endswith(f"{trial.id}:\n  the trial killed its worker 3 times")
    assert "its traceback" not in "".join(output)


def test_what_had_no_time_to_finish_has_not_failed(tmp_path):
    run, trial, output = RunFolder(str(tmp_path)), Trial("sae", {}, None, "x", "d"), []
    show_failure(run, [trial], {trial.id: {"error": ""}}, output.append, timed=True)
    assert output == ["  1 trial had no time to finish: more minutes go on with them"]
    files.write_text(run.trial(trial.id).error, f"{TRACE}ValueError: boom\n")
    show_failure(run, [trial], {}, output.append, timed=True)
    assert any("--retry" in line for line in output)
