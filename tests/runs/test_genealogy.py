import polars
import pytest

from raysp.errors import BadInput
from raysp.runs.genealogy import Genealogy, Row, best_row, lineage, read_genealogy, write_genealogy

ROWS = (
    Row(1, 0, "defaults", {"a": 0.1 + 0.2, "b": "x", "c": [1, 2]}, state="trained", epochs=2, score=1.5, loss=1.4),
    Row(1, 1, "drawn", {"a": 1e-300, "b": "y", "c": None}, state="diverged", epochs=1),
    Row(2, 0, "kept", {"a": 0.1 + 0.2, "b": "x", "c": [1, 2]}, parent=0, opponent=1),
    Row(2, 1, "copied", {"a": 0.4, "b": "x", "c": [1, 3]}, parent=0, opponent=0),
)


def test_what_is_written_is_read_to_the_last_bit(tmp_path):
    path = str(tmp_path / "genealogy.parquet")
    write_genealogy(path, Genealogy(ROWS, {"pbt": {"members": 2}}))
    found = read_genealogy(path)
    assert found == Genealogy(ROWS, {"pbt": {"members": 2}})
    assert (found.last, found.finished) == (2, 1)
    table = polars.read_parquet(path)
    assert table["a"].to_list() == [0.1 + 0.2, 1e-300, 0.1 + 0.2, 0.4]
    assert table["parent"].to_list() == [None, None, 0, 0]


def test_who_descends_from_whom_and_who_is_best():
    assert lineage(ROWS, ROWS[3]) == [ROWS[0], ROWS[3]]
    assert best_row(ROWS) == ROWS[0]
    assert best_row(ROWS[1:]) is None


def test_a_damaged_history_is_refused(tmp_path):
    path = tmp_path / "genealogy.parquet"
    polars.DataFrame({"generation": [1]}).write_parquet(path)
    with pytest.raises(BadInput, match=r"genealogy\.parquet is damaged: it lacks"):
        read_genealogy(str(path))
