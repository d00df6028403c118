from __future__ import annotations

import numpy as np
import pytest

from raysp.errors import BadInput, NotReady
from raysp.kinds.population.latents_file import read_beside_latents, read_latents, write_latents


def test_what_was_written_is_read(tmp_path):
    path = str(tmp_path / "latents.h5")
    latents = np.random.default_rng(0).standard_normal((5, 7, 3)).astype(np.float32)
    write_latents(path, latents)
    found = read_latents(path)
    assert found.dtype == np.float32
    assert found.tobytes() == latents.tobytes()


@pytest.mark.parametrize(
    ("latents", "said"),
    [(np.zeros((5, 7)), "three|shape"), (np.zeros((0, 7, 3)), "shape"), (np.full((1, 1, 1), np.nan), "finite")],
)
def test_what_is_no_trajectory_is_refused(tmp_path, latents, said):
    path = str(tmp_path / "latents.h5")
    write_latents(path, np.ones((1, 2, 3)))
    with pytest.raises(BadInput, match=said):
        write_latents(path, latents)
    assert read_latents(path).shape == (1, 2, 3)


def test_absent_and_damaged_files_say_so(tmp_path):
    path = tmp_path / "latents.h5"
    with pytest.raises(NotReady, match="no latents"):
        read_latents(str(path))
    path.write_bytes(b"not HDF5")
    with pytest.raises(BadInput, match="damaged"):
        read_latents(str(path))


def test_what_a_model_says_beside_its_latents_comes_back_by_name(tmp_path):
    path, beside = str(tmp_path / "latents.h5"), {"inputs": np.ones((2, 3, 1)), "initial": np.zeros((2, 5))}
    write_latents(path, np.ones((2, 3, 4)), np.ones((6, 3, 4)), beside=beside)
    found = read_beside_latents(path)
    assert {name: (one.shape, one.dtype.name) for name, one in found.items()} == {
        "inputs": ((2, 3, 1), "float32"),
        "initial": ((2, 5), "float32"),
    }
    with pytest.raises(BadInput, match="finite"):
        write_latents(path, np.ones((2, 3, 4)), beside={"inputs": np.full((2, 3), np.nan)})
    write_latents(path, np.ones((2, 3, 4)))
    assert read_beside_latents(path) == {}
