"""A run on two machines that this one plays, each with its own network and processes; one is taken away and returns."""

import pathlib
import shutil
import subprocess
import sys
import time

import pytest

from raysp.data.standin.nlb import write_standin
from raysp.io import files
from raysp.runs.folder import RunFolder
from tests.cluster.own_host import REPOSITORY, why_not
from tests.cluster.ray_machines import RayMachines
from tests.faults.compare import differences

WHY_NOT = why_not()
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)),
]
EXPERIMENT = """
from raysp.config.experiment import Experiment, ModelChoice, Resources, Training

def experiment():
    return Experiment(
        name="{name}",
        splits=("mc_maze_small-20ms-val",),
        models=(ModelChoice("mean_rate"), ModelChoice("sae", {{"hidden": 16, "encoder_hidden": 16}})),
        training=Training(epochs={epochs}, batch_size=8, measure_every=20),
        seeds=(0, 1, 2),
        resources=Resources(max_crashes=20),
    )
"""
EPOCHS = 150


class Place:
    """Experiments and data that all machines share, and runs beside them."""

    def __init__(self, folder):
        self.folder, self.data = folder, folder / "data"
        write_standin(str(self.data), size="small", seed=0, datasets=["mc_maze_small"])

    def command(self, name, runs, *more, epochs=EPOCHS):
        path = self.folder / f"{name}.py"
        path.write_text(EXPERIMENT.format(name=name, epochs=epochs))
        where = ["--root", str(self.data), "--runs", str(self.folder / runs)]
        return [sys.executable, "-m", "raysp", "run", str(path), *where, *more]

    def run_folder(self, name, runs):
        return RunFolder(str(self.folder / runs / f"standin-{name}"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("nodes"))


@pytest.fixture(scope="module")
def quiet(place):
    """The same trials on this machine alone, undisturbed."""
    subprocess.run(place.command("work", "quiet"), check=True, cwd=REPOSITORY, timeout=3000)
    return place.run_folder("work", "quiet").path


@pytest.fixture
def machines(place, tmp_path):
    found = RayMachines(tmp_path / "hosts", place.folder)
    try:
        yield found
    finally:
        found.close()


def hosts(run):
    done = [run.trial(trial.id).done for trial in run.trials()]
    return [files.read_json(path)["host"] for path in done if files.exists(path)]


def until(condition, seconds=200):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.2)


def test_a_machine_that_is_taken_away_and_comes_back_costs_nothing_but_time(place, quiet, machines, tmp_path):
    machines.add("node1")
    machines.add("node2")
    output = tmp_path / "output.txt"
    process = machines.begin(*place.command("work", "disturbed"), output=output)
    run = place.run_folder("work", "disturbed")
    trials = pathlib.Path(run.path) / "trials"
    # Two trials are in training, so each machine has one.
    until(lambda: process.poll() is not None or len(list(trials.glob("sae*/checkpoint.pt"))) >= 2)
    machines.lose("node2")
    until(lambda: process.poll() is not None or "crashed" in output.read_text())
    machines.add("node2")
    assert process.wait(400) == 0, output.read_text()
    assert set(hosts(run)) == {"node1", "node2"}
    assert differences(quiet, run.path) == []
    # The first machine's trials went on all the while.
    assert output.read_text().count("crashed") == 1
    assert "FAILED" not in output.read_text()


def test_a_machine_that_never_comes_is_told_after_a_while_and_the_same_command_goes_on(place, machines):
    # The first waits to prepare data, the second, where that is done, to train.
    for name, expected in (("late", "no machine with 1 CPU slots was there"), ("later", "no worker was alive")):
        command = place.command(name, name, "--set", "resources.machines_within_min=0.2", epochs=2)
        done = machines.run(*command, check=False)
        assert done.returncode != 0
        assert f"{expected} for 0.2 minutes" in done.stdout
        assert "Traceback" not in done.stdout
        machines.add("node1")
        done = machines.run(*command[:-2])
        assert "6 of 6 trials done" in done.stdout
        machines.lose("node1")
        machines.wait_for(0)


def test_a_machine_without_the_data_is_refused_before_anything_starts(place, machines):
    machines.add("node1")
    machines.add("node2", f"mount -t tmpfs none {place.data}")
    done = machines.run(*place.command("blind", "blind", epochs=2), check=False)
    assert done.returncode != 0
    assert f"machine {machines.address('node2')} of the cluster cannot run trials: it does not see" in done.stdout
    assert not files.exists(place.run_folder("blind", "blind").experiment)


def test_a_machine_with_its_own_folder_of_runs_is_refused(place, machines):
    (place.folder / "own").mkdir()
    machines.add("node1", f"mount -t tmpfs none {place.folder / 'own'}")
    done = machines.run(*place.command("own", "own", epochs=2), check=False)
    assert done.returncode != 0
    assert "give --runs a folder that all machines share" in done.stdout


def test_a_machine_with_other_code_is_refused(place, machines, tmp_path):
    changed = place.folder / "changed"
    copy = f"cp -r {REPOSITORY}/raysp {changed} && echo '# newer' >> {changed}/errors.py"
    machines.add("node1", f"{copy} && mount --bind {changed} {REPOSITORY}/raysp")
    done = machines.run(*place.command("code", "code", epochs=2), check=False)
    assert done.returncode != 0
    assert "it has other code of raysp" in done.stdout


def test_own_code_that_the_driver_alone_has_runs_on_another_machine(place, machines):
    mine = place.folder / "mine"
    shutil.copytree(REPOSITORY / "tests" / "own", mine, ignore=shutil.ignore_patterns("__pycache__"))
    node = machines.add("node1", f"mount -t tmpfs none {mine}")
    assert node.run("ls", str(mine)).stdout == ""
    where = ["--root", str(place.data), "--runs", str(place.folder / "own code")]
    done = machines.run(sys.executable, "-m", "raysp", "run", str(mine / "mine.py"), *where)
    assert "2 of 2 trials done" in done.stdout
    assert hosts(RunFolder(str(place.folder / "own code" / "mine"))) == ["node1"] * 2


def test_a_machine_that_comes_late_and_sees_no_data_takes_no_trials_and_the_others_do(place, machines, tmp_path):
    machines.add("node1")
    output = tmp_path / "output.txt"
    command = place.command("mixed", "mixed", "--set", "resources.workers=2", epochs=60)
    process = machines.begin(*command, output=output)
    until(lambda: process.poll() is not None or "done    " in output.read_text())
    machines.add("node2", f"mount -t tmpfs none {place.data}")
    assert process.wait(400) == 0, output.read_text()
    assert f"machine {machines.address('node2')} takes no trials: it does not see" in output.read_text()
    assert set(hosts(place.run_folder("mixed", "mixed"))) == {"node1"}
