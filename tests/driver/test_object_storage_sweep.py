"""A sweep whose data and folder lie in a store of objects: the candidates and numbers of a disk, and what follows."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from raysp.io import files, tables
from raysp.io.yaml_files import read_yaml
from raysp.runs.folder import RunFolder
from raysp.search.result import read_result
from raysp.search.study import read_studies

pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'raysp[s3]'")
pytest.importorskip("moto.server", reason="moto's server is not installed: pip install 'raysp[test]'")

from tests import object_store
from tests.object_store import verb

pytestmark = [pytest.mark.ray, pytest.mark.cluster]

EXPERIMENT = """
from raysp.config.experiment import Experiment, ModelChoice, Training

def experiment():
    return Experiment(
        name="tiny",
        splits=("mc_maze_small-20ms-val",),
        models=(ModelChoice("sae", {"hidden": 8, "encoder_hidden": 8}), ModelChoice("mean_rate")),
        training=Training(epochs=4, batch_size=16, measure_every=0),
    )
"""
SPACE = """
model: sae
space:
  model.hidden: {int: [4, 16]}
  training.learning_rate: {loguniform: [1e-4, 3e-2]}
"""
AMOUNT = ("--samples", "4", "--finalists", "1", "--final-seeds", "2", "--in-flight", "2")
S3 = "s3://swept/data", "s3://swept/runs"
NOT_RESULTS = ("seconds", "host", "commit", "code")


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """(folder, data on disk, door)."""
    folder = tmp_path_factory.mktemp("swept")
    (folder / "tiny.py").write_text(EXPERIMENT)
    (folder / "space.yaml").write_text(SPACE)
    with object_store.store_with_data(folder, "swept") as (root, door):
        yield folder, root, door


def start(there, verb, root, runs, *more):
    command = [sys.executable, "-m", "raysp", verb, str(there[0] / "tiny.py"), "--root", root, "--runs", runs]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([*command, "--workers", "2", *more], start_new_session=True, **pipes)


def finish(process, expected=0):
    output, _ = process.communicate(timeout=6000)
    assert process.returncode == expected, output
    return output


def sweep(there, root, runs, *more):
    return start(there, "sweep", root, runs, "--space", str(there[0] / "space.yaml"), *(more or AMOUNT))


def the_sweep(runs):
    return RunFolder(files.join(runs, "standin-tiny"))


def came_to(run):
    (study,) = read_studies(run)
    result = read_result(study)
    candidates = [(c.number, c.source, dict(c.params)) for c in result.candidates]
    return candidates, {n: score.values for n, score in result.scores.items()}, result.winner, result.finished


def equal(one, other):
    assert came_to(one) == came_to(other)
    frames = [tables.read_table(run.table).drop(NOT_RESULTS) for run in (one, other)]
    assert frames[0].equals(frames[1])
    assert read_yaml(one.settings)["models"] == read_yaml(other.settings)["models"]


@pytest.fixture(scope="module")
def local(there):
    runs = str(there[0] / "runs")
    finish(sweep(there, there[1], runs))
    return the_sweep(runs)


@pytest.fixture(scope="module")
def stored(there):
    process = sweep(there, *S3)
    output = finish(process)
    logs = object_store.logs_of_ray(process.pid)
    secrets = (object_store.KEY, object_store.SECRET)
    # Tune hands its processes the credentials by a way that Ray logs, if it is let.
    assert logs
    assert not object_store.with_any({**logs, "output": output.encode()}, secrets)
    assert not object_store.with_any(object_store.every_file(S3[1]), secrets)
    return the_sweep(S3[1]), output


def test_a_sweep_in_a_store_comes_to_what_it_comes_to_on_a_disk(local, stored):
    run, output = stored
    expected = {"clock.json", "experiment.yaml", "report", "settings.yaml", "studies", "sweep.parquet", "trials"}
    assert set(files.listing(run.path)) == expected
    assert "4 of 4 candidates" in output
    equal(local, run)
    assert "report.html" in files.listing(run.report)
    assert run.record()["submissions"][-1]["ended"] == "finished"


def test_killed_and_extended_it_comes_to_the_same(there, local):
    runs = "s3://swept/killed"
    first = sweep(there, S3[0], runs, "--samples", "3", "--in-flight", "2")
    until = time.monotonic() + 1200
    while not any(path.endswith("/done.json") and "/killed/" in path for _, path in list(there[2].seen)):
        assert first.poll() is None, first.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    finish(sweep(there, S3[0], runs))
    equal(local, the_sweep(runs))
    assert [one["ended"] for one in the_sweep(runs).record()["submissions"]] == ["killed", "finished"]


def test_failing_slow_and_repeated_requests_change_no_candidate(there, local):
    door, runs = there[2], "s3://swept/faulty"
    door.every = 8
    try:
        finish(sweep(there, S3[0], runs))
    finally:
        failed = dict(door.failed)
        door.calm()
    assert all(failed.get(kind, 0) > 3 for kind in door.kinds), failed
    equal(local, the_sweep(runs))


def test_a_store_that_stays_away_ends_the_command_and_no_candidate(there, local, monkeypatch):
    door, runs = there[2], "s3://swept/away"
    quick = {"config_kwargs": {"retries": {"max_attempts": 2, "mode": "standard"}}}
    monkeypatch.setenv("FSSPEC_S3", json.dumps(quick))
    done = {"count": 0}

    def from_the_second_result_on(environ):
        mine = environ["REQUEST_METHOD"] == "PUT" and environ["PATH_INFO"].endswith("/done.json")
        done["count"] += mine
        return mine and done["count"] > 1

    door.every, door.kinds, door.only = 1, ("500",), from_the_second_result_on
    try:
        output = finish(sweep(there, S3[0], runs), expected=1)
    finally:
        door.calm()
    assert "the same command again goes on" in output
    assert "Traceback" not in output
    assert not [name for name in object_store.every_file(runs) if name.endswith("/error.txt")]
    finish(sweep(there, S3[0], runs))
    equal(local, the_sweep(runs))


def test_what_it_found_is_taken_over_from_its_address(there, local, stored):
    run, _ = stored
    options = ("--models", "sae", "--settings")
    output = finish(start(there, "run", S3[0], "s3://swept/best", *options, run.path))
    assert f"settings of {run.settings} on 1 split\n" in output
    mine = the_sweep("s3://swept/best").trials()
    finish(start(there, "run", there[1], str(there[0] / "best"), *options, local.path))
    assert [trial.id for trial in mine] == [trial.id for trial in the_sweep(str(there[0] / "best")).trials()]


def test_its_state_and_report_are_asked_for_by_its_address(stored):
    run, _ = stored
    code, output = verb("status", run.path)
    assert (code, "4 candidates, 4 done" in output, "winner" in output) == (0, True, True), output
    files.remove(run.report)
    code, output = verb("report", run.path)
    assert (code, f"{run.report}/report.html" in output) == (0, True), output
    assert "report.html" in files.listing(run.report)
    for name in ("collect", "evaluate"):
        code, output = verb(name, run.path)
        assert (code, "is a sweep" in output) == (2, True), output
