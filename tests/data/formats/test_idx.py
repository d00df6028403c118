"""Arrays in MNIST's format: read as they are, or refused with what is wrong."""

import gzip
import struct

import numpy as np
import pytest

from raysp.data.formats.idx import read_idx
from raysp.errors import BadInput


def idx(array, number):
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, number, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize(("dtype", "number"), [(np.uint8, 8), (np.int16, 11), (np.float32, 13)])
@pytest.mark.parametrize("packed", [False, True])
def test_an_array_is_read_as_it_was_written(tmp_path, dtype, number, packed):
    array = np.arange(24, dtype=dtype).reshape(2, 3, 4)
    data = idx(array, number)
    (tmp_path / "array").write_bytes(gzip.compress(data) if packed else data)
    found = read_idx(str(tmp_path / "array"))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data[:-1], r"its header says shape \(2, 3\), which takes 6 bytes, but 5 are there"),
        (lambda data: data + b"x", "but 7 are there"),
        (lambda data: data[:9], "is damaged: its header says"),
        (lambda data: b"\x01" + data[1:], "expected an array in the IDX format"),
        (lambda data: data[:2] + b"\x07" + data[3:], "expected an array in the IDX format"),
        (lambda data: data[:3] + b"\x64" + 100 * b"\0\0\0\x01" + b"x", "expected an array in the IDX format"),
        (lambda data: b"", "expected an array in the IDX format"),
        (lambda data: gzip.compress(data)[:-5], "is cut off: its gzip stream has no end"),
        (lambda data: gzip.compress(data)[:12] + b"????" + gzip.compress(data)[16:], "is damaged"),
    ],
)
def test_what_is_no_whole_array_is_refused(tmp_path, change, says):
    data = idx(np.arange(6, dtype=np.uint8).reshape(2, 3), 8)
    (tmp_path / "array").write_bytes(change(data))
    with pytest.raises(BadInput, match=says):
        read_idx(str(tmp_path / "array"))


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(BadInput, match="is not there"):
        read_idx(str(tmp_path / "none"))
