import numpy as np
import polars
import pytest

from raysp.data.formats import table_file
from raysp.errors import BadInput

ROWS = {"unit": np.array([3, 1, 3]), "time": np.array([0.25, 1.5, 2.0]), "side": np.array(["left", "right", "left"])}


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return str(path)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("unit,time,side\n3,0.25,left\n1,1.5,right\n3,2,left\n", "utf-8"),
        ("unit;time;side\n3;0,25;left\n1;1,5;right\n3;2;left\n", "utf-8-sig"),
        ("unit\ttime\tside\r\n3\t0.25\tleft\r\n1\t1.5\tright\r\n3\t2.0\tleft\r\n", "utf-8"),
        ('# sorted by hand\n"unit", "time", "side"\n3, 0.25, left\n1, 1.5, right\n3, 2e0, left\n', "utf-8"),
        ("unit time side\n3 .25 left\n1 1.5 right\n3 2 left\n", "utf-16"),
        ("unit   time side\n 3   .25 left\n1 1.5  right\n3 2 left\n\n", "utf-8"),
        (',unit,time,side\n0,3,"0,25",left\n1,1,"1,5",right\n2,3,"2",left\n', "utf-8"),
        ("unit,time,side\n3,0.25,left,\n\n1,1.5,right,\n3,2,left,\n", "utf-8"),
        ("unit,time,side\r3,0.25,left\r1,1.5,right\r3,2,left\r", "utf-8"),
    ],
)
def test_any_separator_decimal_mark_and_encoding_give_the_same_columns(tmp_path, text, encoding):
    found = table_file.read(write(tmp_path / "spikes.csv", text, encoding))
    assert list(found) == list(ROWS)
    for name, values in ROWS.items():
        np.testing.assert_array_equal(found[name] if values.dtype.kind != "U" else np.char.strip(found[name]), values)


def test_what_may_be_thousands_or_decimals_is_no_number(tmp_path):
    found = table_file.read(write(tmp_path / "x.csv", '"time, ms";unit\n1,234;1\n12,345;2\n'))
    assert found["time, ms"].tolist() == ["1,234", "12,345"]
    other = table_file.read(write(tmp_path / "y.csv", "time;unit\n1,234;1\n0,345;2\n"))
    assert other["time"].tolist() == [1.234, 0.345]


def test_parquet_and_gaps_and_truth_values(tmp_path):
    table = polars.DataFrame({"go": [1.0, None], "hit": [True, False], "wait": [2, None], "who": ["a", None]})
    table.write_parquet(tmp_path / "trials.parquet")
    table.write_csv(tmp_path / "trials.csv")
    for ending in ("parquet", "csv"):
        found = table_file.read(str(tmp_path / f"trials.{ending}"))
        np.testing.assert_array_equal(found["go"], [1.0, np.nan])
        np.testing.assert_array_equal(found["wait"], [2.0, np.nan])
        assert (found["hit"].dtype, found["who"].tolist()) == (bool, ["a", ""])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"3,0.25\n1,1.5\n", "expected a first row with names of columns, got numbers"),
        (b"unit,unit\n1,2\n", "got 'unit' more than once"),
        (b"unit,time\n1,2\n1,2,3,4\n", "expected 2 cells in each row, got 4 in row 2"),
        (b"PAR1 and nothing else", "is damaged"),
        (b"by hand\nunit,time\n1,2\n1,3\n", "put # before remarks above the names"),
        (b"unit,time\n1,2,5\n1,3,25\n", "write decimal points"),
        (b"unit,time\n1," + b"2" * 200_000, "a line of 200,002 characters"),
        (b"<html>sign in, please</html>", "check that you are signed in"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'", "expected an array in NumPy's format"),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0", "is damaged HDF5"),
        (b"MATLAB 5.0 MAT-file\0\0\0", "is a MATLAB file of version 5 to 7"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, message):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(BadInput, match=message):
        table_file.read(str(tmp_path / "x.csv"))


def test_dates_with_times_of_day_are_seconds(tmp_path):
    path = write(tmp_path / "a.csv", "unit,time\n1,2026-05-01 10:00:00.250\n1,2026-05-01T10:00:01.5Z\n2,\n")
    np.testing.assert_array_equal(np.diff(table_file.read(path)["time"]), [1.25, np.nan])


@pytest.mark.parametrize(
    "text",
    [
        "unit,time\n3,0.25\n1,1.5\n",
        "unit;time;side\n3;0,25;left\n1;1,5;right\n",
        "\ufeffunit\ttime\r\n3\t0.25\r\n1\t1.5\r\n",
        "# remark\nunit,time\n3,0.25\n\n1,1.5\n",
        "unit,time\n3,0.25\n,\n1,1.5\n",
        "unit, time\n3, 0.25\n1, 1.5\n",
        "unit time\n3   0.25\n1   1.5\n",
    ],
)
def test_a_large_file_is_read_without_its_text_and_gives_the_same(tmp_path, monkeypatch, text):
    path = write(tmp_path / "x.csv", text)
    usual = table_file.read(path)
    monkeypatch.setattr(table_file, "LARGE_BYTES", 0)
    found = table_file.read(path, only=lambda names: [name for name in names if name in ("unit", "time")])
    assert set(found) == {"unit", "time"}
    for name in found:
        np.testing.assert_array_equal(found[name], usual[name])
        assert found[name].dtype == usual[name].dtype


def test_a_large_file_whose_rest_is_written_otherwise_is_read_or_refused_as_a_small_one(tmp_path, monkeypatch):
    monkeypatch.setattr(table_file, "LARGE_BYTES", 0)
    monkeypatch.setattr(table_file, "PROBE_BYTES", 40)
    whole = "unit,time\n" + "1,2\n" * 20
    found = table_file.read(write(tmp_path / "x.csv", whole + "1,2.5\n"))
    assert found["time"][-1] == 2.5
    assert table_file.read(write(tmp_path / "x.csv", whole + "1,soon\n"))["time"].dtype.kind == "U"
    with pytest.raises(BadInput, match="2 cells in each row, got 3 in row 21"):
        table_file.read(write(tmp_path / "x.csv", whole + "1,2,5\n"))


def test_columns_that_nobody_chose_are_not_read(tmp_path):
    polars.DataFrame({"unit": [1], "time": [0.5], "waveform": [[1.0, 2.0]]}).write_parquet(tmp_path / "x.parquet")
    found = table_file.read(str(tmp_path / "x.parquet"), only=lambda names: names[:2])
    assert list(found) == ["unit", "time"]
