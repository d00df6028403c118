"""What a person has in memory, as arrays: nothing that is marked as missing is taken for a value."""

import numpy as np
import pandas
import pytest
import scipy.sparse

from raysp.data.formats.memory_array import array
from raysp.errors import BadInput

COUNTS = np.random.default_rng(0).poisson(0.5, (6, 7, 3))
HIDDEN = np.arange(7)[:, None] >= np.array([7, 5, 7, 6, 7, 7])[:, None, None]


@pytest.mark.parametrize(
    "given",
    [
        np.ma.masked_array(COUNTS, mask=np.broadcast_to(HIDDEN, COUNTS.shape)),
        [one[: 7 - hidden.sum()] for one, hidden in zip(COUNTS, HIDDEN, strict=True)],
        np.where(HIDDEN, None, COUNTS.astype(object)),
        np.array([one[: 7 - hidden.sum()] for one, hidden in zip(COUNTS, HIDDEN, strict=True)], dtype=object),
        [np.ma.masked_array(*both) for both in zip(COUNTS, np.broadcast_to(HIDDEN, COUNTS.shape), strict=True)],
    ],
    ids=["masked", "a list of trials", "objects", "an array of trials", "a list of masked trials"],
)
def test_what_is_hidden_or_not_there_is_nan(given):
    np.testing.assert_array_equal(array(given, "counts"), np.where(HIDDEN, np.nan, COUNTS))


@pytest.mark.parametrize(
    "given",
    [
        pandas.Series(["left", None, "right"]),
        pandas.Series(["left", pandas.NA, "right"], dtype="string"),
        pandas.Categorical(["left", np.nan, "right"]),
        np.ma.masked_array(["left", "up", "right"], mask=[False, True, False]),
        ["left", None, "right"],
    ],
)
def test_columns_of_text_are_text_and_empty_where_missing(given):
    assert array(given, "conditions").tolist() == ["left", "", "right"]


def test_sparse_matrices_and_whole_arrays_keep_their_values_and_kind():
    flat = COUNTS.reshape(-1, 3)
    np.testing.assert_array_equal(array(scipy.sparse.csr_array(flat), "counts"), flat)
    whole = array(np.ma.masked_array(COUNTS), "counts")
    assert (whole.dtype, type(whole)) == (COUNTS.dtype, np.ndarray)


@pytest.mark.parametrize(
    "given", [[[1, 2], [3]], [COUNTS[0], COUNTS[0, :, :2]], [COUNTS[0], [["a"]]], [[[1, 2], [3]], [[4], [5]]]]
)
def test_trials_that_do_not_fit_each_other_are_refused(given):
    with pytest.raises(BadInput, match=r"numpy takes for none .*; trials of unequal length are a list"):
        array(given, "counts")


def test_other_objects_stay_what_they_are():
    assert array(np.array([{}, 3], dtype=object), "counts").dtype == object


@pytest.mark.parametrize("given", [[True, False], [2**60, 2**60 + 1]])
def test_objects_that_are_all_there_stay_as_exact_as_they_were(given):
    found = array(np.array(given, dtype=object), "conditions")
    assert found.tolist() == given
    assert found.dtype != object


def test_sparse_trials_in_a_list_are_filled():
    trials = [np.eye(3) * trial for trial in range(4)]
    np.testing.assert_array_equal(array([scipy.sparse.csr_matrix(one) for one in trials], "counts"), np.stack(trials))
