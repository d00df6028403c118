"""What is proposed for files that nobody told anything of, made up as laboratories write them."""

import dataclasses

import h5py
import numpy as np
import polars
import pytest
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.sources import prepare
from raysp.data.sources.clocks import Times, clock, sampled
from raysp.data.sources.proposal import changed, proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
TRIALS, UNITS = 40, 6
# Whole ms, so that no clock has to round.
START = np.cumsum(RNG.uniform(1.2, 1.6, TRIALS)).round(3)
LENGTH = RNG.uniform(0.8, 1.0, TRIALS).round(3)
GO = (START + RNG.uniform(0.2, 0.3, TRIALS)).round(3)
END = START[-1] + 2
EACH = [np.sort(RNG.uniform(0, END, int(rate * END))).round(3) for rate in RNG.uniform(5, 20, UNITS)]
TIMES, WHOSE = np.concatenate(EACH), np.repeat(np.arange(UNITS), list(map(len, EACH)))
SIDES = ["left", "right"] * (TRIALS // 2)


def csv_pair(folder):
    rows = "".join(f"{unit};{time * 1000:.2f}\n".replace(".", ",") for unit, time in zip(WHOSE, TIMES, strict=True))
    (folder / "spikes.csv").write_text("neuron;t\n" + rows)
    table = zip(START, START + LENGTH, GO, SIDES, strict=True)
    rows = "".join(f"{first:.4f},{last:.4f},{go:.4f},{side}\n" for first, last, go, side in table)
    (folder / "trials.csv").write_text("start,stop,go_cue,side\n" + rows)
    return folder / "spikes.csv"


def phy(folder):
    np.save(folder / "spike_times.npy", (TIMES * 30000).astype(np.int64))
    np.save(folder / "spike_clusters.npy", WHOSE.astype(np.int32))
    return folder / "spike_times.npy"


def counts(folder):
    array = RNG.poisson(0.3, (TRIALS, 30, UNITS))
    hand = RNG.standard_normal((TRIALS, 30, 2))
    np.savez(folder / "a.npz", counts=array, condition=np.arange(TRIALS) % 4, hand=hand, bin_size=0.02)
    return folder / "a.npz"


def continuous(folder):
    with h5py.File(folder / "a.h5", "w") as file:
        file["binned_spikes"] = RNG.poisson(0.2, (2000, UNITS))
    return folder / "a.h5"


def structs(folder):
    found = np.empty((1, TRIALS), [("spikes", object), ("go", object), ("side", object)])
    for trial in range(TRIALS):
        cells = np.empty((UNITS, 1), object)
        for unit, times in enumerate(EACH):
            inside = (times >= START[trial]) & (times < START[trial] + LENGTH[trial])
            cells[unit, 0] = (times[inside] - START[trial])[:, None]
        found[0, trial] = (cells, GO[trial] - START[trial], SIDES[trial])
    savemat(folder / "a.mat", {"trial": found})
    return folder / "a.mat"


def vectors(folder):
    savemat(folder / "b.mat", {"times": TIMES[:, None], "cluster": WHOSE[:, None].astype(float)})
    return folder / "b.mat"


def presentations(folder):
    with h5py.File(folder / "a.nwb", "w") as file:
        file.attrs["nwb_version"] = "2.6.0"
        table = file.create_group("intervals/flashes_presentations")
        table["id"], table["start_time"], table["stop_time"] = np.arange(TRIALS), START, START + LENGTH
        table["side"] = np.array(SIDES, dtype=h5py.string_dtype())
        units = file.create_group("units")
        units["id"], units["spike_times"] = np.arange(UNITS), TIMES
        units["spike_times_index"] = np.cumsum(list(map(len, EACH)))
    return folder / "a.nwb"


CASES = [
    (csv_pair, "spike_tables", {"unit": "neuron", "time": "t", "align": "go_cue", "per_second": 1000.0,
                                "trials_per_second": 1.0, "conditions": ["side"]}),
    (phy, "spike_tables", {"per_second": 30000.0, "window_ms": [0, 1000]}),
    (counts, "population", {"counts": "counts", "bin_ms": 20, "behavior": "hand", "conditions": ["condition"]}),
    (continuous, "population", {"counts": "binned_spikes", "window_ms": [0, 1000], "bin_ms": 10}),
    (structs, "matlab_spikes", {"spikes": "trial.spikes", "trials": "trial", "align": "go", "conditions": ["side"]}),
    (vectors, "matlab_spikes", {"spikes": "times", "units": "cluster", "per_second": 1.0}),
    (presentations, "population", {"trials": "intervals/flashes_presentations", "align": "start_time",
                                   "conditions": ["side"]}),
]  # fmt: skip


@pytest.mark.parametrize(("make", "source", "settings"), CASES, ids=lambda one: getattr(one, "__name__", ""))
def test_what_is_proposed_is_read_as_it_stands_and_every_spike_is_counted(tmp_path, make, source, settings):
    path = str(make(tmp_path))
    found = proposal(path)
    assert found.source == source
    assert settings.items() <= dict(found.settings).items()
    split, answers = prepare.read(Recording("mine", source, {**found.settings, "path": path}), str(tmp_path))
    assert split.sizes.units == UNITS
    whole = np.nansum(split.train.heldin) + np.nansum(split.eval.heldin)
    whole += np.nansum(split.train.heldout) + np.nansum(answers.trials.heldout)
    assert whole == expected(make, split, path)


def expected(make, split, path):
    """How many spikes lie in the windows, counted by themselves."""
    ids = np.concatenate([split.train.ids, split.eval.ids])
    if make is counts:
        return np.load(path)["counts"].sum()
    if make is continuous:
        with h5py.File(path) as file:
            return file["binned_spikes"][()].reshape(-1, split.sizes.bins, UNITS)[ids].sum()
    length = split.sizes.bins * split.sizes.bin_ms / 1000
    first = {csv_pair: GO, structs: GO, presentations: START}.get(make)
    if first is None:
        begin = np.ceil(TIMES.min() * 1000 - 1e-6) / 1000 + ids * length
    else:
        begin = first[ids] - (split.provenance.start_ms * -0.001)
    ticks, begin = np.round(TIMES * 1000), np.round(begin * 1000)
    return sum(int(((ticks >= one) & (ticks < one + length * 1000)).sum()) for one in begin)


def test_times_are_in_the_unit_in_which_units_fire_as_units_do():
    for per_second in (1.0, 1000.0, 30000.0):
        given = TIMES * per_second
        assert clock(Times.of(np.floor(given) if per_second > 1 else given), UNITS)[0] == per_second


def test_a_sampling_rate_of_another_signal_is_not_that_of_the_spikes():
    ms, samples = Times.of(np.floor(TIMES * 1000)), Times.of(np.floor(TIMES * 20000))
    assert sampled({"fs": np.array(20000.0)}, samples, UNITS) == (20000.0, "samples, fs = 20000")
    per_second, reason = sampled({"fs": np.array(30000.0)}, ms, UNITS)
    assert per_second == 1000.0
    assert "in samples, fs = 30000, they would fire" in reason
    assert sampled({"fs": np.array(30000.0)}, Times.of(TIMES), UNITS) is None, "fractions are no samples"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"X\n\0\0\0\2" + b"\0" * 99, r"a file of R .* write\.csv"),
        (b"PLEX" + b"\0" * 9000, r"Plexon .* neuroconv"),
        (b"NEX1" + b"\0" * 9000, r"NeuroExplorer file.* save its neurons as \.mat"),
        (b"\x09\x00(C) CED 87" + b"\0" * 9000, "Spike2"),
    ],
)
def test_what_nobody_reads_is_answered_with_what_is_read_and_how_to_export(tmp_path, content, says):
    (tmp_path / "a.dat").write_bytes(content)
    with pytest.raises(BadInput, match=says):
        proposal(str(tmp_path / "a.dat"))


def test_rates_and_a_column_a_unit_are_not_taken_for_spikes(tmp_path):
    np.savez(tmp_path / "a.npz", rates=RNG.gamma(1.0, 1.0, (20, 30, 4)))
    found = proposal(str(tmp_path / "a.npz"))
    assert found == dataclasses.replace(found, source="", settings={})
    assert "look like rates, smoothed counts" in found.contents[-1]
    letters = [f"unit {chr(97 + unit)}" for unit in range(12)]
    rows = "\n".join(",".join(map(str, row)) for row in RNG.poisson(0.2, (50, 12)))
    (tmp_path / "wide.csv").write_text(",".join(letters) + "\n" + rows)
    assert "np.savez" in proposal(str(tmp_path / "wide.csv")).contents[-1]


def test_a_file_s_own_sampling_rate_is_taken_and_an_unknown_one_is_said(tmp_path):
    phy(tmp_path)
    samples = (TIMES * 25000).astype(np.int64)
    np.save(tmp_path / "spike_times.npy", samples[:, None])
    assert "NOT KNOWN" in proposal(str(tmp_path / "spike_times.npy")).why["per_second"]
    (tmp_path / "params.py").write_text("n_channels_dat = 64\nsample_rate = 25000.\n")
    assert proposal(str(tmp_path / "spike_times.npy")).settings["per_second"] == 25000
    for written, rate in (("2.500027e+04", 25000.27), ("25_000", 25000)):
        (tmp_path / "params.py").write_text(f"sample_rate = {written}  # Hz\n")
        assert proposal(str(tmp_path / "spike_times.npy")).settings["per_second"] == rate
    for written in ("1.2.3", "rates[0]", "25."):
        (tmp_path / "params.py").write_text(f"sample_rate = {written}\n")
        assert "NOT KNOWN" in proposal(str(tmp_path / "spike_times.npy")).why["per_second"]
    np.savez(tmp_path / "a.npz", spike_times=samples, spike_clusters=WHOSE, fs=25000.0)
    assert proposal(str(tmp_path / "a.npz")).settings["per_second"] == 25000
    cells = np.empty((1, UNITS), object)
    cells[0] = [np.floor(times * 24414.0625) for times in EACH]
    savemat(tmp_path / "b.mat", {"ts": cells, "Fs": 24414.0625})
    assert proposal(str(tmp_path / "b.mat")).settings["per_second"] == 24414.0625
    with pytest.raises(BadInput, match=r"folder of sorted spikes; give .*spike_times\.npy"):
        proposal(str(tmp_path))


@pytest.mark.parametrize("name", ["trials.csv", "trials.txt", "_ibl_trials.table.pqt"])
def test_trials_whose_times_are_whole_ms_are_found_beside_spikes_in_s(tmp_path, name):
    table = polars.DataFrame({"unit": WHOSE, "time": TIMES})
    table.write_csv(tmp_path / "spikes.csv")
    trials = polars.DataFrame({"start": (START * 1000).astype(int), "stop": ((START + LENGTH) * 1000).astype(int)})
    (trials.write_parquet if name.endswith("pqt") else trials.write_csv)(tmp_path / name)
    settings = proposal(str(tmp_path / "spikes.csv")).settings
    assert (settings["align"], settings["trials_per_second"]) == ("start", 1000)
    assert settings["trials"] == str(tmp_path / name)


@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_vectors_of_spikes_and_of_trials_in_one_file_are_read(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    vectors = {"spikes/times": TIMES, "spikes/clusters": WHOSE, "trials/start": START, "trials/go_cue": GO}
    if kind == "npz":
        np.savez(path, **vectors)
    else:
        with h5py.File(path, "w") as file:
            for name, values in vectors.items():
                file[name] = values
    found = proposal(str(path))
    assert (found.source, found.settings["align"], found.settings["trials"]) == (
        "spike_tables",
        "trials/go_cue",
        str(path),
    )
    split, answers = prepare.read(Recording("x", found.source, {**found.settings, "path": str(path)}), str(tmp_path))
    begin = np.round((GO + split.provenance.start_ms / 1000) * 1000)
    ticks, length = np.round(TIMES * 1000), split.sizes.bins * split.sizes.bin_ms
    counted = sum(int(((ticks >= one) & (ticks < one + length)).sum()) for one in begin)
    parts = (split.train.heldin, split.train.heldout, answers.trials.heldin, answers.trials.heldout)
    assert sum(part.sum() for part in parts) == counted


def test_windows_end_before_the_next_trial_begins(tmp_path):
    polars.DataFrame({"unit": WHOSE, "time": TIMES}).write_csv(tmp_path / "spikes.csv")
    polars.DataFrame({"start": START, "stop": START + 3}).write_csv(tmp_path / "trials.csv")
    begin, end = proposal(str(tmp_path / "spikes.csv")).settings["window_ms"]
    assert begin == 0
    assert end <= np.percentile(np.diff(START), 15) * 1000


def test_a_window_has_all_of_the_trial_and_whole_bins_of_the_width_that_is_given(tmp_path):
    polars.DataFrame({"unit": WHOSE, "time": TIMES}).write_csv(tmp_path / "spikes.csv")
    start = np.arange(TIMES.max() // 0.8) * 0.8
    table = {"start": start, "stop": start + 0.7, "move_onset_time": start + 0.25}
    polars.DataFrame(table).write_csv(tmp_path / "trials.csv")
    found = proposal(str(tmp_path / "spikes.csv"))
    assert (found.settings["align"], found.settings["window_ms"]) == ("move_onset_time", [-250, 450])
    for given, window in (
        ({"bin_ms": 20}, [-250, 450]),
        ({"bin_ms": 30}, [-250, 440]),
        ({"bin_ms": 12.5}, [-250, 450]),
        ({"bin_ms": 1000}, [-250, 450]),
        ({"bin_ms": 20, "window_ms": [0, 300]}, [0, 300]),
    ):
        assert changed(found, "", given).settings["window_ms"] == window


@pytest.mark.parametrize(
    ("write", "spikes"),
    [
        (lambda: {f"sig{unit:03d}a": EACH[unit][:, None] for unit in range(UNITS)}, "sig*"),
        (lambda: {"unit": units_of("ts"), "label": "x"}, "unit.ts"),
        (lambda: {"padded": padded()}, "padded"),
    ],
)
def test_units_in_variables_structs_or_a_padded_matrix_are_cut_by_a_vector_of_events(tmp_path, write, spikes):
    savemat(tmp_path / "a.mat", {**write(), "go_cue": GO[:, None]})
    found = proposal(str(tmp_path / "a.mat"))
    expected = (spikes, "go_cue", "go_cue")
    assert (found.settings["spikes"], found.settings["trials"], found.settings["align"]) == expected
    split, answers = prepare.read(
        Recording("x", found.source, {**found.settings, "path": str(tmp_path / "a.mat")}), str(tmp_path)
    )
    ids = np.concatenate([split.train.ids, split.eval.ids])
    begin = np.round(GO[ids] * 1000) + split.provenance.start_ms
    counts = np.concatenate([np.concatenate([one.heldin, one.heldout], 2) for one in (split.train, answers.trials)])
    edges = begin[:, None] + np.arange(split.sizes.bins + 1) * split.sizes.bin_ms
    for place, unit in enumerate(split.units):
        ticks = np.round(EACH[unit] * 1000)
        np.testing.assert_array_equal(counts[..., place], np.diff(np.searchsorted(ticks, edges), axis=1))


def units_of(field):
    found = np.empty((1, UNITS), [(field, object), ("channel", object)])
    for unit, times in enumerate(EACH):
        found[0, unit] = (times[:, None], unit)
    return found


def padded():
    found = np.full((UNITS, max(map(len, EACH))), np.nan)
    for unit, times in enumerate(EACH):
        found[unit, : len(times)] = times
    return found


def test_variables_beside_those_of_units_are_no_units(tmp_path):
    each = {f"sig{unit:03d}a": one for unit, one in enumerate(EACH)}
    savemat(tmp_path / "a.mat", {**each, "sig_fs": 40000.0, **{f"{name}_rise": one[::2] for name, one in each.items()}})
    found = proposal(str(tmp_path / "a.mat"))
    assert found.settings["spikes"] == "sig*"
    recording = Recording("mine", found.source, {**found.settings, "path": str(tmp_path / "a.mat")})
    assert len(prepare.read(recording, str(tmp_path))[0].units) == UNITS


def test_cells_of_units_and_trials_and_of_counts_are_told_by_what_lies_beside_them(tmp_path):
    cells, matrices = np.empty((UNITS, TRIALS), object), np.empty((1, TRIALS), object)
    for trial in range(TRIALS):
        for unit, times in enumerate(EACH):
            inside = (times >= START[trial]) & (times < START[trial] + LENGTH[trial])
            cells[unit, trial] = (times[inside] - START[trial])[:, None]
        matrices[0, trial] = RNG.poisson(0.4, (UNITS, 40 + trial)).astype(float)
    savemat(tmp_path / "a.mat", {"spikes": cells, "stimulus": np.arange(TRIALS)[None] % 4})
    found = proposal(str(tmp_path / "a.mat"))
    assert (found.settings["trials"], found.settings["conditions"]) == ("stimulus", ["stimulus"])
    prepare.read(Recording("x", found.source, {**found.settings, "path": str(tmp_path / "a.mat")}), str(tmp_path))
    savemat(tmp_path / "c.mat", {"depth": np.arange(UNITS), "spikes": cells, "stimulus": np.arange(TRIALS)[None] % 4})
    found = proposal(str(tmp_path / "c.mat"))
    assert found.settings["trials"] == "stimulus"
    assert "NOT KNOWN" in found.why["trials"]
    savemat(tmp_path / "b.mat", {"counts": matrices, "dt": 0.02})
    found = proposal(str(tmp_path / "b.mat"))
    assert (found.settings["spikes"], found.settings["counts_bin_ms"]) == ("counts", 20)
    split, answers = prepare.read(
        Recording("x", found.source, {**found.settings, "path": str(tmp_path / "b.mat")}), str(tmp_path)
    )
    parts = (split.train.heldin, split.train.heldout, answers.trials.heldin, answers.trials.heldout)
    assert sum(np.nansum(part) for part in parts) == sum(one.sum() for one in matrices[0])


@pytest.mark.parametrize("name", ["table", "table.mat", "table.parquet"])
def test_what_a_file_is_tells_its_content_not_its_name(tmp_path, name):
    polars.DataFrame({"unit": WHOSE, "time": TIMES}).write_csv(tmp_path / name)
    assert proposal(str(tmp_path / name)).source == "spike_tables"
    polars.DataFrame({"unit": WHOSE, "time": TIMES}).write_parquet(tmp_path / name)
    assert proposal(str(tmp_path / name)).source == "spike_tables"


def test_tables_of_spikes_without_a_row_are_answered(tmp_path):
    (tmp_path / "spikes.csv").write_text("unit,time\n")
    (tmp_path / "trials.csv").write_text("start\n" + "\n".join(f"{row}.5" for row in range(9)))
    polars.DataFrame(schema={"unit": polars.Int64, "spike_times": polars.List(polars.Float64)}).write_parquet(
        tmp_path / "a.parquet"
    )
    np.savez(tmp_path / "a.npz", spike_times=np.zeros(0), spike_clusters=np.zeros(0, int))
    np.save(tmp_path / "spike_times.npy", np.zeros(0))
    np.save(tmp_path / "spike_clusters.npy", np.zeros(0, int))
    for name in ("spikes.csv", "a.parquet", "a.npz", "spike_times.npy"):
        found = proposal(str(tmp_path / name))
        assert not found.source, name
        assert "no spike" in found.contents[-1], name


def test_empty_cells_and_a_group_called_units_that_is_no_table_are_answered(tmp_path):
    cells = np.empty((UNITS, 1), object)
    cells[:] = [[np.zeros((0, 0))]] * UNITS
    savemat(tmp_path / "a.mat", {"spikes": cells})
    assert proposal(str(tmp_path / "a.mat")).settings["spikes"] == "spikes"
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["units/3/spike_times"] = TIMES
    assert proposal(str(tmp_path / "a.h5")).source == ""


def test_arrays_of_trials_that_differ_in_both_axes_are_no_trials(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for trial in range(5):
            file[f"trial_{trial}"] = RNG.poisson(1.0, (20 + trial, 5 + trial))
    assert "*" not in str(proposal(str(tmp_path / "a.h5")).settings.get("counts", ""))


def test_a_time_series_that_cannot_be_read_is_proposed_to_nobody(tmp_path):
    path = presentations(tmp_path)
    times = np.arange(0.0, float(START[-1]) + 5.0, 0.01)
    with h5py.File(path, "a") as file:
        for name, stamps in {"speed": times[::-1], "wheel_position": times}.items():
            series = file.create_group(f"processing/behavior/{name}")
            series["data"], series["timestamps"] = np.cos(times), stamps
    found = proposal(str(path))
    assert found.settings["behavior"] == "wheel_position"
    with h5py.File(path, "a") as file:
        del file["processing/behavior/wheel_position"]
    assert "behavior" not in proposal(str(path)).settings
