"""Variables of MATLAB called alike, in one file or in a folder: a unit each, or a trial each."""

import numpy as np
import pytest
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.formats import matlab_values
from raysp.data.sources import prepare
from raysp.data.sources.proposal import proposal

RNG = np.random.default_rng(0)
UNITS = 5
EACH = [np.sort(RNG.uniform(0, 60, 200 + 90 * unit)) for unit in range(UNITS)]
START = np.arange(1.0, 57, 2.0)


def spike2(folder):
    """As Spike2 exports its channels: a struct each, with codes of WaveMarks beside the times."""
    path = str(folder / "x.mat")
    savemat(path, {
        f"m_Ch{unit + 3}": {"title": f"nw-{unit}", "times": one[:, None], "resolution": 1e-5,
                            "codes": np.eye(4, dtype="u1")[np.zeros(len(one), int)]}
        for unit, one in enumerate(EACH)
    })  # fmt: skip
    return path, [f"m_Ch{unit + 3}" for unit in range(UNITS)]


def folder_of_files(folder):
    for unit, one in enumerate(EACH):
        savemat(folder / f"rat.1_cell_{7 * unit}.mat", {"depth": 1.0 * unit, "ts": one[None]})
    savemat(folder / "trials.mat", {"start": START, "side": np.arange(len(START)) % 2})
    (folder / "notes.csv").write_text("a,b\n1,2\n")
    return str(folder), [f"rat_1_cell_{7 * unit}" for unit in range(UNITS)]


@pytest.mark.parametrize("write", [spike2, folder_of_files])
def test_a_field_of_structs_and_a_file_for_each_unit_are_read_under_their_names(tmp_path, write):
    path, names = write(tmp_path)
    found = proposal(path)
    settings = {**found.settings, "path": path, "bin_ms": 20, "heldout": 0, "window_ms": [0, 1000], "gap_ms": 0}
    assert settings.get("align") == ("start" if write is folder_of_files else None)
    split, answers = prepare.read(Recording("x", found.source, settings), "")
    counts = np.concatenate([split.train.heldin, answers.trials.heldin]).sum(axis=(0, 1))
    ids = np.concatenate([split.train.ids, split.eval.ids])
    begin = START[ids] if "align" in settings else np.ceil(1e3 * min(one[0] for one in EACH)) / 1e3 + ids
    wanted = [sum(((one >= at - 1e-9) & (one < at + 1 - 1e-9)).sum() for at in begin) for one in EACH]
    called = dict(split.provenance.unit_names)
    assert dict(zip(names, wanted, strict=True)) == {
        called[unit]: count for unit, count in zip(split.units.tolist(), counts, strict=True)
    }
    assert any("notes.csv: not read" in line for line in found.contents) == (write is folder_of_files)
    assert len(split.provenance.recordings) == (UNITS + 1 if write is folder_of_files else 1)


@pytest.mark.parametrize("name", ["trial_", "x"])
def test_vectors_of_a_trial_each_are_trials_of_one_unit_where_that_is_said(tmp_path, name):
    path = str(tmp_path / "x.mat")
    each = {trial: np.sort(RNG.uniform(0, 2, 12 + trial)) for trial in range(1, 31)}
    savemat(path, {f"{name}{trial}": one for trial, one in each.items()})
    found = proposal(path)
    settings = {"spikes": f"{name}*", "by_trial": True, "window_ms": [0, 1000]}
    if name == "x":
        assert found.source == ""
        assert found.contents[-1].startswith(
            "x1 to x30: vectors of numbers that rise: of a unit each? spikes: x* reads"
        )
    else:
        assert {key: found.settings[key] for key in settings} == {**settings, "window_ms": [0, 1990]}
        assert found.settings["per_second"] == 1.0
    split, answers = prepare.read(
        Recording("x", "matlab_spikes", {**settings, "path": path, "bin_ms": 10, "heldout": 0}), ""
    )
    for part, counts in ((split.train, split.train.heldin), (split.eval, answers.trials.heldin)):
        assert counts.shape[2] == 1
        assert {trial: (each[trial] < 1).sum() for trial in part.ids} == dict(
            zip(part.ids, counts.sum(axis=(1, 2)), strict=True)
        )


def test_channels_of_events_among_units_are_asked_about(tmp_path):
    path, _ = spike2(tmp_path)
    keys = {"title": "Keyboard", "times": START[:, None]}
    savemat(path, {**{f"m_Ch{unit}": {"title": "u", "times": one} for unit, one in enumerate(EACH)}, "m_Ch31": keys})
    assert proposal(path).why["spikes"].startswith("NOT KNOWN: is m_Ch31 (Keyboard) a unit?")


def test_trials_whose_zero_is_an_event_are_cut_and_decoded_around_it(tmp_path):
    trials = np.empty((1, 24), dtype=[(one, object) for one in ("spikes", "hand", "t", "go")])
    for trial in range(24):
        cells, t = np.empty((4, 1), object), np.arange(-0.8, 1.2 - trial % 3 * 0.01, 0.01)
        cells[:, 0] = [np.sort(RNG.uniform(-0.8, 1.2, 40))[:, None] for _ in range(4)]
        trials[0, trial] = (cells, np.column_stack([t, t**2]), t[:, None], 0.0)
    savemat(tmp_path / "x.mat", {"R": trials})
    found = proposal(str(tmp_path / "x.mat"))
    assert (found.settings["align"], found.settings["window_ms"]) == ("go", [-250, 500])
    assert (found.settings["behavior"], found.settings["behavior_time"]) == ("R.hand", "R.t")
    settings = {**found.settings, "path": str(tmp_path / "x.mat"), "window_ms": [-600, 600], "bin_ms": 20}
    split, _ = prepare.read(Recording("x", found.source, settings), "")
    wanted = -0.6 + 0.02 * np.arange(60) + 0.01
    np.testing.assert_allclose(split.train.behavior[:, :, 0], np.tile(wanted, (18, 1)), atol=1e-6)


@pytest.mark.parametrize("nested", [True, False])
def test_cells_in_cells_and_cells_beside_a_matrix_of_trials_are_those_of_trials(tmp_path, nested):
    each = [[np.sort(RNG.uniform(0, 2, 9 + unit + trial % 5)) for unit in range(3)] for trial in range(12)]
    side = np.arange(12) % 2
    cells = np.empty((12, 3), object)
    for trial, units in enumerate(each):
        cells[trial] = units
    if nested:
        outer = np.empty((12, 1), object)
        outer[:, 0] = [row[:, None] for row in cells]
        written = {"data": {"spikes": outer, "side": side[:, None]}}
    else:
        written = {"spk": cells, "info": np.column_stack([np.arange(12) + 31.0, side, RNG.uniform(size=12)])}
    savemat(tmp_path / "x.mat", written)
    found = proposal(str(tmp_path / "x.mat"))
    assert found.settings["spikes"] == ("data.spikes" if nested else "spk")
    assert found.settings["conditions"] == (["side"] if nested else ["info(:,2)"])
    settings = {**found.settings, "path": str(tmp_path / "x.mat"), "bin_ms": 20, "window_ms": [0, 1000], "heldout": 0}
    split, answers = prepare.read(Recording("x", found.source, settings), "")
    for part, counts in ((split.train, split.train.heldin), (split.eval, answers.trials.heldin)):
        for trial, one in zip(part.ids % 31, counts.sum(axis=1), strict=True):
            assert one.tolist() == [(times < 1).sum() for times in each[trial]]


def test_cells_of_structs_are_an_array_of_structs_as_neuroexplorer_keeps_units(tmp_path):
    cells = np.empty((UNITS, 1), object)
    cells[:, 0] = [{"name": f"sig00{unit}a", "timestamps": one[:, None]} for unit, one in enumerate(EACH)]
    savemat(path := str(tmp_path / "x.mat"), {"nexFile": {"freq": 40000.0, "neurons": cells}})
    found = proposal(path)
    assert found.settings["spikes"] == "nexFile.neurons.timestamps"
    with matlab_values.opened(path) as file:
        times = file["nexFile.neurons.timestamps"]
    assert [one.ravel().tolist() for one in times] == [one.tolist() for one in EACH]
