"""A whole run through Ray with its data and its run folder in a store of objects: quiet, and with failing requests."""

import json
import os
import subprocess
import sys

import numpy as np
import polars
import pytest

from raysp import files
from raysp.collection.predictions import read_rates
from raysp.runs import RunFolder

pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'raysp[s3]'")
pytest.importorskip("moto.server", reason="moto's server is not installed: pip install 'raysp[test]'")

from tests import object_store

pytestmark = [pytest.mark.ray, pytest.mark.cluster, pytest.mark.timeout(900)]

EXPERIMENT = """
from raysp.config import Experiment, ModelChoice, Training

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


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """A store with the prepared split alone, and a disk with all: (folder, data on disk, door, environment)."""
    import s3fs

    from raysp.data import prepare, split_file
    from raysp.data.nlb_standin import write_standin

    folder = tmp_path_factory.mktemp("stored")
    (folder / "stored.py").write_text(EXPERIMENT)
    root = str(folder / "data")
    write_standin(root, datasets=("mc_maze_small",))
    (name,) = prepare.prepare(["mc_maze_small-20ms-val"], root)
    with object_store.store() as (door, _, environment), pytest.MonkeyPatch.context() as patch:
        environment |= {"XDG_CACHE_HOME": str(folder / "cache"), "RAYSP_LEASE_S": "6"}
        for key, value in environment.items():
            patch.setenv(key, value)
        s3fs.S3FileSystem.clear_instance_cache()
        object_store.make_bucket("stored")
        for path in (split_file.split_path, split_file.targets_path):
            files.copy(path(root, name), path("s3://stored/data", name))
        yield folder, root, door
        s3fs.S3FileSystem.clear_instance_cache()


def run(there, root, runs, *more):
    command = [sys.executable, str(there[0] / "stored.py"), "--root", root, "--runs", runs, "--workers", "2", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, cwd=there[0])
    return done.returncode, done.stdout + done.stderr


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
    tables = (polars.read_parquet(files.source(run.metrics)) for run in (one, other))
    first, second = (table.sort("trial_id", "metric", "unit", "parameter") for table in tables)
    assert first.drop("value").equals(second.drop("value"))
    np.testing.assert_array_equal(first["value"].to_numpy(), second["value"].to_numpy())


def every_file(address):
    import fsspec

    fs = fsspec.filesystem("s3")
    return {name: fs.cat_file(name) for name in fs.find(address)}


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


def test_no_secret_is_in_any_file_or_output(there, stored):
    _, output = stored
    contents = every_file("s3://stored")
    assert contents
    for secret in (object_store.SECRET, object_store.KEY):
        assert secret not in output
        assert not [name for name, content in contents.items() if secret.encode() in content]
    cache = there[0] / "cache"
    kept = [path for path in cache.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if object_store.SECRET.encode() in path.read_bytes()]


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
    curve = polars.read_parquet(files.source(faulty.trial(faulty.trials()[1].id).curve))
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
