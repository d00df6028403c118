import dataclasses
import os
import subprocess
import sys

import pytest

from raysp.config import code_hash
from raysp.config.experiment import Experiment, ModelChoice, Trial
from raysp.data.splits import store
from raysp.data.splits.header import Header, Provenance
from raysp.data.splits.population import Sizes
from raysp.driver.plan import Plan
from raysp.driver.record import write_record
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.runs.lock import locked
from raysp.runs.provenance import versions

CODE = code_hash.digest(code_hash.of_model("mean_rate"))
TRIAL = Trial("mean_rate", {}, None, "a", "x" * 64, code=CODE)
EXPERIMENT = Experiment(name="e", models=(ModelChoice("mean_rate"),), splits=("*",))


@pytest.fixture
def run(tmp_path, monkeypatch):
    sizes = Sizes("a", 5.0, 10, 3)
    header = Header("a", "population", sizes, "x" * 64, Provenance(builder="b-1"), {}, {"train": 3, "eval": 2})
    monkeypatch.setattr(store, "header", lambda root, name: header)
    return RunFolder(str(tmp_path / "e"))


def test_the_record_says_what_was_run_from_which_code_on_which_data(run):
    write_record(run, EXPERIMENT, Plan((TRIAL,), (("true_rates", "a", "no truth"),)), "data")
    record = run.record()
    assert run.trials() == [TRIAL]
    assert record["data"]["a"]["fingerprint"] == "x" * 64
    assert record["submissions"][0]["versions"]["torch"] == versions()["torch"]
    assert record["left_out"] == [["true_rates", "a", "no truth"]]
    assert not record["standin"]


def test_the_trials_are_those_of_the_file_also_when_it_changes(run):
    write_record(run, EXPERIMENT, Plan((TRIAL,), ()), "data")
    run.trials().append("of the caller's list alone")
    assert run.trials() == [TRIAL]
    other = dataclasses.replace(TRIAL, seed=7)
    write_record(run, EXPERIMENT, Plan((other,), ()), "data")
    assert run.trials() == [other]
    files.remove(run.experiment)
    with pytest.raises(NotReady, match="not a run folder"):
        run.trials()


def test_no_password_of_the_command_is_in_the_record(run, monkeypatch):
    monkeypatch.setenv("OWN_TOKEN", "hunter2-hunter2")
    given = ["--tracking", "http://me:hunter3@host:5000", "--token", "hunter4", "--set", "a.b=hunter2-hunter2"]
    monkeypatch.setattr(sys, "argv", ["/x/e.py", *given])
    write_record(run, EXPERIMENT, Plan((TRIAL,)), "data")
    assert "hunter" not in files.read_text(run.experiment)
    command = "e.py --tracking http://***@host:5000 --token *** --set a.b=***"
    assert run.record()["submissions"][0]["command"] == command


def test_later_submissions_add_splits_and_replace_changed_settings(run):
    write_record(run, EXPERIMENT, Plan((TRIAL,)), "data")
    other = dataclasses.replace(TRIAL, split="b")
    changed = dataclasses.replace(TRIAL, hyperparameters={"k": 1})
    write_record(run, EXPERIMENT, Plan((other,)), "data")
    assert run.trials() == [TRIAL, other]
    write_record(run, EXPERIMENT, Plan((changed,)), "data")
    assert run.trials() == [other, changed]
    assert len(run.record()["submissions"]) == 3


def test_the_record_has_the_files_behind_the_code_of_its_trials(run):
    write_record(run, EXPERIMENT, Plan((TRIAL,)), "data")
    assert run.record()["code"] == {CODE: dict(code_hash.of_model("mean_rate"))}


def test_a_damaged_record_and_a_missing_one_are_told_apart(run):
    with pytest.raises(NotReady, match="not a run folder"):
        run.record()
    files.write_text(run.experiment, "just text")
    with pytest.raises(BadInput, match="damaged"):
        run.record()


def test_a_second_driver_is_refused_and_a_killed_one_leaves_no_lock(run):
    script = (
        "import sys, time\nfrom raysp.runs.lock import locked\nfrom raysp.runs.folder import RunFolder\n"
        "with locked(RunFolder(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, run.path], stdout=subprocess.PIPE, text=True)
    with child.stdout:
        assert child.stdout.readline() == "held\n"
        with pytest.raises(BadInput, match=f"process {child.pid}"), locked(run):
            pass
        child.kill()
        child.wait()
    with locked(run):
        assert os.path.exists(run.lock)
