"""A whole run through Ray with its data and its run folder in a store of objects: quiet, and with failing requests."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
import torch

from raysp.io import files, tables
from raysp.kinds.population.rates_file import read_rates
from raysp.runs.folder import RunFolder

pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'raysp[s3]'")
pytest.importorskip("moto.server", reason="moto's server is not installed: pip install 'raysp[test]'")

from tests import object_store
from tests.object_store import every_file, verb

pytestmark = [pytest.mark.ray, pytest.mark.cluster]

EXPERIMENT = """
from raysp.config.experiment import Experiment, ModelChoice, Training

def experiment():
    return Experiment(
        name="stored",
        splits=("mc_maze_small-20ms-val",),
        models=(ModelChoice("mean_rate"), ModelChoice("sae", {"hidden": 8, "encoder_hidden": 8})),
        training=Training(epochs=4, batch_size=16, measure_every=2),
    )

if __name__ == "__main__":
    from raysp.cli import run_file
    run_file(__file__)
"""


SECRETS = {
    "MLFLOW_TRACKING_PASSWORD": "the-password-of-a-tracking-server",
    "MLFLOW_TRACKING_TOKEN": "the-token-of-a-tracking-server",
    "RAY_AUTH_TOKEN": "0123456789abcdef0123456789abcdef",
}
DRIVERS: list[int] = []
HIDDEN = (object_store.SECRET, object_store.KEY, *SECRETS.values())


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """A store with the prepared split alone, and a disk with all: (folder, data on disk, door)."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "stored.py").write_text(EXPERIMENT)
    with object_store.store_with_data(folder, "stored", **SECRETS) as (root, door):
        yield folder, root, door


def run(there, root, runs, *more):
    command = [sys.executable, str(there[0] / "stored.py"), "--root", root, "--runs", runs, "--workers", "2", *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(command, cwd=there[0], **pipes)
    DRIVERS.append(process.pid)
    output, _ = process.communicate(timeout=6000)
    return process.returncode, output


@pytest.fixture(scope="module")
def local(there):
    code, output = run(there, there[1], str(there[0] / "runs"))
    assert code == 0, output
    return RunFolder(str(there[0] / "runs" / "standin-stored"))


@pytest.fixture(scope="module")
def stored(there):
    code, output = run(there, "s3://stored/data", "s3://stored/runs")
    assert code == 0, output
    return RunFolder("s3://stored/runs/standin-stored"), output


def equal(one, other):
    assert [trial.id for trial in one.trials()] == [trial.id for trial in other.trials()]
    for trial in one.trials():
        folders = one.trial(trial.id), other.trial(trial.id)
        assert [folder.state() for folder in folders] == ["done", "done"]
        for part in ("train", "eval"):
            np.testing.assert_array_equal(*(read_rates(folder.predictions, part)[0] for folder in folders))
        mine, others = (files.read_json(folder.done) for folder in folders)
        assert mine["validation"] == others["validation"]
    frames = (tables.read_table(run.metrics) for run in (one, other))
    first, second = (table.sort("run_trial", "metric", "unit_index", "parameter") for table in frames)
    assert first.drop("value").equals(second.drop("value"))
    np.testing.assert_array_equal(first["value"].to_numpy(), second["value"].to_numpy())


def test_a_run_in_a_store_leaves_all_it_promises_with_the_numbers_of_a_disk(local, stored):
    run, output = stored
    expected = {"experiment.yaml", "finished.json", "metrics.parquet", "predictions", "report", "trials"}
    assert set(files.listing(run.path)) == expected | {"standin-submission-val.h5"}
    assert "2 of 2 trials done" in output
    assert "report.html" in files.listing(run.report)
    equal(local, run)
    gathered = [name for name in every_file(run.predictions) if name.endswith(".parquet")]
    assert len(gathered) == 2


def test_the_tracking_store_lies_beside_the_driver_and_the_output_says_where(there, stored):
    from mlflow import MlflowClient

    run, output = stored
    assert f"tracking     {run.mlflow}" in output
    assert run.mlflow.startswith(str(there[0] / "cache"))
    client = MlflowClient(f"sqlite:///{run.mlflow}")
    experiment = client.get_experiment_by_name(run.name)
    found = client.search_runs([experiment.experiment_id], "tags.`raysp.kind` = 'trial'")
    assert {one.data.tags["raysp.trial"] for one in found} == {trial.id for trial in run.trials()}
    assert {one.data.tags["raysp.predictions"] for one in found} == {
        run.trial(trial.id).predictions for trial in run.trials()
    }


def test_the_same_command_again_trains_nothing(there, stored):
    run_folder, _ = stored
    before = {name: content for name, content in every_file(run_folder.path).items() if "/trials/" in name}
    there[2].seen.clear()
    code, output = run(there, "s3://stored/data", "s3://stored/runs")
    assert code == 0, output
    assert "up to date" in output
    assert not [path for method, path in there[2].seen if method == "PUT" and "/trials/" in path]
    assert {name: content for name, content in every_file(run_folder.path).items() if "/trials/" in name} == before


def kept(folder):
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_socket()}


def of_ray():
    return {name: text for driver in DRIVERS for name, text in object_store.logs_of_ray(driver).items()}


def with_secret(contents):
    return object_store.with_any(contents, HIDDEN)


def test_no_secret_is_in_any_file_log_or_output(there, stored):
    _, output = stored
    assert not with_secret({"output": output.encode()})
    for contents in (every_file("s3://stored"), kept(there[0] / "cache"), of_ray()):
        assert contents
        assert not with_secret(contents)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the trials fail by asking for a GPU, and there is one")
def test_no_secret_is_in_what_a_failed_run_leaves(there):
    code, output = run(there, "s3://stored/data", "s3://stored/failing", "--device", "cuda")
    assert (code, "the first failure" in output) == (1, True), output
    contents = every_file("s3://stored/failing")
    assert any(name.endswith("/error.txt") for name in contents)
    for found in (contents, kept(there[0] / "cache"), of_ray(), {"output": output.encode()}):
        assert not with_secret(found)


@pytest.mark.parametrize(
    "more",
    [
        ("--tracking", f"http://me:{SECRETS['MLFLOW_TRACKING_PASSWORD']}@127.0.0.1:5000"),
        ("--tracking", f"http://127.0.0.1:5000/?token={SECRETS['MLFLOW_TRACKING_TOKEN']}"),
        ("--runs", f"s3://{object_store.KEY}:{object_store.SECRET}@stored/runs"),
        ("--root", f"s3://{object_store.KEY}:{object_store.SECRET}@stored/data"),
    ],
)
def test_an_address_with_a_password_is_refused_before_anything_is_written(there, more):
    before = every_file("s3://stored")
    code, output = run(there, "s3://stored/data", "s3://stored/told", *more)
    assert (code, "without a password or token" in output, len(output.splitlines())) == (2, True, 1), output
    assert not with_secret({"output": output.encode()})
    assert every_file("s3://stored") == before


def test_what_a_run_left_is_gathered_scored_and_drawn_anew_from_its_address(local, stored):
    run, _ = stored
    for path in (run.predictions, run.metrics, run.report, run.submission("val", standin=True)):
        files.remove(path)
    root = ("--root", "s3://stored/data")
    for arguments, expected in (
        (("status", run.path), "2 done"),
        (("collect", run.path, *root), run.submission("val", standin=True)),
        (("evaluate", run.path, *root), f"metrics      {run.metrics}"),
        (("report", run.path, *root), f"{run.report}/report.html"),
    ):
        code, output = verb(*arguments)
        assert (code, expected in output) == (0, True), output
    equal(local, run)
    assert {"report.html"} <= set(files.listing(run.report))
    assert len([name for name in every_file(run.predictions) if name.endswith(".parquet")]) == 2


def test_the_pages_of_a_run_at_an_address_are_served_from_this_machine(there, stored):
    run, _ = stored
    files.remove(run.own)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-u", "-m", "raysp", "ui", run.path, "--port", str(port)]
    # A shell that started these tests in the background has SIGINT ignored, in all that they start too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    signal.signal(signal.SIGINT, before)
    with process.stdout:
        try:
            lines = [process.stdout.readline() for _ in range(2)]
            assert f"in MLflow: http://127.0.0.1:{port}/#/experiments/" in lines[1], lines
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=600) as page:
                assert page.status == 200
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert files.exists(run.mlflow)


def test_failing_slow_and_repeated_requests_change_no_number(there, local):
    door = there[2]
    door.every = 8
    try:
        code, output = run(there, "s3://stored/data", "s3://stored/faulty")
    finally:
        failed = dict(door.failed)
        door.calm()
    assert code == 0, output
    assert all(failed.get(kind, 0) > 3 for kind in door.kinds), failed
    faulty = RunFolder("s3://stored/faulty/standin-stored")
    equal(local, faulty)
    assert len([name for name in every_file(faulty.predictions) if name.endswith(".parquet")]) == 2
    assert len(faulty.record()["submissions"]) == 1
    curve = tables.read_table(faulty.trial(faulty.trials()[1].id).curve)
    assert curve["epoch"].to_list() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("root", "runs", "message"),
    [
        ("s3://nowhere-at-all/data", "s3://stored/runs", "there is no bucket 'nowhere-at-all'"),
        ("s3://stored/data", "s3://nowhere-at-all/runs", "there is no bucket 'nowhere-at-all'"),
        ("s3://stored/data", "s3://refused/runs", "is refused"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_before_anything_starts(there, root, runs, message):
    there[2].refused.add("refused")
    before = every_file("s3://stored")
    code, output = run(there, root, runs)
    assert code in (1, 2)
    assert message in output
    assert len(output.strip().splitlines()) == 1, output
    assert json.dumps(sorted(every_file("s3://stored"))) == json.dumps(sorted(before))
    assert not os.path.exists(there[0] / "s3:")
