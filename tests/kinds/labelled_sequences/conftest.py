"""What tests of labelled sequences share."""

import pytest

from tests.kinds.labelled_sequences.made_up import make_run


@pytest.fixture(scope="session")
def waves(tmp_path_factory):
    """A finished, scored run of the floor and two networks, for tests that change nothing in it."""
    return make_run(tmp_path_factory.mktemp("waves"))
