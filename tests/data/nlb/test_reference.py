import sys

import numpy as np
import pytest

from raysp.data.nlb import reference as nlb_reference
from raysp.data.nlb.sets import SETS
from raysp.errors import NotReady
from tests.data.nlb_files import write_recording


def test_a_missing_nlb_tools_says_what_to_type(monkeypatch, tmp_path):
    nlb_reference.repaired_tools.cache_clear()
    monkeypatch.setitem(sys.modules, "nlb_tools", None)
    with pytest.raises(NotReady, match=r"pip install --no-deps nlb_tools==0\.0\.4"):
        nlb_reference.reference_tensors(SETS["mc_maze"], str(tmp_path), 5, "val")


def test_the_repaired_tools_keep_all_trials_and_an_ordered_clock(tmp_path):
    # The behaviour of this recording has gaps between trials, at which newer pandas puts rows out of order.
    write_recording(SETS["mc_maze"], str(tmp_path))
    with nlb_reference.quiet():
        dataset = nlb_reference.load(SETS["mc_maze"], str(tmp_path), 5)
    assert dataset.data.index.is_monotonic_increasing
    np.testing.assert_allclose(np.diff(dataset.data.index.total_seconds()), 0.005, atol=1e-9)
    train, given, answers = nlb_reference.reference_tensors(SETS["mc_maze"], str(tmp_path), 5, "val", targets=False)
    assert len(train["train_spikes_heldin"]) == 15
    assert len(given["eval_spikes_heldin"]) == 5
    assert answers is None


def test_numpy_is_replaced_in_the_tools_alone():
    tools = nlb_reference._WritableNumpy("numpy")
    frozen = np.array([np.nan, 1.0])
    frozen.flags.writeable = False
    assert tools.nan_to_num(frozen, copy=False).tolist() == [0.0, 1.0]
    writable = np.array([np.nan, 1.0])
    assert tools.nan_to_num(writable, copy=False) is writable
    assert tools.arange is np.arange
    assert np.nan_to_num is not tools.nan_to_num
