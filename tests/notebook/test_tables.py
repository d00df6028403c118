"""Tables in memory: data frames, and objects made as pynapple's are."""

import numpy as np
import pandas
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import raysp
from raysp.data.sources.proposal import proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
TRIALS, UNITS = 24, 5
START = np.cumsum(RNG.uniform(1.2, 1.6, TRIALS)).round(3)
EACH = {
    10 * unit: np.sort(RNG.uniform(0, START[-1] + 2, int(rate * START[-1]))).round(3)
    for unit, rate in enumerate(RNG.uniform(4, 9, UNITS))
}
TIMES, WHOSE = np.concatenate(list(EACH.values())), np.repeat(list(EACH), list(map(len, EACH.values())))
SIDES = ["l", "r"] * (TRIALS // 2)
CUT = {"align": "start", "window_ms": (0, 800), "bin_ms": 20}


class Times:
    def __init__(self, times):
        self.t = times


class Group:
    """As pynapple's TsGroup."""

    time_support = None
    metadata = pandas.DataFrame({"area": ["M1", "PMd", "M1", "PMd", "M1"]}, index=list(EACH))

    def keys(self):
        return list(EACH)

    def __getitem__(self, key):
        return Times(EACH[key])


class Intervals:
    """As pynapple's IntervalSet."""

    start, end = START, START + 0.9
    metadata = pandas.DataFrame({"side": SIDES})

    def intersect(self, other):
        raise NotImplementedError


SPIKES = pandas.DataFrame({"time": TIMES, "unit": WHOSE})
TABLE = pandas.DataFrame({"start": START, "end": START + 0.9, "side": SIDES})


@pytest.fixture(scope="module")
def split():
    return raysp.load_split(Group(), trials=Intervals(), conditions=["side"], **CUT)


@pytest.mark.parametrize(
    ("spikes", "trials"),
    [
        (SPIKES, TABLE),
        (SPIKES.sample(frac=1, random_state=0), Intervals()),
        (polars.from_pandas(SPIKES), polars.from_pandas(TABLE)),
        (SPIKES.set_index("unit"), TABLE.rename_axis("trial")),
        (polars.DataFrame({"unit": list(EACH), "times": [one.tolist() for one in EACH.values()]}), TABLE),
        (EACH, {name: TABLE[name].to_list() for name in TABLE}),
        (polars.from_pandas(SPIKES).lazy(), TABLE),
        (polars.from_pandas(SPIKES).to_arrow(), TABLE),
    ],
)
def test_frames_and_objects_of_the_same_spikes_give_the_same_split(split, spikes, trials):
    other = raysp.load_split(spikes, trials=trials, conditions=["side"], **CUT)
    for part in ("train", "eval"):
        np.testing.assert_array_equal(getattr(split, part).heldin, getattr(other, part).heldin)
    np.testing.assert_array_equal(split.train.condition, other.train.condition)


def test_times_of_a_unit_each_and_of_events_alone_are_enough(split):
    asked = {**CUT, "trials": TABLE[CUT["align"]]}
    for times in (EACH, list(EACH.values()), {str(unit): one.tolist() for unit, one in EACH.items()}):
        np.testing.assert_array_equal(raysp.load_split(times, **asked).train.heldin, split.train.heldin)
    with pytest.raises(BadInput, match=r"trials expected the path of a table, .* got list"):
        raysp.load_split(EACH, **{**asked, "trials": ["a", "b"]})


def test_a_unit_that_never_fired_is_there(split):
    asked = {**CUT, "trials": TABLE[CUT["align"]], "heldout": 0}
    found = raysp.load_split({**EACH, 7: []}, **asked)
    assert sorted(found.units) == sorted([*EACH, 7])
    assert not found.train.heldin[..., list(found.units).index(7)].any()
    assert any("7" in note and "spike" in note for note in found.notes)
    np.testing.assert_array_equal(
        found.train.heldin[..., found.units != 7], raysp.load_split(EACH, **asked).train.heldin
    )


def test_vectors_of_one_length_are_columns_not_the_times_of_units(split):
    asked = {**CUT, "trials": TABLE[CUT["align"]]}
    columns = {"spk": TIMES, "which": WHOSE}
    with pytest.raises(BadInput, match="spk"):
        raysp.load_split(columns, **asked)
    found = raysp.load_split(columns, time="spk", unit="which", **asked)
    np.testing.assert_array_equal(found.train.heldin, split.train.heldin)


def test_units_are_called_by_pairs_too_and_times_that_are_hidden_are_none(split):
    asked = {**CUT, "trials": TABLE[CUT["align"]]}
    pairs = {(0, unit): times for unit, times in EACH.items()}
    np.testing.assert_array_equal(raysp.load_split(pairs, **asked).train.heldin, split.train.heldin)
    hidden = {unit: np.ma.masked_array([*times, 5.0, 6.0], [False] * len(times) + [True] * 2)
              for unit, times in EACH.items()}  # fmt: skip
    np.testing.assert_array_equal(raysp.load_split(hidden, **asked).train.heldin, split.train.heldin)
    with pytest.raises(BadInput, match="expected a time in each row"):
        raysp.load_split({unit: [*times, np.nan] for unit, times in EACH.items()}, **asked)


def test_times_in_single_precision_are_told(split):
    late = {unit: (times + 20_000.0).astype(np.float32) for unit, times in EACH.items()}
    found = raysp.load_split({**late, 7: []}, trials=TABLE["start"] + 20_000.0, **{**CUT, "bin_ms": 40})
    assert any("are stored as float32, in steps of 1.95 ms" in note for note in found.notes)


class Quantity:
    """As a spike train of Neo in ms."""

    def __init__(self, times, unit=1000.0):
        self.magnitude, self.unit = times * unit, unit

    def rescale(self, unit):
        assert unit == "s"
        return Quantity(self.magnitude / self.unit, 1.0)

    def __array__(self, dtype=None, copy=None):
        return self.magnitude.astype(dtype)


def test_times_with_a_unit_of_their_own_come_in_it(split):
    asked = {**CUT, "trials": TABLE[CUT["align"]]}
    trains = [Quantity(times) for times in EACH.values()]
    np.testing.assert_array_equal(raysp.load_split(trains, **asked).train.heldin, split.train.heldin)
    with pytest.raises(BadInput, match="leave it out"):
        raysp.load_split(trains, per_second=1000, **asked)


class Silent(Group):
    def keys(self):
        return [*EACH, 77]

    def __getitem__(self, key):
        return Times(EACH.get(key, np.zeros(0)))


def saved(folder):
    times = {"t": TIMES, "index": WHOSE, "keys": np.array([*EACH, 77]), "type": np.array(["TsGroup"])}
    np.savez(folder / "units.npz", **times)
    return folder / "units.npz", {}


def vectors(folder):
    each = {f"unit_{unit}": times for unit, times in {**EACH, 77: np.zeros(0)}.items()}
    np.savez(folder / "units.npz", **each)
    return folder / "units.npz", {"time": "unit_*"}


def lists(folder):
    each = {**EACH, 77: np.zeros(0)}
    frame = polars.DataFrame({"unit": list(each), "times": [one.tolist() for one in each.values()]})
    frame.write_parquet(folder / "units.parquet")
    return folder / "units.parquet", {}


@pytest.mark.parametrize("given", [saved, vectors, lists, lambda folder: (Silent(), {})])
def test_a_unit_that_never_fired_is_there_whatever_lists_it(split, tmp_path, given):
    data, asked = given(tmp_path)
    trials = TABLE
    if not isinstance(data, Group):
        TABLE.to_csv(tmp_path / "trials.csv", index=False)
        trials, asked = str(tmp_path / "trials.csv"), {**asked, "source": "spike_tables"}
    found = raysp.load_split(data, trials=trials, heldout=0, **asked, **CUT)
    assert sorted(found.units) == sorted([*EACH, 77])
    assert any("77" in note and "no spike" in note for note in found.notes)


@settings(max_examples=15)
@given(st.lists(st.integers(0, 9_999), min_size=20, max_size=80), st.integers(1, 4))
def test_counts_of_a_frame_are_those_of_a_histogram(places, seed):
    # In ten trials of 1 s, 4 s apart; both units fire at both ends of the recording.
    ms = np.array([0, 0, 39_999, 39_999, *(4000 * (place // 1000) + place % 1000 for place in places)])
    whose = np.array([0, 1, 0, 1, *np.random.default_rng(seed).integers(0, 2, len(places))])
    frame = polars.DataFrame({"time": ms / 1000, "unit": whose})
    trials = polars.DataFrame({"start": np.arange(0.0, 40.0, 4.0)})
    split = raysp.load_split(frame, trials=trials, align="start", window_ms=(0, 1000), bin_ms=10, heldout=0)
    for part in (split.train, split.eval):
        for counts, trial in zip(part.heldin, part.ids, strict=True):
            for column, unit in enumerate(split.units):
                mine = ms[whose == unit] - 4000 * trial
                expected = np.bincount(mine[(mine >= 0) & (mine < 1000)] // 10, minlength=100)
                np.testing.assert_array_equal(counts[:, column], expected)


def test_some_units_of_a_group_are_kept_by_what_is_known_of_them():
    split = raysp.load_split(Group(), trials=Intervals(), keep_units={"area": "M1"}, **CUT)
    assert sorted(split.units.tolist()) == [0, 20, 40]


def test_what_pynapple_saved_is_read_and_proposed(split, tmp_path):
    order = np.argsort(TIMES, kind="stable")
    saved = {"t": TIMES[order], "index": WHOSE[order], "keys": np.array(list(EACH)), "type": np.array(["TsGroup"])}
    np.savez(tmp_path / "units.npz", **saved, area=np.array(["M1", "PMd", "M1", "PMd", "M1"]))
    np.savez(tmp_path / "trials.npz", start=START, end=START + 0.9, type=np.array(["IntervalSet"]))
    path = str(tmp_path / "units.npz")
    found = proposal(path)
    assert (found.source, found.settings["trials"]) == ("spike_tables", str(tmp_path / "trials.npz"))
    given = {"source": "spike_tables", "trials": str(tmp_path / "trials.npz")}
    np.testing.assert_array_equal(raysp.load_split(path, **given, **CUT).train.heldin, split.train.heldin)
    some = raysp.load_split(path, **given, units=path, keep_units={"area": "M1"}, **CUT)
    assert sorted(some.units.tolist()) == [0, 20, 40]
    np.savez(tmp_path / "tsd.npz", t=TIMES, d=TIMES, type=np.array(["Tsd"]))
    with pytest.raises(BadInput, match="is pynapple's Tsd; expected a TsGroup"):
        raysp.load_split(str(tmp_path / "tsd.npz"), **given, **CUT)


def test_what_a_table_lacks_is_said_with_its_columns():
    with pytest.raises(BadInput, match="spikes: say which column is the time, time=NAME; its columns are a, b"):
        raysp.load_split(pandas.DataFrame({"a": [1, 2], "b": [3, 4]}), window_ms=(0, 1000), bin_ms=20)
    with pytest.raises(BadInput, match="trials: unknown column 'strat': did you mean 'start'"):
        raysp.load_split(SPIKES, trials=TABLE, **{**CUT, "align": "strat"})


@pytest.mark.parametrize(
    "as_frame", [pandas.DataFrame, polars.DataFrame, lambda one: pandas.DataFrame(one).astype("UInt8")]
)
def test_a_frame_with_a_column_of_counts_for_each_unit_is_counts(as_frame):
    counts = RNG.poisson(0.4, (600, 5))
    cut = {"bin_ms": 20, "window_ms": (0, 600), "gap_ms": 0, "heldout": 0}
    found, plain = raysp.load_split(as_frame(counts), **cut), raysp.load_split(counts, **cut)
    np.testing.assert_array_equal(found.train.heldin, plain.train.heldin)
    with pytest.raises(BadInput, match="say which column is the time"):
        raysp.load_split(as_frame(counts), trials=TABLE, **CUT)


@pytest.mark.parametrize(
    "spikes",
    [
        np.column_stack([WHOSE, TIMES]),
        np.column_stack([WHOSE // 20, WHOSE % 20, TIMES]),
        np.rec.fromarrays([WHOSE, TIMES], names="unit,time"),
        SPIKES.groupby("unit")["time"].apply(np.array),
        {unit: times[:, None] for unit, times in EACH.items()},
    ],
    ids=["unit, time", "channel, unit, time", "named columns", "a row a unit", "columns"],
)
@pytest.mark.parametrize("trials", [[{"start": begin} for begin in START], np.rec.fromarrays([START], names="start")])
def test_rows_of_a_matrix_and_other_things_with_times_give_the_same(split, spikes, trials):
    found = raysp.load_split(spikes, trials=trials, **CUT)
    np.testing.assert_array_equal(found.train.heldin, split.train.heldin)


def test_what_is_no_spikes_or_trials_says_what_is_expected():
    asked = {**CUT, "trials": START}
    in_trial = np.concatenate([np.sort(RNG.uniform(0, 1, 100)) for _ in range(40)])
    rows = np.column_stack([np.repeat(np.arange(40), 100), RNG.integers(0, 3, 4000), in_trial])
    for data, says in (
        (rows, "is that a trial, or a channel"),
        (np.zeros((3, 4, 5)), r"trials and align are for spikes: .* got ndarray of shape \(3, 4, 5\)"),
        ({3: TIMES, "3": TIMES[1:]}, "expected each unit once, got 3, '3'"),
    ):
        with pytest.raises(BadInput, match=says):
            raysp.load_split(data, **asked)
