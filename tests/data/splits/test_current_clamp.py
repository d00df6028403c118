"""Current-clamp splits check themselves, come back from disk as they were, and show a search no test bin."""

from __future__ import annotations

import dataclasses
from unittest import mock

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp.data.splits import sealed, store
from raysp.data.splits.current_clamp import CurrentClampSizes, pointers
from raysp.errors import BadInput
from tests.data.clamp_splits import made_up

SPLITS = st.builds(made_up, st.integers(1, 4), st.integers(0, 99), st.sampled_from([10, 20, 50]), timed=st.booleans())


def equal(one, other):
    for field in dataclasses.fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype, field.name
            np.testing.assert_array_equal(mine, theirs, err_msg=field.name)
        else:
            assert mine == theirs, field.name


def rows(split, part):
    """Each sweep's unit, stimulus, current and counts of a part, those without a bin of it left out."""
    first, last = split.edges(part)
    return [
        (
            int(split.unit_ids[split.sweep_unit[sweep]]),
            split.stimuli[split.sweep_stimulus[sweep]],
            split.current_of(sweep)[first[sweep] : last[sweep]].tolist(),
            split.counts_of(sweep)[first[sweep] : last[sweep]].tolist(),
        )
        for sweep in range(len(split.sweep_unit))
        if last[sweep] > first[sweep]
    ]


@given(SPLITS)
def test_every_bin_of_every_sweep_lies_in_one_part(split):
    assert sum(map(split.bins_of, ("train", "validation", "test"))) == len(split.counts)
    for before, after in (("train", "validation"), ("validation", "test")):
        np.testing.assert_array_equal(split.edges(before)[1], split.edges(after)[0])


@given(SPLITS)
def test_what_a_search_sees_is_train_and_validation_part_bin_by_bin_and_nothing_else(split):
    seen = split.training()
    assert rows(seen, "train") == rows(split, "train")
    assert rows(seen, "validation") == rows(split, "validation")
    assert seen.bins_of("test") == 0
    assert seen.unit_ids.tolist() == split.unit_ids.tolist()
    currents = [(unit, tuple(current)) for part in ("train", "validation") for unit, _, current, _ in rows(split, part)]
    assert len(seen.current) <= sum(len(current) for _, current in set(currents))


@given(SPLITS)
def test_hidden_bins_change_nothing_of_what_a_search_sees(split):
    first, last = split.edges("test")
    counts = split.counts.copy()
    for sweep, begin in enumerate(split.sweep_ptr[:-1]):
        counts[begin + first[sweep] : begin + last[sweep]] += 1
    other = dataclasses.replace(split, counts=counts)
    equal(other.training(), split.training())
    assert other.fingerprint() != split.fingerprint()


@given(SPLITS)
@settings(max_examples=30)
def test_a_split_comes_back_from_its_arrays_and_from_disk_as_it_was(tmp_path_factory, split):
    root = str(tmp_path_factory.mktemp("data"))
    store.save(split, None, root, {"source": "clamp"})
    equal(store.load(root, split.name), split)
    equal(store.load_training(root, split.name), split.training())
    found = store.header(root, split.name)
    assert found.trials == {"train": split.bins_of("train"), "eval": split.bins_of("test")}
    assert (found.units, found.left_out) == (tuple(split.unit_ids.tolist()), split.left_out)
    assert (found.kind, found.sizes) == ("current_clamp", split.sizes)


def test_a_search_reads_no_bin_of_the_test_part(tmp_path):
    split = made_up(timed=True)
    store.save(split, None, str(tmp_path), {})
    with h5py.File(store.split_path(str(tmp_path), split.name), "r+") as file:
        file["test/counts"][:] += 1
        del file["test/current"]
    equal(store.load_training(str(tmp_path), split.name), split.training())
    with pytest.raises(BadInput, match="prepare it again"):
        store.load(str(tmp_path), split.name)


@given(SPLITS, st.data())
def test_a_selection_holds_its_units_sweeps_as_the_whole_has_them(split, data):
    wanted = data.draw(st.lists(st.sampled_from(split.unit_ids.tolist()), min_size=1, unique=True))
    chosen = split.select(wanted)
    assert chosen.unit_ids.tolist() == sorted(wanted)
    for part in ("train", "validation", "test"):
        assert rows(chosen, part) == [row for row in rows(split, part) if row[0] in wanted]
    places = np.searchsorted(split.unit_ids, chosen.unit_ids)
    np.testing.assert_array_equal(chosen.gamma, split.gamma[places])
    assert chosen.metadata["line"] == tuple(split.metadata["line"][place] for place in places)
    equal(chosen.training(), dataclasses.replace(split.training().select(wanted), name=chosen.name))


@given(SPLITS, st.data(), st.sampled_from([8, 64, sealed.BLOCK]))
def test_some_units_come_from_disk_as_the_whole_selects_them(tmp_path_factory, split, data, block):
    root = str(tmp_path_factory.mktemp("root"))
    wanted = data.draw(st.lists(st.sampled_from(split.unit_ids.tolist()), min_size=1, unique=True))
    with mock.patch.object(sealed, "BLOCK", block):
        store.save(split, None, root, {})
        equal(store.load_units(root, split.name, wanted), split.select(wanted))
        equal(store.load(root, split.name), split)


@pytest.mark.parametrize("array", ["counts", "current", "test/counts", "test/current"])
def test_some_units_are_compared_with_what_was_written_and_others_are_not_read(tmp_path, monkeypatch, array):
    monkeypatch.setattr(sealed, "BLOCK", 8)
    root, split = str(tmp_path), made_up(3)
    store.save(split, None, root, {})
    with h5py.File(store.split_path(root, split.name), "r+") as file:
        file[array][-1] += 1
    equal(store.load_units(root, split.name, [5]), split.select([5]))
    with pytest.raises(BadInput, match=f"/{array} is damaged: its values are not those"):
        store.load_units(root, split.name, [5, 11])


def test_units_that_are_not_there_are_refused_from_disk_as_by_a_selection(tmp_path):
    store.save(made_up(), None, str(tmp_path), {})
    with pytest.raises(BadInput, match="unit 4 was left out: it has no spike"):
        store.load_units(str(tmp_path), "made-up", [4])


def test_a_selection_says_which_and_the_whole_is_the_same_data():
    split = made_up()
    assert split.select([11, 5]).name == "made-up[5,11]"
    assert split.select([11, 5]).sizes == dataclasses.replace(split.sizes, units=2)
    assert split.select([5, 8, 11]).fingerprint() == split.fingerprint()
    with pytest.raises(BadInput, match="unit 4 was left out: it has no spike"):
        split.select([4])
    with pytest.raises(BadInput, match="unknown unit 6"):
        split.select([5, 6])
    with pytest.raises(BadInput, match="at least one unit"):
        split.select([])


def test_sweeps_are_found_by_unit_and_stimulus():
    split = made_up()
    assert split.sweeps_of(1).tolist() == list(range(9, 18))
    assert split.sweeps_of(1, "Noise 1").tolist() == [13, 14, 15]
    assert split.sweeps_of(1, "Short Square").tolist() == []


@given(SPLITS, st.sampled_from([1, 2, 5]))
def test_the_first_bins_of_steps_are_means_and_rates_over_the_wider_bin(split, count):
    found = split.first_bins(count * split.sizes.bin_ms)
    expected = [
        (unit, np.mean(current[:count], dtype=np.float64), sum(counts[:count]) / (count * split.sizes.bin_ms))
        for unit, stimulus, current, counts in rows(split, "train")
        if stimulus == "Long Square"
    ]
    assert [(int(split.unit_ids[unit])) for unit in found.unit] == [unit for unit, _, _ in expected]
    np.testing.assert_allclose(found.current, [current for _, current, _ in expected], rtol=1e-12)
    np.testing.assert_allclose(found.rate, [rate for _, _, rate in expected], rtol=1e-12)


@pytest.mark.parametrize("bin_ms", [10, 30, 0, -20])
def test_an_activation_bin_that_its_bins_do_not_divide_is_refused(bin_ms):
    with pytest.raises(BadInput, match=f"made-up: .*multiple of its bins of 20 ms, got {bin_ms} ms"):
        made_up().first_bins(bin_ms)


def test_the_fingerprint_changes_with_all_that_a_model_sees_and_with_nothing_else():
    split = made_up()
    changes = [
        {"current": split.current + np.float32(1)},
        {"counts": split.counts + np.uint16(1)},
        {"gamma": split.gamma * 2},
        {"gamma_robust": split.gamma_robust * 2},
        {"unit_ids": split.unit_ids + 1},
        {"stimuli": ("Long Square", "Ramp", "Noise 2", "Noise 1")},
        {"sweep_parts": np.where(split.sweep_parts == 0, 0, split.sweep_parts - 1).astype(np.int32)},
        {"sizes": dataclasses.replace(split.sizes, bin_ms=10)},
    ]
    others = {dataclasses.replace(split, **change).fingerprint() for change in changes}
    assert len(others | {split.fingerprint()}) == len(changes) + 1
    renamed = {**split.metadata, "line": ("a", "b", "c")}
    assert dataclasses.replace(split, metadata=renamed).fingerprint() == split.fingerprint()


def changed(array, place, value):
    array = array.copy()
    array[place] = value
    return array


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: {"sizes": CurrentClampSizes("x", 0, 3)}, "bin_ms expected a whole number of ms from 1, got 0"),
        (lambda s: {"sizes": CurrentClampSizes("x", 20.0, 3)}, r"bin_ms expected a whole number .*got 20\.0"),
        (lambda s: {"sizes": CurrentClampSizes("x", 20, 2)}, r"unit_ids expected shape \(2,\)"),
        (lambda s: {"sizes": CurrentClampSizes("x", 20, 0)}, "at least one unit"),
        (lambda s: {"current": s.current.astype(float)}, "of float32, got .* of float64"),
        (lambda s: {"current": changed(s.current, 3, np.nan)}, "current expected finite"),
        (lambda s: {"current": s.current[:-1]}, "current_ptr expected ascending"),
        (lambda s: {"current_ptr": changed(s.current_ptr, 1, 0)}, "current_ptr expected ascending"),
        (lambda s: {"sweep_ptr": changed(s.sweep_ptr, 0, 1)}, "sweep_ptr expected ascending"),
        (lambda s: {"sweep_ptr": changed(s.sweep_ptr, 1, s.sweep_ptr[1] + 1)}, "as many bins as its current"),
        (lambda s: {"unit_ids": s.unit_ids[::-1].copy()}, "strictly increasing"),
        (lambda s: {"unit_ids": changed(s.unit_ids, 1, 5)}, "strictly increasing"),
        (lambda s: {"unit_ids": s.unit_ids - 9}, "numbers >= 0"),
        (lambda s: {"gamma": changed(s.gamma, 0, 0.0)}, "gamma expected numbers above 0"),
        (lambda s: {"gamma_robust": changed(s.gamma_robust, 0, np.nan)}, "gamma_robust expected numbers above 0"),
        (lambda s: {"metadata": {}}, "metadata expected species, line"),
        (lambda s: {"metadata": {**s.metadata, "line": ("one",)}}, "a text per unit"),
        (lambda s: {"stimuli": ("Ramp",) * 4}, "each once"),
        (lambda s: {"stimuli": s.stimuli[:3]}, "sweep_stimulus expected indices from 0 to 2, got 0 to 3"),
        (lambda s: {"sweep_unit": changed(s.sweep_unit, 0, 3)}, "sweep_unit expected indices from 0 to 2"),
        (lambda s: {"sweep_current": changed(s.sweep_current, 0, -1)}, "sweep_current expected indices from 0"),
        (lambda s: {"sweep_unit": changed(s.sweep_unit, 0, 1)}, "expected unit by unit"),
        (lambda s: {"sweep_unit": changed(s.sweep_unit, 8, 1)}, "sweeps of one unit"),
        (lambda s: {"sweep_parts": changed(s.sweep_parts, 0, (-1, 3))}, "a <= b"),
        (lambda s: {"sweep_parts": changed(s.sweep_parts, 0, (3, 2))}, "a <= b"),
        (lambda s: {"sweep_parts": changed(s.sweep_parts, 0, (3, 99))}, "a <= b"),
        (lambda s: {"sweep_parts": changed(s.sweep_parts, 4, (3, 3))}, "the same bin at which the test part begins"),
        (lambda s: {"sweep_parts": changed(s.sweep_parts, slice(0, 9), (0, 5))}, "unit 5 expected a bin to train on"),
        (lambda s: {"left_out": ((5, "is gone"),)}, "none of those that are there"),
        (lambda s: {"left_out": ((4, "is gone"), (4, "is gone"))}, "each unit once"),
    ],
)
def test_a_split_that_does_not_fit_together_is_refused(change, words):
    split = made_up()
    with pytest.raises(BadInput, match=words):
        dataclasses.replace(split, **change(split))


def test_a_cell_of_unknown_gamma_is_allowed():
    split = made_up()
    assert np.isnan(dataclasses.replace(split, gamma=np.full(3, np.nan)).gamma).all()


def test_pointers_are_where_each_begins():
    assert pointers(np.array([2, 3])).tolist() == [0, 2, 5]
