import numpy as np
import pytest

from raysp.data.formats.matrix_columns import columns, rising, row_a_spike
from raysp.data.formats.whose import Whose

TIMES = np.linspace(0.1, 9.0, 100)
WHOSE = np.arange(100) % 5


def test_columns_are_called_as_python_indexes_them():
    found = columns("a/b", np.column_stack([TIMES, WHOSE]))
    assert [(name, one.dtype.kind) for name, one in found.items()] == [("a/b[:,0]", "f"), ("a/b[:,1]", "i")]
    assert list(columns("b", np.stack([WHOSE, TIMES]))) == ["b[0,:]", "b[1,:]"]


@pytest.mark.parametrize("shape", [(100,), (100, 5), (100, 1), (10, 2), (50, 2, 2)], ids=str)
def test_other_arrays_are_no_such_table(shape):
    assert columns("a", np.zeros(shape)) == {}


def test_times_and_units_are_told_by_how_often_values_repeat():
    both = columns("a", np.column_stack([WHOSE, TIMES]))
    assert row_a_spike(both) == ("a[:,1]", Whose("a[:,0]"))
    assert row_a_spike(columns("hand", np.column_stack([TIMES, TIMES]))) is None
    assert row_a_spike({"time": TIMES, "unit": WHOSE}) is None


def test_a_matrix_of_trials_has_a_first_column_that_rises():
    vectors = columns("trials", np.column_stack([TIMES, WHOSE])) | columns("hand", np.column_stack([WHOSE, TIMES]))
    assert list(rising(vectors)) == ["trials[:,0]", "trials[:,1]"]


@pytest.mark.parametrize("kind", ["<i4", ">i4", "u1"])
def test_a_table_whose_columns_have_names_is_one(kind):
    rows = np.array(
        list(zip(TIMES, WHOSE, ["a"] * 100, strict=True)), dtype=[("time", "f8"), ("unit", kind), ("at", "S3")]
    )
    found = columns("spikes", rows)
    assert list(found) == ["spikes/time", "spikes/unit", "spikes/at"]
    np.testing.assert_array_equal(found["spikes/unit"], WHOSE)
    assert found["spikes/at"].tolist() == ["a"] * 100
