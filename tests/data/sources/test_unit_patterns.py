"""Vectors of a unit each are found by their names, all of them, and those that are not read are told."""

import h5py
import numpy as np
import polars
import pytest

from raysp.data.formats import vector_file
from raysp.data.sources.proposal import proposal
from raysp.data.sources.unit_patterns import likely

RNG = np.random.default_rng(3)


def table(*names, alike=False):
    return {name: np.sort(RNG.uniform(0, 100, 300 if alike else 300 + place)) for place, name in enumerate(names)}


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        ("cells/Sc1_SS_01/t cells/Sc1_SS_02/t cells/Sc2_SS_01/t", "cells/Sc*_SS_*/t"),
        ("CA1/unit_0/times CA1/unit_1/times CA3/unit_0/times", "CA*/unit_*/times"),
        ("CA1/unit_0/times CA1/unit_1/times CA1/unit_2/times", "CA1/unit_*/times"),
        ("PPC/unit_0/times PPC/unit_1/times M1/unit_0/times", "*/unit_*/times"),
        ("sig000a sig001b sig002a", "sig*"),
        ("cells/anna/t cells/bert/t", "cells/*/t"),
        ("ch1_1 ch1_2 ch2_1", "ch*_*"),
    ],
)
@pytest.mark.parametrize("alike", [False, True])
def test_every_number_that_differs_is_a_units_whatever_their_lengths(names, pattern, alike):
    found = likely(table(*names.split(), alike=alike))
    assert (found.pattern, found.others) == (pattern, ())


def test_the_number_of_a_trial_is_no_units():
    found = likely(table("trial_0/unit_0", "trial_0/unit_1", "trial_0/unit_2", "trial_1/unit_0", "trial_1/unit_1"))
    assert found.pattern == "trial_0/unit_*"
    assert len(found.others) == 2


def test_columns_of_trials_are_no_units():
    assert likely(table("t1", "t2", "t3", alike=True)) is None
    assert likely(table("lick/times", "cue/times")) is None


def test_counts_of_units_that_never_fired_are_no_times(tmp_path):
    counts = RNG.poisson(0.05, (400, 6))
    counts[:, [0, 1, 4]] = 0
    counts[-1, 4] = 1
    bins = {"timestamp": np.arange(400) * 0.01, **{f"unit_{place}": one for place, one in enumerate(counts.T)}}
    polars.DataFrame(bins).write_csv(tmp_path / "counts.csv")
    found = proposal(str(tmp_path / "counts.csv"))
    assert (found.source, found.settings["counts"], found.settings["bin_ms"]) == ("population", "unit_*", 10.0)


def test_vectors_that_a_guess_leaves_out_are_told(tmp_path):
    others = table("Sc1_SS_01", "Sc1_SS_02", "Sc2_SS_01", "sync_pulses")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for name, one in others.items():
            file[name] = one
        file["start"] = np.arange(1.0, 95.0)
    found = proposal(str(tmp_path / "x.h5"))
    assert found.settings["time"] == "Sc*_SS_*"
    assert found.settings["align"] == "start"
    assert "1 more vector of rising times not read: sync_pulses" in found.why["time"]


def test_an_array_with_an_index_of_its_units_ends_is_no_trials(tmp_path):
    each = table("a", "b", "c").values()
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["spike_times"] = np.concatenate([*each])
        file["spike_times_index"] = np.cumsum([len(one) for one in each])
    found = proposal(str(tmp_path / "x.h5"))
    assert found.settings["time"] == "spike_times_*"
    assert not {"trials", "align"} & set(found.settings)


@pytest.mark.parametrize(("others", "units"), [({}, 3), ({"depth": 3}, 3), ({"unit_ids": 4}, 4)])
def test_ends_that_begin_with_0_are_of_one_unit_less_unless_a_vector_of_units_is_as_long(tmp_path, others, units):
    each = [*table("a", "b", "c").values()]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["spike_times"] = np.concatenate(each)
        file["spike_times_index"] = np.cumsum([0, *map(len, each)])
        for name, length in others.items():
            file[name] = np.arange(length) * 5
    found = vector_file.vectors(str(tmp_path / "x.h5"))
    # Numbers that lie beside them are theirs.
    read = [found[f"spike_times_{unit * (5 if 'unit_ids' in others else 1)}"] for unit in range(units)]
    assert len(found) == units + 1 + len(others)
    assert all(np.array_equal(one, own) for one, own in zip(read[units - 3 :], each, strict=True))
    said = vector_file.notes(str(tmp_path / "x.h5"))
    assert len(said) == (not others)
    assert all("3 units; were it the end of a silent one, there would be 4" in one for one in said)


@pytest.mark.parametrize(
    "divide",
    [lambda n: {"spike_ptr": np.cumsum([0, *n])}, lambda n: {"unit_index": np.cumsum(n)}, lambda n: {"count": n}],
)
def test_times_one_unit_after_the_other_are_divided_by_ends_of_any_name_and_by_lengths(tmp_path, divide):
    each = [*table("a", "b", "c").values()]
    ends = divide(np.array([len(one) for one in each]))
    np.savez(tmp_path / "x.npz", t=np.concatenate(each), start=np.arange(1.0, 95.0), **ends)
    found = vector_file.vectors(str(tmp_path / "x.npz"))
    assert [name for name in found if name.startswith("t_")] == ["t_0", "t_1", "t_2"]
    assert all(np.array_equal(found[f"t_{unit}"], one) for unit, one in enumerate(each))
    assert proposal(str(tmp_path / "x.npz")).settings["align"] == "start"
    # In the recording's order nothing tells that times have such ends.
    np.savez(tmp_path / "x.npz", t=np.sort(np.concatenate(each)), **ends)
    assert set(vector_file.vectors(str(tmp_path / "x.npz"))) == {"t", *ends}


def test_of_many_vectors_only_those_that_end_others_are_tried(tmp_path, monkeypatch):
    asked = []
    divided = vector_file._divided
    monkeypatch.setattr(vector_file, "_divided", lambda *given: asked.append(given[3]) or divided(*given))
    rising = [np.sort(RNG.uniform(0, 9, 40)) for _ in range(3)]
    others = {f"wave_{place}": RNG.integers(0, 99, 30 + place) for place in range(20)}
    np.savez(tmp_path / "x.npz", t=np.concatenate(rising), ends=[40, 80, 120], **others)
    assert {"t_0", "t_1", "t_2"} <= set(vector_file.vectors(str(tmp_path / "x.npz")))
    assert asked == ["t"]
