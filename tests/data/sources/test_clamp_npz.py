"""Arrays of cells as splits: groups of sweeps, onsets, offsets, repeats by protocol; and the real recordings."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from raysp.config import settings
from raysp.config.experiment import Recording
from raysp.data.sources import catalog, clamp_npz, prepare
from raysp.data.sources.clamp_npz import Config, build
from raysp.data.splits import store
from raysp.errors import BadInput

REAL = Path(__file__).parents[4] / "shared" / "data" / "patch_clamp"
real = pytest.mark.skipif(not REAL.exists(), reason="needs the recordings of dorsal raphe neurons, shared/data")
RAPHE = {"repeats": ("test",), "onset_s": {"steps": 2.178}, "rest_s": (0.0, 0.15)}


def group(name, currents, spikes, unit="current_pA"):
    begin = f"{name}_" if name else ""
    flat = np.concatenate([np.asarray(train, np.int32) for train in spikes])
    ptr = np.cumsum([0, *(len(train) for train in spikes)])
    return {f"{begin}{unit}": np.asarray(currents), f"{begin}spike_samples": flat, f"{begin}spike_ptr": ptr}


def cell(**changes):
    """A cell of 1000 samples per second: two steps, one noise of 1 s, and two repeats of another."""
    rng = np.random.default_rng(0)
    steps = np.zeros((2, 300))
    steps[:, 101:] = [[100], [200]]
    noise = rng.normal(0, 50, 800)
    repeats = 7 + noise + rng.normal(0, 1, (2, 800))
    repeats[:, :40] = 7
    train = (7 * 10 + rng.normal(0, 500, (1, 1000))).round().astype(np.int16)
    train[:, :40] = 70
    found = {
        "rate_hz": np.array(1000.0),
        **group("steps", steps, [[], [50, 150, 160]]),
        **group("train", train, [[10, 30, 500, 990]], "current_pA_x10"),
        **group("test", repeats, [[5, 100], [7, 100, 101]]),
        "steps_voltage_mV_x100": np.zeros((2, 300), np.int16),
    }
    return {name: array for name, array in {**found, **changes}.items() if array is not None}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "cells"
    folder.mkdir()
    np.savez(folder / "cell_012.npz", **cell())
    np.savez(folder / "cell_7.npz", **cell())
    return folder


def made(folder, **options):
    options = {"repeats": ("test",), "onset_s": {"steps": 0.1}, "rest_s": (0.0, 0.04), **options}
    return build(settings.build(Config, {"path": str(folder), **options}, "clamp_npz"), "mine")[0]


def test_groups_become_stimuli_and_numbers_in_names_the_cells_own(folder):
    split = made(folder)
    assert split.unit_ids.tolist() == [7, 12]
    assert split.left_out == ()
    assert [split.stimuli[kind] for kind in split.sweep_stimulus[:5]] == [
        "Long Square", "Long Square", "Noise 1", "Noise 2", "Noise 2",
    ]  # fmt: skip
    assert split.sweep_bins[:5].tolist() == [10, 10, 50, 40, 40]
    assert [name for name, _ in split.provenance.recordings] == ["cell_012.npz", "cell_7.npz"]


def test_samples_before_the_onset_are_dropped_and_their_spikes(folder):
    split = made(folder, rest_s=())
    np.testing.assert_allclose(split.current_of(0), [95.0] + [100.0] * 9)
    assert split.counts_of(1).tolist() == [0, 0, 1, 1, 0, 0, 0, 0, 0, 0]
    assert split.first_bins(20).current.tolist() == [95.0, 190.0, 95.0, 190.0]
    # All intervals count for the published rate, those across the onset too.
    assert split.gamma.tolist() == [1.0, 1.0]


def test_each_groups_own_rest_is_subtracted_or_one_groups_from_all(folder):
    own, without = made(folder), made(folder, rest_s=())
    steps_alone = made(folder, rest_of="steps")
    np.testing.assert_allclose(own.current_of(2), without.current_of(2) - 7.0, atol=1e-4)
    np.testing.assert_allclose(own.current_of(3), without.current_of(3) - 7.0, atol=1e-4)
    np.testing.assert_allclose(own.current_of(0), without.current_of(0))
    np.testing.assert_allclose(steps_alone.current, without.current)


def test_repeats_by_protocol_share_the_mean_of_what_was_recorded(folder):
    split, apart = made(folder), made(folder, repeats=(), by_currents=False)
    assert split.sweep_current[:5].tolist() == [0, 1, 2, 3, 3]
    assert apart.sweep_current[:5].tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(split.current_of(3), (apart.current_of(3) + apart.current_of(4)) / 2, atol=1e-4)
    np.testing.assert_array_equal(split.counts, apart.counts)
    read = made(folder, repeats=())
    np.testing.assert_array_equal(read.sweep_current, split.sweep_current)
    assert read.provenance.notes[0] == (
        "cell 7, by the currents themselves, sweeps of test had one current; settings of the source win over it"
    )


def test_a_file_with_one_group_needs_no_name_of_it_and_one_current_is_for_all_sweeps(tmp_path):
    rng = np.random.default_rng(1)
    amperes = rng.normal(0, 1e-10, 2000).astype(np.float32)
    arrays = {"dt_s": np.array(0.001), **group("", amperes, [[3, 800, 1900], [5, 801, 1950]], "current_A")}
    np.savez(tmp_path / "frozen.npz", **arrays)
    options = {"groups": {"": "Noise 1"}, "test": (), "cut_s": (1.0, 1.4), "repeats": (), "onset_s": {}, "rest_s": ()}
    split = made(tmp_path / "frozen.npz", **options)
    assert split.unit_ids.tolist() == [0]
    assert split.sweep_current.tolist() == [0, 0]
    assert split.sweep_parts.tolist() == [[50, 70], [50, 70]]
    np.testing.assert_allclose(split.current, 1e12 * amperes.reshape(-1, 20).mean(axis=1), rtol=1e-4, atol=1e-3)
    assert split.counts.sum() == 6
    assert split.training().counts.sum() == 4


def test_a_file_may_say_its_onset_and_be_hdf5(tmp_path):
    with h5py.File(tmp_path / "cell_4.h5", "w") as file:
        for name, array in cell(steps_onset_s=np.array(0.1)).items():
            file[name] = array
    split = made(tmp_path, onset_s={}, rest_s=())
    assert split.unit_ids.tolist() == [4]
    assert split.sweep_bins[:2].tolist() == [10, 10]


def test_a_table_takes_cells_and_says_what_they_are(folder):
    (folder.parent / "cells.csv").write_text("cell_id,species,line_name\n12,Homo sapiens,\n99,Mus musculus,Sst\n")
    split = made(folder, cells=str(folder.parent / "cells.csv"))
    assert split.unit_ids.tolist() == [12]
    assert split.metadata["species"] == ("human",)
    assert split.left_out == ((99, "has no file"),)
    assert "1 cells have files, but are not in cells.csv" in split.provenance.notes
    with pytest.raises(BadInput, match="unit 99 was left out: it has no file"):
        split.select([99])


def test_an_odd_sweep_does_not_discard_its_cell_and_an_odd_cell_no_other(folder):
    odd = cell()
    odd["test_current_pA"][0, 9] = np.nan
    np.savez(folder / "cell_12.npz", **odd)
    (folder / "cell_012.npz").unlink()
    np.savez(folder / "cell_30.npz", **cell(rate_hz=None))
    np.savez(folder / "cell_31.npz", **{**cell(), "rate_hz": np.array(3.0)})
    (folder / "cell_32.npz").write_bytes((folder / "cell_7.npz").read_bytes()[:500])
    split = made(folder, rest_s=())
    assert split.unit_ids.tolist() == [7, 12]
    assert len(split.sweeps_of(1, "Noise 2")) == 1
    assert split.provenance.notes[0] == (
        "cell 12, sweep 0 of test was left out: it has a current that is not finite at 1 samples"
    )
    reasons = dict(split.left_out)
    assert "expected an array rate_hz" in reasons[30]
    assert re.match(
        r"has no sweep of Noise 1 that can be used \(of \d left out, the first has 3 samples per", reasons[31]
    )
    assert "cut off or damaged" in reasons[32]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_current_pA_x10": np.zeros((2, 3, 4))}, "train_current_pA_x10 expected numbers of shape"),
        ({"train_current_pA_x10": np.zeros((2, 900))}, "train_spike_ptr expected 2 sweeps, as train_current"),
        ({"train_current_pA": np.zeros((1, 900))}, "expected one current of a group, got train_current_pA and"),
        ({"train_spike_ptr": np.array([0, 3])}, "ascending numbers from 0 to 4"),
        ({"train_spike_ptr": np.array([0.0, 4.0])}, "whole numbers in a row, got float64"),
        ({"train_spike_samples": np.array([10, 5, 20, 30])}, "ascending within a sweep"),
        ({"train_spike_samples": np.array([-1, 5, 20, 30])}, "numbers from 0"),
        ({"train_spike_samples": np.array([5, 5, 20, 30])}, "each spike once, got 1 at the sample"),
        ({"train_spike_samples": np.array([5, 10, 20, 10**6])}, "got 1000000; do they count"),
        ({"train_spike_samples": None}, "train_spike_samples"),
        ({"rate_hz": np.array([1.0, 2.0])}, "rate_hz expected one number"),
        ({"rate_hz": np.array(0.0)}, "rate_hz expected a larger number, got 0"),
        ({"rate_hz": np.array(np.nan)}, "rate_hz expected one number"),
    ],
)
def test_what_is_wrong_in_a_file_is_the_reason_why_its_cell_is_left_out(folder, changes, words):
    np.savez(folder / "cell_30.npz", **cell(**changes))
    assert words in dict(made(folder).left_out)[30]


@pytest.mark.parametrize(("factor", "told"), [(1e-12, "vary by 2e-10 pA"), (1e-3, "vary by 0.2 pA"), (1e6, "2e+08 pA")])
def test_currents_in_another_unit_are_told(folder, factor, told):
    np.savez(folder / "cell_30.npz", **cell(steps_current_pA=cell()["steps_current_pA"] * factor))
    (note,) = [one for one in made(folder).provenance.notes if "another unit" in one]
    assert note.startswith("cell 30, currents of steps ")
    assert told in note


def test_two_files_of_one_cell_no_number_and_no_file_are_refused(folder, tmp_path):
    np.savez(folder / "again_7.npz", **cell())
    with pytest.raises(BadInput, match=r"a file for each cell, got .*again_7.npz and .*cell_7.npz for cell 7"):
        made(folder)
    (folder / "again_7.npz").rename(folder / "nameless.npz")
    with pytest.raises(BadInput, match=r"nameless.npz expected the cell's number"):
        made(folder)
    with pytest.raises(BadInput, match="expected a folder with a file"):
        made(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"repeats": ("tests",)}, "unknown group in repeats of clamp_npz 'tests': did you mean 'test'"),
        ({"onset_s": {"step": 1}}, "unknown group in onset_s"),
        ({"onset_s": {"steps": -1.0}}, "onset_s of steps expected a time in s from 0"),
        ({"rest_of": "all"}, "unknown group in rest_of"),
        ({"rest_s": (1.0,)}, "rest_s expected two ascending times"),
        ({"groups": {"steps": "Short Square"}}, "groups expected stimuli to train or test on, got 'Short Square'"),
        ({"bin_ms": 7}, "bin_ms expected one of"),
    ],
)
def test_settings_that_mean_nothing_are_refused(values, words):
    with pytest.raises(BadInput, match=words):
        Config(path="here", **values)


def test_it_is_prepared_as_other_recordings_are_once_for_all_bin_widths(folder, monkeypatch):
    root = str(folder.parent)
    options = {"path": "{root}/cells", "repeats": ["test"], "onset_s": {"steps": 0.1}}
    recordings = [Recording(f"cells-{width}ms", "clamp_npz", {**options, "bin_ms": width}) for width in (10, 20, 50)]
    (group,) = catalog.groups(recordings)
    reads = []
    monkeypatch.setattr(
        clamp_npz, "read", lambda config, widths, known=clamp_npz.read: reads.append(widths) or known(config, widths)
    )
    assert prepare.prepare(group, root) == ["cells-10ms", "cells-20ms", "cells-50ms"]
    assert reads == [(10, 20, 50)]
    for width in (10, 20, 50):
        split = store.load(root, f"cells-{width}ms")
        assert split.sizes.bin_ms == width
        assert (
            split.fingerprint()
            == build(
                catalog.config(recordings[0], root).__class__(
                    **{**options, "path": str(folder), "repeats": ("test",), "bin_ms": width}
                ),
                f"cells-{width}ms",
            )[0].fingerprint()
        )
    reads.clear()
    prepare.prepare(group, root)
    assert reads == []


@real
def test_raphe_cells():
    split = made(REAL / "raphe", **RAPHE)
    assert split.unit_ids.tolist() == [156, 158, 159, 160, 162, 165]
    assert dict(split.left_out) == dict.fromkeys((94, 163), "has nothing to test on: no sweep of Noise 2")
    assert split.sweep_bins[split.sweeps_of(0)].tolist() == [3000] + [500] * 10
    assert (len(split.sweeps_of(3, "Long Square")), len(split.sweeps_of(0, "Long Square"))) == (20, 0)
    # At the end of each protocol nothing is injected.
    for sweep in range(len(split.sweep_unit)):
        assert abs(split.current_of(sweep)[-4:].mean()) < 1.0
    steps = split.select([160]).first_bins(20)
    np.testing.assert_allclose(steps.current, np.arange(-20, 180, 10), atol=3)
    assert split.counts_of(split.sweeps_of(0, "Noise 1")[0]).sum() == 460


@real
def test_the_frozen_noise_cell():
    options = {"groups": {"": "Noise 1"}, "test": (), "cut_s": (10.0, 13.0), "repeats": (), "onset_s": {}, "rest_s": ()}
    split = made(REAL / "frozen_noise_9_repeats.npz", **options)
    assert len(split.current_ptr) == 2
    assert split.sweep_parts.tolist() == [[500, 650]] * 9
    assert [int(split.counts_of(sweep).sum()) for sweep in range(9)] == [224, 220, 221, 226, 225, 231, 233, 234, 236]
