import dataclasses

import pytest

from raysp.config.experiment import Experiment, ModelChoice
from raysp.data.splits import store
from raysp.driver.sweep import shared_out
from raysp.search.study import Halving
from tests.collection.made_up import make_split
from tests.data.clamp_splits import made_up
from tests.models.made_up_stimulus import made_up_recording

EXPERIMENT = Experiment("many", (ModelChoice("gfr"),), splits=("*",), units_per_trial=2)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A root with cells, a continuous recording, and a population."""
    root = str(tmp_path_factory.mktemp("data"))
    for split in (made_up(5, name="cells"), made_up_recording(units=3), make_split("population")):
        store.save(split, None, root, {})
    return root


def test_a_study_of_many_cells_is_shared_out_over_trials_as_a_run_is(root):
    header = store.header(root, "cells")
    units, chunks = shared_out(EXPERIMENT, header, None)
    assert units == header.units
    assert [len(chunk) for chunk in chunks] == [2, 2, 1]
    assert sum(chunks, ()) == header.units
    _, continuous = shared_out(EXPERIMENT, store.header(root, "made_up"), None)
    assert continuous == ((10, 13), (16,))


def test_a_candidate_is_one_trial_where_nothing_is_shared_out(root):
    header = store.header(root, "cells")
    whole = dataclasses.replace(EXPERIMENT, units_per_trial=0)
    assert shared_out(whole, header, None) == (header.units, ())
    assert shared_out(EXPERIMENT, store.header(root, "population"), None) == (None, ())
    # Successive halving compares trials, each with all units.
    assert shared_out(EXPERIMENT, store.header(root, "made_up"), Halving(5))[1] == ()
