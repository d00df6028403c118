"""Recordings in MATLAB's structs and cells, made up in the layouts that laboratories use, of both formats of file."""

import h5py
import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from raysp.config import settings
from raysp.data.formats import matlab_values
from raysp.data.sources import matlab_spikes
from raysp.data.sources.contract import contract
from raysp.data.sources.matlab_spikes import Config
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
TRIALS, UNITS = 20, 5
LENGTHS_S = RNG.uniform(0.7, 1.4, TRIALS).round(2)
BEGIN_S = np.arange(TRIALS) * 2.0 + 1.0
GO_S = RNG.uniform(0.2, 0.4, TRIALS).round(3)
EACH = [[np.sort(RNG.uniform(0, LENGTHS_S[trial], 30)).round(4) for _ in range(UNITS)] for trial in range(TRIALS)]
SIDES = ["left", "right"] * (TRIALS // 2)


def cells(values):
    found = np.empty(np.shape(values)[:1] if np.ndim(values[0]) <= 1 else (len(values), len(values[0])), object)
    for place in np.ndindex(found.shape):
        one = values
        for index in place:
            one = one[index]
        found[place] = np.atleast_2d(one).T
    return found


def column(values):
    return np.asarray(values, dtype=float)[:, None]


def structs(**fields):
    kind = [(name, object) for name in fields]
    found = np.empty((1, TRIALS), kind)
    for name, values in fields.items():
        for trial in range(TRIALS):
            found[0, trial][name] = values[trial]
    return found


def of_units(trial):
    found = np.empty((UNITS, 1), object)
    for unit in range(UNITS):
        found[unit, 0] = EACH[trial][unit][:, None]
    return found


JOINED = [np.concatenate([EACH[trial][unit] + BEGIN_S[trial] for trial in range(TRIALS)]) for unit in range(UNITS)]
MATRICES = [
    np.stack(
        [
            np.histogram(EACH[trial][unit], np.arange(round(LENGTHS_S[trial] * 100) + 1) / 100)[0]
            for unit in range(UNITS)
        ]
    )
    for trial in range(TRIALS)
]
FILE = {
    "trial": structs(
        spikes=[of_units(trial) for trial in range(TRIALS)],
        go=list(GO_S),
        length=list(LENGTHS_S),
        side=SIDES,
        lfp=[np.zeros((3, 7))] * TRIALS,
        of_one=[EACH[trial][0][:, None] for trial in range(TRIALS)],
        counts=[one.astype(np.uint8) for one in MATRICES],
    ),
    "by_unit": np.array([[one[:, None]] for one in JOINED] + [None], object)[:-1].reshape(UNITS, 1),
    "table": {"go": column(BEGIN_S + GO_S), "side": np.array(SIDES, object)[:, None], "begin": column(BEGIN_S)},
    "times": column(np.concatenate(JOINED)),
    "of": column(np.repeat([4, 8, 9, 11, 12], 30 * TRIALS)),
    "grid": cells([[EACH[trial][unit] for trial in range(TRIALS)] for unit in range(UNITS)]),
}


def put(file, at, value, number):
    """Write a value as MATLAB's save -v7.3 does; returns the data set or group."""
    if isinstance(value, dict) or (isinstance(value, np.ndarray) and value.dtype.names):
        group = file.create_group(at)
        group.attrs["MATLAB_class"] = np.bytes_("struct")
        if isinstance(value, dict):
            for name, one in value.items():
                put(file, f"{at}/{name}", one, number)
            return group
        for name in value.dtype.names:
            group[name] = references(file, value[name].T, number)
        return group
    if isinstance(value, str):
        value, kind = np.array([[ord(one) for one in value]], np.uint16), "char"
    elif isinstance(value, np.ndarray) and value.dtype == object:
        file[at] = references(file, value.T, number)
        file[at].attrs["MATLAB_class"] = np.bytes_("cell")
        return file[at]
    else:
        value = np.atleast_2d(value)
        kind = {"float64": "double", "uint8": "uint8"}[str(value.dtype)]
    file[at] = value.T
    file[at].attrs["MATLAB_class"] = np.bytes_(kind)
    return file[at]


def references(file, values, number):
    found = np.empty(values.shape, h5py.ref_dtype)
    for place in np.ndindex(values.shape):
        number[0] += 1
        found[place] = put(file, f"#refs#/{number[0]}", values[place], number).ref
    return found


@pytest.fixture(scope="module", params=["version 5", "version 7.3"])
def path(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("matlab") / "session.mat"
    if request.param == "version 5":
        savemat(path, FILE)
        return str(path)
    with h5py.File(path, "w", userblock_size=512) as file:
        number = [0]
        for name, value in FILE.items():
            put(file, name, value, number)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")
    return str(path)


def cut(path, **given):
    return settings.build(Config, {"path": path, "bin_ms": 20, **given}, "recording x")


def whole(config):
    split, answers = matlab_spikes.build(config, "x")
    parts = [np.concatenate([one.heldin, one.heldout], axis=2) for one in (split.train, answers.trials)]
    ids = np.concatenate([split.train.ids, split.eval.ids])
    return split, np.concatenate(parts)[np.argsort(ids)][..., np.argsort(split.units)]


def binned(first_s, bins, bin_s=0.02):
    edges = first_s[:, None] + bin_s * np.arange(bins + 1) - 1e-9
    each = [
        [np.diff(np.searchsorted(EACH[trial][unit], edges[trial])) for unit in range(UNITS)] for trial in range(TRIALS)
    ]
    return np.array(each).transpose(0, 2, 1)


AROUND_GO = {"align": "go", "window_ms": [-100, 300]}
LAYOUTS = {
    "a struct a trial": {"spikes": "trial.spikes", "trials": "trial", "align": "trial's go"},
    "a cell a unit": {"spikes": "by_unit", "trials": "table", "align": "go"},
    "a vector of times": {"spikes": "times", "units": "of", "trials": "table", "align": "go"},
    "a cell a unit and trial": {"spikes": "grid", "trials": "trial", "align": "go"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_counts_of_an_independent_binning(path, layout):
    split, counts = whole(cut(path, **{**LAYOUTS[layout], **AROUND_GO, "conditions": ["side"]}))
    np.testing.assert_array_equal(counts, binned(GO_S - 0.1, 20))
    assert set(split.train.condition) == {0, 1}
    assert sorted(split.units) == ([4, 8, 9, 11, 12] if layout == "a vector of times" else list(range(UNITS)))


@pytest.mark.parametrize("spikes", [{"window_ms": [0, 1400]}, {"spikes": "trial.counts", "counts_bin_ms": 10}])
def test_trials_of_unequal_length_are_masked_after_their_ends(path, spikes):
    given = {"spikes": "trial.spikes", "trials": "trial", "stop": "length", "masked_ends": True, **spikes}
    _, counts = whole(cut(path, **given))
    bins = np.floor(LENGTHS_S / 0.02 + 1e-9).astype(int)
    assert np.isnan(counts).all(axis=2).argmax(axis=1).tolist() == [*np.where(bins < counts.shape[1], bins, 0)]
    for trial in range(TRIALS):
        np.testing.assert_array_equal(counts[trial, : bins[trial]], binned(np.zeros(TRIALS), bins[trial])[trial])


def test_trials_of_one_unit_are_told_from_units_by_their_table(path):
    split, _ = matlab_spikes.build(cut(path, spikes="trial.of_one", trials="trial", heldout=0, window_ms=[0, 600]), "x")
    expected = binned(np.zeros(TRIALS), 30)[split.train.ids][..., :1]
    np.testing.assert_array_equal(split.train.heldin, expected)


@pytest.mark.parametrize("turned", [False, True])
def test_a_padded_matrix_whose_rows_and_columns_both_end_in_nan_has_units_where_times_rise(turned):
    units = [np.array([0.1, 0.2, 0.3, 0.4, 0.5]), np.array([0.05, 0.3, 0.35]), np.array([0.01, 0.02])]
    matrix = np.full((3, 5), np.nan)
    for row, times in zip(matrix, units, strict=True):
        row[: len(times)] = times
    found = matlab_values.padded(matrix.T if turned else matrix)
    assert [row.tolist() for row in found] == [times.tolist() for times in units]


def test_sparse_matrices_are_filled(tmp_path):
    full = csc_matrix(np.eye(3, 5, 1))
    savemat(old := str(tmp_path / "old.mat"), {"x": full})
    with h5py.File(new := str(tmp_path / "new.mat"), "w") as file:
        group = file.create_group("x")
        group.attrs.update(MATLAB_class=np.bytes_("double"), MATLAB_sparse=np.uint64(3))
        group["data"], group["ir"], group["jc"] = full.data, full.indices.astype("u8"), full.indptr.astype("u8")
    for path in (old, new):
        with matlab_values.opened(path) as values:
            np.testing.assert_array_equal(values["x"], full.toarray())


def test_the_source_keeps_the_contract(path):
    for _, check in contract("matlab_spikes", {"path": path, "bin_ms": 20, "spikes": "by_unit", "window_ms": [0, 500]}):
        check()


def test_without_trials_the_recording_is_cut_into_windows(path):
    split, _ = whole(cut(path, spikes="by_unit", window_ms=[0, 500], gap_ms=0))
    assert split.train.heldin.shape[1:] == (25, 4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"spikes": "trail.spikes", "window_ms": [0, 100]}, "did you mean 'trial'"),
        ({"spikes": "trial.spike", "window_ms": [0, 100]}, "did you mean 'spikes'"),
        ({"spikes": "trial", "window_ms": [0, 100]}, "name one of its fields"),
        ({"spikes": "times", "window_ms": [0, 100]}, "or units beside it"),
        ({"spikes": "trial.lfp", "window_ms": [0, 100]}, "expected vectors of spike times"),
        ({"spikes": "grid", "window_ms": [0, 100]}, "clear which axis is which"),
        ({"spikes": "trial.spikes", "trials": "trial", "align": "lfp", "window_ms": [0, 100]}, "one number or text"),
        ({"spikes": "trial.spikes", "trials": "trial", "align": "gone", "window_ms": [0, 100]}, "has no field 'gone'"),
        ({"spikes": "trial.spikes", "align": "go", "window_ms": [0, 100]}, "align expected trials"),
        ({"spikes": "trial.spikes", "per_second": 1000, "window_ms": [0, 600]}, "1 for s, 1000 for ms"),
        ({"spikes": "trial.side", "counts_bin_ms": 10}, "matrix of counts for each trial, got .* in trial 0"),
        ({"spikes": "trial.spikes"}, "window_ms expected begin and end"),
        (
            {"spikes": "trial.lfp", "counts_bin_ms": 10, "bins_first": True},
            "expected counts of spikes, got none in any of 20 trials",
        ),
        ({"spikes": "trial.counts", "counts_bin_ms": 10, "bins_first": True}, "bins_first: false"),
        ({"spikes": "trial.counts", "counts_bin_ms": 15}, "bin_ms expected a multiple of counts_bin_ms"),
    ],
)
def test_what_is_not_there_or_something_else_is_refused(path, given, message):
    with pytest.raises(BadInput, match=message):
        matlab_spikes.build(cut(path, **given), "x")


@pytest.mark.parametrize("of", ["structs", "vectors"])
@pytest.mark.parametrize("per_second", [1.0, 1000.0])
def test_trials_in_single_precision_are_told_and_lose_nothing_more(tmp_path, of, per_second):
    begin = 17_000.0 + 2.0 * np.arange(40)
    spikes = np.sort(RNG.uniform(begin[0] - 1, begin[-1] + 2, 4000))
    stored = (begin * per_second).astype(np.float32)
    trials = {"go": stored[:, None]}
    if of == "structs":
        trials = np.zeros((1, 40), dtype=[("go", object)])
        trials[0]["go"] = [np.array([[one]]) for one in stored]
    savemat(tmp_path / "x.mat", {"times": spikes * per_second, "of": np.ones(4000), "trial": trials})
    given = {"spikes": "times", "units": "of", "trials": "trial", "align": "go", "per_second": per_second}
    config = Config(path=str(tmp_path / "x.mat"), **given, window_ms=(0, 1000), bin_ms=10, heldout=0)
    split, answers = matlab_spikes.build(config, "x")
    assert sum("go times up to 17078 s are stored as float32" in note for note in split.provenance.notes) == 1
    counts = np.concatenate([split.train.heldin, answers.trials.heldin])[..., 0]
    counts = counts[np.argsort(np.concatenate([split.train.ids, answers.trials.ids]))]
    # What single precision did to an event, and no more.
    edges = stored.astype(np.float64)[:, None] / per_second + np.arange(101) / 100
    expected = [np.histogram(np.floor(spikes * 1000 + 1e-6) / 1000 + 1e-7, row)[0] for row in edges]
    np.testing.assert_array_equal(counts, expected)


@pytest.mark.parametrize(("called", "known"), [("unitNames", True), ("comments", False)])
def test_units_have_the_names_that_a_cell_array_beside_them_gives(tmp_path, called, known):
    names = np.empty((UNITS, 1), object)
    names[:, 0] = [f"sig{unit:03d}a" for unit in range(UNITS)]
    savemat(tmp_path / "x.mat", {"R": structs(spikes=[of_units(trial) for trial in range(TRIALS)]), called: names})
    given = {"path": str(tmp_path / "x.mat"), "spikes": "R.spikes", "trials": "R", "window_ms": (0, 600), "bin_ms": 20}
    split, _ = matlab_spikes.build(Config(**given), "x")
    told = [note for note in split.provenance.notes if "units have names" in note]
    assert len(told) == known
    assert ("units are numbered from 0" in " ".join(split.provenance.notes)) == (not known)
    assert [name for _, name in split.provenance.unit_names] == [f"sig{unit:03d}a" for unit in range(UNITS)] * known


@pytest.mark.parametrize(("called", "told"), [("trialId", False), ("weight", True)])
def test_trials_are_said_to_have_no_numbers_only_where_no_field_numbers_them(tmp_path, called, told):
    own = [3 * trial + 2 for trial in range(TRIALS)]
    each = structs(spikes=[of_units(trial) for trial in range(TRIALS)], **{called: own})
    savemat(tmp_path / "x.mat", {"R": each})
    given = {"path": str(tmp_path / "x.mat"), "spikes": "R.spikes", "trials": "R", "window_ms": (0, 600), "bin_ms": 20}
    split, _ = matlab_spikes.build(Config(**given), "x")
    assert ("nothing numbers trials" in " ".join(split.provenance.notes)) == told
    assert set(split.train.ids.tolist()) <= set(range(TRIALS) if told else own)
