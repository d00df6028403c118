import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest

from raysp.data.sources import population
from raysp.data.sources.population import Config
from raysp.data.sources.proposal import proposal
from raysp.data.splits import store
from raysp.errors import BadInput

SHARED = Path(__file__).parents[4] / "shared/data"
REAL = SHARED / "000140/sub-Jenkins/sub-Jenkins_ses-small_desc-test_ecephys.nwb"
TRIALS, UNITS = 12, 6


def write_nwb(path, change=lambda file: None):
    """Write a small recording: a trial per second, an event 0.4 s into it, 6 units of 40 Hz, a ramp as signal."""
    rng = np.random.default_rng(3)
    trains = [np.sort(rng.uniform(0, TRIALS, 40 * TRIALS)) for _ in range(UNITS)]
    with h5py.File(path, "w") as file:
        trials = file.create_group("intervals/trials")
        trials["id"] = np.arange(TRIALS)
        trials["start_time"] = np.arange(TRIALS, dtype=float)
        trials["stop_time"] = trials["start_time"][()] + 1.0
        trials["move_onset_time"] = trials["start_time"][()] + 0.4
        trials["target"] = [b"left", b"right"] * (TRIALS // 2)
        trials["success"] = np.arange(TRIALS) != 5
        units = file.create_group("units")
        units["id"] = np.arange(UNITS)
        units["spike_times"] = np.concatenate(trains)
        units["spike_times_index"] = np.cumsum([len(train) for train in trains])
        hand = file.create_group("processing/behavior/hand_vel")
        hand["timestamps"] = np.arange(0, TRIALS + 1, 0.004)
        hand["data"] = np.column_stack([hand["timestamps"][()], -hand["timestamps"][()]])
        change(file)
    return str(path)


def put(file, name, values):
    del file[name]
    file[name] = values


@pytest.fixture
def recording(tmp_path):
    return write_nwb(tmp_path / "mine.nwb")


def cut(path, **changes):
    return Config(**{"path": path, "bin_ms": 10, "align": "move_onset_time", "window_ms": (-100.0, 200.0), **changes})


def whole_counts(split, targets):
    parts = [split.train, targets.trials]
    return np.concatenate([np.concatenate([part.heldin, part.heldout], axis=2) for part in parts])


def test_every_spike_of_the_windows_is_counted_once(recording):
    split, targets = population.build(cut(recording), "mine")
    with h5py.File(recording) as file:
        ms = np.floor(np.round(file["units/spike_times"][()] * 1000, 6))
    inside = sum(((ms >= 1000 * k + 300) & (ms < 1000 * k + 600)).sum() for k in range(TRIALS))
    assert whole_counts(split, targets).sum() == inside > 0
    assert split.sizes == dataclasses.replace(split.sizes, bins=30, heldin=4, heldout=2, bin_ms=10.0)
    assert (len(split.train), len(split.eval)) == (9, 3)


@pytest.mark.parametrize(
    ("comments", "attrs", "names", "units"),
    [
        ("columns=[x,y]", {"unit": "m/s"}, ("hand_vel x", "hand_vel y"), "m/s"),
        ("", {"unit": "m/s", "conversion": 0.5}, ("hand_vel 0", "hand_vel 1"), "m/s"),
        ("", {"unit": "unknown"}, ("hand_vel 0", "hand_vel 1"), ""),
        ("", {}, ("hand_vel 0", "hand_vel 1"), ""),
    ],
)
def test_variables_of_behaviour_have_the_names_and_units_of_the_file(tmp_path, comments, attrs, names, units):
    def told(file):
        file["processing/behavior/hand_vel"].attrs["comments"] = comments
        file["processing/behavior/hand_vel/data"].attrs.update(attrs)

    path = write_nwb(tmp_path / "a.nwb", told)
    split, _ = population.build(cut(path, behavior="processing/behavior/hand_vel"), "mine")
    assert split.provenance.behavior == tuple((name, units) for name in names)
    split, _ = population.build(cut(path, behavior="hand_vel", behavior_names=("left", "up")), "mine")
    assert split.provenance.behavior == (("left", units), ("up", units))


def test_a_spike_on_an_edge_belongs_to_the_bin_that_begins_there(tmp_path):
    def edges(file):
        put(file, "units/spike_times", np.array([0.299999, 0.3, 0.31, 0.599999, 0.6]))
        put(file, "units/spike_times_index", np.array([5, 5, 5, 5, 5, 5]))

    split, targets = population.build(cut(write_nwb(tmp_path / "a.nwb", edges), heldout=0, eval_trials=11), "a")
    counts = np.concatenate([split.train.heldin, targets.trials.heldin]).sum(axis=(0, 2))
    assert counts.sum() == 3
    assert counts[[0, 1, 29]].tolist() == [1, 1, 1]


def test_units_keep_the_tables_order_inside_each_block(tmp_path):
    def ranked(file):
        trains = [np.repeat(np.arange(TRIALS) + 0.35, unit + 1) for unit in range(UNITS)]
        put(file, "units/spike_times", np.concatenate(trains))
        put(file, "units/spike_times_index", np.cumsum([len(train) for train in trains]))

    split, _ = population.build(cut(write_nwb(tmp_path / "a.nwb", ranked), heldout=3), "a")
    heldin, heldout = (part[0].sum(axis=0) - 1 for part in (split.train.heldin, split.train.heldout))
    assert (np.diff(heldin) > 0).all()
    assert (np.diff(heldout) > 0).all()
    assert sorted([*heldin, *heldout]) == list(range(UNITS))


def test_units_and_trials_are_drawn_from_separate_streams(recording):
    first, second = (population.build(cut(recording, heldout=count), "mine")[1] for count in (2, 3))
    whole = [np.concatenate([t.trials.heldin, t.trials.heldout], axis=2).sum(axis=2) for t in (first, second)]
    np.testing.assert_array_equal(*whole)
    kept = {column.tobytes() for column in np.moveaxis(first.trials.heldout, 2, 0)}
    assert kept < {column.tobytes() for column in np.moveaxis(second.trials.heldout, 2, 0)}


def test_another_seed_hides_others_and_the_same_seed_the_same(recording):
    first, again, other = (population.build(cut(recording, seed=seed), "mine")[1].trials for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.heldout, again.heldout)
    assert not np.array_equal(first.heldout, other.heldout)


def test_a_model_sees_nothing_of_the_answers(recording):
    split, targets = population.build(
        cut(recording, forward_ms=50, conditions=("target",), behavior="hand_vel"), "mine"
    )
    assert set(split.eval.arrays()) == {"heldin", "ids"}
    assert set(targets.trials.arrays()) == {
        "heldin", "heldout", "heldin_forward", "heldout_forward", "behavior", "condition", "ids",
    }  # fmt: skip
    assert targets.trials.heldout_forward.shape == (3, 5, 2)


def test_forward_bins_are_those_of_a_longer_window(recording):
    longer = population.build(cut(recording, window_ms=(-100.0, 250.0)), "mine")[0].train
    split = population.build(cut(recording, forward_ms=50), "mine")[0].train
    np.testing.assert_array_equal(np.concatenate([split.heldin, split.heldin_forward], axis=1), longer.heldin)


def test_conditions_and_their_psth(recording):
    split, targets = population.build(cut(recording, conditions=("target",), psth_sigma_ms=0.0), "mine")
    counts = whole_counts(split, targets)
    condition = np.concatenate([split.train.condition, targets.trials.condition])
    assert sorted(condition) == [0] * 6 + [1] * 6
    for index in (0, 1):
        np.testing.assert_allclose(targets.psth[index], counts[condition == index].mean(axis=0))


def test_smoothing_a_psth_keeps_a_constant(tmp_path):
    counts = np.full((8, 12, 4), 2)
    np.savez(tmp_path / "a.npz", counts=counts, stimulus=[0, 1] * 4)
    config = Config(str(tmp_path / "a.npz"), 10, counts="counts", conditions=("stimulus",), psth_sigma_ms=30.0)
    np.testing.assert_allclose(population.build(config, "a")[1].psth, 2.0)


def test_behaviour_is_the_mean_over_each_bin_read_later_by_the_lag(recording):
    split, targets = population.build(cut(recording, behavior="hand_vel", lag_ms=80.0), "mine")
    behavior = np.concatenate([split.train.behavior, targets.trials.behavior])
    assert split.sizes.behavior == 2
    first = np.sort(behavior[:, 0, 0])
    np.testing.assert_allclose(first, np.arange(TRIALS) + 0.3 + 0.08 + 0.005, atol=1e-4)
    np.testing.assert_allclose(behavior[:, :, 1], -behavior[:, :, 0], atol=1e-5)


def test_only_wanted_trials_are_used(recording):
    split, _ = population.build(cut(recording, keep={"success": True, "target": ["left"]}, eval_trials=2), "mine")
    assert len(split.train) + len(split.eval) == 6
    with pytest.raises(BadInput, match=r"no trial is left with target = 'up'; target holds left, right"):
        population.build(cut(recording, keep={"target": "up"}), "mine")


def test_only_wanted_units_are_used_and_a_look_proposes_those_that_were_sorted_well(tmp_path):
    quality = np.array(["good", "mua", "good", "good"] * UNITS)[:UNITS]
    observed = np.tile([[0.0, TRIALS]], (UNITS, 1)) + np.arange(UNITS)[:, None] * 1e-6

    def sort(file):
        file["units/ks_label"] = quality.astype("S")
        file["units/heldout"] = quality == "mua"
        file["units/obs_intervals"], file["units/obs_intervals_index"] = observed, np.arange(1, UNITS + 1)

    path = write_nwb(tmp_path / "mine.nwb", sort)
    all_, _ = population.build(cut(path, heldout=0), "mine")
    some, _ = population.build(cut(path, heldout=0, keep_units={"ks_label": "good"}), "mine")
    good = quality == "good"
    np.testing.assert_array_equal(some.units, all_.units[good])
    np.testing.assert_array_equal(some.train.heldin, all_.train.heldin[..., good])
    left = (~good).sum()
    told = f"keep_units leaves out {left} of {UNITS} units, {left} of the {left} that the file holds out among them"
    assert told in some.provenance.notes
    found = proposal(path)
    assert found.settings["keep_units"] == {"ks_label": "good"}
    assert f"  of each: heldout, ks_label ({good.sum()} good, {(~good).sum()} mua)" in found.contents
    for wanted, says in (({"ks_label": "bad"}, "no unit is left with ks_label"), ({"ks_labl": "good"}, "did you mean")):
        with pytest.raises(BadInput, match=says):
            population.build(cut(path, keep_units=wanted), "mine")


def test_silent_units_are_left_out_when_asked(tmp_path):
    def silence(file):
        ends = file["units/spike_times_index"][()]
        put(file, "units/spike_times_index", np.append(ends[:5], ends[4]))
        put(file, "units/spike_times", file["units/spike_times"][: ends[4]])

    path = write_nwb(tmp_path / "a.nwb", silence)
    whole, _ = population.build(cut(path), "a")
    assert whole.sizes.units == UNITS
    (note,) = whole.provenance.notes
    assert note.startswith("unit 5 (shown) has no spike in any trial")
    split, _ = population.build(cut(path, min_rate_hz=1.0), "a")
    assert sorted(split.units) == [0, 1, 2, 3, 4]
    assert split.provenance.notes == ("1 of 6 units fire less than 1.0 Hz and were left out: 5",)
    with pytest.raises(BadInput, match=r"leaves no unit; the fastest fires \d+"):
        population.build(cut(path, min_rate_hz=1e4), "a")


def test_windows_outside_the_recording_are_left_out_with_an_account(recording):
    split, _ = population.build(cut(recording, window_ms=(-500.0, 200.0)), "mine")
    assert len(split.train) + len(split.eval) == TRIALS - 1
    note, beyond = split.provenance.notes
    assert "in the trial before" in beyond
    assert note.startswith("1 of 12 windows reach outside the observed recording")


def test_trials_without_the_event_are_left_out_with_an_account(tmp_path):
    def forget(file):
        file["intervals/trials/move_onset_time"][:2] = np.nan

    split, _ = population.build(cut(write_nwb(tmp_path / "a.nwb", forget)), "a")
    assert len(split.train) + len(split.eval) == TRIALS - 2
    assert split.provenance.notes == ("2 trials have no move_onset_time and were left out: trials 0 and 1",)


def test_overlapping_windows_are_told(recording):
    split, _ = population.build(cut(recording, window_ms=(-300.0, 800.0)), "mine")
    assert "windows overlap the next one" in split.provenance.notes[1]


def test_a_value_of_single_precision_is_chosen_as_it_is_written(tmp_path):
    path = tmp_path / "a.nwb"
    contrast = np.array([0.1, 0.25] * 6, dtype=np.float32)
    write_nwb(path, lambda file: file.create_dataset("intervals/trials/contrast", data=contrast))
    split, answers = population.build(cut(str(path), keep={"contrast": 0.1}, eval_trials=2), "mine")
    assert sorted([*split.train.ids, *answers.trials.ids]) == list(range(0, 12, 2))


def test_trials_and_units_keep_the_recordings_own_numbers(tmp_path):
    def renumber(file):
        put(file, "intervals/trials/id", 100 + 3 * np.arange(TRIALS))
        put(file, "units/id", np.array([7, 5, 90, 2, 11, 4]))
        file["intervals/trials/move_onset_time"][2] = np.nan

    path = write_nwb(tmp_path / "a.nwb", renumber)
    split, targets = population.build(cut(path, heldout=2), "a")
    assert split.train.ids.dtype == split.units.dtype == np.int64
    np.testing.assert_array_equal(split.eval.ids, targets.trials.ids)
    np.testing.assert_array_equal(split.units, targets.units)
    found = np.concatenate([split.train.ids, split.eval.ids])
    assert set(found) == set(100 + 3 * np.arange(TRIALS)) - {106}
    with h5py.File(path) as file:
        ends, ids = file["units/spike_times_index"][()], file["units/id"][()].tolist()
        trains = np.split(file["units/spike_times"][()], ends[:-1])
        events = dict(zip(file["intervals/trials/id"], file["intervals/trials/move_onset_time"], strict=True))
    for row, trial in enumerate(split.train.ids):
        for column, unit in enumerate(split.units[:4]):
            ms = np.floor(np.round((trains[ids.index(unit)]) * 1000, 6)) - round(events[trial] * 1000)
            assert split.train.heldin[row, :, column].sum() == ((ms >= -100) & (ms < 200)).sum()
    assert split.select([1, 4]).units.tolist() == split.units[[1, 4]].tolist()


def test_counts_number_trials_and_units_by_their_rows(tmp_path):
    counts = np.random.default_rng(0).poisson(1.0, (40, 3, 4))
    np.savez(tmp_path / "a.npz", counts=counts)
    split, _ = population.build(Config(str(tmp_path / "a.npz"), 10, counts="counts"), "a")
    np.testing.assert_array_equal(split.train.heldin, counts[split.train.ids][..., split.units[:3]])


def test_unobserved_bins_are_nan_and_unseen_trials_left_out(tmp_path):
    def observe(file):
        stretches = [[0.0, 5.0], [5.0, 8.0]] + [[0.0, 6.35]] + [[0.0, 8.0]] * (UNITS - 2)
        file["units/obs_intervals"] = np.array(stretches)
        file["units/obs_intervals_index"] = np.array([2, *range(3, UNITS + 2)])

    split, targets = population.build(cut(write_nwb(tmp_path / "a.nwb", observe)), "a")
    counts = whole_counts(split, targets)
    assert counts.shape[0] == 8
    lost = np.isnan(counts)
    assert sorted(lost.sum(axis=(0, 1))) == [0, 0, 0, 0, 0, 55]


BAD_NWB = {
    "no units": (lambda f: put(f, "units/id", np.zeros(0, int)), "expected units"),
    "unsorted": (lambda f: f["units/spike_times"].write_direct(np.ones(1), dest_sel=np.s_[0:1]), "ascending"),
    "no event": (lambda f: put(f, "intervals/trials/move_onset_time", np.full(TRIALS, np.nan)), "NaN in all 12"),
    "in ms": (
        lambda f: put(f, "intervals/trials/move_onset_time", np.arange(TRIALS) * 1e3 + 400),
        r"none of 12 windows lies inside .*are those of the windows in ms, not in s\?",
    ),
}


@pytest.mark.parametrize("case", BAD_NWB)
def test_bad_nwb_files_are_refused(tmp_path, case):
    change, message = BAD_NWB[case]
    with pytest.raises(BadInput, match=message):
        population.build(cut(write_nwb(tmp_path / "bad.nwb", change), window_ms=(-100.0, 200.0)), "bad")


def test_without_trials_it_is_cut_into_windows_and_those_with_invalid_times_are_left_out(tmp_path):
    def change(file):
        del file["intervals/trials"]
        file["intervals/invalid_times/id"] = [0]
        file["intervals/invalid_times/start_time"], file["intervals/invalid_times/stop_time"] = [3.1], [3.2]

    config = cut(write_nwb(tmp_path / "long.nwb", change), align=None, window_ms=(0.0, 500.0), gap_ms=0.0)
    split, _ = population.build(config, "long")
    assert (len(split.train), len(split.eval), split.sizes.bins) == (16, 6, 50)
    assert 6 not in [*split.train.ids, *split.eval.ids], "the one from 3 to 3.5 s"


def test_a_missing_and_a_truncated_file_are_refused(tmp_path, recording):
    with pytest.raises(BadInput, match="is not there; check the path"):
        population.build(cut(str(tmp_path / "none.nwb")), "none")
    whole = Path(recording).read_bytes()
    Path(recording).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="cut off"):
        population.build(cut(recording), "mine")


def test_an_unknown_column_or_series_gets_the_nearest_name(recording):
    with pytest.raises(BadInput, match="did you mean 'move_onset_time'"):
        population.build(cut(recording, align="move_onset"), "mine")
    with pytest.raises(BadInput, match="did you mean 'hand_vel'"):
        population.build(cut(recording, behavior="hand_velo"), "mine")


BAD_SETTINGS = {
    "window no multiple": ({"window_ms": (-100.0, 205.0)}, "length of window_ms expected a multiple of the bin width"),
    "window backwards": ({"window_ms": (200.0, -100.0)}, "begin < end"),
    "window missing": ({"window_ms": None}, "window_ms expected begin and end"),
    "forward no multiple": ({"forward_ms": 15.0}, "forward_ms expected a multiple"),
    "bin finer than the clock": ({"bin_ms": 2.5, "window_ms": (0.0, 5.0)}, "bin_ms expected a multiple of clock_ms"),
    "bin of nothing": ({"bin_ms": 0.0}, "bin_ms expected a number > 0"),
    "hides everything": ({"heldout_fraction": 1.0}, "heldout_fraction expected a number between 0 and 1"),
    "no evaluation": ({"eval_trials": 0}, "eval_trials expected at least 1, got 0"),
    "both kinds": ({"counts": "counts"}, "not both or none"),
    "truth without scale": ({"align": None, "window_ms": None, "counts": "a", "rates": "b"}, "never guessed"),
    "no name": ({"align": ""}, "align expected a name, got ''"),
    "a name of spaces": ({"behavior": " "}, "behavior expected a name"),
    "half a character": ({"behavior": "hand\ud800"}, r"behavior expected a name, got 'hand.ud800'"),
    "a condition without a name": ({"conditions": ("",)}, "conditions expected a name"),
    "a condition to keep without a name": ({"keep": {"": 1}}, "keep expected a name"),
    "counts without a name": ({"align": None, "window_ms": None, "counts": ""}, "counts expected a name"),
    "a lag beyond all": ({"lag_ms": 1e300}, r"lag_ms expected at most 3.6e\+06 ms in either direction, got 1e\+300$"),
    "key of the other kind": ({"eval_index": "test"}, "eval_index is for files of counts only"),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_bad_settings_are_refused_before_any_file_is_read(case):
    changes, message = BAD_SETTINGS[case]
    with pytest.raises(BadInput, match=message):
        cut("nowhere.nwb", **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heldout_fraction": 0.01}, "of 6 units to be hidden, but a fraction of 0.01 hides none"),
        ({"heldout_fraction": 0.99}, "of 6 units to stay visible, but a fraction of 0.99 hides all"),
        ({"heldout": 6}, "of 6 units to stay visible, but 6 hides all"),
        ({"eval_trials": 12}, "of 12 trials to stay visible"),
        ({"eval_fraction": 0.01}, "of 12 trials to be hidden"),
    ],
)
def test_hiding_all_or_nothing_is_refused(recording, changes, message):
    with pytest.raises(BadInput, match=message):
        population.build(cut(recording, **changes), "mine")


@pytest.mark.real
@pytest.mark.skipif(not REAL.exists(), reason="the real mc_maze_small test file is not in ../shared/data")
def test_the_real_maze_recording_loses_no_spike():
    config = Config(
        str(REAL), 5, align="move_onset_time", window_ms=(-250.0, 450.0), heldout=27, eval_trials=25, seed=0
    )
    split, targets = population.build(config, "maze")
    counts = whole_counts(split, targets)
    assert split.provenance.notes == ()
    assert counts.shape == (100, 140, 107)
    assert counts.sum() == 32_897
    assert counts.max() == 2
    assert split.train.heldin.shape == (75, 140, 80)
    assert targets.trials.heldout.shape == (25, 140, 27)


def test_the_split_says_where_its_windows_begin(recording, tmp_path):
    split, targets = population.build(cut(recording), "mine")
    store.save(split, targets, str(tmp_path), {})
    assert store.load(str(tmp_path), "mine").provenance.start_ms == -100.0
