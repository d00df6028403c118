from __future__ import annotations

import os

import numpy as np
import polars
import pyarrow as pa
import pytest

from raysp.errors import BadInput, NotReady
from raysp.io import tables

TABLE = polars.DataFrame(
    {
        "epoch": [1, None, 3],
        "trial": ["x", None, "zü"],
        "spikes": [[1, 2], [], None],
        "own": [None, True, False],
        "loss": [float("nan"), -0.0, None],
        "unknown": polars.Series([None, None, None], dtype=polars.String),
    }
)


@pytest.fixture
def path(tmp_path) -> str:
    return str(tmp_path / "a.parquet")


def written(path: str) -> bytes:
    tables.write_table(path, TABLE, {"trial": "x"})
    with open(path, "rb") as file:
        return file.read()


def same(one: polars.DataFrame) -> bool:
    return one.equals(TABLE) and one.schema == TABLE.schema


def test_what_is_written_comes_back_and_other_readers_see_the_same(path):
    written(path)
    assert same(tables.read_table(path))
    assert same(polars.read_parquet(path))
    assert tables.read_table(path, ["loss", "trial", "absent"]).columns == ["loss", "trial"]
    assert tables.read_note(path) == {"trial": "x"}


def test_an_empty_table_comes_back(path):
    tables.write_table(path, TABLE.head(0))
    assert tables.read_table(path).equals(TABLE.head(0))
    assert tables.read_note(path) == {}


def test_a_table_of_an_earlier_version_is_read(path):
    TABLE.write_parquet(path)
    assert same(tables.read_table(path))
    assert tables.read_note(path) == {}


@pytest.mark.parametrize("column", ["run_trial", "unseen_loss"])
def test_a_table_of_today_that_another_program_wrote_anew_has_lost_its_checksums(path, column):
    tables.write_table(path, polars.DataFrame({column: [1.5, 2.5], "other": [1, 2]}))
    polars.read_parquet(path).with_columns(other=3).write_parquet(path)
    with pytest.raises(BadInput, match=r"damaged.*its checksums are gone"):
        tables.read_table(path)


def test_a_flipped_bit_is_told_of_or_changes_nothing(path):
    whole = written(path)
    output, taken = 0, 0
    for place in range(0, len(whole), 3):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        with open(path, "wb") as file:
            file.write(content)
        try:
            assert same(tables.read_table(path))
            assert tables.read_note(path) == {"trial": "x"}
        except BadInput as error:
            output += str(error).startswith(f"{path} is damaged") and "\n" not in str(error)
        else:
            taken += 1
    assert taken + output == len(range(0, len(whole), 3))
    assert output > len(whole) / 10


@pytest.mark.parametrize("keep", [0, 3, 40, 0.5, 0.99])
def test_a_cut_table_is_told_of(path, keep):
    whole = written(path)
    with open(path, "wb") as file:
        file.write(whole[: keep if isinstance(keep, int) else int(keep * len(whole))])
    with pytest.raises(BadInput, match=r"is damaged or no table.*run it again"):
        tables.read_table(path, again="run it again")


def test_other_values_under_old_checksums_are_told_of(path):
    written(path)
    metadata = pa.parquet.read_schema(path).metadata
    for other, message in [
        (TABLE.with_columns(loss=polars.lit(1.0)), "column 'loss'"),
        (TABLE.with_columns(trial=polars.lit("x")), "column 'trial'"),
        (TABLE.rename({"epoch": "loss", "loss": "epoch"}), "column 'loss'"),
        (TABLE.reverse(), "column 'epoch'"),
        (TABLE.head(2), "expected 3 rows, got 2"),
        (TABLE.with_columns(more=polars.lit(1)), "column 'more'"),
        (TABLE.drop("loss"), "column 'loss' is gone"),
        (TABLE.rename({"loss": "lost"}), "column 'loss' is gone"),
    ]:
        arrow = other.to_arrow(compat_level=polars.CompatLevel.oldest()).replace_schema_metadata(metadata)
        pa.parquet.write_table(arrow, path)
        with pytest.raises(BadInput, match=message):
            tables.read_table(path)


def test_how_values_are_cut_into_chunks_does_not_matter(path):
    parts = [TABLE.slice(i, 1) for i in range(3)]
    tables.write_table(path, polars.concat(parts, rechunk=False))
    assert same(tables.read_table(path))
    arrays = [pa.array(["abc", None, "d"])[1:], pa.array(["abc", "d"])[:1]]
    tables.write_table(path, pa.table({"a": pa.chunked_array(arrays)}))
    assert tables.read_table(path)["a"].to_list() == [None, "d", "abc"]


def test_absent_files_folders_and_other_files_are_one_sentence(path, tmp_path):
    with pytest.raises(NotReady, match="no table"):
        tables.read_table(path)
    os.mkdir(path)
    with pytest.raises(BadInput, match="is damaged or no table"):
        tables.read_table(path)
    np.save(tmp_path / "b.npy", np.zeros(3))
    with pytest.raises(BadInput, match="is damaged or no table"):
        tables.read_table(str(tmp_path / "b.npy"))


def test_a_panic_of_a_reader_is_one_sentence(path):
    # Of polars; it is no Exception.
    panic = type("PanicException", (BaseException,), {})
    with pytest.raises(BadInput, match=r"x is damaged.*index out of range"), tables.guarded("x"):
        raise panic("index out of range\nand more")
    with pytest.raises(KeyboardInterrupt), tables.guarded("x"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("folder", ["[a]", "x*", "a?b", "a#b%20c", "{a,b}", "model=1", "ü ~ b"])
def test_paths_are_no_patterns(tmp_path, monkeypatch, folder):
    (tmp_path / "xy").mkdir()
    tables.write_table(str(tmp_path / "xy" / "t.parquet"), TABLE.with_columns(trial=polars.lit("other")))
    path = str(tmp_path / folder / "t.parquet")
    tables.write_table(path, TABLE)
    assert same(tables.read_table(path))
    monkeypatch.chdir(tmp_path)
    assert same(tables.read_table(f"{folder}/t.parquet"))
    assert same(tables.read_table(f"file://{path}"))
