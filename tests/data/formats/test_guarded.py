import subprocess
import sys

import h5py
import numpy as np
import pytest

from raysp.data.formats import hdf5
from raysp.data.formats.guarded import Group
from raysp.errors import BadInput


@pytest.fixture
def path(tmp_path):
    """A file of one healthy array and of everything that cannot be read, or not as numbers."""
    found = str(tmp_path / "a.h5")
    with h5py.File(tmp_path / "beside.h5", "w") as file:
        file["far"] = np.arange(3.0)
    with h5py.File(found, "w") as file:
        file["ok"] = np.arange(6.0).reshape(3, 2)
        file["inner/ok"] = file["ok"]
        file["soft"] = h5py.SoftLink("/inner/ok")
        file["outside"] = h5py.ExternalLink("beside.h5", "/far")
        file["dangling"] = h5py.SoftLink("/gone")
        file["away"] = h5py.ExternalLink("gone.h5", "/far")
        file["loop"] = h5py.SoftLink("/loop")
        file["inner/back"] = h5py.SoftLink("/")
        file["one"] = 1.0
        file["text"] = [b"a", b"gauch\xe9"]
        file["complex"] = [1 + 2j]
        file["records"] = np.zeros(3, [("a", "f8"), ("b", "i4")])
        file["reference"] = file["ok"].ref
        file["nothing"] = h5py.Empty("f8")
        file["type"] = np.dtype("f8")
        file.create_dataset("huge", (10**13,), "f8", chunks=(1000,))
        file.create_dataset("ragged", (2,), h5py.vlen_dtype(np.int32))
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((3,))
        plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (0,))
        made = h5py.h5d.create(file.id, b"packed", h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple((3,)), plist)
        made.write_direct_chunk((0,), np.ones(3).tobytes(), 0)
        file.create_dataset("damaged", data=np.arange(1000.0), chunks=(1000,), compression="gzip")
        place = file["damaged"].id.get_chunk_info(0).byte_offset
    with open(found, "r+b") as raw:
        raw.seek(place)
        raw.write(b"\xff" * 20)
    return found


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("okk", "unknown object 'okk': did you mean 'ok'"),
        ("inner/gone", "unknown object 'inner/gone'"),
        ("ok/inner", "unknown object 'ok/inner'"),
        ("inner", "/inner expected an array, found a group"),
        ("dangling", "dangling is a link to /gone, which is not there"),
        ("away", "away is a link to /far in the file gone.h5, which is not there"),
        ("loop", "loop is a link to /loop"),
        ("one", r"/one expected shape \(n, n\), got \(\)"),
        ("text", r"/text expected shape"),
        ("complex", "/complex expected shape"),
        ("nothing", "/nothing expected an array, found one that was declared and never given values"),
        ("type", "found a named data type"),
    ],
)
def test_what_is_no_table_of_numbers_is_named(path, name, problem):
    with hdf5.opened(path) as file, pytest.raises(BadInput, match=problem) as error:
        file.array(name).numbers(None, None)
    assert str(error.value).startswith(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("text", "expected numbers, got text"),
        ("complex", "expected numbers, got complex numbers"),
        ("records", "expected numbers, got records of a, b"),
        ("ragged", "expected numbers, got arrays of different lengths"),
        ("huge", r"claims 7.45e\+04 GiB of shape .*, but only 0 bytes are stored"),
        ("packed", r"packed with filter 32015 \(zstd\), which this HDF5 lacks; install it: pip install hdf5plugin"),
        ("damaged", "/damaged is damaged or cannot be read .*; fetch it again"),
    ],
)
def test_what_is_no_row_of_numbers_is_named(path, name, problem):
    with hdf5.opened(path) as file, pytest.raises(BadInput, match=problem):
        file.array(name).numbers(None)


def test_links_of_all_kinds_are_followed(path):
    with hdf5.opened(path) as file:
        np.testing.assert_array_equal(file["soft"][()], [[0, 1], [2, 3], [4, 5]])
        np.testing.assert_array_equal(file["outside"][1:], [1, 2])
        assert file["soft"].token == file["inner/ok"].token == file["ok"].token != file["one"].token
        assert "dangling" in file
        found = dict(file.walk())
    assert {"ok", "soft", "outside", "inner/ok", "inner/back"} < set(found)
    assert not {"dangling", "away", "loop"} & set(found)
    assert isinstance(found["inner/back"], Group)


def test_text_that_is_not_utf_8_is_named_and_attributes_never_fail_on_it(path):
    with h5py.File(path, "a") as file:
        file.attrs["latin"] = np.bytes_(b"gr\xf6\xdfe")
    with hdf5.opened(path) as file:
        with pytest.raises(BadInput, match=r"/text holds text that is not UTF-8 \(b'gauch\\xe9'\)"):
            file.array("text").text()
        assert bytes(file.attrs["latin"]) == b"gr\xf6\xdfe"
        assert file.attrs.get("none", 3) == 3
        with pytest.raises(BadInput, match="unknown attribute 'lati': did you mean 'latin'"):
            file.attrs["lati"]


def test_a_name_that_is_not_utf_8_blocks_nothing(path):
    with h5py.File(path, "a") as file:
        h5py.h5g.create(file.create_group("named").id, b"gauch\xe9")
        file["named/ok"] = 1.0
    with hdf5.opened(path) as file:
        assert list(file["named"]) == ["gauch\\xe9", "ok"]
        assert [name for name, _ in file.group("named").walk()] == ["ok"]


def test_an_error_of_the_block_stays_its_own(path):
    with pytest.raises(KeyError, match="mine"), hdf5.opened(path):
        raise KeyError("mine")


WRITER = "import h5py, sys; f = h5py.File(sys.argv[1], 'a'); print(1, flush=True); sys.stdin.read()"


def test_a_file_that_another_program_writes_is_called_locked_and_not_cut_off(path):
    command = [sys.executable, "-c", WRITER, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout.readline()
            with (
                pytest.raises(BadInput, match=r"is whole but locked: .*HDF5_USE_FILE_LOCKING=FALSE"),
                hdf5.opened(path),
            ):
                pass
        finally:
            writer.kill()


def test_a_cut_at_any_length_is_one_sentence(path, tmp_path):
    with open(path, "rb") as file:
        whole = file.read()
    short = tmp_path / "short.h5"
    for length in range(0, len(whole), 997):
        short.write_bytes(whole[:length])
        with pytest.raises(BadInput, match=r"short.h5 is (empty|cut off)"), hdf5.opened(str(short)):
            pass
