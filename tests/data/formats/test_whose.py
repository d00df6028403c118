import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.formats.whose import Whose, in_trials, pairs, whose

SPIKES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=50)


@given(SPIKES)
def test_what_tells_units_apart_tells_all_columns(rows):
    columns = dict(zip("abc", map(np.array, zip(*rows, strict=True)), strict=True))
    del columns["c"]
    found = whose(columns)
    together = set(map(tuple, np.column_stack(list(columns.values())).tolist()))
    told = [columns[name] for name in (found.unit, found.channel) if name is not None]
    assert pairs(*told) == len(together)


@given(SPIKES)
def test_pairs_are_counted_as_a_set_has_them(rows):
    assert pairs(*map(np.array, zip(*rows, strict=True))) == len(set(rows))


def test_the_channel_is_what_has_more_values_and_not_asked_where_units_are_numbered_through():
    channel, unit = np.repeat(np.arange(8), 30), np.tile(np.arange(3), 80)
    assert whose({"channel": channel, "unit": unit}) == Whose("unit", "channel")
    assert whose({"unit": unit, "channel": channel}) == Whose("unit", "channel")
    assert whose({"channel": channel, "through": channel * 10 + unit}) == Whose("through")
    assert whose({"channel": np.zeros(240, dtype=int), "unit": unit}) == Whose("unit")


@pytest.mark.parametrize(
    ("unit", "other", "channel"),
    [
        ("spike_clusters", "spike_templates", False),
        ("cluster", "quality", False),
        ("spikes/unit", "spikes/amplitude", False),
        ("unit", "channel", True),
        ("unit", "ch", True),
        ("unit", "TT", True),
        ("unit", "trial", True),
        ("units(:,1)", "units(:,2)", True),
        ("id", "code", True),
    ],
)
def test_what_is_called_as_units_are_is_split_by_channels_alone(unit, other, channel):
    columns = {unit: np.tile(np.arange(3), 80), other: np.repeat(np.arange(8), 30)}
    assert whose(columns) == Whose(unit, other if channel else None)


@pytest.mark.parametrize(("span_s", "trials"), [(1.5, True), (900.0, False)])
def test_times_that_begin_anew_are_of_trials_where_they_are_short(span_s, trials):
    row, times = np.repeat(np.arange(20), 30), np.tile(np.linspace(0, span_s, 30), 20)
    assert in_trials(times, row, span_s) is trials
    assert not in_trials(np.sort(times), row, span_s)
