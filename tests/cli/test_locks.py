import os

import pytest
from click.testing import CliRunner

from raysp import cli
from raysp.config.experiment import Trial
from raysp.io import files
from raysp.io.yaml_files import write_yaml
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.lock import locked

TRIAL = Trial("mean_rate", {}, None, "a", "0" * 64)


@pytest.fixture
def run(tmp_path):
    run = RunFolder(str(tmp_path / "run"))
    write_yaml(run.experiment, {"trials": [trial_to(TRIAL)], "earlier": [trial_to(TRIAL) | {"id": "a_s9_left"}]})
    return run


def content(folder):
    return {
        os.path.join(where, name): os.stat(os.path.join(where, name)).st_mtime_ns
        for where, _, names in os.walk(folder)
        for name in names
    }


@pytest.mark.parametrize("verb", ["evaluate", "collect", "report"])
def test_what_writes_into_a_run_holds_its_lock_and_says_who_has_it(run, verb):
    with locked(run):
        before = content(run.path)
        done = CliRunner().invoke(cli.main, [verb, run.path])
        assert content(run.path) == before
    assert done.exit_code == 2
    assert f"{run.path} is being run by process {os.getpid()} on " in done.output
    assert files.listing(run.path) == [".lock", ".lock-holder", "experiment.yaml"]


@pytest.mark.parametrize("verb", ["evaluate", "status"])
def test_a_run_that_has_just_begun_is_named_as_such(tmp_path, verb):
    run = RunFolder(str(tmp_path / "run"))
    with locked(run):
        done = CliRunner().invoke(cli.main, [verb, run.path])
    assert done.exit_code == 2
    assert f"{run.path} holds no run yet: one was begun by process {os.getpid()} on " in done.output


@pytest.mark.parametrize("verb", ["evaluate", "collect", "report", "status"])
def test_no_folder_comes_to_be_by_looking_for_a_run(tmp_path, verb):
    done = CliRunner().invoke(cli.main, [verb, str(tmp_path / "none")])
    assert done.exit_code == 2
    assert "not a run folder" in done.output
    assert files.listing(str(tmp_path)) == []


def test_a_look_at_a_run_changes_nothing_and_names_what_is_left_out(run):
    before = content(run.path)
    assert "1 trial of an earlier form" in CliRunner().invoke(cli.main, ["status", run.path]).output
    done = CliRunner().invoke(cli.main, ["status", run.path, "--all"])
    assert done.exit_code == 0
    assert done.output.splitlines()[:3] == [
        f"  missing  {TRIAL.id}",
        "  left out a_s9_left (of an earlier form of the experiment, or of other code)",
        f"{run.path}: 1 trial, 1 missing",
    ]
    assert content(run.path) == before
