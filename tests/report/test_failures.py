"""What failed: causes first, the same failure once."""

import dataclasses

import pytest
import yaml

from raysp.driver.report import open_run
from raysp.errors import last_line
from raysp.io import files
from raysp.report.failures import failures
from raysp.runs.folder import trial_to

TRACE = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n'


def fail(made, trial, text):
    folder = made.run.trial(trial.id)
    files.remove(folder.done)
    files.write_text(folder.error, text)


def test_same_error_is_shown_once_with_all_its_trials(made_up):
    for seed in (0, 1):
        fail(made_up, made_up.trial("sae", seed=seed), f"{TRACE}ValueError: NaN loss\n")
    fail(made_up, made_up.trial("mean_rate"), f"{TRACE}OSError: disk full\n")
    found = failures(open_run(made_up.run, made_up.root))
    assert sorted((one.error, len(one.trials)) for one in found) == [
        ("OSError: disk full", 1),
        ("ValueError: NaN loss", 2),
    ]
    assert all(one.traceback.startswith("Traceback") for one in found)


def test_a_consequence_comes_after_its_cause(made_up):
    cause, val = made_up.trial("sae", split=1), made_up.trial("sae", split=0)
    follower = dataclasses.replace(val, follows=cause.id)
    record = made_up.run.record()
    record["trials"].append(trial_to(follower))
    files.write_text(made_up.run.experiment, yaml.safe_dump(record))
    fail(made_up, follower, f"{TRACE}raysp.errors.NotReady: the other is not finished\n")
    fail(made_up, cause, f"{TRACE}RuntimeError: CUDA out of memory\n")
    found = failures(open_run(made_up.run, made_up.root))
    assert [(one.error.split(":")[0], one.follows) for one in found] == [
        ("RuntimeError", False),
        ("the other is not finished", True),
    ]


def test_no_failure(shared_run):
    assert failures(open_run(shared_run.run, shared_run.root)) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{TRACE}KeyError: 'x'\n", "KeyError: 'x'"),
        (f"{TRACE}RuntimeError: first\nsecond line of it\n", "RuntimeError: first"),
        ("one line only", "one line only"),
        ("", "no traceback was written"),
    ],
)
def test_last_line(text, line):
    assert last_line(text) == line
