"""`ray up`, `ray submit`, `ray job submit` for real: a host of the test's own, by SSH, with the token and MLflow."""

import ipaddress
import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml

from raysp.data.standin.nlb import write_standin
from raysp.io import files
from raysp.kinds.population.rates_file import read_rates
from raysp.runs.folder import RunFolder
from tests.cluster.own_host import REPOSITORY, OwnHost, why_not

WHY_NOT = why_not()
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)),
]
LOOPBACK = "export RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0"
EXPERIMENT = """
from raysp.config.experiment import Experiment, ModelChoice, Training

def experiment():
    return Experiment(
        name="tiny",
        splits=("mc_maze_small-20ms-val",),
        models=(ModelChoice("mean_rate"), ModelChoice("sae", {"hidden": 8, "encoder_hidden": 8})),
        training=Training(epochs=1, batch_size=32),
    )

if __name__ == "__main__":
    from raysp.cli import run_file
    run_file(__file__)
"""


class Laptop:
    """Where a person types: other home, other notes of clusters than the host that becomes the head."""

    def __init__(self, place, head):
        self.home, self.head = place / "laptop", head
        self.settings = {"HOME": str(self.home), "RAY_TMPDIR": str(self.home), "RAY_USAGE_STATS_ENABLED": "0"}
        self.cluster = str(self.home / "cluster.yaml")
        self.home.mkdir()

    def types(self, *words, **more):
        return self.head.run(*words, **{"timeout": 400, **more}, **self.settings)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ssh")
    write_standin(str(folder / "data"), size="small", seed=0, datasets=["mc_maze_small"])
    (folder / "tiny.py").write_text(EXPERIMENT)
    (folder / "broken.py").write_text("import sys\nraise ValueError(f'as told {sys.argv[1]}')\n")
    return folder


@pytest.fixture(scope="module")
def laptop(place):
    head = OwnHost(place / "head", place, REPOSITORY, pathlib.Path(sys.prefix))
    try:
        # Were anything to listen on more than loopback, here is an address that it would be found on.
        head.run("ip", "address", "add", "10.9.0.1/24", "dev", "lo")
        head.run("ip", "route", "add", "default", "dev", "lo", "src", "10.9.0.1")
        laptop = Laptop(place, head)
        head.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(laptop.home / "key"))
        head.start_sshd("127.0.0.1", (laptop.home / "key.pub").read_text())
        laptop.types("bash", "-c", "umask 077; ray get-auth-token --generate > /dev/null")
        # What setup.sh makes is here already.
        (head.home / "venv").symlink_to(pathlib.Path(sys.executable).parent.parent)
        pathlib.Path(laptop.cluster).write_text(yaml.safe_dump(filled_in(laptop.home / "key")))
        laptop.up = laptop.types("ray", "up", "--yes", laptop.cluster).stdout
        yield laptop
    finally:
        head.close()


def filled_in(key):
    """clusters/onprem.yaml with the lines filled in that are a user's, for one machine and loopback alone."""
    config = yaml.safe_load((REPOSITORY / "clusters" / "onprem.yaml").read_text())
    config["provider"] |= {"head_ip": "127.0.0.1", "worker_ips": []}
    config["auth"] = {"ssh_user": "root", "ssh_private_key": str(key)}
    config |= {"min_workers": 0, "max_workers": 0}
    kept = [command for command in config["setup_commands"] if "setup.sh" not in command]
    assert len(kept) == len(config["setup_commands"]) - 1
    config["setup_commands"] = [*kept, f"grep -qs OSX_CLUSTER ~/.bashrc || echo '{LOOPBACK}' >> ~/.bashrc"]
    return config


def arguments(place, runs):
    return ["--root", str(place / "data"), "--runs", str(place / runs), "--tracking", "http://127.0.0.1:5000"]


@pytest.fixture(scope="module")
def submitted(laptop, place):
    done = laptop.types("ray", "submit", laptop.cluster, str(place / "tiny.py"), "--", *arguments(place, "submitted"))
    return RunFolder(str(place / "submitted" / "standin-tiny")), done.stdout


def check_outputs(run):
    trials = run.trials()
    assert {trial.model for trial in trials} == {"mean_rate", "sae"}
    assert all(run.trial(trial.id).state() == "done" for trial in trials)
    assert {"metrics.parquet", "predictions", "standin-submission-val.h5"} <= set(files.listing(run.path))
    assert files.exists(run.report + "/report.html")


def test_ray_submit_brings_all_that_the_main_job_promises(submitted):
    run, output = submitted
    check_outputs(run)
    assert "2 of 2 trials done" in output
    assert "tracking:" not in output


def test_the_code_that_ran_is_that_which_was_copied(submitted, laptop):
    run, _ = submitted
    copied = laptop.head.home / "project" / "raysp"
    assert (copied / "data" / "nlb" / "sets.py").exists()
    # The copy is no checkout, so what ran elsewhere would have told its commit.
    assert [entry["commit"] for entry in run.record()["submissions"]] == ["unknown"]


def test_mlflow_on_the_head_holds_the_runs(submitted, laptop):
    ask = f"curl -sf '127.0.0.1:5000/api/2.0/mlflow/experiments/get-by-name?experiment_name={submitted[0].name}'"
    found = json.loads(laptop.types("bash", "-c", ask).stdout)
    assert found["experiment"]["name"] == "standin-tiny"


def test_everything_on_the_head_listens_on_loopback_only(submitted, laptop):
    listening = laptop.head.listening()
    assert {"8265", "5000", "6379"} <= {port for _, port in listening}
    assert all(ipaddress.ip_address(address).is_loopback for address, _ in listening), listening


def test_the_token_lies_in_its_owners_file_and_nowhere_else(submitted, laptop):
    token = (laptop.home / ".ray" / "auth_token").read_text()
    arrived = laptop.head.home / ".ray" / "auth_token"
    assert arrived.read_text() == token
    assert arrived.stat().st_mode & 0o777 == 0o600
    assert len(token) >= 32
    assert token not in laptop.up + submitted[1] + laptop.head.run("ps", "-eww", "-o", "args").stdout
    logs = laptop.head.run("grep", "-rlF", "-e", token, "/tmp/ray", str(laptop.head.home), check=False).stdout.split()
    assert logs == [str(arrived)]


@pytest.mark.parametrize("settings", [{"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_TOKEN": "f" * 64}])
def test_who_has_not_the_token_is_refused(laptop, settings):
    known = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
    asking = ("ray", "status", "--address", "127.0.0.1:6379")
    assert "CPU" in laptop.head.run(*asking, **known).stdout
    done = laptop.head.run(*asking, check=False, **{**known, **settings})
    assert done.returncode != 0
    assert "token" in done.stdout


def test_a_project_of_ones_own_is_copied_and_run_with_its_model_and_source(laptop, place):
    shutil.copytree(REPOSITORY / "tests" / "own", place / "mine", ignore=shutil.ignore_patterns("__pycache__"))
    laptop.types("ray", "rsync-up", laptop.cluster, f"{place / 'mine'}/", "~/mine/")
    command = ["cd", "~/mine", "&&", "raysp", "run", "mine.py", *arguments(place, "own")]
    done = laptop.types("ray", "exec", laptop.cluster, " ".join(command))
    run = RunFolder(str(place / "own" / "mine"))
    assert "2 of 2 trials done" in done.stdout
    assert {trial.model: run.trial(trial.id).state() for trial in run.trials()} == {"mean_rate": "done", "lstm": "done"}
    assert len(files.listing(run.code)) == 2
    assert files.exists(run.report + "/report.html")


def test_a_script_that_fails_ends_ray_submit_with_an_error_and_its_traceback(laptop, place):
    done = laptop.types("ray", "submit", laptop.cluster, str(place / "broken.py"), "--", "so", check=False)
    assert done.returncode != 0
    assert "ValueError: as told so" in done.stdout


def test_ray_job_submit_gives_the_same_numbers(submitted, laptop, place):
    folder = place / "working"
    (folder / "experiments").mkdir(parents=True)
    (folder / "experiments" / "tiny.py").write_text(EXPERIMENT)
    job = ["ray", "job", "submit", "--address", "http://127.0.0.1:8265", "--working-dir", str(folder), "--"]
    laptop.settings["RAY_AUTH_MODE"] = "token"
    laptop.types(*job, "python", "experiments/tiny.py", *arguments(place, "job"))
    run = RunFolder(str(place / "job" / "standin-tiny"))
    check_outputs(run)
    for trial in run.trials():
        mine, _ = read_rates(run.trial(trial.id).predictions, "eval")
        other, _ = read_rates(submitted[0].trial(trial.id).predictions, "eval")
        np.testing.assert_array_equal(mine, other)
    failed = laptop.types(*job, "python", "-c", "raise ValueError(3)", check=False)
    assert failed.returncode != 0
    assert "ValueError: 3" in failed.stdout


def test_ray_down_ends_ray_there_and_nothing_else(submitted, laptop, place):
    # To `ray stop` whatever is called raylet is Ray's: one such process on the host, and one elsewhere on this machine.
    raylet = shutil.copy("/bin/bash", place / "raylet")
    waiting = [str(raylet), "-c", "read"]
    there = subprocess.Popen(laptop.head.command(*waiting), stdin=subprocess.PIPE)
    elsewhere = subprocess.Popen(waiting, stdin=subprocess.PIPE)
    try:
        laptop.types("ray", "down", "--yes", laptop.cluster)
        assert there.wait(20) != 0
        assert elsewhere.poll() is None
    finally:
        there.kill()
        elsewhere.kill()
        there.communicate()
        elsewhere.communicate()
    running = laptop.head.run("ps", "-e", "-o", "comm").stdout
    assert not any(name in running for name in ("raylet", "gcs_server", "ray-dashboard"))
    # MLflow is not Ray's, and stays.
    assert {port for _, port in laptop.head.listening()} == {"22", "5000"}
