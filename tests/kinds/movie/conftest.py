"""What tests of movies share."""

import pytest

from tests.kinds.movie.made_up import make_run


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """A finished, scored run of the floor and the ceiling, for tests that change nothing in it."""
    return make_run(tmp_path_factory.mktemp("clips"))
