"""Lists and dictionaries of numbers and arrays come out of pickles as they went in; hostile pickles run nothing."""

from __future__ import annotations

import io
import os
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from raysp.data.formats.restricted_pickle import load_values
from raysp.errors import BadInput

NUMBERS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text()
ARRAYS = arrays.arrays(
    st.sampled_from([np.float32, np.float64, np.int16, np.int64, np.bool_]), arrays.array_shapes(min_side=0, max_dims=3)
)
VALUES = st.recursive(
    NUMBERS | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers(), st.integers()), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=12,
)


def same(one, other):
    assert type(one) is type(other)
    match one:
        case list() | tuple():
            assert len(one) == len(other)
            for mine, theirs in zip(one, other, strict=True):
                same(mine, theirs)
        case dict():
            assert list(one) == list(other)
            for key in one:
                same(one[key], other[key])
        case np.ndarray():
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        case _:
            assert one == other


@given(VALUES, st.sampled_from([4, 5]))
def test_values_come_out_as_they_went_in(value, protocol):
    same(load_values(pickle.dumps(value, protocol), "here"), value)


@pytest.mark.parametrize("scalar", [np.float64(0.1466), np.float32(0.5), np.int64(7), np.bool_(True)])
def test_scalars_of_numpy_are_numbers(scalar):
    found = load_values(pickle.dumps({"gamma": scalar}), "here")["gamma"]
    assert (found, type(found)) == (scalar.item(), type(scalar.item()))


def test_one_array_may_be_there_many_times():
    array = np.arange(5.0)
    assert [one.tolist() for one in load_values(pickle.dumps([array] * 20), "here")] == [[0, 1, 2, 3, 4]] * 20


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bool])
def test_tensors_are_arrays(dtype):
    tensor = torch.arange(12).reshape(3, 4).to(dtype)
    given = {"a": tensor, "b": [tensor.t(), tensor[1:, 2]], "c": torch.tensor(1.0), "d": torch.zeros(0)}
    found = load_values(pickle.dumps(given), "here")
    for one, other in ((found["a"], given["a"]), *zip(found["b"], given["b"], strict=True), (found["c"], given["c"])):
        assert type(one) is np.ndarray
        np.testing.assert_array_equal(one, other.numpy(), strict=True)
    assert found["d"].shape == (0,)
    parameter = torch.nn.Parameter(torch.arange(3.0))
    assert load_values(pickle.dumps([parameter]), "here")[0].tolist() == [0, 1, 2]


class Stored:
    """Pickles as a tensor whose storage is whatever bytes are given."""

    def __init__(self, data, first=0, shape=(2,), strides=(1,)):
        self.given = data, first, shape, strides

    def __reduce__(self):
        data, *view = self.given
        return torch._utils._rebuild_tensor_v2, (Calls(torch.storage._load_from_bytes, data), *view, False, None)


def test_a_tensor_is_no_way_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    torch.save(torch.arange(3.0).untyped_storage(), buffer)
    evil = pickle.dumps(Calls(os.system, "touch was-here"))
    whole = pickle.dumps(torch.arange(3.0))
    traps = [Stored(evil), Stored(b""), Stored(buffer.getvalue(), 99), Stored(buffer.getvalue(), 0, (10**12,), (0,))]
    for trap in traps:
        with pytest.raises(BadInput, match=r"^here: expected"):
            load_values(pickle.dumps(trap), "here")
    assert not (tmp_path / "was-here").exists()
    for length in range(1, len(whole), 29):
        with pytest.raises(BadInput, match=r"^here: expected"):
            load_values(whole[:length], "here")


class Calls:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "hostile",
    [
        Calls(os.system, "touch was-here"),
        Calls(eval, "open('was-here', 'w')"),
        {"a": [Calls(getattr, 3, "real")]},
        np.array([Calls(os.system, "touch was-here")], dtype=object),
        {1, 2},
        np.datetime64("2020-01-01"),
        np.array(["text"]),
        complex(1, 2),
        len,
    ],
)
def test_anything_else_is_refused_and_not_run(hostile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=r"^here: expected"):
        load_values(pickle.dumps(hostile, 4), "here")
    assert not (tmp_path / "was-here").exists()


def test_lists_that_hold_one_another_are_refused():
    endless = []
    endless.append(endless)
    wide = "x"
    for _ in range(15):
        wide = [wide] * 50
    for trap in (endless, wide):
        with pytest.raises(BadInput, match="its lists hold one another"):
            load_values(pickle.dumps(trap), "here")


def test_older_protocols_and_damaged_files_are_refused():
    for protocol in (0, 1, 2, 3):
        with pytest.raises(BadInput, match=r"^here: expected"):
            load_values(pickle.dumps({"a": np.arange(3)}, protocol), "here")
    whole = pickle.dumps({"a": np.arange(300)})
    for length in range(0, len(whole), 37):
        with pytest.raises(BadInput, match=r"^here: expected"):
            load_values(whole[:length], "here")
