"""What was never written is no zero: an array that is not whole is refused where it is read."""

import h5py
import numpy as np
import pytest

from raysp.data.formats import hdf5
from raysp.data.sources import population
from raysp.data.sources.population import Config
from raysp.errors import BadInput

VALUES = np.arange(1.0, 21.0).reshape(10, 2)


def virtual(file, parts, **more):
    """Make an array of ten rows of which `parts` gives the sources: rows, file and array."""
    layout = h5py.VirtualLayout((10, 2), "f8")
    for rows, path, name in parts:
        layout[rows] = h5py.VirtualSource(path, name, (5, 2))
    file.create_virtual_dataset("a", layout, **more)


def beside(tmp_path, shape=(5, 2), name="b", **more):
    with h5py.File(tmp_path / "beside.h5", "w") as file:
        file.create_dataset(name, shape, "f8", **({"data": np.ones(shape)} | more))
    return tmp_path / "beside.h5"


FIRST, SECOND = slice(0, 5), slice(5, 10)


def chunks(file, tmp_path, **more):
    made = file.create_dataset("a", (10, 2), "f8", chunks=(3, 2), **more)
    made[:5] = VALUES[:5]


def nothing(file, tmp_path):
    file.create_dataset("a", (10, 2), "f8")


def no_text(file, tmp_path):
    file.create_dataset("a", (10,), h5py.string_dtype())


def no_file(file, tmp_path):
    beside(tmp_path)
    virtual(file, [(FIRST, "beside.h5", "b"), (SECOND, "gone.h5", "b")])


def no_array(file, tmp_path):
    beside(tmp_path)
    virtual(file, [(FIRST, "beside.h5", "b"), (SECOND, "beside.h5", "c")], fillvalue=0.0)


def no_array_here(file, tmp_path):
    virtual(file, [(FIRST, ".", "c"), (SECOND, ".", "c")])


def half_mapped(file, tmp_path):
    beside(tmp_path)
    virtual(file, [(FIRST, "beside.h5", "b"), (FIRST, "beside.h5", "b")])


def cut_source(file, tmp_path):
    beside(tmp_path, (4, 2))
    virtual(file, [(FIRST, "beside.h5", "b"), (SECOND, "beside.h5", "b")])


def part_of_source(file, tmp_path):
    beside(tmp_path, (7, 2))
    layout = h5py.VirtualLayout((10, 2), "f8")
    layout[FIRST] = h5py.VirtualSource("beside.h5", "b", (10, 2))[:5]
    layout[SECOND] = h5py.VirtualSource("beside.h5", "b", (10, 2))[5:]
    file.create_virtual_dataset("a", layout)


def unwritten_source(file, tmp_path):
    beside(tmp_path, data=None)
    virtual(file, [(FIRST, "beside.h5", "b"), (SECOND, "beside.h5", "b")])


def cut_file(file, tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(100))
    file.create_dataset("a", (10, 2), "f8", external=[(str(tmp_path / "a.raw"), 20, 160)])


REFUSED = {
    cut_file: r"takes 160 bytes from the file .*a.raw, which holds 80 of them",
    chunks: "is not whole: 2 of 4 chunks were never written; HDF5 would read zeros there; fetch it again",
    nothing: "was declared, but its values were never written",
    no_text: "was declared, but its values were never written",
    no_file: "is a virtual array whose source b in gone.h5 is not there; put that file beside this one",
    no_array: "is a virtual array whose source c in beside.h5 is not there: the file has no such array",
    no_array_here: "is a virtual array whose source c in this file is not there",
    half_mapped: "is a virtual array with sources for 10 of its 20 values only",
    cut_source: r"is a virtual array whose source b in beside.h5 has shape \(4, 2\), which ends before the last value",
    part_of_source: r"is a virtual array whose source b in beside.h5 has shape \(7, 2\), which ends before",
    unwritten_source: "is a virtual array whose source b in beside.h5 was declared, but its values were never written",
}


@pytest.mark.parametrize("make", REFUSED)
def test_what_was_never_written_is_not_zero(tmp_path, make):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        make(file, tmp_path)
    with hdf5.opened(str(tmp_path / "a.h5")) as file:
        for read in (lambda: file["a"][()], lambda: file["a"][:2]):
            with pytest.raises(BadInput, match=f"a.h5: /a {REFUSED[make]}"):
                read()


def zeros(file, tmp_path):
    file.create_dataset("a", data=np.zeros((10, 2)), chunks=(3, 2))
    return np.zeros((10, 2))


def empty(file, tmp_path):
    file.create_dataset("a", (0, 2), "f8", chunks=(3, 2), maxshape=(None, 2))
    return np.zeros((0, 2))


def all_sources(file, tmp_path):
    virtual(file, [(FIRST, "beside.h5", "b"), (SECOND, str(beside(tmp_path)), "b")])
    return np.ones((10, 2))


def here(file, tmp_path):
    file["c"] = VALUES[:5]
    virtual(file, [(FIRST, ".", "c"), (SECOND, ".", "c")])
    return np.vstack([VALUES[:5]] * 2)


def filled(file, tmp_path):
    beside(tmp_path)
    virtual(file, [(FIRST, "beside.h5", "b")], fillvalue=np.nan)
    return np.vstack([np.ones((5, 2)), np.full((5, 2), np.nan)])


@pytest.mark.parametrize("make", [zeros, empty, all_sources, here, filled])
def test_what_is_whole_is_read(tmp_path, make):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        expected = make(file, tmp_path)
    with hdf5.opened(str(tmp_path / "a.h5")) as file:
        np.testing.assert_array_equal(file["a"][()], expected)


def test_a_fill_value_that_was_chosen_is_data(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        chunks(file, tmp_path, fillvalue=7.0)
    with hdf5.opened(str(tmp_path / "a.h5")) as file:
        np.testing.assert_array_equal(file["a"][:5], VALUES[:5])
        np.testing.assert_array_equal(file["a"][6:], np.full((4, 2), 7.0))


def test_counts_that_are_half_written_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        spikes = file.create_dataset("spikes", (20, 15, 6), "i4", chunks=(5, 15, 6))
        spikes[:5] = np.random.default_rng(0).poisson(1, (5, 15, 6))
    with pytest.raises(BadInput, match="spikes is not whole: 3 of 4 chunks were never written"):
        population.build(Config(str(tmp_path / "a.h5"), 10.0, counts="spikes"), "a")
