from __future__ import annotations

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from raysp.data.formats.hdf5 import new_hdf5, opened, write_array

FULL = """
import resource, sys
import numpy as np
from raysp.data.formats.hdf5 import new_hdf5, write_array
path, refused = sys.argv[1], 0
rng = np.random.default_rng(0)
big = rng.random((60, 20, 30)).astype(np.float32)
for limit in range(0, 140_000, 997):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        with new_hdf5(path) as file:
            for group in ("a", "b"):
                file.create_group(group).attrs["trials"] = ["x" * 60] * 20
                write_array(file, group + "/rates", big)
    except OSError as error:
        assert "too large" in str(error), error
        refused += 1
print(refused)
"""


def test_a_new_file_is_read_back(tmp_path):
    path = str(tmp_path / "new.h5")
    array = np.random.default_rng(0).random((4, 3, 2))
    with new_hdf5(path) as file:
        write_array(file, "a", array)
        write_array(file, "none", array[:, :0])
    with opened(path) as file:
        np.testing.assert_array_equal(file["a"][()], array.astype(np.float32))
        assert file["none"].shape == (4, 0, 2)
        assert set(file) == {"a", "none"}
    with h5py.File(path, "r") as file:
        assert (file["a"].chunks, file["a"].compression) == ((1, 3, 2), "gzip")


def test_an_error_in_the_block_is_that_error_and_keeps_what_was_there(tmp_path):
    path = str(tmp_path / "new.h5")
    with new_hdf5(path) as file:
        file["a"] = 1
    with pytest.raises(KeyError, match="mine"), new_hdf5(path) as file:
        file["a"] = 2
        raise KeyError("mine")
    with opened(path) as file:
        assert file["a"][()] == 1
    assert os.listdir(tmp_path) == ["new.h5"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file size are a POSIX matter")
def test_a_write_that_fails_anywhere_is_an_error_and_never_a_crash(tmp_path):
    path = str(tmp_path / "kept.h5")
    with new_hdf5(path) as file:
        file["a"] = 1
    command = [sys.executable, "-W", "error", "-c", FULL, path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    assert int(done.stdout) == len(range(0, 140_000, 997))
    with opened(path) as file:
        assert list(file) == ["a"]
    assert os.listdir(tmp_path) == ["kept.h5"]


def test_a_file_at_an_address_is_made_here_and_sent():
    path = "memory://hdf5/new.h5"
    with new_hdf5(path) as file:
        write_array(file, "a", np.ones((2, 2, 2)))
    with opened(path) as file:
        assert file["a"].shape == (2, 2, 2)
