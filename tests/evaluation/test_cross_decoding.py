"""Latents that another model has are read from it; those of a model's own are not."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from raysp.errors import BadInput
from raysp.evaluation.cross_decoding import cross_decoding


def walk(seed, dimensions, trials=40, bins=20):
    return np.random.default_rng(seed).standard_normal((trials, bins, dimensions)).cumsum(axis=1)


@pytest.fixture(scope="module")
def models():
    """Two models of the same three dimensions, and one that adds as much again of its own."""
    shared, mix = walk(0, 3), np.random.default_rng(1)
    plain, other = shared @ mix.standard_normal((3, 8)), shared @ mix.standard_normal((3, 5)) + 7
    own = walk(2, 4)
    return [plain, other, np.concatenate([other / other.std(), own / own.std()], axis=2)]


def test_extraneous_dynamics_are_what_others_cannot_read(models):
    found = cross_decoding(models)
    np.testing.assert_allclose(found[:2, :2], 1.0, atol=1e-3)
    np.testing.assert_allclose(found[2], 1.0, atol=1e-3)
    assert (found[:2, 2] > 0.3).all()
    assert (found[:2, 2] < 0.75).all()


def test_what_only_fits_the_trials_at_hand_does_not_count():
    noise = np.random.default_rng(0).standard_normal((20, 5, 40))
    target = np.random.default_rng(1).standard_normal((20, 5, 2))
    rows, asked = noise.reshape(-1, 40), target.reshape(-1, 2)
    assert LinearRegression().fit(rows, asked).score(rows, asked) > 0.3
    assert cross_decoding([noise, target])[0, 1] < 0.1


def test_rotations_scales_and_the_order_of_models_change_nothing(models):
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((5, 5)))[0]
    before, after = cross_decoding(models), cross_decoding([models[2], 30 * models[1] @ turn - 4, models[0]])
    np.testing.assert_allclose(after[::-1, ::-1], before, atol=1e-6)


def test_bins_after_a_trials_end_do_not_count(models):
    recorded = np.ones((40, 20), dtype=bool)
    recorded[::2, 15:] = False
    spoilt = [one.copy() for one in models]
    for one in spoilt:
        one[::2, 15:] = 1e4
    np.testing.assert_array_equal(cross_decoding(spoilt, recorded), cross_decoding(models, recorded))


def test_latents_that_never_change_have_no_r2(models):
    found = cross_decoding([models[0], np.ones((40, 20, 2))])
    assert np.isnan(found[:, 1]).all()
    assert found[1, 0] < 0.05


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda one: one[:9], "10 or more trials"),
        (lambda one: np.full_like(one, np.nan), "finite"),
        (lambda one: one[:, 0], "of the same trials"),
    ],
)
def test_bad_input_is_refused(models, changed, said):
    with pytest.raises(BadInput, match=said):
        cross_decoding([changed(models[0]), changed(models[1])])
    with pytest.raises(BadInput, match="of the same trials"):
        cross_decoding([models[0], models[1][1:]])
