"""What tests of movies share."""

import pytest

from raysp.config.experiment import ModelChoice
from raysp.data.sources import movie_teacher
from tests.kinds.movie.made_up import MODELS, NAME, make_run


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """A finished, scored run of the floor and the ceiling, for tests that change nothing in it."""
    return make_run(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def teacher(tmp_path_factory):
    """The same with a model of couplings, on spikes of a network whose couplings are known; units 0 to 5."""
    built = movie_teacher.build(movie_teacher.Config(repeats=60, units=6, hidden=2), NAME)
    glm = ModelChoice("coupled_glm", {"frames": 1, "lags": 4})
    return make_run(tmp_path_factory.mktemp("teacher"), (*MODELS, glm), seeds=(0,), built=built)
