"""HDF5 would look for the end of a damaged heap for ever: it is found before anything is read from it."""

import struct

import h5py
import numpy as np
import pytest

from raysp.data.formats import hdf5, hdf5_heaps
from raysp.errors import BadInput


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["numbers"] = np.arange(3.0)
        file["text"] = np.array(["one", "two"], dtype=object)
        file.attrs["remark"] = "three"
    return str(tmp_path / "a.h5")


def changed(path, change):
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        change(data, data.find(hdf5_heaps.MARK) + 16)
        file.seek(0)
        file.write(data)
    return path


def zeros(data, first):
    data[first : first + 64] = bytes(64)


def no_step(data, first):
    """A size of which, rounded up and with the object's own head, nothing is left in 64 bits."""
    struct.pack_into("<Q", data, first + 8, (1 << 64) - 16)


@pytest.mark.parametrize("damage", [zeros, no_step])
def test_text_in_a_heap_without_an_end_is_refused(path, damage):
    assert not hdf5_heaps.damaged(path)
    changed(path, damage)
    assert hdf5_heaps.damaged(path)
    with hdf5.opened(path) as file:
        np.testing.assert_array_equal(file["numbers"][()], np.arange(3.0))
        with pytest.raises(BadInput, match=r"a\.h5: /text is damaged.*heap"):
            file["text"][()]
        with pytest.raises(BadInput, match=r"a\.h5 is damaged.*heap"):
            file.attrs["remark"]


def test_a_whole_file_and_chance_are_no_damage(path, tmp_path):
    def last_words(data, first):
        data += hdf5_heaps.MARK + struct.pack("<Q", 1 << 40)
        data += hdf5_heaps.MARK

    assert not hdf5_heaps.damaged(changed(path, last_words))
    (tmp_path / "empty").touch()
    assert not hdf5_heaps.damaged(str(tmp_path / "empty"))


@pytest.mark.parametrize(("end_bytes", "found"), [(100, False), (20_000, True)])
def test_of_a_large_file_both_ends_are_looked_at(path, monkeypatch, end_bytes, found):
    def damaged(data, first):
        zeros(data, first)
        data += bytes(20_000)

    monkeypatch.setattr(hdf5_heaps, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(hdf5_heaps, "END_BYTES", end_bytes)
    assert hdf5_heaps.damaged(changed(path, damaged)) == found
