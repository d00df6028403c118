import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose

from raysp.data.nlb.truth import true_rates, truth_path
from raysp.errors import BadInput


@pytest.fixture
def path(tmp_path):
    (tmp_path / "standin-truth").mkdir()
    found = truth_path(str(tmp_path), "mc_maze")
    rng = np.random.default_rng(0)
    with h5py.File(found, "w") as file:
        file["latents_train"] = rng.standard_normal((200, 3)).astype(np.float32)
        file["latents_test"] = np.zeros((100, 3), np.float32)
        file["readout"] = rng.standard_normal((3, 4))
        file["bias"] = np.log([0.001, 0.01, 0.02, 0.05])
    return found


def test_rates_are_sums_over_the_milliseconds_of_each_bin(path):
    found = true_rates(path, "train", np.array([0, 4]), 6, 20)
    with h5py.File(path) as file:
        rates = np.exp(file["latents_train"][()] @ file["readout"][()] + file["bias"][()])
    assert found.shape == (2, 6, 4)
    assert found.dtype == np.float32
    assert_allclose(found[0, 0], rates[:20].sum(axis=0), rtol=1e-5)
    assert_allclose(found[1, 5], rates[180:200].sum(axis=0), rtol=1e-5)


def test_each_session_has_states_of_its_own(path):
    assert_allclose(true_rates(path, "test", np.array([0]), 5, 20)[0, 0], [0.02, 0.2, 0.4, 1.0], rtol=1e-6)


@pytest.mark.parametrize("first", [-1, 5])
def test_windows_beyond_the_states_are_refused(path, first):
    with pytest.raises(BadInput, match=r"expected states of .* of the train session, got .*200 ms"):
        true_rates(path, "train", np.array([first]), 6, 20)


def test_without_a_file_nothing_is_known(tmp_path):
    assert true_rates(str(tmp_path / "none.h5"), "train", np.array([0]), 6, 20) is None


@pytest.mark.parametrize(
    ("name", "values", "problem"),
    [
        ("readout", np.ones(3), r"/readout expected shape \(n, n\), got \(3,\)"),
        ("readout", np.full((3, 4), 1e6), "expected finite true rates, got NaN or infinity"),
        ("bias", [b"a"] * 4, "/bias expected numbers, got text"),
        ("bias", np.zeros(3), r"/bias expected shape \(4,\), got \(3,\)"),
        ("bias", np.zeros(4, complex), "got complex numbers"),
        ("latents_train", np.zeros((200, 2)), r"/latents_train expected shape \(n, 3\), got \(200, 2\)"),
        ("windows_train", np.zeros((2, 2)), "/windows_train expected whole ms of windows, got 2 rows of float64"),
    ],
)
def test_states_of_another_kind_are_refused(path, name, values, problem):
    with h5py.File(path, "a") as file:
        if name in file:
            del file[name]
        file[name] = values
    with pytest.raises(BadInput, match=problem):
        true_rates(path, "train", np.array([0]), 6, 20)
