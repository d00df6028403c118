"""What tests of cells with injected currents share."""

import pytest

from raysp.config.experiment import ModelChoice
from raysp.data.sources import clamp_standin
from tests.kinds.current_clamp.made_up import CLEAN, MODELS, NAME, PAPER, make_run


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A finished, scored run of floor, ceiling and both protocols, for tests that change nothing in it."""
    return make_run(tmp_path_factory.mktemp("cells"))


@pytest.fixture(scope="session")
def neurons(tmp_path_factory):
    """The same on four cells that stand in for recordings, which answer to what is injected."""
    split, _ = clamp_standin.build(clamp_standin.Config(count=4, bin_ms=100, steps=8, ramps=1, noises=3), NAME)
    longer = ModelChoice("gfr", {**PAPER.hyperparameters, "activation_bin_ms": 100}, label=PAPER.label)
    return make_run(tmp_path_factory.mktemp("neurons"), (MODELS[0], longer, CLEAN, MODELS[-1]), split=split)
