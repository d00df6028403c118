"""A sweep for real: Ray Tune, processes that are killed, a study that is extended; the same candidates, each once."""

import os
import signal
import subprocess
import sys

import polars
import psutil
import pytest
import yaml
from click.testing import CliRunner

from raysp import cli
from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.search.result import read_result
from raysp.search.study import read_studies
from tests import processes
from tests.processes import wait_for

pytestmark = pytest.mark.ray(shared=True)

EXPERIMENT = """
from raysp.config.experiment import Experiment, ModelChoice, Training

def experiment():
    return Experiment(
        name="tiny",
        splits=("mc_maze_small-20ms-val", "mc_maze_small-20ms-test"),
        models=(ModelChoice("sae", {"hidden": 8, "encoder_hidden": 8}), ModelChoice("mean_rate")),
        training=Training(epochs=20, batch_size=8, measure_every=0),
    )
"""
SPACE = """
model: sae
space:
  model.hidden: {int: [4, 16]}
  training.learning_rate: {loguniform: [1e-4, 3e-2]}
"""
SPLIT = "mc_maze_small-20ms-val"


@pytest.fixture(scope="module")
def place(tmp_path_factory, standin_root):
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "tiny.py").write_text(EXPERIMENT)
    (folder / "space.yaml").write_text(SPACE)
    return folder, str(standin_root)


def arguments(place, runs, *more):
    folder, root = place
    common = ["--root", root, "--runs", str(folder / runs), "--splits", SPLIT]
    return ["sweep", str(folder / "tiny.py"), "--space", str(folder / "space.yaml"), *common, *more]


def start(place, runs, *more):
    command = [sys.executable, "-m", "raysp", *arguments(place, runs, *more)]
    return processes.start(command, RAYSP_CHECKPOINT_S="0.1")


def the_run(place, runs):
    return RunFolder(str(place[0] / runs / "standin-tiny"))


def ended(run):
    return sum(run.trial(name).state() == "done" for name in files.listing(files.join(run.path, "trials")))


def came_to(run):
    (study,) = read_studies(run)
    result = read_result(study)
    candidates = [(c.number, c.source, dict(c.params)) for c in result.candidates]
    return candidates, {n: score.values for n, score in result.scores.items()}, result.winner, result.finished


def whole(place, runs):
    """Run the whole sweep in this process; return what it says."""
    amount = ("--samples", "10", "--finalists", "2", "--final-seeds", "2")
    done = CliRunner().invoke(cli.main, arguments(place, runs, *amount))
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


@pytest.fixture(scope="module")
def quiet(place):
    output = whole(place, "quiet")
    return the_run(place, "quiet"), output


def test_a_sweep_leaves_all_it_promises(quiet):
    run, output = quiet
    expected = {"experiment.yaml", "mlflow.db", "report", "settings.yaml", "studies", "sweep.parquet", "trials"}
    assert expected <= set(files.listing(run.path))
    assert "10 of 10 candidates" in output
    table = polars.read_parquet(run.table)
    assert table.filter(polars.col("stage") == "search").height == 10
    assert table.filter(polars.col("stage") == "final").height == 2
    assert table["standin"].all()
    assert table.select("commit", "code", "data", "torch", "optuna").null_count().sum_horizontal().item() == 0
    assert table.filter(polars.col("winner"))["candidate"].n_unique() == 1
    best = yaml.safe_load(files.read_text(run.settings))["models"]["sae"]["standin-mc_maze_small-20ms-val"]
    assert best["of"] == 10
    assert best["seeds"] == [0, 1]
    assert run.record()["submissions"][-1]["ended"] == "finished"


def test_the_store_has_a_parent_and_a_child_for_each_trial(quiet):
    from mlflow import MlflowClient

    run, _ = quiet
    client = MlflowClient(f"sqlite:///{run.mlflow}")
    experiment = client.get_experiment_by_name(run.name).experiment_id
    (parent,) = client.search_runs([experiment], "tags.`raysp.kind` = 'run'")
    children = client.search_runs([experiment], "tags.`raysp.kind` = 'trial'")
    assert len(children) == 12
    assert {child.data.tags["mlflow.parentRunId"] for child in children} == {parent.info.run_id}
    assert {child.info.status for child in children} == {"FINISHED"}
    assert {int(child.data.tags["candidate"]) for child in children} == set(range(10))
    assert all("validation/validation_loss" in child.data.metrics for child in children)
    assert all("hidden" in child.data.params for child in children)


def test_killed_and_extended_it_comes_to_the_same(place, quiet):
    run = the_run(place, "killed")
    driver = start(place, "killed", "--samples", "8", "--workers", "1")
    actor = wait_for(lambda: _actor(driver.pid), driver)
    # What a process is started with, it has before it imports torch.
    pinned = psutil.Process(actor).environ()
    assert {pinned[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")} == {"1"}
    wait_for(lambda: ended(run) >= 1, driver)
    os.kill(actor, signal.SIGKILL)
    before = ended(run)
    wait_for(lambda: ended(run) > before, driver)
    refused = CliRunner().invoke(cli.main, arguments(place, "killed", "--samples", "8"))
    assert f"is being run by process {driver.pid}" in refused.output
    assert f"process {driver.pid}" in files.read_text(run.path + "/.lock-holder")
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate()
    assert 2 <= ended(run) < 8
    # Settings of an unfinished sweep are refused.
    options = ["run", str(place[0] / "tiny.py"), "--root", place[1], "--settings", run.path, "--dry-run"]
    assert "is not finished" in CliRunner().invoke(cli.main, options).output

    whole(place, "killed")
    assert [one["ended"] for one in run.record()["submissions"]] == ["killed", "finished"]
    assert came_to(run) == came_to(quiet[0])
    assert ended(run) == ended(quiet[0]) == 12


def test_the_main_job_would_take_the_best_settings(place, quiet):
    options = ["run", str(place[0] / "tiny.py"), "--root", place[1], "--settings", quiet[0].path, "--dry-run"]
    result = CliRunner().invoke(cli.main, options)
    assert result.exit_code == 0, result.output
    assert "sae: settings of" in result.output


@pytest.mark.slow
def test_the_main_job_takes_the_best_settings(place, quiet):
    run, (folder, root) = quiet[0], place
    options = ["--root", root, "--runs", str(folder / "main"), "--settings", run.path]
    command = [sys.executable, "-m", "raysp", "run", str(folder / "tiny.py"), *options]
    output = subprocess.run(command, capture_output=True, text=True, check=False)
    assert output.returncode == 0, output.stdout + output.stderr
    assert "sae: settings of" in output.stdout
    main = the_run(place, "main")
    (study,) = read_studies(run)
    winner = read_result(study).winner
    swept = study.trial(study.candidates()[winner], 0)
    val = next(t for t in main.trials() if t.model == "sae" and t.split.endswith("-val"))
    assert val == swept
    numbers = [files.read_json(one.trial(val.id).done)["validation"] for one in (run, main)]
    # The main job's trial may know the truth of generated data; what both measured is equal to the last bit.
    assert all(numbers[1][name] == value for name, value in numbers[0].items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sampler", "bayes", "--samples", "3"), "'bayes' is not one of"),
        ((), "expected --samples N"),
        (("--samples", "3", "--objective", "cobps"), "did you mean 'co-bps'"),
        (("--samples", "3", "--asha", "40"), "less than the 20 epochs"),
        (("--samples", "3", "--asha", "5", "--objective", "co-bps", "--objective", "fp-bps"), "one objective"),
        (("--samples", "3", "--set", "training.validate_on=eval"), "never looks at evaluation trials"),
        (
            ("--samples", "3", "--splits", "mc_maze_small-20ms-test"),
            "expected splits of it, got mc_maze_small-20ms-test",
        ),
        (("--samples", "3", "--seeds", "0,x"), "--seeds expected whole numbers"),
        (("--samples", "3", "--name", "../x"), "sweep name expected"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_starts(place, options, message):
    args = arguments(place, "refused")
    if "--splits" in options:
        args = args[: args.index("--splits")] + args[args.index("--splits") + 2 :]
    result = CliRunner().invoke(cli.main, [*args, *options, "--dry-run"])
    assert message in result.output
    assert result.exit_code == 2
    assert not (place[0] / "refused").exists()


def test_a_space_for_another_model_is_refused(place):
    (place[0] / "other.yaml").write_text("model: smoothing\nspace:\n  model.alpha: {loguniform: [1e-3, 1]}\n")
    args = [str(place[0] / "other.yaml") if a.endswith("space.yaml") else a for a in arguments(place, "refused")]
    result = CliRunner().invoke(cli.main, [*args, "--samples", "3"])
    assert "a space for model smoothing, and experiment tiny has sae, mean_rate" in result.output


def test_another_study_in_the_same_folder_is_refused(place, quiet):
    run = the_run(place, "quiet")
    result = CliRunner().invoke(cli.main, arguments(place, "quiet", "--samples", "10", "--seed", "9"))
    assert "seed: 0 there, 9 now" in result.output
    assert ended(run) == 12


def test_a_run_and_a_sweep_do_not_share_a_folder(place, quiet):
    folder, root = place
    options = ["--root", root, "--runs", str(folder / "quiet")]
    result = CliRunner().invoke(cli.main, ["run", str(folder / "tiny.py"), *options, "--dry-run"])
    assert "holds a sweep, not a run" in result.output
    for verb in ("collect", "evaluate"):
        result = CliRunner().invoke(cli.main, [verb, quiet[0].path])
        assert "is a sweep" in result.output
    assert "winner" in CliRunner().invoke(cli.main, ["status", quiet[0].path]).output


def _actor(driver):
    for process in psutil.Process(driver).children(recursive=True):
        try:
            if "ImplicitFunc" in " ".join(process.cmdline()):
                return process.pid
        except psutil.NoSuchProcess:
            continue
    return None
