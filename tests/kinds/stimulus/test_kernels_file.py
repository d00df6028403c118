"""First-layer kernels: each unit's own, or those of one network for all; never another trial's."""

import dataclasses

import numpy as np
import pytest

from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.kinds.stimulus.kernels_file import read_kernels, write_kernels

UNITS = np.array([3, 8])
TRIAL = Trial("distance_unet", {}, None, "eye", "ab" * 32, 0, (3, 8))


@pytest.mark.parametrize("networks", [1, 2])
def test_what_was_written_is_read_unit_by_unit(tmp_path, networks):
    path, kernels = str(tmp_path / "kernels.parquet"), np.random.default_rng(0).normal(size=(networks, 6, 5, 15))
    write_kernels(path, TRIAL, UNITS, kernels)
    for place, unit in enumerate(UNITS):
        found, shared = read_kernels(path, TRIAL, int(unit))
        np.testing.assert_array_equal(found, kernels[place % networks].astype(np.float32))
        assert shared == (networks == 1)


def test_other_numbers_of_networks_are_refused(tmp_path):
    with pytest.raises(BadInput, match="1 or 2 networks, got 3"):
        write_kernels(str(tmp_path / "kernels.parquet"), TRIAL, UNITS, np.zeros((3, 6, 5, 15)))


def test_missing_damaged_and_anothers_files_are_told(tmp_path):
    path = str(tmp_path / "kernels.parquet")
    with pytest.raises(NotReady, match="earlier version"):
        read_kernels(path, TRIAL, 3)
    write_kernels(path, dataclasses.replace(TRIAL, seed=1), UNITS, np.zeros((2, 6, 5, 15)))
    with pytest.raises(BadInput, match=f"expected what {TRIAL.id} left"):
        read_kernels(path, TRIAL, 3)
    files.write_text(path, "no parquet")
    with pytest.raises(BadInput, match="damaged"):
        read_kernels(path, TRIAL, 3)
