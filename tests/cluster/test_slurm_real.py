"""`raysp slurm` on a real Slurm of two machines that this one plays: each its own network, processes and /tmp."""

import contextlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import polars
import pytest

from raysp.io import files
from raysp.kinds.population.rates_file import read_rates
from raysp.runs.folder import RunFolder
from tests.cluster.slurm_machines import REPOSITORY, Cluster, lacking

LACKING = lacking()
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(LACKING is not None, reason=f"no Slurm to try: {LACKING}"),
]
EPOCHS = 60
EXPERIMENT = f"""
from raysp.config.experiment import Experiment, ModelChoice, Training

def experiment():
    return Experiment(
        name="spikes",
        splits=("mc_maze_small-20ms-val",),
        models=(ModelChoice("mean_rate"), ModelChoice("sae", {{"hidden": 16, "encoder_hidden": 16}})),
        training=Training(epochs={EPOCHS}, patience=0, batch_size=8, measure_every=20),
    )
"""
# A checkpoint each fifth of a second, so that whatever ends a job lands between two of them.
ENVIRONMENT = f"export RAYSP_CHECKPOINT_S=0.2 PYTHONPATH={shlex.quote(str(REPOSITORY))}\n"
PATIENCE_S = 600.0
# Where Slurm itself ends a job, it does not find the processes whose parent went first: so it is with the simplest of
# its ways to tell which are the job's, in use here. They end when they notice that their raylet is gone.
ORPHANS_S = 60.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, standin_root):
    folder = tmp_path_factory.mktemp("slurm")
    (folder / "spikes.py").write_text(EXPERIMENT)
    own = shutil.copytree(REPOSITORY / "tests" / "own", folder / "own", ignore=shutil.ignore_patterns("__pycache__"))
    played = Cluster(folder, shared=(standin_root,), hidden={"node1": str(own)})
    try:
        played.start()
        yield played
    finally:
        played.stop()


def written(cluster, root, runs, *options, experiment="spikes.py"):
    """Write the script as a person does: `raysp slurm ... > job.sbatch`."""
    command = [sys.executable, "-m", "raysp", "slurm", experiment, "--cpus-per-task", "2", *options]
    done = subprocess.run(
        [*command, "--", "--root", root, "--runs", runs],
        capture_output=True,
        text=True,
        check=True,
        cwd=cluster.folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    path = cluster.folder / f"{runs}.sbatch"
    path.write_text(done.stdout.replace("set -u -m\n", f"set -u -m\n{ENVIRONMENT}"))
    return path


def the_run(cluster, runs):
    return RunFolder(str(cluster.folder / runs / "standin-spikes"))


def sae(run):
    if not files.exists(run.experiment):
        return None
    return next(run.trial(trial.id) for trial in run.trials() if trial.model == "sae")


def training(run):
    return (folder := sae(run)) is not None and files.exists(folder.checkpoint) and folder.state() == "started"


def until(condition, cluster, number):
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        state = cluster.job(number)["JobState"]
        assert state in ("PENDING", "CONFIGURING", "RUNNING"), f"{state}: {cluster.output(number)}"
        assert time.monotonic() < end, cluster.output(number)
        time.sleep(0.1)
    return found


def token_files(cluster):
    return [path for node in cluster.nodes for own in cluster.temporary(node) for path in own.glob("token")]


def assert_nothing_is_left(cluster, within_s=0.0):
    end = time.monotonic() + within_s
    for node in cluster.nodes:
        while time.monotonic() < end and cluster.processes(node):
            time.sleep(0.2)
        assert cluster.processes(node) == []
        assert cluster.temporary(node) == []


@pytest.fixture(scope="module")
def quiet(cluster, standin_root):
    """A job on both nodes that nobody disturbs, and what was seen of it while it trained."""
    number = cluster.submit(written(cluster, standin_root, "quiet", "--nodes", "2", "--gpus-per-node", "1"))
    until(lambda: training(the_run(cluster, "quiet")), cluster, number)
    seen = {"tokens": token_files(cluster), "told": [path.read_text().strip() for path in token_files(cluster)]}
    seen["modes"] = [path.stat().st_mode & 0o777 for one in seen["tokens"] for path in (one, one.parent)]
    seen["commands"] = [line for node in cluster.nodes for line in cluster.processes(node)]
    seen["environments"] = [values for node in cluster.nodes for values in cluster.environments(node)]
    seen["raylets"] = [sum("raylet/raylet" in line for line in cluster.processes(node)) for node in cluster.nodes]
    seen["state"] = cluster.wait(number, PATIENCE_S)
    return number, seen


def test_a_job_on_two_nodes_leaves_a_submission_and_no_process(cluster, quiet):
    number, seen = quiet
    assert seen["state"] == "COMPLETED", cluster.output(number)
    assert cluster.job(number)["ExitCode"] == "0:0"
    assert seen["raylets"] == [1, 1]
    assert "2 of 2 trials done" in cluster.output(number)
    run = the_run(cluster, "quiet")
    assert [run.trial(trial.id).state() for trial in run.trials()] == ["done", "done"]
    assert files.exists(run.submission("val", standin=True))
    assert_nothing_is_left(cluster)


def test_each_node_offered_what_slurm_gave_it(quiet):
    starts = [line for line in quiet[1]["commands"] if "start --block" in line]
    assert len(starts) == 2
    assert all("--num-cpus=2 --num-gpus=1" in line for line in starts)


def test_the_token_was_only_in_files_of_this_user_and_is_gone(cluster, quiet):
    number, seen = quiet
    assert len(seen["tokens"]) == 2
    (token,) = set(seen["told"])
    assert re.fullmatch("[0-9a-f]{64}", token)
    assert seen["modes"] == [0o600, 0o700] * 2
    assert not any(token in line for line in seen["commands"])
    assert not any(token in value for values in seen["environments"] for value in values.values())
    assert token not in cluster.output(number)
    run = pathlib.Path(the_run(cluster, "quiet").path)
    assert not any(token.encode() in path.read_bytes() for path in run.rglob("*") if path.is_file())
    assert not any(path.exists() for path in seen["tokens"])


def assert_same(run, other):
    assert run.trials() == other.trials()
    assert polars.read_parquet(sae(run).curve)["epoch"].to_list() == list(range(1, EPOCHS + 1))
    for trial in run.trials():
        assert run.trial(trial.id).state() == "done"
        for part in ("train", "eval"):
            mine, _ = read_rates(run.trial(trial.id).predictions, part)
            theirs, _ = read_rates(other.trial(trial.id).predictions, part)
            np.testing.assert_array_equal(mine, theirs)
    assert polars.read_parquet(run.metrics).height == polars.read_parquet(other.metrics).height


@contextlib.contextmanager
def standing_still(cluster, run, number):
    """Let a job's training stand still from its first checkpoint on: no machine is so fast that it ends too early."""
    began = time.time()
    until(lambda: training(run) and os.path.getmtime(sae(run).checkpoint) > began, cluster, number)
    cluster.signal("ray::RayTrainWorker", signal.SIGSTOP)
    try:
        assert sae(run).state() == "started"
        yield
    finally:
        cluster.signal("ray::RayTrainWorker", signal.SIGCONT)


def limit(cluster, number, minutes):
    """Set a running job's time limit, to so many minutes from now less a part of one."""
    hours, began, _ = cluster.job(number)["RunTime"].rsplit("-")[-1].split(":")
    cluster.command("scontrol", "update", f"JobId={number}", f"TimeLimit={60 * int(hours) + int(began) + minutes}")


def test_a_job_that_slurm_tells_of_its_time_limit_saves_its_state_and_goes_on_when_submitted_again(
    cluster, standin_root, quiet
):
    run, told = the_run(cluster, "told"), cluster.folder / "slurm told it"
    script = written(cluster, standin_root, "told", "--nodes", "2", "--gpus-per-node", "1", "--time", "60")
    script.write_text(script.read_text().replace("trap 'ending=yes;", f'trap \'touch "{told}"; ending=yes;'))
    first = cluster.submit(script)
    with standing_still(cluster, run, first):
        # The notice comes two minutes before the limit, or up to one sooner: Slurm looks at its clock twice a minute.
        limit(cluster, first, 3)
        until(told.exists, cluster, first)
    assert cluster.wait(first) == "FAILED"
    assert cluster.job(first)["ExitCode"] == "130:0"
    assert "raysp: interrupted" in cluster.output(first)
    assert sae(run).state() == "started"
    assert_nothing_is_left(cluster)

    second = cluster.submit(script)
    assert cluster.wait(second, PATIENCE_S) == "COMPLETED", cluster.output(second)
    assert_nothing_is_left(cluster)
    assert_same(run, the_run(cluster, "quiet"))


def test_a_job_that_slurm_ends_at_its_time_limit_goes_on_when_submitted_again(cluster, standin_root, quiet):
    run = the_run(cluster, "ended")
    script = written(cluster, standin_root, "ended", "--nodes", "2", "--gpus-per-node", "1", "--time", "60")
    # Nobody tells it before.
    script.write_text(re.sub("#SBATCH --signal=.*\n", "", script.read_text()))
    first = cluster.submit(script)
    with standing_still(cluster, run, first):
        limit(cluster, first, 1)
        leave("RUNNING", cluster, first)
    assert cluster.wait(first) == "TIMEOUT"
    assert "DUE TO TIME LIMIT" in cluster.output(first)
    assert sae(run).state() == "started"
    assert_nothing_is_left(cluster, ORPHANS_S)

    second = cluster.submit(script)
    assert cluster.wait(second, PATIENCE_S) == "COMPLETED", cluster.output(second)
    assert_nothing_is_left(cluster)
    assert_same(run, the_run(cluster, "quiet"))


def leave(state, cluster, number):
    end = time.monotonic() + PATIENCE_S
    while cluster.job(number)["JobState"] == state:
        assert time.monotonic() < end, cluster.output(number)
        time.sleep(0.1)


def requeue(cluster, number):
    cluster.command("scontrol", "requeue", number)


def preempt(cluster, number):
    options = ("--partition=urgent", "--nodes=2", "--exclusive", "--wrap=true")
    other = cluster.command("sbatch", "--parsable", *options).stdout.strip()
    assert cluster.wait(other) == "COMPLETED"


def test_a_job_that_is_requeued_and_then_preempted_goes_on_by_itself(cluster, standin_root, quiet):
    run = the_run(cluster, "again")
    number = cluster.submit(written(cluster, standin_root, "again", "--nodes", "2", "--gpus-per-node", "1"))
    for disturb in (requeue, preempt):
        with standing_still(cluster, run, number):
            disturb(cluster, number)
            leave("RUNNING", cluster, number)
        leave("COMPLETING", cluster, number)
        assert cluster.job(number)["JobState"] == "PENDING"
        assert sae(run).state() == "started"
        assert_nothing_is_left(cluster, ORPHANS_S)
        # Slurm would let it wait for two minutes.
        cluster.command("scontrol", "update", f"JobId={number}", "StartTime=now")
    assert cluster.wait(number, PATIENCE_S) == "COMPLETED", cluster.output(number)
    assert cluster.job(number)["Restarts"] == "2"
    assert all(f"DUE TO {reason}" in cluster.output(number) for reason in ("JOB REQUEUE", "PREEMPTION"))
    assert_nothing_is_left(cluster)
    assert_same(run, the_run(cluster, "quiet"))


def test_own_code_that_lies_on_the_first_node_alone_runs_on_the_other_too(cluster):
    root, mine, model = (cluster.folder / name for name in ("own data", "own/mine.py", "own/models/lstm.py"))
    root.mkdir()
    mine.write_text(mine.read_text().replace("resources=Resources(workers=1)", "seeds=(0, 1, 2, 3)"))
    # Slow on the first node, so that the other, which takes longer to start, is in time for some.
    slow = "        time.sleep(3 * (os.uname().nodename == 'node0'))\n        target = batch.whole()"
    text = model.read_text().replace("import torch\n", "import os\nimport time\n\nimport torch\n", 1)
    model.write_text(text.replace("        target = batch.whole()", slow))
    script = written(cluster, str(root), "own code", "--nodes", "2", experiment="own/mine.py")
    number = cluster.submit(script)
    assert cluster.wait(number, PATIENCE_S) == "COMPLETED", cluster.output(number)
    assert "8 of 8 trials done" in cluster.output(number)
    run = RunFolder(str(cluster.folder / "own code" / "mine"))
    done = [run.trial(trial.id).read_done("host")["host"] for trial in run.trials() if trial.model == "lstm"]
    assert set(done) == {"node0", "node1"}
    assert_nothing_is_left(cluster)


def test_gpus_that_sbatch_is_asked_for_instead_are_what_each_node_offers(cluster, standin_root):
    script = written(cluster, standin_root, "gpus", "--nodes", "2", "--gpus-per-node", "1")
    number = cluster.submit(script, "--gpus-per-node=2")

    def starts():
        found = [line for node in cluster.nodes for line in cluster.processes(node) if "start --block" in line]
        return found if len(found) == 2 else None

    assert all("--num-gpus=2" in line for line in until(starts, cluster, number))
    cluster.command("scancel", number)
    assert cluster.wait(number) == "CANCELLED"
    assert_nothing_is_left(cluster, ORPHANS_S)


def test_a_node_that_does_not_come_is_counted_and_nothing_is_started(cluster, standin_root):
    script = written(cluster, standin_root, "few", "--nodes", "2")
    text = (
        script.read_text().replace('NODES" "$patience" ||', 'NODES" 10 ||').replace("'worker \"$0\"'", "'sleep 1000'")
    )
    script.write_text(text)
    number = cluster.submit(script)
    assert cluster.wait(number) == "FAILED"
    assert cluster.job(number)["ExitCode"] == "2:0"
    assert "raysp: 1 of 2 nodes joined Ray within 10 s; no trial was started" in cluster.output(number)
    assert not (cluster.folder / "few").exists()
    assert_nothing_is_left(cluster)


def test_a_job_that_is_cancelled_leaves_alone_another_on_its_node_and_goes_on_when_submitted_again(
    cluster, standin_root
):
    scripts = [written(cluster, standin_root, name, "--nodes", "1") for name in ("one", "other")]
    one, other = (cluster.submit(script, "--nodelist=node0") for script in scripts)
    until(lambda: training(the_run(cluster, "one")), cluster, one)
    until(lambda: "raylet/raylet" in " ".join(cluster.processes("node0")), cluster, other)
    # Every process of the job is told at once, as at the time limit itself.
    cluster.command("scancel", one)
    assert cluster.wait(one) == "CANCELLED"
    assert sae(the_run(cluster, "one")).state() == "started"
    assert cluster.wait(other, PATIENCE_S) == "COMPLETED", cluster.output(other)
    assert_nothing_is_left(cluster)

    again = cluster.submit(scripts[0], "--nodelist=node0")
    until(lambda: any("raylet/raylet" in line for line in cluster.processes("node0")), cluster, again)
    until(lambda: len(cluster.listening("node0")) > 3, cluster, again)
    assert all(address.is_loopback for address in cluster.listening("node0")), cluster.listening("node0")
    assert cluster.wait(again, PATIENCE_S) == "COMPLETED", cluster.output(again)
    assert_nothing_is_left(cluster)
    assert_same(the_run(cluster, "one"), the_run(cluster, "other"))
