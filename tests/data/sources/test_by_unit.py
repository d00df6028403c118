import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.sources import by_unit


@given(
    st.lists(st.tuples(st.floats(0, 9, width=32), st.integers(0, 5)), min_size=1, max_size=60),
    st.sets(st.integers(0, 5), min_size=1),
    st.integers(1, 20),
)
def test_spikes_are_put_in_their_places_block_by_block(spikes, known, block):
    times, of_unit = map(np.array, zip(*spikes, strict=True))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(by_unit, "BLOCK", block)
        placed, offsets, others = by_unit.placed(times, of_unit, np.array(sorted(known)))
    for place, unit in enumerate(sorted(known)):
        np.testing.assert_array_equal(placed[offsets[place] : offsets[place + 1]], np.sort(times[of_unit == unit]))
    assert set(others) == set(of_unit.tolist()) - known
