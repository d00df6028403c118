from raysp.search.generations import first_generation
from raysp.search.lanes import groups, parting
from tests.search.populations import lfads_population, population


def of(one):
    return [[row.member for row in group] for group in groups(one, first_generation(one))]


def test_members_that_train_in_turn_are_groups_of_one():
    assert of(population(members=3)) == [[0], [1], [2]]


def test_lanes_are_shared_out_evenly_whoever_trains_them():
    assert of(lfads_population(members=7, lanes=3)) == [[0, 1], [2, 3], [4, 5, 6]]
    assert of(lfads_population(members=4, lanes=4)) == [[0, 1, 2, 3]]


def test_members_that_differ_in_what_lanes_share_train_apart():
    one = lfads_population(members=8, lanes=8, more={"training.batch_size": {"choice": [4, 5]}})
    rows = first_generation(one)
    found = groups(one, rows)
    assert sorted(row.member for group in found for row in group) == list(range(8))
    sizes = [{row.settings["training.batch_size"] for row in group} for group in found]
    # The experiment's own is neither.
    assert all(len(each) == 1 for each in sizes)
    assert 1 < len(found) <= 3
    assert parting(one) == ["training.batch_size"]
    assert parting(lfads_population()) == []
