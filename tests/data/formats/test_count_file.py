"""Numbers of files of counts: in range and exact, of any type that holds them, along the axes they are meant for."""

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from raysp.data.formats import count_file
from raysp.data.sources import population
from raysp.data.sources.population import Config
from raysp.errors import BadInput

SPIKES = np.random.default_rng(0).poisson(0.5, (20, 15, 6))
SHAPE = SPIKES.shape


def changed(value, dtype=np.float64):
    array = SPIKES.astype(dtype)
    array[3, 2, 1] = value
    return array


def checked(array):
    return count_file.checked_counts(array, "a.npz: spikes")


GOOD = {
    "bool": SPIKES > 0,
    "bytes": SPIKES.astype(np.uint8),
    "whole numbers as short floats": SPIKES.astype(np.float16) * 1000,
    "big-endian": SPIKES.astype(">i2"),
    "big-endian floats": SPIKES.astype(">f8"),
    "long floats": SPIKES.astype(np.longdouble),
    "columns first": np.asfortranarray(SPIKES),
    "every second bin of another array": np.repeat(SPIKES, 2, axis=1)[:, ::2],
    "the largest count": changed(2**24, np.uint64),
    "minus zero": np.where(SPIKES == 0, -0.0, SPIKES),
}


@pytest.mark.parametrize("case", GOOD)
def test_counts_of_any_plain_type_are_read(case):
    found = checked(GOOD[case])
    assert found.flags.writeable
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, GOOD[case].astype(np.float64))


BAD = {
    "one more than float32 can tell": (changed(2**24 + 1, np.int64), r"up to 16,777,216 .2.24., got 16777217"),
    "64 bits without sign": (changed(2**64 - 1, np.uint64), "got 18446744073709551615"),
    "a fraction that float32 rounds away": (changed(1 + 1e-9), "whole spike counts"),
    "a fraction of nearly nothing": (changed(1e-50), "whole spike counts"),
    "less than zero by nearly nothing": (changed(-1e-50), "counts >= 0"),
    "negative whole numbers": (changed(-1, np.int8), "counts >= 0, got -1"),
    "NaN": (changed(np.nan, np.float16), "NaN in trial 3, bin 2, unit 1"),
    "what overflowed in 16 bits": (changed(np.inf, np.float16), "finite counts"),
    "complex": (SPIKES.astype(complex), "expected numbers, got complex numbers"),
    "text": (SPIKES.astype(str), "expected numbers, got text"),
    "bytes of text": (SPIKES.astype("S3"), "expected numbers, got text"),
    "objects": (SPIKES.astype(object), "expected numbers, got objects"),
    "records": (SPIKES.astype([("n", int)]), "expected numbers, got"),
    "dates": (SPIKES.astype("M8[s]"), "expected numbers, got datetime64"),
    "durations": (SPIKES.astype("m8[s]"), "expected numbers, got timedelta64"),
    "one number": (np.array(3), r"\(trials, bins, units\), got \(\)"),
    "one trial's counts": (SPIKES[0], r"got \(15, 6\)"),
    "four axes": (SPIKES[None], r"got \(1, 20, 15, 6\)"),
    "no trials": (SPIKES[:0], r"got \(0, 15, 6\)"),
    "no units": (SPIKES[..., :0], r"got \(20, 15, 0\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_counts_that_are_none_are_refused(case):
    array, message = BAD[case]
    with pytest.raises(BadInput, match=message) as caught:
        checked(array)
    assert str(caught.value).startswith("a.npz: spikes expected ")


BAD_RATES = {
    "infinite": (np.full(SHAPE, np.inf), 0.01, "finite true rates"),
    "NaN": (np.full(SHAPE, np.nan), 0.01, "finite true rates"),
    "negative": (np.full(SHAPE, -1e-30), 0.01, "true rates >= 0"),
    "too large for float32": (np.full(SHAPE, 1e60), 0.01, "at most 16,777,216 spikes per bin, got 1e.58"),
    "too large by their unit": (np.full(SHAPE, 1e300), 1e300, "got NaN, infinite|at most 16,777,216"),
    "complex": (np.ones(SHAPE, complex), 0.01, "expected numbers, got complex"),
    "text": (np.full(SHAPE, "1"), 0.01, "expected numbers, got text"),
    "units before bins": (np.ones((20, 6, 15)), 0.01, r"other order: use np.transpose\(x, \(0, 2, 1\)\)"),
    "trials last": (np.ones((15, 6, 20)), 0.01, r"use np.transpose\(x, \(2, 0, 1\)\)"),
    "another recording's": (np.ones((20, 15, 7)), 0.01, r"shape \(20, 15, 6\), got \(20, 15, 7\)$"),
}


@pytest.mark.parametrize("case", BAD_RATES)
def test_true_rates_that_are_none_are_refused(case):
    array, unit, message = BAD_RATES[case]
    with pytest.raises(BadInput, match=message):
        count_file.checked_rates(array, SHAPE, unit, "a.npz: truth")


BAD_BEHAVIOR = {
    "infinite": (np.full((20, 15, 2), -np.inf), "finite behaviour .* got inf"),
    "too large for float32": (np.full((20, 15, 2), -1e39), "finite behaviour .* got 1e.39"),
    "complex": (np.ones((20, 15, 2), complex), "expected numbers, got complex"),
    "text": (np.full((20, 15, 2), "1"), "expected numbers, got text"),
    "variables before bins": (np.ones((20, 2, 15)), r"use np.transpose\(x, \(0, 2, 1\)\)"),
    "bins before trials": (np.ones((15, 20, 2)), r"use np.transpose\(x, \(1, 0, 2\)\)"),
    "one variable without its axis": (np.ones((20, 15)), r"for one variable use x\[:, :, None\]"),
    "of counts that lie in another order": (np.ones((20, 6, 2)), r"are they \(trials, units, bins\)"),
    "no variable": (np.ones((20, 15, 0)), r"got \(20, 15, 0\)"),
    "another recording's": (np.ones((19, 15, 2)), r"expected behaviour \(20, 15, variables\), got \(19, 15, 2\)$"),
}


@pytest.mark.parametrize("case", BAD_BEHAVIOR)
def test_behaviour_that_is_none_is_refused(case):
    array, message = BAD_BEHAVIOR[case]
    with pytest.raises(BadInput, match=message):
        count_file.checked_behavior(array, SHAPE, 15, "a.npz: hand")


def test_gaps_in_behaviour_stay():
    hand = np.full((20, 15, 2), np.nan)
    hand[0, 0] = 3
    found = count_file.checked_behavior(hand, SHAPE, 10, "a.npz: hand")
    assert found.shape == (20, 10, 2)
    assert np.nansum(found) == 6
    assert count_file.checked_behavior(hand[:, :10], SHAPE, 10, "a.npz: hand").shape == (20, 10, 2)


@pytest.mark.parametrize("shape", [(20,), (1, 20), (20, 1)])
def test_conditions_may_lie_in_a_row_or_a_column(shape):
    labels = np.arange(20) % 3
    np.testing.assert_array_equal(count_file.per_trial(labels.reshape(shape), SHAPE, "a"), labels)


@pytest.mark.parametrize("array", [np.arange(6), np.ones((20, 15)), np.ones((4, 5)), np.array(1), np.ones(20, complex)])
def test_conditions_along_another_axis_are_refused(array):
    with pytest.raises(BadInput, match="a expected"):
        count_file.per_trial(array, SHAPE, "a")


def test_conditions_that_are_as_many_as_bins_get_a_hint():
    with pytest.raises(BadInput, match="so long is another axis of the counts"):
        count_file.per_trial(np.arange(15), SHAPE, "a")


@pytest.mark.parametrize(
    "array",
    [
        np.array([2, 4]),
        np.array([[4.0], [2.0]]),
        np.isin(np.arange(20), (2, 4))[None],
        np.isin(np.arange(20), (2, 4)) * 1.0,
    ],
)
def test_trials_may_be_numbers_or_a_mask(array):
    assert count_file.checked_rows(array, 20, "a").tolist() == [2, 4]


@pytest.mark.parametrize(
    "array", [np.array([0.5]), np.array([np.nan]), np.array([1e300]), np.array(["1"]), np.array([-1])]
)
def test_trials_that_are_none_are_refused(array):
    with pytest.raises(BadInput, match="a expected"):
        count_file.checked_rows(array, 20, "a")


def matlab(path, *, header=True, **arrays):
    """Write arrays as MATLAB's save -v7.3 does: axes reversed, classes as attributes, 512 bytes in front."""
    with h5py.File(path, "w", userblock_size=512 if header else 0) as file:
        for name, array in arrays.items():
            kind = {"f": "double", "b": "logical", "U": "char"}.get(array.dtype.kind, str(array.dtype))
            if kind == "char":
                array = np.array([[ord(letter) for letter in text] for text in array], dtype=np.uint16)
            file[name] = (array.astype(np.uint8) if kind == "logical" else array).T
            file[name].attrs["MATLAB_class"] = np.bytes_(kind)
    if header:
        with open(path, "r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\x00\x02IM")
    return str(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((2, 3, 4), np.uint16), r"a matrix of characters, got uint16 of shape \(4, 3, 2\)"),
        (np.full((2, 3), 97.5), "a matrix of characters, got float64"),
        (np.full((2, 3), -1), "a matrix of characters, got int64"),
        (np.full((2, 3), 2**40), "a matrix of characters, got int64"),
        (np.full((2, 3), 0xD800, np.uint16), "holds half of a character"),
    ],
)
def test_text_of_matlab_that_is_none_is_refused(tmp_path, array, message):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["side"] = array
        file["side"].attrs["MATLAB_class"] = np.bytes_("char")
    with count_file.arrays(str(tmp_path / "a.h5")) as file, pytest.raises(BadInput, match=f"side .*{message}"):
        file.read("side")


def build(path, **settings):
    return population.build(Config(path, 10, counts="spikes", **settings), "a")


@pytest.mark.parametrize("header", [True, False])
def test_axes_of_matlab_are_turned_back(tmp_path, header):
    rates = np.random.default_rng(1).uniform(0.4, 0.6, SHAPE)
    hand = np.random.default_rng(2).normal(size=(20, 15, 2))
    side = np.array(["left ", "right"] * 10)
    path = matlab(
        tmp_path / "a.mat", header=header, spikes=SPIKES.astype(float), truth=rates, hand=hand, side=side,
        test=np.isin(np.arange(20), (3, 8))[None],
    )  # fmt: skip
    split, targets = build(
        path, rates="truth", rate_scale=1.0, behavior="hand", conditions=("side",), eval_index="test", heldout=1
    )
    assert (split.sizes.bins, split.sizes.units, split.sizes.behavior) == (15, 6, 2)
    assert targets.trials.ids.tolist() == [3, 8]
    counts = np.concatenate([targets.trials.heldin, targets.trials.heldout], axis=2)
    np.testing.assert_array_equal(counts, SPIKES[[3, 8]][..., split.units])
    np.testing.assert_allclose(targets.trials.rates, rates[[3, 8]][..., split.units], rtol=1e-6)
    np.testing.assert_allclose(targets.trials.behavior, hand[[3, 8]], rtol=1e-6)
    assert targets.trials.condition.tolist() == [1, 0]


@pytest.mark.parametrize(("node", "mark"), [("spikes", "rhdf5-NA.OK"), ("/", "OCTAVE_NEW_FORMAT")])
def test_axes_of_other_languages_that_store_columns_first_are_turned_back(tmp_path, node, mark):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["spikes"] = SPIKES.T
        file[node].attrs[mark] = 1
    assert build(str(tmp_path / "a.h5"))[0].sizes.units == 6


def test_an_array_in_a_struct_of_matlab_is_found_by_its_path(tmp_path):
    path = matlab(tmp_path / "a.mat", **{"session/spikes": SPIKES.astype(float)})
    config = Config(path, 10, counts="session/spikes")
    assert population.build(config, "a")[0].sizes.units == 6


def test_indices_by_a_program_that_counts_from_one_are_refused(tmp_path):
    path = matlab(tmp_path / "a.mat", spikes=SPIKES.astype(float), test=np.array([[2.0, 4.0]]))
    with pytest.raises(BadInput, match=r"a.mat: test holds indices by a program that counts from 1.* logical mask"):
        build(path, eval_index="test")


STRANGE = {
    "cell": ("a cell array", {}),
    "struct": ("a struct", {}),
    "string": ("an array of string objects", {}),
    "table": ("a table", {}),
    "containers.Map": ("MATLAB's class containers.Map", {}),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_objects_of_matlab_that_are_no_numbers_are_named(tmp_path, kind):
    path = matlab(tmp_path / "a.mat", spikes=SPIKES.astype(float))
    with h5py.File(path, "r+") as file:
        file["spikes"].attrs["MATLAB_class"] = np.bytes_(kind)
    with pytest.raises(BadInput, match=STRANGE[kind][0]):
        build(path)


def test_sparse_and_empty_arrays_of_matlab_are_named(tmp_path):
    path = matlab(tmp_path / "a.mat", spikes=np.array([0.0, 15.0, 6.0]))
    with h5py.File(path, "r+") as file:
        file["spikes"].attrs["MATLAB_empty"] = np.uint8(1)
    with pytest.raises(BadInput, match=r"shape .trials, bins, units., got .0, 15, 6."):
        build(path)
    with h5py.File(path, "r+") as file:
        del file["spikes"]
        file.create_group("spikes").attrs["MATLAB_sparse"] = np.uint64(20)
        file["spikes/data"] = np.ones(3)
    with pytest.raises(BadInput, match=r"sparse matrix of MATLAB; save full.x"):
        build(path)


def test_a_group_is_no_array(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["spikes/data"] = SPIKES
    with pytest.raises(BadInput, match="expected an array, found a group"):
        build(str(tmp_path / "a.h5"))


def test_a_shorter_trial_ends_in_nan_and_nan_elsewhere_is_refused():
    counts = np.ones((3, 5, 2))
    counts[1, 3:] = np.nan
    np.testing.assert_array_equal(count_file.checked_counts(counts, "x"), counts)
    for wrong in ((1, 1), (2, slice(None)), (0, 4, 1)):
        changed = counts.copy()
        changed[wrong] = np.nan
        with pytest.raises(BadInput, match="NaN may stand in all units from a trial's end on"):
            count_file.checked_counts(changed, "x")


def test_arrays_of_an_old_matlab_file_are_read_with_the_axes_of_matlab(tmp_path):
    counts = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    savemat(tmp_path / "old.mat", {"counts": counts, "session": {"counts": counts, "who": "me"}, "cells": [[1], "a"]})
    with count_file.arrays(str(tmp_path / "old.mat")) as file:
        assert set(file.names) == {"counts", "session", "cells"}
        assert file.from_one("counts")
        for name in ("counts", "session.counts"):
            np.testing.assert_array_equal(file.read(name), counts)
        with pytest.raises(BadInput, match=r"name a field of it, or read spikes .* by source: matlab_spikes"):
            file.read("session")
