"""Packing: real processes on a tiny split, one that dies, bad input."""

import dataclasses
import subprocess
import sys

import pytest
from click.testing import CliRunner

from raysp import cli
from raysp.config.experiment import Training
from raysp.data.splits import store
from raysp.driver import packing
from raysp.errors import BadInput, NotReady
from tests.models.made_up import made_up_split
from tests.test_house import NOT_ON_A_BARE_MACHINE

SETTINGS = {"encoder_hidden": 4, "hidden": 4}
TRAINING = Training(epochs=100, batch_size=8)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    found = str(tmp_path_factory.mktemp("packing"))
    store.save(made_up_split(), None, found, {})
    return found


def trial(root, **training):
    return packing.trial_of("sae", root, "made_up", SETTINGS, dataclasses.replace(TRAINING, **training))


def test_two_processes_train_side_by_side(root):
    printed = []
    one, two = packing.measure(trial(root), root, counts=[1, 2], device="cpu", seconds=0.4, report=printed.append)
    assert (one.processes, two.processes, one.threads, two.threads) == (1, 2, 1, 1)
    assert one.problem is None
    assert two.problem is None
    assert len(one.rates) == 1
    assert len(two.rates) == 2
    assert all(rate > 1 for rate in (*one.rates, *two.rates))
    assert two.total == pytest.approx(sum(two.rates))
    assert 0 < one.cores_used <= 1.2
    assert 0 < two.cores_used <= 2.4
    assert 30e6 < one.host_bytes < 4e9
    assert one.device_bytes == 0
    assert one.trials_per_hour == pytest.approx(one.total * 36)
    assert len(printed) == 4


def test_a_process_that_dies_is_told_of_and_the_next_number_is_measured(root, monkeypatch):
    start, started = packing._start, []

    def start_and_kill_the_first(threads, errors):
        started.append(start(threads, errors))
        if len(started) == 1:
            started[0].kill()
        return started[-1]

    monkeypatch.setattr(packing, "_start", start_and_kill_the_first)
    dead, alive = packing.measure(trial(root), root, counts=[2, 1], threads=2, device="cpu", seconds=0.2)
    assert "SIGKILL" in dead.problem
    assert dead.rates == ()
    assert alive.problem is None
    assert alive.total > 0
    assert alive.threads == 2  # as torch in the process says
    assert all(one.poll() is not None for one in started)
    assert any("SIGKILL" in line for line in packing.lines([dead, alive]))


def test_the_last_line_of_what_a_process_died_of_is_shown(root):
    (row,) = packing.measure(trial(root, learning_rate=1e30), root, counts=[1], device="cpu", seconds=0.2)
    assert "training diverged" in row.problem


def test_the_environment_pins_threads_before_torch_is_imported(monkeypatch):
    for name in packing.pinned(1):
        monkeypatch.setenv(name, "2")
    code = "import sys; assert 'torch' not in sys.modules; import torch; print(torch.get_num_threads())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=packing.environment(1), capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == 1


def test_without_numbers_a_cpu_is_filled_twice_over_and_unpinned_for_contrast(monkeypatch):
    monkeypatch.setattr(packing, "cores", lambda: 6)
    expected = [(1, 1), (2, 1), (4, 1), (6, 1), (12, 1), (1, 6), (6, 6)]
    assert packing._arrangements(None, 1, "cpu") == expected
    assert packing._arrangements(None, 1, "cuda") == [(1, 1), (2, 1), (4, 1)]
    assert packing._arrangements([3, 3], 2, "cpu") == [(3, 2)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"counts": [1, 0]}, "at least 1, got"),
        ({"counts": []}, "at least 1, got"),
        ({"counts": [1], "seconds": 0}, "more than 0"),
        ({"counts": [1], "threads": 0}, "threads expected at least 1"),
        ({"counts": [1], "device": "gpu0"}, "device expected auto"),
    ],
)
def test_bad_numbers_are_refused_before_any_process_starts(root, monkeypatch, options, message):
    monkeypatch.setattr(packing, "_start", lambda *args: pytest.fail("a process was started"))
    with pytest.raises(BadInput, match=message):
        packing.measure(trial(root), root, **{"device": "cpu", **options})


def test_what_cannot_be_trained_is_refused(root, tmp_path):
    with pytest.raises(BadInput, match="did you mean 'sae'"):
        packing.trial_of("sea", root, "made_up")
    with pytest.raises(BadInput, match="unknown setting of model sae"):
        packing.trial_of("sae", root, "made_up", {"hiden": 3})
    with pytest.raises(NotReady, match="not prepared"):
        packing.trial_of("sae", str(tmp_path), "made_up")
    with pytest.raises(NotReady, match="not prepared"):
        packing.measure(trial(root), str(tmp_path), counts=[1], device="cpu")
    with pytest.raises(BadInput, match="fits itself"):
        packing.measure(packing.trial_of("mean_rate", root, "made_up"), root, counts=[1], device="cpu")
    with pytest.raises(BadInput, match="expected data 0000"):
        packing.measure(dataclasses.replace(trial(root), data="0" * 64), root, counts=[1], device="cpu")


def test_a_machine_without_ray_polars_and_yaml_can_measure():
    code = (
        "import sys\n"
        f"for name in {NOT_ON_A_BARE_MACHINE!r}:\n    sys.modules[name] = None\n"
        "import raysp.driver.packing, raysp.driver.packed\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_command_prints_a_row_for_each_number(root, monkeypatch):
    def row(trial, job, processes):
        device, threads = job["device"], job["threads"]
        assert (trial.hyperparameters["hidden"], trial.training.epochs, job["seconds"]) == (4, 100, 0.3)
        return packing.Packing(
            trial.model, trial.training.epochs, device, 2, 0.0, processes, threads, (1.0,) * processes
        )

    monkeypatch.setattr(packing, "_row", row)
    options = ["--split", "made_up", "--root", root, "--counts", "1,2", "--seconds", "0.3"]
    sets = ["--set", "hidden=4", "--set", "encoder_hidden=4", "--set", "training.epochs=100"]
    done = CliRunner().invoke(cli.main, ["packing", *options, *sets])
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.output.splitlines() if line.strip()[:1].isdigit()]
    assert [row[0] for row in rows][-2:] == ["1", "2"]
