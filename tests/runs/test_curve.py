from __future__ import annotations

import errno

import polars
import pytest

from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady
from raysp.io import tables
from raysp.runs.curve import COLUMNS, read_curve, write_curve

ROWS = [
    {"epoch": 1, "train_loss": 0.5, "validation_loss": 0.25, "unseen_loss": 0.75, "learning_rate": 1e-3, "seconds": 1},
    {"epoch": 2, "train_loss": 0.1, "validation_loss": None, "learning_rate": 1e-3, "seconds": 2.5, "co-bps": 0.125},
]


def test_what_was_written_is_read(tmp_path):
    path = str(tmp_path / "curve.parquet")
    write_curve(path, ROWS)
    first, second = read_curve(path)
    assert first == {**ROWS[0], "co-bps": None}
    assert second == {**ROWS[1], "unseen_loss": None}


def test_a_floors_loss_of_an_earlier_version_is_the_one_that_is_compared(tmp_path):
    path = tmp_path / "curve.parquet"
    old = {"epoch": 0, "train_loss": None, "validation_loss": 0.31, "learning_rate": None, "seconds": 1.0}
    polars.DataFrame([old]).write_parquet(path)
    assert read_curve(str(path)) == [{**old, "validation_loss": None, "unseen_loss": 0.31}]
    polars.DataFrame([{**old, "epoch": 1}]).write_parquet(path)
    assert read_curve(str(path)) == [{**old, "epoch": 1, "unseen_loss": None}]


def test_columns_have_fixed_types_and_other_readers_see_them(tmp_path):
    path = tmp_path / "curve.parquet"
    write_curve(str(path), ROWS)
    schema = polars.scan_parquet(path).collect_schema()
    assert tuple(schema)[:6] == COLUMNS
    assert schema["epoch"] == polars.Int64
    assert schema["seconds"] == polars.Float64


def test_a_model_without_epochs_has_an_empty_curve(tmp_path):
    path = str(tmp_path / "curve.parquet")
    write_curve(path, [])
    assert read_curve(path) == []


@pytest.mark.parametrize("row", [{"train_loss": 1.0}, {"epoch": 1.5}, {"epoch": 1, "phase": "predicting"}])
def test_rows_that_are_no_curve_are_refused(tmp_path, row):
    path = str(tmp_path / "curve.parquet")
    write_curve(path, ROWS)
    with pytest.raises(BadInput, match="whole epoch"):
        write_curve(path, [row])
    assert len(read_curve(path)) == 2


def test_absent_and_damaged_files_say_so(tmp_path):
    path = tmp_path / "curve.parquet"
    with pytest.raises(NotReady, match="no training curve"):
        read_curve(str(path))
    write_curve(str(path), ROWS)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BadInput, match="damaged"):
        read_curve(str(path))


def test_another_trials_curve_is_refused_and_one_that_does_not_say_is_read(tmp_path):
    path = str(tmp_path / "curve.parquet")
    mine, other = (Trial("sae", {}, None, "a", "0" * 64, seed=seed) for seed in (0, 1))
    write_curve(path, ROWS, other)
    assert len(read_curve(path, other)) == 2
    with pytest.raises(BadInput, match=f"expected the curve of {mine.id}, got that of {other.id}; remove its trial's"):
        read_curve(path, mine)
    write_curve(path, ROWS)
    assert len(read_curve(path, mine)) == 2


def test_a_full_disk_keeps_what_was_there(tmp_path, monkeypatch):
    path = str(tmp_path / "curve.parquet")
    write_curve(path, ROWS)

    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tables.pq, "write_table", full)
    with pytest.raises(OSError, match="No space"):
        write_curve(path, ROWS[:1])
    assert len(read_curve(path)) == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["curve.parquet"]
