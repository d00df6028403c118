"""What tests of continuous recordings share."""

import pytest

from tests.kinds.stimulus.made_up import make_run


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A finished, scored run of every kind of model, for tests that change nothing in it."""
    return make_run(tmp_path_factory.mktemp("recordings"))
