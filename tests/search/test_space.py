import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.errors import BadInput
from raysp.search.space import Entry, Space, equal
from raysp.search.space_file import parse_space
from tests.search.random_spaces import BASE, ranges, spaces


def space(**entries):
    """Return a space whose settings are called model.a, model.b, ..."""
    return parse_space({"model": "made_up", "space": {f"model.{k}": v for k, v in entries.items()}}, "made up")


def only(**written):
    return space(a=written).entry("model.a")


def some_of(data, space):
    """Return values for some of a space's free entries, each of which a search could propose."""
    chosen = data.draw(st.lists(st.sampled_from(space.free), unique_by=lambda entry: entry.name))
    return {entry.name: data.draw(st.sampled_from(entry.probes())) for entry in chosen}


# Ranges


def test_a_range_ends_where_its_steps_end():
    entry = only(uniform=[0, 1], step=0.3)
    assert entry.high == 0.9
    assert entry.values() == (0.0, 0.3, 0.6, 0.9)
    assert entry.probes() == (0.0, 0.9)
    assert not entry.contains(1.0)


def test_a_whole_range_ends_where_its_steps_end():
    entry = only(int=[1, 10], step=4)
    assert entry.values() == (1, 5, 9)
    assert entry.probes() == (1, 9)
    assert not entry.contains(10)


def test_steps_are_counted_as_a_person_counts():
    entry = only(uniform=[0.1, 0.7], step=0.2)
    assert entry.values() == (0.1, 0.3, 0.5, 0.7)
    assert entry.contains(0.1 + 0.2)
    assert entry.exact(0.1 + 0.2) == 0.3
    assert only(uniform=[0, 1e-12], step=1e-13).count == 11


@pytest.mark.parametrize(("value", "inside"), [(2, True), (2.0, False), (True, False), (2.5, False), (17, False)])
def test_a_whole_range_holds_whole_numbers(value, inside):
    assert only(int=[1, 16], log=True).contains(value) is inside


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", None, True, [0.5]])
def test_a_range_of_numbers_holds_numbers_alone(value):
    assert not only(uniform=[0, 2]).contains(value)


def test_whole_numbers_are_in_a_range_of_any_numbers():
    assert only(uniform=[0, 2]).contains(1)


@pytest.mark.parametrize("written", [{"uniform": [0, 1]}, {"loguniform": [0.1, 1]}, {"int": [1, 9], "log": True}])
def test_continuous_and_logarithmic_ranges_cannot_be_listed(written):
    assert only(**written).values() is None


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, False, False),
        (None, None, True),
        ([3, 5], (3, 5), True),
        ([3, 5], [3], False),
        ([1], [True], False),
        ("1", 1, False),
        ([3], 3, False),
    ],
)
def test_equal_settings(left, right, same):
    assert equal(left, right) is same
    assert equal(right, left) is same


def test_choices_may_be_lists_and_nothing():
    entry = only(choice=[[3, 5], None, True])
    assert entry.contains((3, 5))
    assert entry.contains(None)
    assert not entry.contains(1)
    assert entry.exact((3, 5)) == [3, 5]


@given(ranges())
def test_every_value_that_is_listed_or_probed_is_one_of_the_range(written):
    entry = only(**written)
    assert all(entry.contains(value) for value in entry.probes())
    if entry.values() is not None:
        assert len(entry.values()) == entry.count
        assert all(entry.contains(value) and equal(entry.exact(value), value) for value in entry.values())
        assert entry.probes()[-1] == entry.values()[-1]


# Conditions and couplings

CHAIN = {
    "a": {"choice": ["on", "off"]},
    "b": {"choice": ["on", "off"], "when": {"model.a": "on"}},
    "c": {"int": [1, 9], "when": {"model.b": "on"}},
}


def test_what_depends_on_an_inactive_setting_is_inactive_too():
    found = space(**CHAIN)
    base = {"model.a": "off", "model.b": "on", "model.c": 5}
    values = found.complete({"model.a": "off", "model.c": 9}, base)
    assert values == base
    assert not found.active(found.entry("model.c"), values)


def test_what_depends_on_an_active_setting_is_active():
    found = space(**CHAIN)
    base = {"model.a": "off", "model.b": "off", "model.c": 5}
    values = found.complete({"model.a": "on", "model.b": "on", "model.c": 9}, base)
    assert values == {"model.a": "on", "model.b": "on", "model.c": 9}


def test_parents_come_first_in_whatever_order_they_are_written():
    found = space(**dict(reversed(CHAIN.items())))
    assert [entry.name for entry in found.entries] == ["model.a", "model.b", "model.c"]


def test_a_circle_of_conditions_is_refused():
    with pytest.raises(BadInput, match="circle"):
        space(a={"int": [1, 2], "when": {"model.b": 1}}, b={"same": "model.a"})


def test_a_condition_on_a_setting_that_does_not_vary_looks_at_the_base():
    found = space(a={"int": [1, 9], "when": {"model.z": [1, 2]}})
    assert found.complete({"model.a": 7}, {"model.a": 3, "model.z": 2})["model.a"] == 7
    assert found.complete({"model.a": 7}, {"model.a": 3, "model.z": True})["model.a"] == 3


def test_a_coupled_setting_follows():
    found = space(b={"same": "model.a"}, a={"int": [1, 9]}, c={"same": "model.b", "times": 2})
    assert found.complete({"model.a": 7}, {"model.a": 3, "model.b": 3, "model.c": 5}) == {
        "model.a": 7,
        "model.b": 7,
        "model.c": 14,
    }


def test_a_setting_coupled_to_an_inactive_one_stays_as_it_is():
    found = space(a={"choice": [1, 2]}, b={"int": [1, 9], "when": {"model.a": 2}}, c={"same": "model.b"})
    base = {"model.a": 1, "model.b": 3, "model.c": 8}
    assert found.complete({"model.a": 1, "model.b": 7}, base) == base
    assert found.complete({"model.a": 2, "model.b": 7}, base)["model.c"] == 7


@pytest.mark.parametrize(("base", "times", "expected"), [(3, 0.5, 4), (0.1, 0.01, 0.07), (None, 2, 14), (10, 1.9, 13)])
def test_a_multiple_is_whole_where_the_setting_is(base, times, expected):
    found = space(a={"int": [1, 9]}, b={"same": "model.a", "times": times})
    value = found.complete({"model.a": 7}, {"model.a": 3, "model.b": base})["model.b"]
    assert value == pytest.approx(expected)
    assert isinstance(value, type(expected))


@pytest.mark.parametrize("value", [None, "wide", [3, 5], True])
def test_a_multiple_of_no_number_is_refused(value):
    found = space(a={"choice": [value]}, b={"same": "model.a", "times": 2})
    with pytest.raises(BadInput, match=r"model\.b is model\.a times 2.*no number"):
        found.complete({"model.a": value}, {"model.a": value, "model.b": 1})


def test_a_coupled_setting_that_is_given_stays_so():
    found = space(a={"int": [1, 9]}, b={"same": "model.a"})
    assert found.complete({"model.a": 7, "model.b": 2}, {"model.a": 3, "model.b": 3})["model.b"] == 2


def test_an_unknown_setting_gives_the_nearest():
    with pytest.raises(BadInput, match=r"did you mean 'model\.a'"):
        space(a={"int": [1, 2]}).entry("model.aa")


@given(spaces(), st.data())
def test_completing_twice_changes_nothing_and_other_settings_stay(found, data):
    base = {**BASE, "model.a": 4, "model.z": "other"}
    chosen = some_of(data, found)
    values = found.complete(chosen, base)
    again = found.complete(values, base)
    assert all(equal(again[name], values[name]) for name in values)
    assert list(again) == list(values) == list(base)
    varied = {entry.name for entry in found.entries}
    assert all(values[name] is base[name] for name in base if name not in varied)


@given(spaces(), st.data())
def test_an_inactive_setting_stays_as_it_is(found, data):
    values = found.complete(some_of(data, found), BASE)
    for entry in found.entries:
        if not found.active(entry, values):
            assert values[entry.name] is BASE[entry.name]
            below = [e for e in found.entries if entry.name in e.when or e.same == entry.name]
            assert not any(found.active(e, values) for e in below)


# Grids


def test_every_combination_is_there():
    found = space(a={"grid": [1, 2]}, b={"grid": ["x", None]}, c={"uniform": [0, 1]})
    combinations = list(found.combinations({"model.a": 1, "model.b": None, "model.c": 0.5}))
    expected = [{"model.a": a, "model.b": b} for a, b in itertools.product([1, 2], ["x", None])]
    assert combinations == expected


def test_combinations_leave_out_what_is_inactive():
    found = space(
        a={"grid": ["on", "off"]},
        b={"grid": [1, 2], "when": {"model.a": "on"}},
        c={"grid": [7], "when": {"model.b": 2}},
    )
    combinations = list(found.combinations({"model.a": "on", "model.b": 2, "model.c": 0}))
    assert combinations == [
        {"model.a": "on", "model.b": 1},
        {"model.a": "on", "model.b": 2, "model.c": 7},
        {"model.a": "off"},
    ]


def test_a_grid_below_a_sampled_setting_is_visited_whatever_is_sampled():
    found = space(a={"choice": ["on", "off"]}, b={"grid": [1, 2], "when": {"model.a": "on"}})
    base = {"model.a": "off", "model.b": 0}
    assert list(found.combinations(base)) == [{"model.b": 1}, {"model.b": 2}]
    everything = list(found.combinations(base, all_entries=True))
    assert everything == [{"model.a": "on", "model.b": 1}, {"model.a": "on", "model.b": 2}, {"model.a": "off"}]


def test_without_a_grid_there_is_one_empty_cell():
    assert list(space(a={"uniform": [0, 1]}).combinations({"model.a": 0})) == [{}]


def test_a_continuous_range_has_no_combinations():
    with pytest.raises(BadInput, match=r"sampler grid.*model\.a"):
        list(space(a={"uniform": [0, 1]}).combinations({"model.a": 0}, all_entries=True))


def test_a_grid_without_end_is_refused_before_it_is_listed():
    with pytest.raises(BadInput, match="at most 100000 combinations, got 10000000000"):
        list(space(a={"int": [1, 100_000]}, b={"int": [1, 100_000]}).combinations({}, all_entries=True))


@given(spaces())
def test_combinations_are_of_the_space_each_once(found):
    entries = [entry for entry in found.free if entry.count is not None]
    listed = Space("made_up", tuple(e for e in entries if set(e.when) <= {one.name for one in entries}))
    if len(listed.entries) and all(e.count < 12 for e in listed.entries):
        combinations = list(listed.combinations(BASE, all_entries=True))
        assert all(listed.entry(name).contains(value) for one in combinations for name, value in one.items())
        assert len({repr(one) for one in combinations}) == len(combinations)
        for combination in combinations:
            values = listed.complete(combination, BASE)
            assert set(combination) == {e.name for e in listed.free if listed.active(e, values)}


def test_an_entry_made_in_python_ends_where_its_steps_end():
    assert Entry("model.a", "uniform", 0.0, 1.0, step=0.4).high == 0.8
