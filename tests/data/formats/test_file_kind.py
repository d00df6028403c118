import gzip
import io
import os
import tarfile
import zipfile

import numpy as np
import pytest

from raysp.data.formats import file_kind, hdf5
from raysp.errors import BadInput


def _zipped(*names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"1")
    return out.getvalue()


def _npy():
    out = io.BytesIO()
    np.save(out, np.ones(3))
    return out.getvalue()


def _tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO())
    return out.getvalue()


CONTENT = {
    b"": "is empty",
    b"\x89HDF\r": "is cut off after 5 bytes",
    b"\0" * 4000: "begins with 4000 bytes of zeros",
    b"MATLAB 5.0 MAT-file, Platform: GLNXA64": "a MATLAB file of version 5 to 7, not HDF5; for counts in it",
    b"X\n\0\0\0\3": "a file of R",
    gzip.compress(b"X\n\0\0\0\3\0\4"): "a file of R",
    gzip.compress(b"RDX3\nX\n"): "a file of R",
    gzip.compress(b"anything"): "packed by gzip; unpack it first",
    gzip.compress(_tar()): "a tar archive packed by gzip",
    _tar(): "a tar archive",
    _npy(): "a single numpy array",
    _zipped("counts.npy"): "numpy arrays .NPZ., not HDF5; give counts",
    _zipped(".zgroup", "units/.zattrs"): "a zipped folder of Zarr",
    _zipped("xl/workbook.xml"): "an Office document",
    _zipped("a.nwb"): "a zip archive, not HDF5; unpack",
    _zipped("a.nwb")[:40]: "a zip archive that is cut off",
    b"\x80\x05\x95": "a Python pickle",
    b"PAR1\x15\x04": "a Parquet file",
    b"id,unit,time\n1,2,0.5\n": "plain text that begins 'id,unit,time'",
    b"<!DOCTYPE html><html>Sign in</html>": "a web page",
    b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>': "is XML, as a server answers",
    b'{"refs": {".zgroup": {"zarr_format": 2}}}': "a LINDI or Kerchunk index",
    b'{"a": 1}': "is JSON",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n": "a pointer of Git LFS",
    b"/annex/objects/SHA256E-s123--abc.nwb\n": "a pointer of git-annex",
    b"\x01\x02\x03\xff" * 50: "of no format known here",
}


@pytest.mark.parametrize("content", CONTENT, ids=list(CONTENT.values()))
def test_what_is_no_hdf5_is_named(tmp_path, content):
    path = tmp_path / "a.nwb"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=f"a.nwb .*{CONTENT[content]}") as error, hdf5.opened(str(path)):
        pass
    assert "\n" not in str(error.value)


def test_what_is_no_file_is_named(tmp_path):
    (tmp_path / "z").mkdir()
    (tmp_path / "z/.zgroup").write_text("{}")
    (tmp_path / "f").mkdir()
    (tmp_path / "f/one.nwb").write_text("")
    (tmp_path / "annexed").symlink_to("../.git/annex/objects/aa/x.nwb")
    (tmp_path / "lost").symlink_to("elsewhere.nwb")
    os.mkfifo(tmp_path / "pipe")
    expected = {
        "z": "a folder of Zarr",
        "f": r"a folder \(one.nwb\); give a file in it",
        "annexed": "a link of git-annex whose content is not on this machine; .*datalad get",
        "lost": "a link to elsewhere.nwb, which is not there",
        "pipe": "no regular file",
        "none": "is not there; check the path",
        "none\0": "cannot be read",
        "x" * 300: "cannot be read",
    }
    for name, problem in expected.items():
        with pytest.raises(BadInput, match=problem):
            file_kind.check(f"{tmp_path}/{name}")
    with pytest.raises(BadInput, match="gives no file"):
        file_kind.check("memory://nothing/here.nwb")


def test_hdf5_behind_a_users_block_is_hdf5(tmp_path):
    (tmp_path / "a.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + file_kind.HDF5)
    assert file_kind.other(str(tmp_path / "a.mat")) is None


def test_of_a_folder_what_can_be_read_is_named_and_files_of_a_unit_each_are_told(tmp_path):
    for name in ("a-counts.png", "trials.csv", "my_spikes.csv"):
        (tmp_path / name).write_text("time,unit\n1,2\n")
    assert file_kind.no_file(str(tmp_path)).endswith(f"give a file in it: {tmp_path / 'my_spikes.csv'}")
    for unit in range(4):
        (tmp_path / f"Sc{unit}.txt").write_text("5215395295\n5215588850\n")
    told = file_kind.no_file(str(tmp_path))
    assert "is a folder with 4 files of numbers alone (Sc0.txt, Sc1.txt, ...), of a unit each?" in told
    assert f"raysp data look {tmp_path}, or in a notebook" in told
