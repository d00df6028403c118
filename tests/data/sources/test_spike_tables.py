import numpy as np
import polars
import pytest

from raysp.config import settings
from raysp.data.formats import table_file
from raysp.data.sources import spike_tables
from raysp.data.sources.contract import contract
from raysp.data.sources.proposal import proposal
from raysp.data.sources.spike_tables import Config
from raysp.errors import BadInput

TRIALS, UNITS, LAST_S = 24, 6, 48.0


@pytest.fixture
def tables(tmp_path):
    """Spikes of 6 units in 24 trials, one every 2 s; an event .5 s into each; trials last .8 to 1.8 s."""
    rng = np.random.default_rng(0)
    count = 6000
    units = rng.choice([2, 3, 5, 7, 11, 13], count)
    times = rng.uniform(0.01, LAST_S, count).round(4)
    begin = np.arange(TRIALS) * 2.0
    polars.DataFrame({"cluster_id": units, "time": times}).write_csv(tmp_path / "spikes.csv")
    trials = {"start": begin, "stop": begin + np.linspace(0.8, 1.8, TRIALS).round(2), "go": begin + 0.5}
    polars.DataFrame({**trials, "side": ["left", "right"] * (TRIALS // 2)}).write_csv(tmp_path / "trials.csv")
    return tmp_path, units, times


def cut(folder, **changes):
    given = {"path": f"{folder}/spikes.csv", "trials": f"{folder}/trials.csv", "align": "go", "window_ms": [-200, 400]}
    return settings.build(Config, {**given, "bin_ms": 20, **changes}, "recording x")


def together(found):
    split, answers = found
    whole = np.concatenate(
        [
            np.concatenate([split.train.heldin, split.train.heldout], axis=2),
            np.concatenate([answers.trials.heldin, answers.trials.heldout], axis=2),
        ]
    )
    ids = np.concatenate([split.train.ids, split.eval.ids])
    return whole[np.argsort(ids)][..., np.argsort(split.units)], ids


def binned(units, times, begin, bins, bin_s):
    edges = begin[:, None] + bin_s * np.arange(bins + 1)
    each = [np.diff(np.searchsorted(np.sort(times[units == unit]), edges - 1e-9), axis=1) for unit in np.unique(units)]
    return np.stack(each, axis=2)


def test_counts_are_those_of_an_independent_binning(tables):
    folder, units, times = tables
    split, _ = found = spike_tables.build(cut(folder, conditions=["side"]), "x")
    whole, _ = together(found)
    np.testing.assert_array_equal(whole, binned(units, times, np.arange(TRIALS) * 2.0 + 0.3, 30, 0.02))
    assert sorted(split.units) == [2, 3, 5, 7, 11, 13]
    assert set(split.train.condition) == {0, 1}


def test_other_units_of_time_and_names_of_columns_give_the_same(tables):
    folder, units, times = tables
    whole, _ = together(spike_tables.build(cut(folder), "x"))
    names = np.array(["a", "b", "c", "d", "e", "f"])[np.searchsorted([2, 3, 5, 7, 11, 13], units)]
    table = polars.DataFrame({"who": names, "at": (times * 1000.0).round(1)})
    table.write_csv(folder / "ms.csv", separator=";", decimal_comma=True)
    other = {"path": f"{folder}/ms.csv", "unit": "who", "time": "at", "per_second": 1000, "trials_per_second": 1}
    named = spike_tables.build(cut(folder, **other), "x")
    np.testing.assert_array_equal(together(named)[0], whole)
    assert "0 a, 1 b" in named[0].provenance.notes[0]


def test_a_list_for_each_unit_and_vectors_beside_each_other_give_the_same(tables):
    folder, units, times = tables
    whole, _ = together(spike_tables.build(cut(folder), "x"))
    known = np.unique(units)
    lists = polars.DataFrame({"unit": known, "spike_times": [times[units == unit] for unit in known]})
    lists.write_parquet(folder / "units.parquet")
    np.save(folder / "spike_times.npy", (times * 10_000).round().astype("u8")[:, None])
    np.save(folder / "spike_clusters.npy", units.astype("i4"))
    phy = cut(folder, path=f"{folder}/spike_times.npy", per_second=10_000, trials_per_second=1)
    for config in (phy, cut(folder, path=f"{folder}/units.parquet")):
        np.testing.assert_array_equal(together(spike_tables.build(config, "x"))[0], whole)
    assert len(spike_tables.inputs(phy)) == 3


def test_the_source_keeps_the_contract(tables):
    folder, _, _ = tables
    config = {"path": f"{folder}/spikes.csv", "trials": f"{folder}/trials.csv", "align": "go"}
    for _, check in contract("spike_tables", {**config, "window_ms": [-200, 400], "bin_ms": 20}):
        check()


def test_trials_of_unequal_length_are_masked_where_they_have_ended(tables):
    folder, _, _ = tables
    split, answers = spike_tables.build(cut(folder, align="start", window_ms=[0, 1800], masked_ends=True), "x")
    for part, arrays in (("train", split.train), ("eval", answers.trials)):
        lasts = np.linspace(0.8, 1.8, TRIALS).round(2)[arrays.ids]
        expected = np.arange(1, 91) * 0.02 > lasts[:, None] + 1e-9
        np.testing.assert_array_equal(np.isnan(arrays.heldin).all(axis=2), expected, err_msg=part)
        np.testing.assert_array_equal(np.isnan(arrays.heldout).any(axis=2), expected, err_msg=part)
    assert any("lie outside their trials and are masked" in note for note in split.provenance.notes)
    assert not np.isnan(together(spike_tables.build(cut(folder), "x"))[0]).any()


def test_a_trial_that_begins_within_a_tick_of_the_clock_keeps_its_first_bin(tables):
    folder, _, _ = tables
    trials = polars.read_csv(folder / "trials.csv")
    trials.with_columns(polars.col("start") + 0.0004, polars.col("stop") + 0.0004).write_csv(folder / "trials.csv")
    given = {"align": "start", "window_ms": [0, 800], "masked_ends": True}
    split, _ = spike_tables.build(cut(folder, **given), "x")
    # The recording itself begins within the first bin of the first trial.
    assert not np.isnan(split.train.heldin[split.train.ids > 0]).any()


def test_without_trials_windows_follow_each_other_and_evaluation_keeps_its_distance(tables):
    folder, units, times = tables
    alone = {"trials": None, "align": None, "window_ms": [0, 500], "eval_stretches": 3, "gap_ms": 700}
    split, _ = found = spike_tables.build(cut(folder, **alone), "x")
    whole, ids = together(found)
    first_s = np.ceil(times.min() * 1000 - 1e-6) / 1000
    np.testing.assert_array_equal(whole, binned(units, times, first_s + 0.5 * np.sort(ids), 25, 0.02))
    apart = np.abs(split.train.ids[:, None] - split.eval.ids).min()
    assert apart == 3, "0.7 s lie between"
    assert (np.diff(split.eval.ids) > 1).sum() == 2, "three stretches"
    (note,) = [one for one in split.provenance.notes if "the recording has no trials" in one]
    assert f"windows of 0.5 s from {first_s:.6g} to " in note


def test_a_table_of_units_chooses_and_what_it_lacks_is_said(tables):
    folder, units, _ = tables
    sorted_ = {"cluster_id": [2, 3, 5, 7, 11, 17], "group": ["good"] * 4 + ["mua", "good"]}
    polars.DataFrame(sorted_).write_csv(folder / "groups.tsv", separator="\t")
    split, _ = spike_tables.build(cut(folder, units=f"{folder}/groups.tsv", keep_units={"group": "good"}), "x")
    dropped = int(np.isin(units, (11, 13)).sum())
    assert sorted(split.units) == [2, 3, 5, 7, 17]
    notes = "; ".join(split.provenance.notes)
    assert f"{dropped} of 6000 spikes are of units that are not used, and were dropped: 11 and 13" in notes
    assert "have no spike: 17" in notes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"align": "went"}, "unknown column 'went'"),
        ({"align": "side"}, "trials.csv: column 'side' expected times as numbers"),
        ({"time": "cluster_id", "unit": "tim"}, "did you mean 'time'"),
        ({"trials": None}, "trials, the path of their table, together with align"),
        ({"window_ms": None}, "window_ms expected begin and end"),
        ({"unit": "side"}, "unknown column 'side'"),
        ({"time": "side", "path": "{folder}/trials.csv", "unit": "go"}, "0:20:34.5 .h:m:s., got 'left' in row 0"),
        ({"align": "start", "trials": "{folder}/backwards.csv", "masked_ends": True}, "to stop after they start"),
        ({"path": "{folder}/spike_times.npy"}, "is not there"),
        ({"keep": {"side": "up"}}, "no trial is left with side = 'up'; side holds left, right"),
        ({"per_second": 1000}, "are"),
        ({"keep_units": {"group": "good"}}, "keep_units expected units"),
        ({"path": "{folder}/trials.csv"}, "say which column is the time"),
        ({"trials": None, "align": None, "window_ms": [0, 60000]}, "expected windows of which 2 to"),
        ({"trials": None, "align": None, "window_ms": [0, 8000], "gap_ms": 90000}, "no window is left to train on"),
        ({"trials": None, "align": None, "window_ms": [-100, 400]}, r"expected \[0, length\] where there is no align"),
    ],
)
def test_what_cannot_be_used_is_refused(tables, changes, message):
    folder, _, _ = tables
    begin = np.arange(TRIALS) * 2.0
    polars.DataFrame({"start": begin, "stop": begin - 1.0}).write_csv(folder / "backwards.csv")
    given = {name: value.format(folder=folder) if isinstance(value, str) else value for name, value in changes.items()}
    with pytest.raises(BadInput, match=message):
        spike_tables.build(cut(folder, **given), "x")


@pytest.mark.parametrize("per_second", [1000, 30000])
def test_without_trials_times_in_another_unit_are_refused_before_they_become_windows(tables, per_second):
    folder, units, times = tables
    polars.DataFrame({"unit": units, "time": times * per_second}).write_csv(folder / "other.csv")
    alone = {"path": f"{folder}/other.csv", "trials": None, "align": None, "window_ms": [0, 500], "gap_ms": 0}
    with pytest.raises(BadInput, match="expected spike times in s, got 6000 spikes of 6 units"):
        spike_tables.build(cut(folder, **alone), "x")
    right = spike_tables.build(cut(folder, **alone, per_second=per_second), "x")
    assert len(right[0].train) + len(right[0].eval) == 95


def test_tables_without_a_row_are_refused(tmp_path):
    lists, units = polars.List(polars.Float64), polars.Int64
    polars.DataFrame(schema={"unit": units, "spike_times": lists}).write_parquet(tmp_path / "none.parquet")
    polars.DataFrame(schema={"unit": units}).write_parquet(tmp_path / "units.parquet")
    polars.DataFrame({"unit": [1, 2], "time": [1.0, 2.0]}).write_parquet(tmp_path / "two.parquet")
    given = {"window_ms": (0, 1000), "bin_ms": 10}
    with pytest.raises(BadInput, match="expected a row for each spike, got none"):
        spike_tables.build(Config(path=str(tmp_path / "none.parquet"), **given), "x")
    with pytest.raises(BadInput, match=r"units\.parquet expected a row for each unit, got none"):
        chosen = Config(path=str(tmp_path / "two.parquet"), units=str(tmp_path / "units.parquet"), **given)
        spike_tables.build(chosen, "x")


def test_what_a_star_or_a_channel_cannot_mean_is_said(tables):
    folder, _, _ = tables
    np.savez(folder / "a.npz", unit_1=np.arange(5.0), unit_7=np.arange(9.0), unit_total=np.arange(3.0), who=["a", "b"])
    alone = {"path": f"{folder}/a.npz", "trials": None, "align": None, "window_ms": [0, 1000], "heldout": 0}
    split, _ = spike_tables.build(cut(folder, **alone, time="unit_*"), "x")
    assert sorted(split.units) == [1, 7]
    assert any("not read: unit_total" in note for note in split.provenance.notes)
    with pytest.raises(BadInput, match=r"expected vectors that cell_\* fits, got none of unit_1"):
        spike_tables.build(cut(folder, **alone, time="cell_*"), "x")
    with pytest.raises(BadInput, match="expected the times of a unit's spikes"):
        spike_tables.build(cut(folder, **alone, time="who*"), "x")
    spikes = polars.read_csv(folder / "spikes.csv").with_columns(polars.col("cluster_id") * 1000, ch=1)
    spikes.write_csv(folder / "b.csv")
    with pytest.raises(BadInput, match="expected units 0 to 999 on each channel"):
        spike_tables.build(cut(folder, path=f"{folder}/b.csv", channel="ch"), "x")


@pytest.mark.parametrize("zero", [0.0, 0.5])
def test_times_that_count_from_each_trials_begin_or_event_are_laid_apart(tables, zero):
    folder, units, times = tables
    trial = (times // 2.0).astype(int)
    own = ((times - trial * 2.0 - zero) * 1000).round(1)
    side = np.array(["left", "right"])[trial % 2]
    polars.DataFrame({"trial": trial + 5, "unit": units, "t": own, "side": side}).write_csv(folder / "own.csv")
    found = proposal(f"{folder}/own.csv")
    assert found.settings["trial"] == "trial"
    assert found.settings["conditions"] == ["side"]
    begin = -500 if zero else 0
    assert (found.settings["window_ms"], found.settings["per_second"]) == ([begin, begin + 2000], 1000.0)
    alone = {"trials": None, "align": None, "path": f"{folder}/own.csv", **found.settings}
    split, _ = made = spike_tables.build(settings.build(Config, {**alone, "bin_ms": 20}, "x"), "x")
    whole, ids = together(made)
    assert sorted(ids) == list(range(5, 5 + TRIALS))
    np.testing.assert_array_equal(whole, binned(units, times, np.arange(TRIALS) * 2.0, 100, 0.02))
    assert set(split.train.condition) == {0, 1}
    polars.DataFrame({"trial": np.arange(TRIALS) + 5, "go": (0.5 - zero) * 1000.0}).write_csv(folder / "go.csv")
    events = {**alone, "trials": f"{folder}/go.csv", "align": "go", "window_ms": [-200, 400], "bin_ms": 20}
    around, _ = together(spike_tables.build(settings.build(Config, events, "x"), "x"))
    np.testing.assert_array_equal(around, whole[:, 15:45])
    polars.DataFrame({"trial": np.arange(TRIALS) % (TRIALS // 2) + 5, "go": np.arange(TRIALS)}).write_csv(
        folder / "go.csv"
    )
    with pytest.raises(BadInput, match=r"go\.csv expected one row for each trial, got more for 5, 6.*begin anew"):
        spike_tables.build(settings.build(Config, events, "x"), "x")


@pytest.mark.parametrize("per_second", [1.0, 1000.0])
def test_trials_in_single_precision_are_told(tmp_path, per_second):
    begin = 17_000.0 + 2.0 * np.arange(40)
    spikes = np.sort(np.random.default_rng(0).uniform(begin[0] - 1, begin[-1] + 2, 4000))
    polars.DataFrame({"unit": np.ones(4000, dtype=int), "time": spikes * per_second}).write_parquet(
        tmp_path / "spikes.parquet"
    )
    stored = (begin * per_second).astype(np.float32)
    polars.DataFrame({"go": stored}).write_parquet(tmp_path / "trials.parquet")
    config = Config(
        path=str(tmp_path / "spikes.parquet"), trials=str(tmp_path / "trials.parquet"), align="go",
        per_second=per_second, window_ms=(0, 1000), bin_ms=10, heldout=0,
    )  # fmt: skip
    split, _ = spike_tables.build(config, "x")
    assert sum("go times up to 17078 s are stored as float32" in note for note in split.provenance.notes) == 1


@pytest.mark.parametrize("large", [False, True])
def test_names_of_units_are_kept_and_numbered_in_the_order_of_the_numbers_in_them(tables, monkeypatch, large):
    folder, units, times = tables
    if large:
        monkeypatch.setattr(table_file, "LARGE_BYTES", 1)
    names = [f"TT{unit}c1" for unit in units]
    polars.DataFrame({"unit": names, "time": times}).write_csv(folder / "spikes.csv")
    split, answers = found = spike_tables.build(cut(folder), "x")
    own = [2, 3, 5, 7, 11, 13]
    assert split.provenance.unit_names == tuple((row, f"TT{unit}c1") for row, unit in enumerate(own))
    told = "units have names, and are numbered in their order: 0 TT2c1, 1 TT3c1, 2 TT5c1, 3 TT7c1, 4 TT11c1 and 1 more"
    assert told in split.provenance.notes
    # Held-in units, and held-out ones, in their order.
    assert [sorted(part) for part in np.split(split.units, [split.sizes.heldin])] == [
        list(part) for part in np.split(answers.units, [split.sizes.heldin])
    ]
    wanted = binned(units, times, np.arange(TRIALS) * 2.0 + 0.3, 30, 0.02)
    np.testing.assert_array_equal(together(found)[0], wanted)
    assert dict(split.select([0, 4]).provenance.unit_names)[int(split.units[4])] == f"TT{own[split.units[4]]}c1"
