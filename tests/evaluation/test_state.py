"""Linear maps from latents to states: exact where they exist, fitted on training trials only."""

import numpy as np
import pytest

from raysp.errors import BadInput
from raysp.evaluation.state import state_r2

RNG = np.random.default_rng(0)
STATES = RNG.normal(size=(12, 20, 3))


def test_an_affine_image_of_the_states_is_read_back():
    weights = RNG.normal(size=(3, 5))
    latents = STATES @ weights + 2.0
    np.testing.assert_allclose(state_r2(latents[:8], STATES[:8], latents[8:], STATES[8:]), 1.0, atol=1e-6)


def test_noise_tells_nothing():
    latents = RNG.normal(size=(12, 20, 4))
    assert (state_r2(latents[:8], STATES[:8], latents[8:], STATES[8:]) < 0.1).all()


def test_the_map_knows_only_the_training_trials():
    latents = STATES.copy()
    latents[8:] = -latents[8:]
    np.testing.assert_array_less(state_r2(latents[:8], STATES[:8], latents[8:], STATES[8:]), 0.0)


def test_bins_after_the_states_are_left_out():
    longer = np.concatenate([STATES, np.full((12, 4, 3), 7.0)], axis=1)
    np.testing.assert_allclose(state_r2(longer[:8], STATES[:8], longer[8:], STATES[8:]), 1.0, atol=1e-6)


@pytest.mark.parametrize("break_", ["shape", "nan", "latents"])
def test_what_does_not_fit_is_refused(break_):
    latents, evaluation = STATES.copy(), STATES[8:].copy()
    if break_ == "shape":
        evaluation = evaluation[:, :10]
    elif break_ == "latents":
        evaluation = evaluation[..., :2]
    else:
        latents[0, 0, 0] = np.nan
    with pytest.raises(BadInput, match="state decoding"):
        state_r2(latents[:8], STATES[:8], evaluation, STATES[8:])
