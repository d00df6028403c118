"""Files as programs of other laboratories write them: read spike by spike under their units' numbers, or answered."""

import json

import h5py
import numpy as np
import pandas
import pytest
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.sources import prepare
from raysp.data.sources.proposal import proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
NUMBERS = np.array([31, 7, 12, 55])
EACH = [np.sort(RNG.uniform(0, 60, 200 + 150 * unit)).round(4) for unit in range(4)]
TIMES, WHOSE = np.concatenate(EACH), np.repeat(NUMBERS, list(map(len, EACH)))
ORDER = np.argsort(TIMES, kind="stable")
SAMPLES = np.round(TIMES * 30000).astype(np.int64)


def sorting(folder):
    """As SpikeInterface saves one."""
    np.savez(folder / "x.npz", unit_ids=NUMBERS, num_segment=[1], sampling_frequency=[30000.0],
             spike_indexes_seg0=SAMPLES[ORDER], spike_labels_seg0=WHOSE[ORDER])  # fmt: skip
    return folder / "x.npz"


def groups_and_attributes(folder):
    with h5py.File(folder / "x.h5", "w") as file:
        file["spikes/sample"], file["spikes/cluster"] = SAMPLES[ORDER], WHOSE[ORDER]
        file.attrs["fs"], file.attrs["animal"] = 30000.0, "m12"
    return folder / "x.h5"


def cellinfo(folder):
    """As Buzsaki's laboratory saves one: clusters are numbered anew on each shank."""
    cells = np.empty((1, 4), object)
    cells[0] = [one[:, None] for one in EACH]
    spikes = {"cluID": [[2, 3, 2, 3]], "UID": NUMBERS[None], "times": cells, "sessionName": "m12"}
    savemat(folder / "x.cellinfo.mat", {"spikes": spikes})
    return folder / "x.cellinfo.mat"


def numbers_in_attributes(folder):
    """Groups that only count, as many scripts write them, the unit's number beside its times."""
    with h5py.File(folder / "x.h5", "w") as file:
        for place, (number, one) in enumerate(zip(NUMBERS, EACH, strict=True)):
            file[f"units/{place}/spike_times"] = one
            file[f"units/{place}"].attrs["id"] = number
            file[f"units/{place}"].attrs["depth_um"] = 20 * place
    return folder / "x.h5"


@pytest.mark.parametrize("write", [sorting, groups_and_attributes, cellinfo, numbers_in_attributes])
def test_spikes_are_those_of_their_units(tmp_path, write):
    path = str(write(tmp_path))
    found = proposal(path)
    settings = {**found.settings, "path": path, "bin_ms": 20, "window_ms": [0, 1000], "gap_ms": 0, "heldout": 0}
    split, answers = prepare.read(Recording("x", found.source, settings), "")
    counts = np.concatenate([split.train.heldin, answers.trials.heldin]).sum(axis=(0, 1))
    begin = np.ceil(1e3 * TIMES.min() - 1e-6) / 1e3 + np.concatenate([split.train.ids, split.eval.ids])
    inside = ((TIMES[:, None] >= begin - 1e-9) & (TIMES[:, None] < begin + 1 - 1e-9)).any(axis=1)
    wanted = {unit: (WHOSE[inside] == unit).sum() for unit in NUMBERS.tolist()}
    assert dict(zip(split.units.tolist(), counts, strict=True)) == wanted


def test_spikes_of_blackrock_in_matlab_are_of_units_numbered_anew_on_each_electrode(tmp_path):
    electrode, unit = np.searchsorted(np.sort(NUMBERS), WHOSE) // 2 + 1, np.searchsorted(np.sort(NUMBERS), WHOSE) % 2
    spikes = {"TimeStamp": SAMPLES[ORDER], "Electrode": electrode[ORDER], "Unit": unit[ORDER] * 255}
    meta = {"SampleRes": 30000.0, "Filename": "m12"}
    savemat(tmp_path / "x.mat", {"NEV": {"MetaTags": meta, "Data": {"Spikes": spikes}}})
    found = proposal(str(tmp_path / "x.mat"))
    assert (found.source, found.why["per_second"]) == ("matlab_spikes", "samples, NEV.MetaTags.SampleRes = 30000")
    assert found.settings["channels"] == "NEV.Data.Spikes.Electrode"
    split = prepare.read(Recording("x", found.source, {**found.settings, "path": str(tmp_path / "x.mat")}), "")[0]
    assert sorted(split.units.tolist()) == [1000, 1255, 2000, 2255]
    (note,) = [one for one in split.provenance.notes if "Blackrock" in one]
    assert note.startswith(f"of {len(TIMES):,} spikes {(unit == 0).sum():,} of unit 0 and {(unit == 1).sum():,} of")


def test_cells_of_channels_and_units_of_a_whole_recording_are_units(tmp_path):
    cells = np.empty((4, 3), object)
    # Empty vectors of MATLAB are 0 x 0, 1 x 0 or 0 x 1.
    cells[:] = [[np.zeros((0, 0)), np.zeros((0, 1)), np.zeros((1, 0))]] * 4
    for place, one in zip(((0, 1), (2, 1), (2, 2), (3, 0)), EACH, strict=True):
        cells[place] = one[:, None]
    names = np.array([f"M1 {one}" for one in range(4)], object)
    clock = np.arange(0, 60, 0.02)
    savemat(tmp_path / "x.mat", {"spikes": cells, "chan_names": names[:, None], "t": clock[:, None],
                                 "cursor_pos": np.column_stack([np.sin(clock), np.cos(clock)])})  # fmt: skip
    found = proposal(str(tmp_path / "x.mat"))
    assert "trials" not in found.settings
    assert found.settings["behavior_time"] == "t"
    settings = {**found.settings, "path": str(tmp_path / "x.mat"), "gap_ms": 0, "heldout": 0, "bin_ms": 20}
    split, answers = prepare.read(Recording("x", found.source, settings), "")
    counts = np.concatenate([split.train.heldin, answers.trials.heldin]).sum(axis=(0, 1))
    begin = np.ceil(1e3 * TIMES.min() - 1e-6) / 1e3 + np.concatenate([split.train.ids, split.eval.ids])
    wanted = [sum(((one >= at - 1e-9) & (one < at + 1 - 1e-9)).sum() for at in begin) for one in EACH]
    assert dict(zip(split.units.tolist(), counts, strict=True)) == dict(zip([4, 6, 10, 3], wanted, strict=True))
    assert "8 empty ones are no units" in split.provenance.notes[0]


@pytest.mark.parametrize("given", [{}, {"trials": "go", "align": "go"}])
def test_cells_of_trials_in_another_unit_are_no_recording(tmp_path, given):
    cells = np.empty((4, 30), object)
    for place in np.ndindex(cells.shape):
        cells[place] = np.sort(RNG.uniform(0, 2000, 40))[:, None]
    savemat(tmp_path / "x.mat", {"spikes": cells, "go": RNG.uniform(300, 500, (30, 1))})
    settings = {"path": str(tmp_path / "x.mat"), "spikes": "spikes", "window_ms": [0, 400], "bin_ms": 20, **given}
    with pytest.raises(BadInput, match=r"expected a cell array \(units, trials\), got \(4, 30\)|are all times in s"):
        prepare.read(Recording("x", "matlab_spikes", settings), "")


def test_counts_of_another_area_in_trials_of_matlab_are_told(tmp_path):
    trials = np.empty((1, 12), [(name, object) for name in ("M1_spikes", "PMd_spikes", "bin_size", "idx_go", "side")])
    for row in range(12):
        trials[0, row] = (
            *(RNG.poisson(1, (40 + row % 3, units)) * 1.0 for units in (6, 4)),
            0.01,
            7.0 + row % 2,
            row % 2,
        )
    savemat(tmp_path / "x.mat", {"trial_data": trials})
    found = proposal(str(tmp_path / "x.mat"))
    assert found.settings["spikes"] == "trial_data.M1_spikes"
    assert found.why["spikes"].endswith("not read, which may be counts, too: trial_data.PMd_spikes")
    assert (found.settings["counts_bin_ms"], found.settings["conditions"]) == (10.0, ["side"])


@pytest.mark.parametrize("names", ["M1_{}", "{}"])
def test_names_of_units_beside_an_index_of_ends_are_theirs(tmp_path, names):
    called = [names.format(one) for one in "dacb"]
    ends = np.cumsum(list(map(len, EACH)))
    area = np.array(["M1", "M1", "PMd", "PMd"])
    np.savez(tmp_path / "x.npz", spike_times=TIMES, spike_times_index=ends, unit_names=called, area=area)
    found = proposal(str(tmp_path / "x.npz"))
    settings = {**found.settings, "path": str(tmp_path / "x.npz"), "window_ms": [0, 1000], "gap_ms": 0, "heldout": 0}
    split, answers = prepare.read(Recording("x", found.source, settings), "")
    counts = np.concatenate([split.train.heldin, answers.trials.heldin]).sum(axis=(0, 1))
    own = dict(split.provenance.unit_names)
    by_name = {own[unit]: count for unit, count in zip(split.units.tolist(), counts, strict=True)}
    assert sorted(by_name, key=by_name.__getitem__) == called


def test_held_out_units_in_an_array_of_their_own_are_told(tmp_path):
    counts = RNG.poisson(0.5, (20, 30, 9))
    arrays = {"train_spikes_heldin": counts[:12, :, :6], "train_spikes_heldout": counts[:12, :, 6:],
              "eval_spikes_heldin": counts[12:, :, :6]}  # fmt: skip
    np.savez(tmp_path / "x.npz", **arrays)
    found = proposal(str(tmp_path / "x.npz"))
    assert (found.settings["counts"], found.settings["eval_counts"]) == ("train_spikes_heldin", "eval_spikes_heldin")
    assert found.why["counts"].endswith(
        "not read, which may be counts, too: train_spikes_heldout: of more units? Save both joined along the last axis"
    )


@pytest.mark.parametrize("kind", ["h5", "json"])
def test_a_vector_for_each_trial_and_unit_is_of_both(tmp_path, kind):
    path = str(tmp_path / f"x.{kind}")
    each = {(trial, unit): np.sort(RNG.uniform(0, 2, 5 + unit + trial % 3)) for trial in range(12) for unit in NUMBERS}
    # Without a spike there is no group in some files.
    each.pop((4, 7))
    if kind == "h5":
        with h5py.File(path, "w") as file:
            for (trial, unit), one in each.items():
                file[f"trial_{trial}/unit_{unit}"] = one
    else:
        trials = {f"trial_{trial}": {f"unit_{unit}": each[trial, unit].tolist() for unit in NUMBERS
                                     if (trial, unit) in each} for trial in range(12)}  # fmt: skip
        (tmp_path / "x.json").write_text(json.dumps(trials))
    found = proposal(path)
    assert (found.settings["time"], found.settings["trial"]) == ("trial_*/unit_*", "trial")
    settings = {**found.settings, "path": path, "bin_ms": 20, "window_ms": [0, 1000], "heldout": 0}
    split, answers = prepare.read(Recording("x", found.source, settings), "")
    for part, counts in ((split.train, split.train.heldin), (split.eval, answers.trials.heldin)):
        for trial, one in zip(part.ids.tolist(), counts.sum(axis=1), strict=True):
            wanted = [(each.get((trial, unit), np.zeros(0)) < 1).sum() for unit in split.units.tolist()]
            assert one.tolist() == wanted


def test_an_attribute_that_says_another_width_of_bins_is_believed(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["counts"], file.attrs["bin_size"] = RNG.poisson(0.5, (500, 4)), 0.05
    found = proposal(str(tmp_path / "x.h5"))
    assert (found.settings["bin_ms"], found.why["bin_ms"]) == (50.0, "from @/bin_size = 0.05")
    settings = {**found.settings, "path": str(tmp_path / "x.h5"), "bin_ms": 20, "window_ms": [0, 400]}
    with pytest.raises(BadInput, match=r"expected bins of 50 ms, as @/bin_size = 0\.05 in the file says"):
        prepare.read(Recording("x", "population", settings), "")


def events(path):
    rows = [*zip(TIMES, WHOSE, ["spike"] * len(TIMES), strict=True), *((at, -1, "trial_start") for at in range(1, 50))]
    pandas.DataFrame(rows, columns=["time", "unit", "what"]).sort_values("time").to_csv(path, index=False)


def lists(path):
    table = pandas.DataFrame({"unit": NUMBERS, "spike_times": [one.tolist() for one in EACH]})
    table.to_csv(path, index=False)


def rows_of_units(path):
    path.write_text("\n".join(" ".join(map(str, one)) for one in EACH))


def segments(path):
    each = {
        f"spike_{name}_seg{part}": one for part in (0, 1) for name, one in (("indexes", SAMPLES), ("labels", WHOSE))
    }
    np.savez(path, **each)


def bins_in_rows(path):
    rows = [{"trial": trial, "unit": unit, **{f"bin_{one}": trial % 2 for one in range(20)}} for trial in range(9)
            for unit in range(4)]  # fmt: skip
    pandas.DataFrame(rows).to_csv(path, index=False)


def matrices_of_trials(path):
    np.savez(path, **{f"trial{one}": np.column_stack([TIMES[one::9], WHOSE[one::9]]) for one in range(9)})


@pytest.mark.parametrize(
    ("name", "write", "says"),
    [
        ("a.csv", events, "what says which rows are spikes and which are trial_start: save the rows of spikes"),
        ("a.csv", lists, "spike_times holds lists as text: write Parquet, or a row for each spike"),
        ("a.txt", rows_of_units, "is a row the times of a unit? Save a row for each spike"),
        ("a.npz", segments, "several segments, whose samples count from 0 in each: save one segment a file"),
        ("a.csv", bins_in_rows, "bin_* are bins of a row for each trial and unit: save them as an array (trials, bins"),
        ("a.npz", lambda path: np.savez(path, spikes=RNG.poisson(1, (9, 20, 4)) - 1), "some below 0 (-1 the least)"),
        ("a.npz", matrices_of_trials, "trial*: a matrix of spikes for each trial: save one of all, with the trial"),
        ("old.mat", b"\0\0\0\0\x10\0\0\0\1\0\0\0", "no file of MATLAB 5 to 7.3: of an older one.*save(name, '-v7')"),
        ("spks.npy", lambda path: np.save(path, RNG.random((40, 900))), "traces and deconvolved events"),
        ("TT1.t", b"%%BEGINHEADER\n% MClust\n%%ENDHEADER\n\0\0", "cluster of MClust.*LoadSpikes"),
        ("a.txt", b'"INFORMATION"\n"a.smr"\n\n"SUMMARY"\n"1","WaveMark","u"\n', "text export of Spike2.*as .mat"),
        ("a.2", b"trial_date Monday\r\nnum_spikes 3\r\ndata_start\0\1", "a recording of Axona"),
        ("a.pkl", b"\x80\x04\x95\0\0", "a Python pickle.*pickles are not opened, since they run code"),
    ],
)
def test_what_cannot_be_read_is_answered_with_what_to_save(tmp_path, name, write, says):
    path = tmp_path / name
    if isinstance(write, bytes):
        path.write_bytes(write)
    else:
        write(path)
    try:
        found = proposal(str(path))
    except BadInput as error:
        told = str(error)
    else:
        assert found.source == ""
        told = found.contents[-1]
    assert [one for one in says.split(".*") if one not in told] == []


def test_a_folder_is_answered_by_what_lies_in_it(tmp_path):
    for name in ("spks.npy", "iscell.npy"):
        np.save(tmp_path / name, RNG.random((5, 90)))
    with pytest.raises(BadInput, match="is a folder of suite2p, whose traces and deconvolved events are no counts"):
        proposal(str(tmp_path))
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "TT1_1.t").write_bytes(b"%%BEGINHEADER\n")
    with pytest.raises(BadInput, match=r"is a folder .*TT1_1\.t is a cluster of MClust"):
        proposal(str(tmp_path / "t"))
