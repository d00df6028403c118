"""Predicted spike trains on disk: what is read is what was written, and nothing damaged is read."""

from __future__ import annotations

import contextlib
import dataclasses
import os

import numpy as np
import polars
import pyarrow.parquet
import pytest

from raysp.collection.gather import gather, gathered_path
from raysp.collection.predictions import whose
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.kinds.population.rates_file import read_rates
from raysp.kinds.stimulus.spike_trains_file import SpikeTrain, read_spike_trains, times, write_spike_trains
from tests.collection.made_up import make_trial
from tests.models.made_up_stimulus import made_up_recording

SPLIT = made_up_recording(units=2)
TRIAL = make_trial("distance_unet", "made_up", label="nearest_10")
BINS = 50


def made_up_trains(seed: int = 0) -> list[SpikeTrain]:
    rng = np.random.default_rng(seed)
    found = []
    for unit in SPLIT.units.tolist():
        for decoding in ("nearest", "other"):
            predicted, recorded = (rng.poisson(0.3, BINS).astype(np.uint8) for _ in range(2))
            output = rng.random((5, 7)).astype(np.float32) if decoding == "nearest" else None
            found.append(SpikeTrain(unit, decoding, 1.008, 540, predicted, recorded, output, 10))
    return found


@pytest.fixture
def path(tmp_path) -> str:
    return str(tmp_path / "predictions.parquet")


def written(path, trains=None, trial=TRIAL, **options) -> str:
    write_spike_trains(path, trial, SPLIT, made_up_trains() if trains is None else trains, 64, **options)
    return whose(path)[1]


def test_what_is_read_is_what_was_written(path):
    trains = made_up_trains()
    assert max(train.predicted.max() for train in trains) > 1, "bins with several spikes are to be kept too"
    written(path, trains)
    for one, other in zip(read_spike_trains(path), trains, strict=True):
        for field in dataclasses.fields(SpikeTrain):
            ours, theirs = getattr(one, field.name), getattr(other, field.name)
            if isinstance(theirs, np.ndarray):
                assert ours.dtype == theirs.dtype
                np.testing.assert_array_equal(ours, theirs)
            else:
                assert ours == theirs


def test_the_table_says_of_every_row_what_it_is(path):
    written(path, part="validation")
    rows = polars.read_parquet(path).to_dicts()
    trains, ids = made_up_trains(), {10: 100, 13: 101}
    for row, train in zip(rows, trains, strict=True):
        assert (row["run_trial"], row["model"], row["split"], row["seed"]) == (TRIAL.id, "nearest_10", "made_up", 0)
        assert (row["part"], row["input_bins"], row["step"], row["bins"]) == ("validation", 64, 10, BINS)
        assert row["unit_index"] == SPLIT.units.tolist().index(train.unit)
        assert (row["unit"], row["global_id"], row["decoding"]) == (train.unit, ids[train.unit], train.decoding)
        assert (row["bin_ms"], row["first_bin"]) == (1.008, 540)
        assert row["spikes"] == sorted(row["spikes"])
        np.testing.assert_array_equal(np.bincount(row["spikes"], minlength=BINS), train.predicted)
        np.testing.assert_array_equal(np.bincount(row["recorded_spikes"], minlength=BINS), train.recorded)
        assert row["output_width"] == (None if train.output is None else 7)


def test_a_run_folder_may_be_at_an_address():
    address = "memory://trains/predictions.parquet"
    digest = written(address)
    assert whose(address) == (TRIAL.id, digest)
    for one, other in zip(read_spike_trains(address), made_up_trains(), strict=True):
        np.testing.assert_array_equal(one.predicted, other.predicted)


def test_a_train_without_spikes_and_one_with_two_in_a_bin_come_back(path):
    empty = SpikeTrain(10, "none", 1.0, 3, np.zeros(4, np.uint8), np.array([0, 2, 0, 1], np.uint8), None, 2)
    written(path, [empty])
    (found,) = read_spike_trains(path)
    assert found.predicted.tolist() == [0, 0, 0, 0]
    assert found.recorded.tolist() == [0, 2, 0, 1]
    assert found.output is None
    assert times(empty.recorded).tolist() == [1, 1, 3]
    assert times(empty.recorded).dtype == np.int32


def test_the_digest_is_that_of_the_content_and_the_same_for_the_same(path, tmp_path):
    digest = written(path)
    assert whose(path) == (TRIAL.id, digest)
    assert written(str(tmp_path / "again.parquet")) == digest
    assert written(path, made_up_trains(seed=1)) != digest
    assert written(path, trial=dataclasses.replace(TRIAL, seed=1)) != digest
    trains = made_up_trains()
    for change in ({"decoding": "x"}, {"step": 11}, {"first_bin": 541}, {"output": trains[0].output + 1}):
        assert written(path, [dataclasses.replace(trains[0], **change), *trains[1:]]) != digest


def test_trains_that_do_not_belong_are_refused_and_leave_what_was_there(path):
    digest = written(path)
    train = made_up_trains()[0]
    for wrong in (dataclasses.replace(train, unit=11), dataclasses.replace(train, predicted=train.predicted[1:])):
        with pytest.raises(BadInput, match="expected a predicted train of 50 bins of one of its units, got unit"):
            written(path, [wrong])
    assert whose(path)[1] == digest


def test_a_truncated_file_is_told_of(path):
    written(path)
    os.truncate(path, os.path.getsize(path) - 20)
    for read in (read_spike_trains, whose):
        with pytest.raises(BadInput, match=r"is damaged.*run the experiment again"):
            read(path)


def test_a_file_whose_content_was_changed_on_disk_is_told_of(path):
    written(path)
    group = pyarrow.parquet.ParquetFile(path).metadata.row_group(0)
    (column,) = [c for c in map(group.column, range(group.num_columns)) if c.path_in_schema.startswith("output.")]
    with open(path, "r+b") as file:
        file.seek((column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 5)
        file.write(b"\x55\xaa")
    with pytest.raises(BadInput, match="is damaged"):
        read_spike_trains(path)


def test_a_table_of_rates_is_not_one_of_trains_nor_the_other_way_round(path, lab):
    split = lab.split("mc_maze_small-20ms-val")
    trial = lab.trained("sae", split)
    lab.finish(trial, split)
    rates = lab.run.trial(trial.id).predictions
    assert whose(rates)[0] == trial.id
    with pytest.raises(BadInput, match="expected a table of spike trains, got another one"):
        read_spike_trains(rates)
    written(path)
    with pytest.raises(BadInput):
        read_rates(path, "eval")


def test_nothing_there_is_not_ready(path):
    for read in (read_spike_trains, whose):
        with pytest.raises(NotReady, match="run the experiment first"):
            read(path)


def test_a_run_of_trains_and_rates_is_gathered_and_only_what_is_new_is_moved(lab):
    split = lab.split("mc_maze_small-20ms-val")
    rates = lab.trained("sae", split)
    lab.finish(rates, split)
    lab.plan(TRIAL)
    own = lab.run.trial(TRIAL.id)
    written(own.predictions)
    files.write_json(own.done, {})
    said = []
    gather(lab.run, report=said.append)
    target = gathered_path(lab.run, TRIAL)
    assert "model=nearest_10/split=made_up" in target
    assert len(read_spike_trains(target)) == 4
    gather(lab.run, report=said.append)
    written(own.predictions, made_up_trains(seed=1))
    gather(lab.run, report=said.append)
    assert [text.partition(": ")[2] for text in said] == ["2 new, 0 removed", "0 new, 0 removed", "1 new, 0 removed"]
    np.testing.assert_array_equal(read_spike_trains(target)[0].predicted, made_up_trains(seed=1)[0].predicted)
    os.truncate(own.predictions, 100)
    with pytest.raises(BadInput, match="damaged"):
        gather(lab.run)


def test_predictions_of_another_trial_are_refused_when_gathered(lab):
    other = dataclasses.replace(TRIAL, seed=5)
    lab.plan(TRIAL)
    own = lab.run.trial(TRIAL.id)
    written(own.predictions, trial=other)
    files.write_json(own.done, {})
    with pytest.raises(BadInput, match=f"expected predictions of {TRIAL.id}, got those of {other.id}"):
        gather(lab.run)


def test_a_table_that_is_not_what_was_written_is_not_read(path):
    written(path)
    table = pyarrow.parquet.read_table(path)
    units = pyarrow.array([unit + 1 for unit in table["unit"].to_pylist()])
    pyarrow.parquet.write_table(table.set_column(table.column_names.index("unit"), table.field("unit"), units), path)
    with pytest.raises(BadInput, match="column 'unit' are not those that were written"):
        read_spike_trains(path)


def test_some_units_are_read_with_what_the_network_said_only_where_it_is_asked_for(path):
    written(path)
    whole = read_spike_trains(path)
    unit = whole[-1].unit
    found = read_spike_trains(path, [unit])
    expected = [train for train in whole if train.unit == unit]
    assert [train.decoding for train in found] == [train.decoding for train in expected]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.predicted, other.predicted)
        np.testing.assert_array_equal(one.recorded, other.recorded)
        assert (one.first_bin, one.bin_ms, one.step) == (other.first_bin, other.bin_ms, other.step)
        assert (one.output is None) == (other.output is None)
    assert all(train.output is None for train in read_spike_trains(path, output=False))


def test_a_flipped_bit_is_told_of_or_changes_nothing(path):
    written(path)
    with open(path, "rb") as file:
        whole = file.read()
    right = read_spike_trains(path)
    for place in range(0, len(whole), 17):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        with open(path, "wb") as file:
            file.write(content)
        with contextlib.suppress(BadInput):
            found = read_spike_trains(path)
            assert [repr(train) for train in found] == [repr(train) for train in right]
            assert whose(path)[0] == TRIAL.id
