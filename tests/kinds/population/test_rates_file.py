from __future__ import annotations

import dataclasses
import errno
import json
import os
import tracemalloc

import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from raysp.config.experiment import Training
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.errors import BadInput, NotReady
from raysp.kinds.population import rates_file
from raysp.kinds.population.rates_file import read_header, read_rates, write_predictions
from raysp.models.prediction import Prediction
from raysp.training.validation import validation_mask
from tests.collection.made_up import SIZES, make_prediction, make_trial

TRIAL = make_trial()


@pytest.fixture
def path(tmp_path) -> str:
    return str(tmp_path / "predictions.parquet")


@pytest.fixture
def written(path) -> dict[str, Prediction]:
    parts = {"train": make_prediction(trials=7, forward=False), "eval": make_prediction(trials=5, seed=1)}
    write_predictions(path, TRIAL, SIZES, parts)
    return parts


def rewrite(path: str, change) -> None:
    table = pq.read_table(path)
    metadata = pq.read_metadata(path).metadata
    pq.write_table(change(table).replace_schema_metadata(metadata), path)


def put(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


RATES = st.floats(0, 2.0**100, width=32)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), shape=st.tuples(*[st.integers(1, 4)] * 4), more=st.tuples(*[st.integers(0, 3)] * 2))
def test_rates_come_back_bit_for_bit(tmp_path_factory, data, shape, more):
    trials, bins, heldin, evals = shape
    sizes = Sizes("x", 5, bins, heldin, *more)
    folder = tmp_path_factory.mktemp("p")
    parts = {}
    for part, count in (("train", trials), ("eval", evals)):
        rates, forward = (
            data.draw(arrays.arrays(np.float32, (count, length, sizes.units), elements=RATES))
            for length in (bins, sizes.forward)
        )
        parts[part] = Prediction(rates, forward if data.draw(st.booleans()) else None)
    path = str(folder / "predictions.parquet")
    write_predictions(path, make_trial(split="x"), sizes, parts)
    for part, prediction in parts.items():
        rates, forward = read_rates(path, part)
        assert rates.dtype == np.float32
        assert rates.shape == prediction.rates.shape
        assert rates.tobytes() == prediction.rates.tobytes()
        assert (forward is None) == (prediction.rates_forward is None)
        assert forward is None or forward.tobytes() == prediction.rates_forward.tobytes()


def test_small_row_groups_make_the_same_rates(path, monkeypatch):
    monkeypatch.setattr(rates_file, "ROW_GROUP_VALUES", 2 * SIZES.units * (SIZES.bins + SIZES.forward))
    parts = {"train": make_prediction(trials=7), "eval": make_prediction(trials=5, seed=1)}
    write_predictions(path, TRIAL, SIZES, parts)
    assert pq.read_metadata(path).num_row_groups == 4 + 3
    for part in parts:
        rates, forward = read_rates(path, part)
        np.testing.assert_array_equal(rates, parts[part].rates)
        np.testing.assert_array_equal(forward, parts[part].rates_forward)


def test_any_reader_sees_the_promised_table(path, written):
    table = polars.read_parquet(path)
    assert dict(table.schema) == {
        "run_trial": polars.String,
        "model": polars.String,
        "split": polars.String,
        "seed": polars.Int64,
        "part": polars.String,
        "trial": polars.Int64,
        "trial_index": polars.Int32,
        "unit": polars.Int64,
        "unit_index": polars.Int32,
        "unit_name": polars.String,
        "held_out": polars.Boolean,
        "validation": polars.Boolean,
        "bin_ms": polars.Float64,
        "start_ms": polars.Float64,
        "rates": polars.List(polars.Float32),
        "rates_forward": polars.List(polars.Float32),
        "spikes": polars.List(polars.Int32),
    }
    assert len(table) == (7 + 5) * SIZES.units
    row = table.row(
        by_predicate=(polars.col("part") == "eval")
        & (polars.col("trial_index") == 3)
        & (polars.col("unit_index") == 4),
        named=True,
    )
    assert row["rates"] == written["eval"].rates[3, :, 4].tolist()
    assert row["rates_forward"] == written["eval"].rates_forward[3, :, 4].tolist()
    assert row["spikes"] is None
    assert (row["run_trial"], row["model"], row["seed"]) == (TRIAL.id, "sae", 0)
    assert (row["bin_ms"], row["start_ms"]) == (20.0, None)
    assert (
        table.group_by("unit_index").agg(polars.col("held_out").all()).sort("unit_index")["held_out"].to_list()
        == [False] * 4 + [True] * 2
    )
    assert table.filter(part="train")["rates_forward"].is_null().all()


def numbered() -> PopulationSplit:
    rng = np.random.default_rng(0)

    def trials(count: int, first: int) -> TrialArrays:
        counts = (rng.poisson(1.0, (count, SIZES.bins, n)).astype(np.float32) for n in (SIZES.heldin, SIZES.heldout))
        return TrialArrays(*counts, ids=np.arange(first, first + 2 * count, 2))

    units = np.array([7, 9, 11, 3, 5, 1 << 60])
    return PopulationSplit("mine", SIZES, trials(7, 100), trials(5, 501), units=units)


@pytest.mark.parametrize("validate_on", ["train", "eval"])
def test_trials_and_units_have_the_recordings_own_numbers_and_say_what_selected_the_model(path, validate_on):
    split, training = numbered(), Training(validate_on=validate_on)
    trial = dataclasses.replace(TRIAL, training=training)
    parts = {"train": make_prediction(trials=7), "eval": make_prediction(trials=5, seed=1)}
    write_predictions(path, trial, SIZES, parts, split)
    table = polars.read_parquet(path)
    for part, own in (("train", split.train.ids), ("eval", split.eval.ids)):
        rows = table.filter(part=part)
        assert (rows["trial"].to_numpy() == own[rows["trial_index"].to_numpy()]).all()
        assert (rows["unit"].to_numpy() == split.units[rows["unit_index"].to_numpy()]).all()
        aside = np.full(len(own), validate_on == "eval" and part == "eval")
        if (part, validate_on) == ("train", "train"):
            aside = validation_mask(split.train, training)
            assert 0 < aside.sum() < 7
        assert (rows["validation"].to_numpy() == aside[rows["trial_index"].to_numpy()]).all()
        np.testing.assert_array_equal(read_rates(path, part)[0], parts[part].rates)
    assert read_header(path).data == trial.data


def test_units_have_the_recordings_names_where_it_has_some(path):
    split = dataclasses.replace(numbered(), provenance=Provenance(unit_names=((9, "TT1c2"), (7, "TT1c1"))))
    write_predictions(path, TRIAL, SIZES, {"eval": make_prediction(trials=5)}, split)
    named = polars.read_parquet(path).select("unit", "unit_name").unique()
    assert dict(named.rows()) == {7: "TT1c1", 9: "TT1c2", **dict.fromkeys((11, 3, 5, 1 << 60))}
    write_predictions(path, TRIAL, SIZES, {"eval": make_prediction(trials=5)}, numbered())
    assert polars.read_parquet(path)["unit_name"].is_null().all()


@pytest.mark.parametrize("other", [{"training": None}, {"training": Training(), "follows": "another"}])
def test_a_model_that_no_trials_selected_says_so(path, other):
    trial = dataclasses.replace(TRIAL, **other)
    write_predictions(path, trial, SIZES, {"train": make_prediction(trials=7), "eval": make_prediction()}, numbered())
    assert not polars.read_parquet(path)["validation"].any()


def test_a_file_of_an_earlier_version_is_read(path, written):
    table = pq.read_table(path).rename_columns({"run_trial": "trial_id", "trial_index": "sample", "unit_index": "u"})
    table = table.drop_columns(["trial", "unit", "validation"]).rename_columns({"u": "unit"})
    known = {"trial_id": TRIAL.id, "sizes": dataclasses.asdict(SIZES), "trials": {"train": 7, "eval": 5}}
    note = {"format": 1, **known, "forward": ["eval"], "digest": "0" * 64}
    pq.write_table(table.replace_schema_metadata({"raysp": json.dumps(note)}), path)
    assert read_header(path).digest == "0" * 64
    for part, prediction in written.items():
        np.testing.assert_array_equal(read_rates(path, part)[0], prediction.rates)


def test_a_flipped_bit_anywhere_is_told_of_or_changes_nothing(path, written):
    with open(path, "rb") as file:
        whole = file.read()
    told = 0
    for place in range(0, len(whole), 97):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        with open(path, "wb") as file:
            file.write(content)
        try:
            assert read_header(path).trial_id == TRIAL.id
            for part, prediction in written.items():
                rates, forward = read_rates(path, part)
                assert rates.tobytes() == prediction.rates.tobytes()
                assert forward is None or forward.tobytes() == prediction.rates_forward.tobytes()
        except BadInput:
            told += 1
    assert told > 10


def test_where_a_split_does_not_tell_its_window_the_start_is_unknown(path):
    write_predictions(path, make_trial(split="lorenz"), SIZES, {"eval": make_prediction()})
    assert polars.read_parquet(path)["start_ms"].is_null().all()


def test_the_start_of_a_persons_own_windows_is_told(path):
    split = dataclasses.replace(numbered(), provenance=Provenance(start_ms=-100.0))
    write_predictions(path, make_trial(split="mine"), SIZES, {"eval": make_prediction(trials=5)}, split)
    assert polars.read_parquet(path)["start_ms"].unique().to_list() == [-100.0]


def test_equal_predictions_make_equal_files(tmp_path, written, path):
    again, other = str(tmp_path / "again.parquet"), str(tmp_path / "other.parquet")
    write_predictions(again, TRIAL, SIZES, written)
    write_predictions(other, TRIAL, SIZES, {**written, "eval": make_prediction(seed=2)})
    with open(path, "rb") as one, open(again, "rb") as two:
        assert one.read() == two.read()
    assert read_header(path) == read_header(again)
    assert read_header(path).digest != read_header(other).digest


def test_the_header_tells_sizes_without_reading_rates(path, written):
    header = read_header(path)
    assert (header.trial_id, header.sizes) == (TRIAL.id, SIZES)
    assert (header.trials, header.forward) == ({"train": 7, "eval": 5}, ("eval",))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "'eval', got none"),
        ({"train": make_prediction()}, "'eval', got"),
        ({"eval": make_prediction(), "test": make_prediction()}, "unknown part"),
        ({"eval": Prediction(np.zeros((5, 6, 5)))}, "expected shape"),
        ({"eval": Prediction(np.full((5, 6, 6), -1.0))}, ">= 0"),
        ({"eval": Prediction(np.full((5, 6, 6), np.nan))}, "finite"),
        ({"eval": Prediction(np.full((5, 6, 6), 1e300))}, "finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_wrong_predictions_are_refused_before_writing(path, written, parts, said):
    with open(path, "rb") as file:
        before = file.read()
    with pytest.raises(BadInput, match=said):
        write_predictions(path, TRIAL, SIZES, parts)
    with open(path, "rb") as file:
        assert file.read() == before


def test_rows_in_another_order_are_put_in_place(path, written):
    rewrite(path, lambda table: table.take(np.random.default_rng(0).permutation(len(table))))
    for part, prediction in written.items():
        np.testing.assert_array_equal(read_rates(path, part)[0], prediction.rates)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.slice(0, len(table) - 1), "1 of 30 rows of the eval part are missing"),
        (lambda table: pa.concat_tables([table, table.slice(len(table) - 1)]), "more than once"),
        (
            lambda table: pa.concat_tables([table.slice(0, len(table) - 1), table.slice(len(table) - 2, 1)]),
            "more than once",
        ),
        (
            lambda table: put(table, "trial_index", pa.array(np.full(len(table), 9, np.int32))),
            "trial expected 0 to 4",
        ),
        (
            lambda table: put(table, "unit_index", pa.array(np.full(len(table), -1, np.int32))),
            "unit expected 0 to 5",
        ),
        (
            lambda table: put(table, "rates", pa.array([[1.0]] * len(table), pa.list_(pa.float32()))),
            "rates expected 6 bins",
        ),
        (lambda table: put(table, "rates", table["rates"].take(np.arange(len(table))[::-1])), "not what was written"),
        (lambda table: put(table, "trial", pa.array(np.arange(len(table)))), "not what was written"),
        (lambda table: put(table, "unit", pa.array(np.arange(len(table)))), "not what was written"),
        (lambda table: put(table, "validation", pa.array([True] * len(table))), "not what was written"),
        (lambda table: table.drop_columns("unit_index"), "lacks the columns unit_index"),
        (
            lambda table: put(table, "rates_forward", pa.nulls(len(table), pa.list_(pa.float32()))),
            "rates_forward expected 3 bins",
        ),
    ],
)
def test_incomplete_tables_are_refused(path, written, change, said):
    rewrite(path, change)
    with pytest.raises(BadInput, match=said):
        read_rates(path, "eval")


def test_a_truncated_file_is_refused_at_any_length(path, written):
    with open(path, "rb") as file:
        whole = file.read()
    for length in (0, 3, 100, len(whole) // 2, len(whole) - 1):
        with open(path, "wb") as file:
            file.write(whole[:length])
        with pytest.raises(BadInput, match="is damaged"):
            read_rates(path, "eval")


def test_a_flipped_byte_among_the_rates_is_noticed(path, written):
    column = pq.read_metadata(path).row_group(1).column(14)
    assert column.path_in_schema == "rates.list.element"
    with open(path, "r+b") as file:
        file.seek(column.data_page_offset + column.total_compressed_size - 5)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(BadInput, match="is damaged"):
        read_rates(path, "eval")


def test_other_tables_and_absent_parts_say_what_to_do(tmp_path, path):
    with pytest.raises(NotReady, match="run the experiment"):
        read_rates(path, "eval")
    polars.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(BadInput, match="the predictions table"):
        read_header(path)
    write_predictions(path, TRIAL, SIZES, {"eval": make_prediction()})
    with pytest.raises(BadInput, match="unknown part"):
        read_rates(path, "train")


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_a_full_disk_keeps_what_was_there(tmp_path, path, written, monkeypatch, calls):
    monkeypatch.setattr(rates_file, "ROW_GROUP_VALUES", 1)
    write = pq.ParquetWriter.write_batch
    left = [calls]

    def filling(self, *args, **options):
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        return write(self, *args, **options)

    monkeypatch.setattr(pq.ParquetWriter, "write_batch", filling)
    with pytest.raises(OSError, match="No space left"):
        write_predictions(path, TRIAL, SIZES, {"eval": make_prediction(seed=9)})
    assert os.listdir(tmp_path) == ["predictions.parquet"]
    np.testing.assert_array_equal(read_rates(path, "eval")[0], written["eval"].rates)


def test_writing_takes_little_memory_beside_the_rates(path):
    sizes = Sizes("x", 5, 100, 80, 20, 20)
    prediction = make_prediction(sizes, trials=1000)
    size = prediction.rates.nbytes + prediction.rates_forward.nbytes
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    tracemalloc.start()
    try:
        write_predictions(path, make_trial(split="x"), sizes, {"eval": prediction})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The booleans of the checks are a quarter of the rates; the rest is a row group.
    assert peak < 0.3 * size + 40e6
    assert peak < 1.2 * size
    assert pool.bytes_allocated() - before < 5e6
