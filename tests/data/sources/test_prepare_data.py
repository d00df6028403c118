"""Preparing several recordings: what is refused does not stop the others, and what is to be said of them is said."""

import dataclasses
import importlib
import pickle

import numpy as np
import pytest
from click.testing import CliRunner

from raysp.cli import main
from raysp.cluster import jobs
from raysp.config.experiment import Experiment, ModelChoice, Recording
from raysp.data.sources import population_counts, prepare
from raysp.data.splits import store
from raysp.driver.launch import Request, choose_splits, prepare_data
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.refusals import Refused, raise_together

EXPERIMENT = """
from raysp.config.experiment import Experiment, ModelChoice, Recording

def experiment():
    settings = {"bin_ms": 10, "counts": "counts", "min_rate_hz": 1.0}
    names = ("bad", "good", "absent", "fine")
    recordings = tuple(Recording(name, "population", {"path": "{root}/" + f"{name}.npz", **settings}) for name in names)
    return Experiment(name="mine", models=(ModelChoice("mean_rate"),), recordings=recordings)
"""
NOTE = "1 of 8 units fire less than 1.0 Hz and were left out: 0"


def write_counts(path, lowest=0):
    counts = np.random.default_rng(0).poisson(0.3, (20, 10, 8))
    counts[:, :, 0] = lowest
    np.savez(path, counts=counts)


@pytest.fixture
def root(tmp_path):
    for name, lowest in (("good", 0), ("fine", 0), ("bad", -1)):
        write_counts(tmp_path / f"{name}.npz", lowest)
    return str(tmp_path)


@pytest.fixture
def no_ray(monkeypatch):
    def called(function, calls, *, on_done=lambda i, found: None, on_wait=None):
        module, _, name = function.rpartition(".")
        found = [getattr(importlib.import_module(module), name)(*args, **options) for args, options in calls]
        for i, one in enumerate(found):
            on_done(i, one)
        return found

    monkeypatch.setattr(jobs, "jobs", called)


def experiment(*names):
    settings = {"bin_ms": 10, "counts": "counts", "min_rate_hz": 1.0}
    recordings = tuple(Recording(name, "population", {"path": f"{{root}}/{name}.npz", **settings}) for name in names)
    return Experiment(name="mine", models=(ModelChoice("mean_rate"),), recordings=recordings)


def test_a_refused_recording_does_not_stop_the_others(root, tmp_path):
    (tmp_path / "mine.py").write_text(EXPERIMENT)
    done = CliRunner().invoke(main, ["data", "prepare", str(tmp_path / "mine.py"), "--root", root])
    assert done.exit_code == 2
    head, bad, absent = done.stderr.rstrip().split("\n")
    assert head == "raysp: 2 were refused:"
    assert bad.startswith("  bad: bad.npz: counts expected counts >= 0, got -1")
    assert absent.endswith("absent.npz is not there; check the path")
    assert done.stdout.count(NOTE) == 2
    assert {len(store.load(root, name).train) for name in ("good", "fine")} == {15}


def test_the_splits_that_an_experiment_names_are_prepared_too(root, tmp_path):
    made = 'Experiment("own", (ModelChoice("mean_rate"),), splits=("mc_maze_small-20ms-val",))'
    own = f"from raysp.config import Experiment, ModelChoice\n\n\ndef experiment():\n    return {made}\n"
    (tmp_path / "own.py").write_text(own)
    done = CliRunner().invoke(main, ["data", "prepare", str(tmp_path / "own.py"), "--root", root])
    assert done.exit_code == 2
    assert "raysp data fetch mc_maze_small" in done.stderr


def test_notes_are_said_also_when_all_is_up_to_date(root, no_ray):
    said = []
    for _ in range(2):
        prepare_data(experiment("good"), ["good"], Request(root=root), said.append)
    assert said == ["preparing 1 split of 1 recording", "  prepared good", *[f"  good: {NOTE}"] * 2]


def test_all_refusals_are_listed_before_anything_is_trained(root, no_ray):
    write_counts(f"{root}/worse.npz", -2)
    with pytest.raises(BadInput, match=r"2 were refused:\n  bad: .* got -1.*\n  worse: .* got -2"):
        prepare_data(experiment("bad", "good", "worse"), ["bad", "good", "worse"], Request(root=root), print)
    assert files.exists(store.split_path(root, "good"))


def test_all_absent_recordings_are_listed(root):
    with pytest.raises(BadInput, match=r"2 were refused:\n  a: .*a.npz.*\n  b: .*b.npz"):
        choose_splits(experiment("a", "good", "b"), Request(root=root))


def test_an_optional_recording_is_left_out_where_its_file_is_not_there(root, tmp_path):
    good, absent = (dataclasses.replace(one, optional=True) for one in experiment("good", "absent").recordings)
    assert list(prepare.present([good, absent], root, named=True)) == ["good"]
    with pytest.raises(BadInput, match=r"recording absent: .*absent\.npz is not there"):
        prepare.present([absent], root, named=True)
    bad = dataclasses.replace(absent, settings={**absent.settings, "bins": 3})
    with pytest.raises(BadInput, match=r"unknown .*bins"):
        prepare.present([good, bad], root, named=True)
    write_counts(tmp_path / "absent.npz")
    assert list(prepare.present([good, absent], root, named=True)) == ["good", "absent"]


def test_one_refusal_stays_as_it_is_and_several_survive_pickling():
    with pytest.raises(NotReady, match=r"^fetch it$"):
        raise_together([("a", None), ("b", NotReady("fetch it"))])
    several = Refused({"a": BadInput("no"), "b": NotReady("fetch it")})
    with pytest.raises(Refused, match=r"^3 were refused:\n  c: x\n  a: no\n  b: fetch it$"):
        raise_together([("c", BadInput("x")), ("many", pickle.loads(pickle.dumps(several)))])


def test_a_file_that_may_not_be_read_does_not_stop_the_others(root, monkeypatch, no_ray):
    sha256 = files.sha256

    def denied(path):
        if path.endswith("bad.npz"):
            raise PermissionError(13, "Permission denied", path)
        return sha256(path)

    monkeypatch.setattr(files, "sha256", denied)
    with pytest.raises(BadInput, match=r"permission denied: .*bad.npz"):
        prepare_data(experiment("bad", "good"), ["bad", "good"], Request(root=root), print)
    assert files.exists(store.split_path(root, "good"))


def test_a_full_disk_stops_all(root, monkeypatch):
    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "save", full)
    with pytest.raises(OSError, match="No space left"):
        prepare.try_prepare(experiment("good").recordings, root)


def test_a_file_that_is_written_while_it_is_read_is_refused(root, monkeypatch):
    path, counted = f"{root}/good.npz", population_counts.checked_counts

    def meanwhile(*args):
        found = counted(*args)
        write_counts(path, 1)
        return found

    monkeypatch.setattr(population_counts, "checked_counts", meanwhile)
    (recording,) = experiment("good").recordings
    for act in (lambda: prepare.read(recording, root), lambda: prepare.prepare([recording], root)):
        write_counts(path)
        with pytest.raises(BadInput, match=r"good\.npz was written or taken away while it was read"):
            act()
    with pytest.raises(NotReady):
        store.header(root, "good")
