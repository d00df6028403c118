"""The main job for real: Ray, MLflow and processes that are killed; the numbers must be those of a quiet run."""

import os
import shutil
import signal
import sys

import numpy as np
import polars
import psutil
import pytest
from click.testing import CliRunner

from raysp import cli
from raysp.io import files, tables
from raysp.kinds.population.rates_file import read_rates
from raysp.runs.folder import RunFolder
from tests import processes
from tests.processes import wait_for

pytestmark = pytest.mark.ray(shared=True)

EXPERIMENT = """
from raysp.config.experiment import Experiment, ModelChoice, Training

def experiment():
    return Experiment(
        name="kills",
        splits=("mc_maze_small-20ms-val", "mc_maze_small-20ms-test"),
        models=(ModelChoice("mean_rate"), ModelChoice("sae", {"hidden": 16, "encoder_hidden": 16})),
        training=Training(epochs=50, batch_size=8, measure_every=25),
    )

if __name__ == "__main__":
    from raysp.cli import run_file
    run_file(__file__)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory, standin_root):
    folder = tmp_path_factory.mktemp("launch")
    (folder / "kills.py").write_text(EXPERIMENT)
    return folder, str(standin_root)


def start(place, runs):
    folder, root = place
    words = [sys.executable, str(folder / "kills.py"), "--root", root, "--runs", str(folder / runs), "--workers", "1"]
    # The checkpoint after every epoch makes a kill land between two of them.
    return processes.start(words, RAYSP_CHECKPOINT_S="0.2")


def the_run(place, runs):
    return RunFolder(str(place[0] / runs / "standin-kills"))


def sae(run, phase):
    return next(t for t in run.trials() if t.model == "sae" and t.split.endswith(phase))


def command(place, runs):
    folder, root = place
    return ["run", str(folder / "kills.py"), "--root", root, "--runs", str(folder / runs)]


def here(place, runs):
    """The same command in this process."""
    done = CliRunner().invoke(cli.main, command(place, runs))
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


@pytest.fixture(scope="module")
def quiet(place):
    output = here(place, "quiet")
    return the_run(place, "quiet"), output


def test_the_main_job_leaves_all_it_promises(quiet):
    run, output = quiet
    names = files.listing(run.path)
    expected = {"experiment.yaml", "metrics.parquet", "mlflow.db", "predictions", "report", "trials"}
    assert expected | {"standin-submission-val.h5", "standin-submission-test.h5"} <= set(names)
    assert all(run.trial(trial.id).state() == "done" for trial in run.trials())
    table = polars.read_parquet(run.metrics)
    assert table["standin"].all()
    assert set(table["phase"]) == {"val"}
    judged = table.filter((polars.col("judge") == "nlb_tools") & (polars.col("metric") == "co-bps"))
    assert set(judged["model"]) == {"mean_rate", "sae"}
    assert "4 of 4 trials done" in output
    assert not files.exists(run.path + "/test-scores.json")


def test_the_test_phase_took_over_what_val_selected(quiet):
    run, _ = quiet
    val, test = (files.read_json(run.trial(sae(run, phase).id).done) for phase in ("-val", "-test"))
    assert test["epochs"] == val["best_epoch"]
    assert test["learning_rates"] == val["learning_rates"]
    assert test["validation_loss"] is None


def test_the_same_command_again_runs_nothing(place, quiet):
    run, _ = quiet
    before = os.stat(run.trial(sae(run, "-val").id).done).st_mtime_ns
    output = here(place, "quiet")
    assert os.stat(run.trial(sae(run, "-val").id).done).st_mtime_ns == before
    assert "up to date" in output
    assert "4 of 4 trials done" in output


def test_killed_worker_and_killed_driver_give_the_numbers_of_a_quiet_run(place, quiet):
    run, table = _with_removed_folders(place, quiet[0]), polars.read_parquet(quiet[0].metrics)
    before = processes.count()
    driver = start(place, "killed")
    wait_for(lambda: _checkpoints(run), driver)
    worker = wait_for(lambda: _training_worker(driver.pid, run), driver)
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: _training_worker(driver.pid, run) not in (None, worker), driver)
    driver.send_signal(signal.SIGSTOP)
    refused = CliRunner().invoke(cli.main, command(place, "killed"))
    assert (refused.exit_code, f"is being run by process {driver.pid}" in refused.output) == (2, True), refused.output
    driver.send_signal(signal.SIGKILL)
    # Its workers too, which would go on until Ray misses the driver, and might be done by then.
    processes.end(before)
    assert run.trial(sae(run, "-val").id).state() == "started"
    output = here(place, "killed")

    for phase in ("-val", "-test"):
        trial = sae(run, phase)
        assert trial == sae(quiet[0], phase)
        for part in ("train", "eval"):
            mine, _ = read_rates(run.trial(trial.id).predictions, part)
            other, _ = read_rates(quiet[0].trial(trial.id).predictions, part)
            np.testing.assert_array_equal(mine, other)
    assert "up to date" not in output
    order = ["run_trial", "metric", "unit_index", "parameter"]
    assert polars.read_parquet(run.metrics).sort(order).equals(table.sort(order))


def _with_removed_folders(place, quiet):
    """A copy of the run where three trials' folders are gone, and scores as if of another version of their model."""
    shutil.copytree(quiet.path, str(place[0] / "killed" / "standin-kills"))
    run = the_run(place, "killed")
    gone = [t.id for t in run.trials() if t.model == "sae" or t.split.endswith("-val")]
    scored = polars.col("run_trial").is_in(gone)
    table = polars.read_parquet(run.metrics)
    tables.write_table(
        run.metrics, table.with_columns(polars.when(scored).then(99.0).otherwise("value").alias("value"))
    )
    for trial in gone:
        shutil.rmtree(run.trial(trial).path)
    return run


def _checkpoints(run):
    return files.exists(run.trial(sae(run, "-val").id).checkpoint)


def _training_worker(driver, run):
    trial = run.trial(sae(run, "-val").id)
    if trial.state() != "started":
        return None
    for process in psutil.Process(driver).children(recursive=True):
        try:
            if "RayTrainWorker" in " ".join(process.cmdline()) or "RayTrainWorker" in process.name():
                return process.pid
        except psutil.NoSuchProcess:
            continue
    return None
