import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.cluster import machines
from raysp.cluster.machines import group_sizes, pool_size, slots, with_machines_to_come
from raysp.config.experiment import Resources

HEAD, GPU = {"CPU": 0.0, "memory": 2.0}, {"CPU": 4.0, "GPU": 1.0}
CLUSTER = {
    "head_node_type": "head",
    "max_workers": 4,
    "available_node_types": {
        "head": {"resources": {"CPU": 0}, "max_workers": 0},
        "gpu": {"resources": {"CPU": 4, "GPU": 1}, "max_workers": 8},
    },
}


@pytest.fixture
def bootstrap(tmp_path, monkeypatch):
    path = tmp_path / "bootstrap.yaml"
    monkeypatch.setattr(machines, "BOOTSTRAP", str(path))
    # Ray writes it as JSON, which is YAML too.
    return lambda config: path.write_text(json.dumps(config))


def test_a_cluster_without_workers_offers_those_that_it_may_start(bootstrap):
    assert with_machines_to_come([HEAD]) == [HEAD]
    bootstrap(CLUSTER)
    offered = with_machines_to_come([HEAD])
    assert offered == [HEAD, *[{"CPU": 4, "GPU": 1}] * 4]
    assert pool_size(Resources(), offered, trials=99) == (4, 1.0)


def test_a_machine_that_came_is_not_waited_for_again(bootstrap):
    bootstrap(CLUSTER)
    there = [HEAD, {**GPU, "memory": 8.0}]
    assert with_machines_to_come(there) == [*there, *[{"CPU": 4, "GPU": 1}] * 3]
    # One of a user's own that joined by hand counts beside them.
    assert len(with_machines_to_come([HEAD, {"CPU": 64.0}])) == 6


@pytest.mark.parametrize(
    ("machine", "settings", "share", "held"),
    [
        ({"CPU": 8.0}, {}, 0.0, 8),
        ({"CPU": 8.0}, {"cpus_per_worker": 3}, 0.0, 2),
        ({"CPU": 8.0, "GPU": 4.0}, {}, 1.0, 4),
        ({"CPU": 8.0, "GPU": 1.0}, {}, 1 / 3, 3),
        # Of GPUs alone eight would fit, and four of them wait for ever.
        ({"CPU": 4.0, "GPU": 1.0}, {}, 0.125, 4),
        (HEAD, {}, 0.0, 0),
    ],
)
def test_a_machine_holds_what_both_its_cores_and_gpus_have_room_for(machine, settings, share, held):
    assert slots(machine, Resources(**settings), share) == held


def test_cores_of_different_machines_make_no_worker_together():
    assert pool_size(Resources(cpus_per_worker=2), [{"CPU": 3.0}, {"CPU": 3.0}], 99) == (2, 0.0)


def test_every_machine_has_a_group_of_its_own():
    assert group_sizes(12, Resources(), [HEAD, {"CPU": 8.0}, {"CPU": 2.0}, {"CPU": 2.0}]) == [8, 2, 2]
    assert group_sizes(9, Resources(), [{"CPU": 2.0}, {"CPU": 8.0}]) == [8, 1]
    assert group_sizes(8, Resources(), [GPU] * 5) == [1] * 8


def test_workers_on_one_machine_are_one_group_and_others_wait_for_more_machines():
    assert group_sizes(5, Resources(workers=5), [{"CPU": 5.0}]) == [5]
    assert group_sizes(5, Resources(workers=5), [{"CPU": 2.0}]) == [2, 2, 1]
    assert group_sizes(2, Resources(workers=2), [HEAD]) == [1, 1]


@given(
    st.lists(st.integers(0, 16), max_size=200).map(lambda counts: [{"CPU": float(count)} for count in counts]),
    st.integers(1, 3000),
)
def test_groups_hold_all_workers_and_are_not_many(there, asked):
    workers, _ = pool_size(Resources(workers=asked), there, 10**6)
    sizes = group_sizes(workers, Resources(), there)
    assert sum(sizes) == workers == asked
    assert min(sizes) > 0
    assert len(sizes) <= machines.MOST_GROUPS


@pytest.mark.parametrize(("there", "words"), [([HEAD, GPU, GPU], "1 with none; 2 with CPU 4, GPU 1"), ([], "none")])
def test_the_machines_that_are_there_are_named_where_none_comes(monkeypatch, there, words):
    monkeypatch.setattr(machines, "present", lambda: there)
    assert machines.none_came().startswith(f"the cluster's machines are: {words}. `ray status`")
