from __future__ import annotations

import errno
import os
import shutil

import numpy as np
import polars
import pytest

from raysp.collection import gather as module
from raysp.collection.gather import gather, gathered_path
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.kinds.population.rates_file import read_rates, write_predictions
from raysp.runs.folder import RunFolder
from tests.collection.made_up import SIZES, make_prediction, make_trial


@pytest.fixture
def full(lab):
    """Two models by two splits by two seeds, all finished; and a split that is no benchmark's."""
    for name in ("mc_maze_small-20ms-val", "my+recording"):
        split = lab.split(name)
        for model in ("sae", "mean_rate"):
            for seed in (0, 1):
                lab.finish(lab.trained(model, split, seed), split)
    return lab


def relative(lab) -> set[str]:
    top = lab.run.predictions
    return {os.path.relpath(os.path.join(at, name), top) for at, _, names in os.walk(top) for name in names}


def test_polars_reads_one_table_partitioned_by_model_and_split(full):
    folder = gather(full.run)
    assert folder == full.run.predictions
    table = polars.scan_parquet(folder, hive_partitioning=True)
    one = polars.scan_parquet(full.run.trial(full.planned[0].id).predictions)
    assert table.collect_schema() == one.collect_schema()
    counts = table.group_by("model", "split", "seed").len().collect()
    assert len(counts) == 8
    assert set(counts["len"]) == {(7 + 5) * SIZES.units}
    assert (
        table.filter(split="my+recording", model="sae").select(polars.col("run_trial").n_unique()).collect().item() == 2
    )
    plan = table.filter(model="sae").explain()
    assert "model=mean_rate" not in plan


def test_other_readers_read_the_same(full):
    import pyarrow.dataset
    import pyarrow.parquet

    folder = gather(full.run)
    rows = 8 * (7 + 5) * SIZES.units
    assert pyarrow.dataset.dataset(folder, partitioning="hive").count_rows() == rows
    assert pyarrow.parquet.read_table(folder, partitioning=None).num_rows == rows


def test_rates_in_the_dataset_are_those_of_the_trial(full):
    gather(full.run)
    trial = full.planned[3]
    for part in ("train", "eval"):
        found, _ = read_rates(gathered_path(full.run, trial), part)
        np.testing.assert_array_equal(found, read_rates(full.run.trial(trial.id).predictions, part)[0])


def test_the_second_time_moves_nothing_and_a_new_trial_moves_itself(full, monkeypatch):
    output, brought = [], []
    bring = module._bring
    monkeypatch.setattr(module, "_bring", lambda run, *paths: (brought.append(paths[0]), bring(run, *paths)))
    gather(full.run, report=output.append)
    assert len(brought) == 8
    gather(full.run, report=output.append)
    assert len(brought) == 8
    split = full.split("mc_rtt-20ms-val")
    new = full.trained("sae", split)
    full.finish(new, split)
    gather(full.run, report=output.append)
    assert brought[8:] == [full.run.trial(new.id).predictions]
    assert [text.partition(": ")[2] for text in output] == ["8 new, 0 removed", "0 new, 0 removed", "1 new, 0 removed"]


def test_a_trial_run_anew_takes_the_place_of_its_old_rates(full):
    gather(full.run)
    trial = full.planned[0]
    new = {"train": make_prediction(trials=7, seed=50), "eval": make_prediction(seed=51)}
    write_predictions(full.run.trial(trial.id).predictions, trial, SIZES, new)
    gather(full.run)
    np.testing.assert_array_equal(read_rates(gathered_path(full.run, trial), "eval")[0], new["eval"].rates)


def test_files_of_trials_that_left_the_plan_go_and_nothing_else(full):
    gather(full.run)
    left = [trial for trial in full.planned if trial.split != "my+recording"]
    full.planned.clear()
    full.plan(*left)
    half_written = os.path.join(
        full.run.predictions, "model=sae", "split=mc_maze_small-20ms-val", ".0a1b2c3d.x.parquet"
    )
    files.write_text(half_written, "x")
    files.write_text(os.path.join(full.run.predictions, "notes.txt"), "mine")
    gather(full.run)
    assert relative(full) == {"notes.txt"} | {
        f"model={trial.model}/split={trial.split}/{trial.id}.parquet" for trial in left
    }
    assert not os.path.exists(os.path.join(full.run.predictions, "model=sae", "split=my+recording"))


def test_an_incomplete_run_is_refused_unless_partial(full):
    gather(full.run)
    before = relative(full)
    data = full.planned[0].data
    missing, failed = make_trial("sae", seed=7, data=data), make_trial("sae", seed=8, data=data)
    full.plan(missing, failed)
    files.write_text(full.run.trial(failed.id).error, "Traceback")
    with pytest.raises(NotReady) as refused:
        gather(full.run)
    for part in ("2 of 10 trials", "1 missing", "1 failed", missing.id, "raysp run", "--retry", "--partial"):
        assert part in str(refused.value)
    assert relative(full) == before
    gather(full.run, partial=True)
    assert relative(full) == before


def test_a_run_without_any_finished_trial_is_refused_even_partially(lab):
    lab.plan(make_trial())
    with pytest.raises(NotReady, match="1 of 1 trials"):
        gather(lab.run, partial=True)
    assert not os.path.exists(lab.run.predictions)


def test_what_was_typed_before_is_what_to_type_again(lab):
    import yaml

    lab.plan(make_trial())
    record = {**lab.run.record(), "submissions": [{"command": "raysp run my_experiment.py"}]}
    files.write_text(lab.run.experiment, yaml.safe_dump(record))
    with pytest.raises(NotReady, match=r"Type: raysp run my_experiment\.py"):
        gather(lab.run)


def test_damaged_or_foreign_predictions_change_nothing(full):
    gather(full.run)
    before = relative(full)
    split = full.split("mc_rtt-20ms-val")
    new, other = full.trained("sae", split), full.trained("sae", split, seed=1)
    full.finish(new, split)
    full.finish(other, split)
    mine = full.run.trial(other.id).predictions
    for spoil, output in (
        (lambda: os.truncate(mine, 50), "damaged"),
        (lambda: os.remove(mine), "1 without predictions"),
        (lambda: os.link(full.run.trial(new.id).predictions, mine), "expected predictions of"),
    ):
        spoil()
        with pytest.raises((BadInput, NotReady), match=output):
            gather(full.run)
        assert relative(full) == before


def test_a_damaged_copy_is_made_anew(full, monkeypatch):
    monkeypatch.setattr(module.os, "link", _no_links)
    gather(full.run)
    target = gathered_path(full.run, full.planned[0])
    os.truncate(target, 50)
    gather(full.run)
    assert read_rates(target, "eval")[0].shape == (5, 6, 6)


def test_without_hard_links_files_are_copied(full, monkeypatch):
    monkeypatch.setattr(module.os, "link", _no_links)
    gather(full.run)
    for trial in full.planned:
        assert not os.path.samefile(gathered_path(full.run, trial), full.run.trial(trial.id).predictions)
    assert polars.scan_parquet(full.run.predictions).select(polars.len()).collect().item() == 8 * 12 * SIZES.units


def test_a_full_disk_keeps_what_was_gathered_and_goes_on_later(full, monkeypatch):
    monkeypatch.setattr(module.os, "link", _no_links)
    copy, left = module.shutil.copyfile, [3]

    def filling(source, target):
        copy(source, target)
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1

    monkeypatch.setattr(module.shutil, "copyfile", filling)
    with pytest.raises(OSError, match="No space left"):
        gather(full.run)
    assert len(relative(full)) == 3
    left[0] = 100
    gather(full.run)
    assert len(relative(full)) == 8
    assert left == [95]


def test_a_run_folder_at_an_address_is_gathered_too():
    from raysp.runs.folder import RunFolder
    from tests.collection.made_up import Lab

    run = RunFolder("memory://runs/first")
    lab = Lab("", run, [])
    trial = make_trial()
    lab.plan(trial)
    parts = {"train": make_prediction(trials=7), "eval": make_prediction()}
    write_predictions(run.trial(trial.id).predictions, trial, SIZES, parts)
    files.write_json(run.trial(trial.id).done, {})
    gather(run)
    rates, _ = read_rates(gathered_path(run, trial), "eval")
    np.testing.assert_array_equal(rates, parts["eval"].rates)


def _no_links(*args):
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("name", ["[a]", "x*", "a#b%20c", "seed=7"])
def test_a_run_folder_of_any_name_is_read_alone(full, name, tmp_path):
    run = RunFolder(str(tmp_path / name / "run"))
    shutil.copytree(full.run.path, run.path)
    shutil.copytree(full.run.path, tmp_path / "xy" / "run")
    gather(RunFolder(str(tmp_path / "xy" / "run")))
    table = polars.scan_parquet(gather(run), glob=False)
    assert table.select(polars.len()).collect().item() == 8 * (7 + 5) * SIZES.units
    assert set(table.select("seed").collect()["seed"]) == {0, 1}
    # What a killed writer leaves beside the dataset, and elsewhere, is no part of any table.
    (tmp_path / name / "run" / ".t.parquet.0123abcd.tmp").write_bytes(b"half")
    (tmp_path / name / "run" / "trials" / ".curve.parquet.0123abcd.tmp").write_bytes(b"half")
    found = polars.scan_parquet(gather(run), glob=False)
    assert found.collect().equals(table.collect())
