"""NPZ files that are damaged, strange or dangerous are refused in a sentence, before memory is asked for."""

import io
import warnings
import zipfile

import numpy as np
import pytest

from raysp.data.formats import count_file
from raysp.data.formats.npz import Archive, npy_array
from raysp.errors import BadInput, StoreError

SPIKES = np.random.default_rng(0).poisson(0.5, (20, 15, 6))


def npy(array=SPIKES):
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def later(version):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, SPIKES, version=(version, 0))
    return stream.getvalue()


def header(shape, descr="<i8", fortran=False):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": fortran, "shape": shape})
    return stream.getvalue()


def zipped(members, method=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name, data in members:
                archive.writestr(name, data)
    return bytearray(stream.getvalue())


def central(data):
    return data.find(b"PK\x01\x02")


def encrypted():
    data = zipped([("spikes.npy", npy())])
    data[6] |= 1
    data[central(data) + 8] |= 1
    return data


def method(number):
    data = zipped([("spikes.npy", npy())])
    data[8] = data[central(data) + 10] = number
    return data


def garbled():
    data = zipped([("spikes.npy", npy())], zipfile.ZIP_DEFLATED)
    for place in range(100, 200):
        data[place] ^= 0x5A
    return data


def flipped(packing=zipfile.ZIP_STORED):
    data = zipped([("spikes.npy", npy())], packing)
    data[300] ^= 1
    return data


def claimed():
    data = zipped([("spikes.npy", npy())], zipfile.ZIP_DEFLATED)
    data[central(data) + 24 : central(data) + 28] = (2**31).to_bytes(4, "little")
    return data


def renamed():
    data = zipped([("spikes.npy", npy())])
    data[30:36] = b"silent"
    return data


BAD = {
    "damaged deflate": (garbled(), "'spikes' is damaged"),
    "one bit of a stored number": (flipped(), "'spikes' is damaged .Bad CRC-32"),
    "one bit of a packed number": (flipped(zipfile.ZIP_DEFLATED), "'spikes' is damaged"),
    "one bit packed by bzip2": (flipped(zipfile.ZIP_BZIP2), "'spikes' is damaged"),
    "one bit packed by lzma": (flipped(zipfile.ZIP_LZMA), "'spikes' is damaged"),
    "encrypted": (encrypted(), "'spikes' is encrypted; save the file again without a password"),
    "deflate64": (method(9), "packed by method 9"),
    "zstd": (method(93), "packed by method 93"),
    "a size that cannot be": (claimed(), r"packed bytes cannot hold 2,147,483,648"),
    "two names of one member": (renamed(), "'spikes' is damaged .File name in directory"),
    "no array": (zipped([("spikes.npy", b"hello")]), "expected an array in NumPy's format"),
    "nothing": (zipped([("spikes.npy", b"")]), "expected an array in NumPy's format"),
    "a later version": (
        zipped([("spikes.npy", b"\x93NUMPY\x09\x00" + bytes(200))]),
        "expected an array in NumPy's format",
    ),
    "a header that is no dictionary": (
        zipped([("spikes.npy", b"\x93NUMPY\x01\x00\x76\x00" + b"[" * 118)]),
        "expected an array in NumPy's format",
    ),
    "437 TiB": (
        zipped([("spikes.npy", header((10**9, 10**4, 6)))]),
        "takes 480,000,000,000,000 bytes, but 0 are there",
    ),
    "more than 2^64 bytes": (zipped([("spikes.npy", header((2**40, 2**40, 6)))]), "'spikes' is damaged"),
    "axes beyond 2^63 beside one of 0": (
        zipped([("spikes.npy", header((0, 2**62, 2**62)))]),
        "'spikes' is damaged",
    ),
    "a negative length": (zipped([("spikes.npy", header((-20, -15, 6)) + npy()[128:])]), "'spikes' is damaged"),
    "fewer numbers": (zipped([("spikes.npy", npy()[:-8])]), "takes 14,400 bytes, but 14,392 are there"),
    "more numbers": (zipped([("spikes.npy", npy() + bytes(8))]), "takes 14,400 bytes, but 14,408 are there"),
    "objects": (zipped([("spikes.npy", npy(np.array([{"a": 1}], dtype=object)))]), "which are not unpickled"),
    "twice": (zipped([("spikes.npy", npy()), ("spikes.npy", npy(SPIKES + 1))]), "'spikes' is there 2 times"),
    "twice, once without its ending": (zipped([("spikes", npy()), ("spikes.npy", npy())]), "is there 2 times"),
    "cut off": (zipped([("spikes.npy", npy())])[:-30], "is cut off or damaged"),
    "other arrays": (zipped([("spike.npy", npy())]), "unknown array 'spikes': did you mean 'spike'"),
    "no arrays": (zipped([("a.txt", b"hello")]), "is a zip archive, not HDF5"),
    "an Office document": (zipped([("xl/a.xml", b"hello")]), "is an Office document"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_in_one_line(tmp_path, case):
    data, message = BAD[case]
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(BadInput, match=message) as caught, count_file.arrays(str(tmp_path / "a.npz")) as file:
        file.read("spikes")
    assert str(caught.value).startswith(str(tmp_path / "a.npz"))
    assert "\n" not in str(caught.value)


GOOD = {
    "stored": zipped([("spikes.npy", npy())]),
    "packed": zipped([("spikes.npy", npy())], zipfile.ZIP_DEFLATED),
    "bzip2": zipped([("spikes.npy", npy())], zipfile.ZIP_BZIP2),
    "lzma": zipped([("spikes.npy", npy())], zipfile.ZIP_LZMA),
    "columns first": zipped([("spikes.npy", npy(np.asfortranarray(SPIKES)))]),
    "big-endian": zipped([("spikes.npy", npy(SPIKES.astype(">i4")))]),
    "a damaged neighbour": zipped([("a.npy", b"hello"), ("a.npy", b"hello"), ("spikes.npy", npy())]),
    "format 2.0": zipped([("spikes.npy", later(2))]),
    "format 3.0": zipped([("spikes.npy", later(3))]),
    "the header of Python 2": zipped([("spikes.npy", npy().replace(b"(20, 15, 6)", b"(20L,15L,6)"))]),
}


@pytest.mark.parametrize("case", GOOD)
def test_good_files_are_read(case):
    found = Archive(io.BytesIO(GOOD[case]), "a.npz").read("spikes")
    np.testing.assert_array_equal(found, SPIKES)


def test_arrays_without_numbers_and_single_numbers_keep_their_shape():
    assert npy_array(npy(np.zeros((0, 4))), "a").shape == (0, 4)
    assert npy_array(npy(np.array(3)), "a") == 3


def test_a_store_that_does_not_answer_is_no_damage(monkeypatch):
    archive = Archive(io.BytesIO(GOOD["packed"]), "memory://a.npz")

    def silent(*given):
        raise StoreError("no answer")

    monkeypatch.setattr(zipfile.ZipFile, "read", silent)
    with pytest.raises(StoreError):
        archive.read("spikes")
