"""Spikes and trials as rows of matrices, as frames of pandas, and counts in two arrays: found, and read as found."""

import json

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.sources import prepare
from raysp.data.sources.proposal import proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(7)
TIMES = np.sort(RNG.uniform(0.0, 80.0, 4000)).round(3)
WHOSE = RNG.integers(1, 6, len(TIMES))
BEGIN = 0.5 + 2.0 * np.arange(39)
KIND = np.arange(39) % 3 + 1


def npz(folder):
    np.savez(folder / "x.npz", spikes=np.column_stack([TIMES, WHOSE]), stim_on=BEGIN)
    return folder / "x.npz", {"time": "spikes[:,0]", "unit": "spikes[:,1]", "align": "stim_on"}


def npy(folder):
    # Trials in a table beside it.
    (folder / "trials.csv").write_text("\n".join(["start", *map(str, BEGIN)]))
    np.save(folder / "x.npy", np.column_stack([TIMES, WHOSE]))
    return folder / "x.npy", {"time": "x[:,0]", "unit": "x[:,1]", "align": "start"}


def whole_ms(folder):
    spikes, events = np.column_stack([TIMES * 1000, WHOSE]).round(), np.column_stack([BEGIN * 1000, KIND])
    np.savez(folder / "x.npz", spikes=spikes, events=events)
    return folder / "x.npz", {"per_second": 1000.0, "align": "events[:,0]", "conditions": ["events[:,1]"]}


def flat_hdf5(folder):
    with h5py.File(folder / "x.h5", "w") as file:
        file["spk"], file["hand"], file["on"] = np.stack([WHOSE, TIMES]), RNG.normal(size=(9000, 2)), BEGIN
    return folder / "x.h5", {"time": "spk[1,:]", "unit": "spk[0,:]", "align": "on"}


def matlab(folder):
    events = np.column_stack([BEGIN, KIND])
    savemat(folder / "x.mat", {"spk": np.column_stack([WHOSE, TIMES]), "events": events})
    found = {"spikes": "spk(:,2)", "trials": "events", "align": "events(:,1)", "conditions": ["events(:,2)"]}
    return folder / "x.mat", found


def frame(group, **columns):
    group.attrs["pandas_type"] = b"frame"
    rows = len(next(iter(columns.values())))
    group["axis0"], group["axis1"] = np.array([name.encode() for name in columns]), np.arange(rows)
    for number, (name, values) in enumerate(columns.items()):
        group[f"block{number}_items"], group[f"block{number}_values"] = np.array([name.encode()]), values[:, None]


def pandas(folder):
    with h5py.File(folder / "x.h5", "w") as file:
        frame(file.create_group("spikes"), unit=WHOSE, time=TIMES)
        # A column of text is pickled.
        file["spikes/block2_items"] = np.array([b"area"])
        text = file["spikes"].create_dataset("block2_values", (1,), dtype=h5py.vlen_dtype(np.uint8))
        text[0] = np.frombuffer(b"pickled", np.uint8)
        frame(file.create_group("trials"), start=BEGIN, side=KIND)
    return folder / "x.h5", {"time": "spikes/time", "align": "trials/start", "conditions": ["trials/side"]}


def read_as_found(path, expected):
    """Read a file as a look proposes, whose settings must have what is expected."""
    found = proposal(str(path))
    assert {name: found.settings.get(name) for name in expected} == expected
    settings = {**found.settings, "path": str(path), "bin_ms": 20, "window_ms": [0, 1000], "heldout": 0}
    return prepare.read(Recording("x", found.source, settings), str(path.parent))


@pytest.mark.parametrize("write", [npz, npy, whole_ms, flat_hdf5, matlab, pandas], ids=lambda one: one.__name__)
def test_a_row_a_spike_and_a_row_a_trial_are_read_as_they_lie(tmp_path, write):
    split, answers = read_as_found(*write(tmp_path))

    counts = np.concatenate([split.train.heldin, answers.trials.heldin])
    counts = counts[np.argsort(np.concatenate([split.train.ids, answers.trials.ids]))]
    # Both ends are inside: the first and the last trial's windows lie within the spikes.
    edges = np.append(BEGIN[0] + 2.0 * np.arange(len(counts)), np.inf)
    for unit, number in enumerate(split.units):
        own = TIMES[number == WHOSE]
        each = [int(((own >= first) & (own < first + 1.0)).sum()) for first in edges[:-1]]
        assert counts[:, :, unit].sum(axis=1).tolist() == each


CHANNEL, UNIT = RNG.integers(1, 5, len(TIMES)), RNG.integers(0, 3, len(TIMES))


def matrix_of_channels(folder):
    np.savez(folder / "x.npz", spikes=np.column_stack([CHANNEL, UNIT, TIMES]), go=BEGIN)
    return folder / "x.npz", {"channel": "spikes[:,0]", "unit": "spikes[:,1]", "time": "spikes[:,2]"}


def vectors_of_channels(folder):
    with h5py.File(folder / "x.h5", "w") as file:
        file["spikes/times"], file["spikes/unit"], file["spikes/channel"] = TIMES, UNIT, CHANNEL
        file["go"] = BEGIN
    return folder / "x.h5", {"channel": "spikes/channel", "unit": "spikes/unit", "time": "spikes/times"}


def matlab_matrix_of_channels(folder):
    savemat(folder / "x.mat", {"spk": np.column_stack([CHANNEL, UNIT, TIMES]), "go": BEGIN[:, None]})
    return folder / "x.mat", {"spikes": "spk(:,3)", "units": "spk(:,2)", "channels": "spk(:,1)"}


def matlab_vectors_of_channels(folder):
    savemat(folder / "x.mat", {"ch": CHANNEL, "unit": UNIT, "ts": TIMES, "go": BEGIN[:, None]})
    return folder / "x.mat", {"spikes": "ts", "units": "unit", "channels": "ch"}


OF_CHANNELS = [matrix_of_channels, vectors_of_channels, matlab_matrix_of_channels, matlab_vectors_of_channels]


@pytest.mark.parametrize("write", OF_CHANNELS, ids=lambda one: one.__name__)
def test_units_numbered_anew_on_each_channel_stay_apart(tmp_path, write):
    split, answers = read_as_found(*write(tmp_path))
    counts = np.concatenate([split.train.heldin, answers.trials.heldin])
    inside = ((TIMES - BEGIN[0]) % 2.0 < 1.0) & (BEGIN[0] <= TIMES) & (BEGIN[0] + 2.0 * len(counts) > TIMES)
    each = {1000 * channel + unit: int((inside & (channel == CHANNEL) & (unit == UNIT)).sum())
            for channel in range(1, 5) for unit in range(3)}  # fmt: skip
    assert dict(zip(split.units.tolist(), counts.sum(axis=(0, 1)).tolist(), strict=True)) == each


@pytest.mark.parametrize("write", OF_CHANNELS[:2], ids=lambda one: one.__name__)
def test_units_that_a_channel_would_tell_apart_are_told(tmp_path, write):
    path, expected = write(tmp_path)
    given = {"path": str(path), "time": expected["time"], "unit": expected["unit"], "bin_ms": 20, "heldout": 0}
    split, _ = prepare.read(Recording("x", "spike_tables", {**given, "window_ms": [0, 1000]}), str(tmp_path))
    note = f"3 units are told apart by {given['unit']}, 12 by {expected['channel']} and {given['unit']}"
    assert any(note in one for one in split.provenance.notes)


TRIAL = np.repeat(np.arange(1, 41), 100)
IN_TRIAL = np.concatenate([np.sort(RNG.uniform(0, 1.0, 100)) for _ in range(40)]).round(4)


@pytest.mark.parametrize("of", ["npz", "mat"])
def test_a_row_a_spike_whose_times_begin_anew_in_each_trial_is_laid_out(tmp_path, of):
    rows = np.column_stack([TRIAL, WHOSE, IN_TRIAL])
    path = tmp_path / f"x.{of}"
    np.savez(path, spk=rows) if of == "npz" else savemat(path, {"spk": rows})
    found = proposal(str(path))
    assert found.settings["trial"] == ("spk[:,0]" if of == "npz" else "spk(:,1)")
    assert "NOT KNOWN" in found.why["trial"]

    settings = {**found.settings, "path": str(path), "heldout": 0}
    split, answers = prepare.read(Recording("x", found.source, settings), str(tmp_path))
    counts = np.concatenate([split.train.heldin, answers.trials.heldin])
    counts = counts[np.argsort(np.concatenate([split.train.ids, answers.trials.ids]))]
    expected = np.array([[((trial == TRIAL) & (unit == WHOSE) & (counts.shape[1] / 100 > IN_TRIAL)).sum()
                          for unit in range(1, 6)] for trial in range(1, 41)])  # fmt: skip
    np.testing.assert_array_equal(counts.sum(axis=1), expected)


def table(path, **columns):
    rows = zip(*(one.tolist() for one in columns.values()), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]))
    return str(path)


def test_numbers_stored_as_fractions_are_channels_units_and_trials_too(tmp_path):
    path = table(tmp_path / "x.csv", channel=CHANNEL * 1.0, unit=UNIT * 1.0, time=TIMES)
    found = proposal(path)
    assert found.settings["channel"] == "channel"
    split, _ = prepare.read(Recording("x", found.source, {**found.settings, "path": path}), str(tmp_path))
    assert sorted(split.units) == [1000 * channel + unit for channel in range(1, 5) for unit in range(3)]

    path = table(tmp_path / "y.csv", trial=TRIAL * 1.0, unit=WHOSE * 1.0, time=IN_TRIAL)
    found = proposal(path)
    assert found.settings["trial"] == "trial"
    split, answers = prepare.read(Recording("y", found.source, {**found.settings, "path": path}), str(tmp_path))
    assert sorted([*split.train.ids, *answers.trials.ids]) == list(range(1, 41))


def test_of_one_unit_a_column_of_trials_is_not_taken_for_units(tmp_path):
    path = table(tmp_path / "x.csv", trial=TRIAL, time=IN_TRIAL)
    assert "add a column unit of ones" in proposal(path).contents[-1]
    path = table(tmp_path / "y.csv", unit=TRIAL, time=IN_TRIAL)
    given = {"path": path, "trial": "unit", "window_ms": [0, 500], "bin_ms": 10}
    with pytest.raises(BadInput, match="expected units and trials in two columns"):
        prepare.read(Recording("x", "spike_tables", given), str(tmp_path))


def test_channels_and_texts_are_no_times(tmp_path):
    path = table(tmp_path / "x.csv", channel=CHANNEL + 0.5, spikes=UNIT)
    assert proposal(path).settings.get("time") != "channel"
    np.savez(tmp_path / "x.npz", times=WHOSE.astype(str), unit=UNIT)
    assert proposal(str(tmp_path / "x.npz")).source == ""
    given = {"path": path, "time": "channel", "unit": "spikes", "channel": "channel"}
    with pytest.raises(BadInput, match="another column each for time, unit, channel and trial"):
        prepare.read(Recording("x", "spike_tables", {**given, "window_ms": [0, 500], "bin_ms": 10}), "")


def test_of_a_matrix_without_trials_windows_follow_each_other(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps(np.column_stack([CHANNEL, UNIT, TIMES]).tolist()))
    assert "align" not in proposal(str(tmp_path / "x.json")).settings


def test_units_below_zero_are_told(tmp_path):
    path = table(tmp_path / "x.csv", unit=WHOSE - 2, time=TIMES)
    split, _ = prepare.read(Recording("x", "spike_tables", {"path": path, "window_ms": [0, 500], "bin_ms": 10}), "")
    assert any("units have numbers below 0 (-1), as sorters" in note for note in split.provenance.notes)


EACH = [TIMES[unit == WHOSE] for unit in range(1, 6)] + [np.zeros(0)]


def ragged(file):
    file["times"], file["times_index"] = np.concatenate(EACH), np.cumsum(list(map(len, EACH)))


def padded(file):
    file["times"] = [np.append(one, np.full(1000 - len(one), np.nan)) for one in EACH]


def listed(file):
    file.create_dataset("times", (6,), h5py.vlen_dtype("f8"))[:] = np.array([*EACH, None], object)[:-1]


def named_columns(file):
    file["times"] = np.array(list(zip(TIMES, WHOSE, strict=True)), dtype=[("time", "f8"), ("unit", "u1")])


@pytest.mark.parametrize("write", [ragged, padded, listed, named_columns], ids=lambda one: one.__name__)
def test_arrays_that_hold_the_times_of_several_units_are_read(tmp_path, write):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        write(file)
        file["go"] = BEGIN
    found = proposal(str(tmp_path / "x.h5"))
    settings = {**found.settings, "path": str(tmp_path / "x.h5"), "bin_ms": 20, "window_ms": [0, 1000], "heldout": 0}
    assert settings["align"] == "go"
    split, answers = prepare.read(Recording("x", found.source, settings), str(tmp_path))
    counts = np.concatenate([split.train.heldin, answers.trials.heldin])
    inside = [((one - BEGIN[0]) % 2.0 < 1.0) & (one >= BEGIN[0]) & (one - BEGIN[0] < 2.0 * len(counts)) for one in EACH]
    there = [int(one.sum()) for one in inside][: len(split.units)]
    assert len(split.units) == (5 if write is named_columns else 6)
    assert counts.sum(axis=(0, 1)).tolist() == there
    assert not any("not read" in note for note in split.provenance.notes)


@pytest.mark.parametrize("write", [ragged, padded, listed], ids=lambda one: one.__name__)
def test_units_of_an_array_have_the_numbers_that_lie_beside_it(tmp_path, write):
    numbers = np.array([31, 7, 12, 100, 0, 5])
    with h5py.File(tmp_path / "x.h5", "w") as file:
        write(file)
        file["unit_ids"], file["depth"] = numbers, np.arange(6) * 20
    found = proposal(str(tmp_path / "x.h5"))
    settings = {**found.settings, "path": str(tmp_path / "x.h5"), "bin_ms": 20, "window_ms": [0, 1000], "heldout": 0}
    split, answers = prepare.read(Recording("x", found.source, {**settings, "gap_ms": 0}), str(tmp_path))
    counts = np.concatenate([split.train.heldin, answers.trials.heldin]).sum(axis=(0, 1))
    spikes = dict(zip(numbers.tolist(), map(len, EACH), strict=True))
    assert set(split.units.tolist()) == set(spikes)
    # The last window is not whole.
    assert all(0.95 * spikes[unit] <= count <= spikes[unit] for unit, count in zip(split.units, counts, strict=True))


def test_of_two_tables_that_of_trials_is_taken(tmp_path):
    np.savez(tmp_path / "x.npz", time=TIMES, unit=WHOSE)
    (tmp_path / "a_trials.csv").write_text("\n".join(["start", *map(str, BEGIN)]))
    (tmp_path / "a_epochs.csv").write_text("\n".join(["start", *map(str, BEGIN[::4])]))
    assert proposal(str(tmp_path / "x.npz")).settings["trials"] == str(tmp_path / "a_trials.csv")


def test_trials_that_go_on_after_the_recording_ask_for_the_sampling_rate(tmp_path):
    np.savez(tmp_path / "x.npz", time=np.floor(TIMES * 24414.0625), unit=WHOSE)
    (tmp_path / "trials.csv").write_text("\n".join(["start", *map(str, BEGIN)]))
    assert "spikes then end at 65 s, and trials go on to 76 s" in proposal(str(tmp_path / "x.npz")).why["per_second"]


def test_the_step_of_a_column_of_times_is_the_width_of_bins(tmp_path):
    counts = RNG.poisson(0.4, (900, 4))
    lines = [",".join(map(str, [round(0.05 * row, 3), *one])) for row, one in enumerate(counts)]
    (tmp_path / "x.csv").write_text("\n".join(["when,n1,n2,n3,n4", *lines]))
    assert proposal(str(tmp_path / "x.csv")).settings["bin_ms"] == 50


BY_UNIT = {unit: TIMES[unit == WHOSE].tolist() for unit in range(1, 6)}


@pytest.mark.parametrize(
    "value",
    [
        {"spikes": {str(unit): times for unit, times in BY_UNIT.items()}, "go": BEGIN.tolist()},
        {"spikes": [{"unit": int(unit), "time": time} for unit, time in zip(WHOSE, TIMES, strict=True)],
         "trials": [{"start": begin, "kind": int(kind)} for begin, kind in zip(BEGIN, KIND, strict=True)]},
        {"time": TIMES.tolist(), "unit": WHOSE.tolist(), "trials": {"start": BEGIN.tolist()}},
        {"spikes": np.column_stack([WHOSE, TIMES]).tolist(), "start": BEGIN.tolist()},
    ],
    ids=["by unit", "objects", "vectors", "rows"],
)  # fmt: skip
def test_json_is_read_as_found(tmp_path, value):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(value))
    found = proposal(str(path))
    assert found.source == "spike_tables"
    assert found.settings["trials"] == str(path)

    settings = {**found.settings, "path": str(path), "bin_ms": 20, "window_ms": [0, 1000], "heldout": 0}
    split, answers = prepare.read(Recording("x", found.source, settings), str(tmp_path))
    counts = np.concatenate([split.train.heldin, answers.trials.heldin])
    for unit, number in enumerate(split.units):
        inside = (TIMES - BEGIN[0]) % 2.0 < 1.0
        inside &= (BEGIN[0] <= TIMES) & (BEGIN[0] + 2.0 * len(counts) > TIMES)
        assert counts[:, :, unit].sum() == (inside & (number == WHOSE)).sum()


@pytest.mark.parametrize("listed", [[[*times] for times in BY_UNIT.values()],
                                    [{"id": unit, "times": times} for unit, times in BY_UNIT.items()]],
                         ids=["lists", "objects"])  # fmt: skip
def test_json_of_units_alone_has_trials_beside_it(tmp_path, listed):
    (tmp_path / "x.json").write_text(json.dumps(listed))
    (tmp_path / "trials.csv").write_text("\n".join(["start", *map(str, BEGIN)]))
    found = proposal(str(tmp_path / "x.json"))
    settings = {**found.settings, "path": str(tmp_path / "x.json"), "bin_ms": 20, "heldout": 0}
    split, _ = prepare.read(Recording("x", found.source, settings), str(tmp_path))
    assert len(split.units) == 5
    assert settings["align"] == "start"


def test_counts_in_json_are_read(tmp_path):
    counts = RNG.poisson(0.3, (30, 20, 6))
    (tmp_path / "x.json").write_text(json.dumps({"counts": counts.tolist(), "bin_ms": 10}))
    found = proposal(str(tmp_path / "x.json"))
    settings = {**found.settings, "path": str(tmp_path / "x.json"), "heldout": 0}
    split, answers = prepare.read(Recording("x", found.source, settings), str(tmp_path))
    assert split.train.heldin.sum() + answers.trials.heldin.sum() == counts.sum()


def test_a_frame_whose_columns_have_pickled_names_is_answered_with_how_to_write_it(tmp_path):
    rows = np.zeros(9, dtype=[("index", "i8"), ("values_block_0", "f8", (1,))])
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["spikes/table"] = rows
    assert "pandas.read_hdf(path, 'spikes').to_parquet" in proposal(str(tmp_path / "x.h5")).contents[-1]


def test_training_and_evaluation_trials_in_arrays_of_one_size_are_both_read(tmp_path):
    counts = RNG.poisson(0.3, (2, 30, 20, 6))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["train_data"], file["valid_data"] = counts
    found = proposal(str(tmp_path / "x.h5"))
    assert (found.settings["counts"], found.settings["eval_counts"]) == ("train_data", "valid_data")


def test_evaluation_trials_alone_are_trials(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["eval_spikes"] = RNG.poisson(0.3, (30, 20, 6))
    found = proposal(str(tmp_path / "x.h5"))
    assert found.settings["counts"] == "eval_spikes"
    assert "eval_counts" not in found.settings


def test_whole_numbers_of_matlab_and_what_lies_beside_counts_without_trials_are_found(tmp_path):
    trials = np.zeros((1, 40), dtype=[("angle", "O"), ("late", "O"), ("spikes", "O")])
    for row in range(40):
        cells = np.empty(4, object)
        cells[:] = [np.sort(RNG.uniform(0, 900, 9)) for _ in range(4)]
        trials[0, row] = (90.0 * (row % 4), RNG.normal(), cells)
    savemat(tmp_path / "x.mat", {"data": trials})
    assert proposal(str(tmp_path / "x.mat")).settings["conditions"] == ["angle"]

    counts, speed = RNG.poisson(0.2, (2000, 8)), RNG.normal(size=2000)
    np.savez(tmp_path / "x.npz", counts=counts, clock=np.arange(2000) * 0.02, speed=speed)
    path = str(tmp_path / "x.npz")
    found = proposal(path)
    assert found.settings["behavior"] == "speed"
    split, _ = prepare.read(Recording("x", found.source, {**found.settings, "path": path}), str(tmp_path))
    assert split.train.behavior is not None
    assert np.isin(split.train.behavior, speed.astype(np.float32)).all()


@pytest.mark.parametrize(("time", "unit"), [("t", "u"), ("st", "clu"), ("spikes", "ids")])
def test_vectors_of_short_names_are_times_and_units_where_they_are_as_long(tmp_path, time, unit):
    np.savez(tmp_path / "x.npz", **{time: TIMES, unit: WHOSE}, starts=np.arange(1.0, 20.0))
    found = proposal(str(tmp_path / "x.npz")).settings
    assert (found["time"], found["unit"], found["align"]) == (time, unit, "starts")
    np.savez(tmp_path / "x.npz", **{time: TIMES, unit: WHOSE[:5]})
    assert "unit" not in proposal(str(tmp_path / "x.npz")).settings


def test_samples_of_a_signal_beside_spikes_are_no_trials(tmp_path):
    rng = np.random.default_rng(0)
    path, signal = str(tmp_path / "a.npz"), rng.normal(size=5000)
    each = {f"unit_{one}": np.sort(rng.uniform(0, 100, 300)) for one in range(4)}
    of_all = {"spike_times": np.sort(rng.uniform(0, 100, 900)), "spike_clusters": rng.integers(0, 4, 900)}
    for spikes in (each, of_all):
        np.savez(path, **spikes, current=signal)
        assert "align" not in proposal(path).settings
        np.savez(path, **spikes, go=np.arange(2, 98, 4.0), current=signal)
        assert proposal(path).settings["align"] == "go"


@pytest.mark.parametrize("shape", [(40,), (1, 40), (40, 1)])
def test_conditions_beside_counts_may_be_a_row_or_a_column(tmp_path, shape):
    rng = np.random.default_rng(1)
    counts, kinds = rng.poisson(0.4, (40, 30, 8)), rng.permutation(np.arange(40) % 4 + 1.0)
    np.savez(tmp_path / "x.npz", counts=counts, stimID=kinds.reshape(shape), bin_ms=20)
    assert proposal(str(tmp_path / "x.npz")).settings["conditions"] == ["stimID"]
