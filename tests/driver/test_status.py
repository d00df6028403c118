"""What `raysp status` prints of a run."""

import filelock
import pytest

from raysp.driver.status import lines
from raysp.io import files
from raysp.io.terminal import Terminal
from raysp.io.yaml_files import read_yaml, write_yaml
from raysp.runs.lock import is_held


def shown(run, whole=False, width=100):
    return list(lines(run, Terminal(width), whole=whole))


def unfinished(made, *states):
    """Put trials of a finished run into these states; return them."""
    trials = made.run.trials()[: len(states)]
    for trial, state in zip(trials, states, strict=True):
        folder = made.run.trial(trial.id)
        files.remove(folder.done)
        if state == "missing":
            files.remove(folder.path)
        elif state == "failed":
            files.write_text(folder.error, "Traceback (most recent call last):\n  File\nValueError: too few\nspikes")
        else:
            files.write_text(folder.log, "2026-01-01 10:00:00 started\n2026-01-01 10:00:10 epoch 3, train_loss 0.5\n")
    return trials


def test_a_finished_run_is_its_scores_its_report_and_what_comes_next(made_up):
    first, *found = shown(made_up.run)
    count = len(made_up.run.trials())
    assert first == f"{made_up.run.path}: {count} trials, {count} done"
    assert any("(floor)" in line for line in found)
    assert found[-1].startswith("next: raysp report")
    assert not [line for line in found if any(trial.id in line for trial in made_up.run.trials())]
    assert max(map(len, shown(made_up.run, width=60)[1:-1])) <= 60


def test_what_is_left_is_counted_by_split_and_model_and_failures_say_why_once(made_up):
    trials = unfinished(made_up, "failed", "failed", "started", "missing")
    record = read_yaml(made_up.run.experiment)
    write_yaml(made_up.run.experiment, {**record, "submissions": [{"command": "raysp run mine.py --root d"}]})
    found = shown(made_up.run)
    assert found[0].endswith("1 missing") or "1 missing" in found[0]
    assert "2 failed" in found[0]
    assert "1 started" in found[0]
    assert [line for line in found if line.startswith(f"  {trials[0].split} ") and "/" in line]
    (why,) = [line for line in found if "ValueError" in line]
    assert why.endswith("(2 trials): ValueError: too few")
    assert f"  started  {trials[2].id}: 2026-01-01 10:00:10 epoch 3, train_loss 0.5" in found
    assert found[-1] == "next: raysp run mine.py --root d --retry"
    assert [line for line in shown(made_up.run, whole=True) if line == f"  missing  {trials[3].id}"]


def test_a_run_that_a_command_is_at_work_on_says_how_long_it_takes(made_up):
    trials = unfinished(made_up, "started", "missing")
    for trial in made_up.run.trials()[2:]:
        folder = made_up.run.trial(trial.id)
        files.write_json(folder.done, {**folder.read_done(), "seconds": 60.0})
    lock = filelock.FileLock(made_up.run.lock)
    assert not is_held(made_up.run)
    with lock:
        if not is_held(made_up.run):
            pytest.skip("this system does not tell of locks")
        found = shown(made_up.run)
    assert found[0].endswith("1 running, 1 missing, about 1:30 left") or "about 1:30 left" in found[0]
    assert f"  running  {trials[0].id}" in "\n".join(found)
    assert found[-1].startswith("at work on it: ")
    assert not is_held(made_up.run)
