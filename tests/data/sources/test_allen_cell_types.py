"""Cells of NWB 1 files and of pickles as splits: the same sweeps by either road, and what is left out by name."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from raysp.data.sources import allen_cell_types, gfr_pickles
from raysp.errors import BadInput
from tests.data.clamp_files import AllenSweep, allen_sweeps, highest, processed, steps, write_allen, write_pickles

CELLS = {unit: allen_sweeps(unit) for unit in (11, 4, 565871768)}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "allen_cell_types"
    path.mkdir()
    write_allen(path / "ephys_11.nwb", CELLS[11])
    write_allen(path / "4.nwb", CELLS[4])
    (path / "specimen_565871768").mkdir()
    write_allen(path / "specimen_565871768" / "ephys.nwb", CELLS[565871768])
    return path


@pytest.fixture
def pickles(tmp_path):
    write_pickles(tmp_path / "gfr", CELLS)
    return tmp_path / "gfr"


def allen(folder, **options):
    return allen_cell_types.build(allen_cell_types.Config(path=str(folder), **options), "mine")[0]


def published(folder, **options):
    return gfr_pickles.build(gfr_pickles.Config(path=str(folder), **options), "mine")[0]


@pytest.mark.parametrize("bin_ms", [10, 20, 50, 100])
def test_files_and_pickles_of_the_same_cells_are_the_same_sweeps(folder, pickles, bin_ms):
    one, other = allen(folder, bin_ms=bin_ms), published(pickles, bin_ms=bin_ms)
    assert one.unit_ids.tolist() == [4, 11, 565871768]
    for name in ("unit_ids", "counts", "sweep_ptr", "current_ptr", "sweep_unit", "sweep_current", "sweep_parts"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    np.testing.assert_allclose(one.current, other.current, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(one.gamma, other.gamma, rtol=1e-9)
    np.testing.assert_allclose(one.gamma, [highest(CELLS[unit]) for unit in one.unit_ids], rtol=1e-9)


def test_repeats_of_a_command_are_one_current(folder):
    split = allen(folder)
    stimuli = [split.stimuli[kind] for kind in split.sweep_stimulus[split.sweeps_of(0)]]
    assert stimuli == ["Long Square", "Long Square", "Ramp", "Noise 1", "Noise 1", "Noise 2", "Noise 2"]
    assert split.sweep_current[split.sweeps_of(0)].tolist() == [0, 1, 2, 3, 3, 4, 4]
    assert split.sweep_parts[3].tolist() == [split.sweep_bins[3]] * 2
    assert split.sweep_parts[4].tolist() == [0, split.sweep_bins[4]]


def test_a_table_beside_the_files_says_what_cells_are_and_another_takes_some(folder):
    rows = [{"specimen__id": 11, "donor__species": "Mus musculus", "line_name": "Sst-IRES-Cre"}, {"specimen__id": 99}]
    (folder / "cells.json").write_text(json.dumps(rows))
    whole = allen(folder)
    assert whole.metadata["line"] == ("", "Sst-IRES-Cre", "")
    assert whole.left_out == ()
    (folder / "few.csv").write_text("11,4,77")
    few = allen(folder, cells=str(folder / "few.csv"))
    assert few.unit_ids.tolist() == [4, 11]
    assert few.metadata["species"] == ("", "mouse")
    assert few.left_out == ((77, "has no file"),)


def test_a_damaged_file_or_a_cell_without_noise_leaves_the_others(folder):
    (folder / "33.nwb").write_bytes(b"no such file")
    write_allen(folder / "34.nwb", [one for one in CELLS[4] if one.stimulus != "Noise 2"])
    write_allen(folder / "35.nwb", [*CELLS[4], AllenSweep("Long Square", np.full(200, 5.0))])
    split = allen(folder)
    assert split.unit_ids.tolist() == [4, 11, 35, 565871768]
    reasons = dict(split.left_out)
    assert reasons[33].startswith("cannot be read: ")
    assert reasons[34] == "has nothing to test on: no sweep of Noise 2"
    expected = "cell 35, sweep 9 was left out: it (Long Square) has a current that never changes"
    assert split.provenance.notes[0] == expected
    same = split.select([4, 35])
    np.testing.assert_array_equal(same.counts_of(0), same.counts_of(len(same.sweeps_of(0))))


def test_all_files_and_tables_are_inputs(folder, pickles):
    (folder / "cells.csv").write_text("11")
    config = allen_cell_types.Config(path=str(folder))
    assert len(allen_cell_types.inputs(config)) == 4
    assert [name for name, _ in allen_cell_types.known(config, "mine").recordings][-1] == "cells.csv"
    (pickles / "labels.pickle").write_bytes(pickle.dumps({11: "mouse", 4: "human"}))
    assert len(gfr_pickles.inputs(gfr_pickles.Config(path=str(pickles)))) == 7
    assert published(pickles).metadata["species"] == ("human", "mouse", "")


def test_two_files_of_one_cell_and_none_at_all_are_refused(folder, tmp_path):
    write_allen(folder / "again_11.nwb", CELLS[11])
    with pytest.raises(BadInput, match=r"again_11.nwb and .*ephys_11.nwb for cell 11"):
        allen(folder)
    with pytest.raises(BadInput, match=r"expected files NUMBER.nwb or specimen_NUMBER/ephys.nwb, found none"):
        allen(tmp_path / "nothing")
    with pytest.raises(BadInput, match=r"expected files processed_I_and_firing_rate_NUMBER.pickle, found none"):
        published(tmp_path / "nothing")


def rewritten(pickles, unit, change):
    path = pickles / "processed_data" / f"processed_I_and_firing_rate_{unit}.pickle"
    sweeps = processed(CELLS[unit])
    change(sweeps)
    path.write_bytes(pickle.dumps(sweeps))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda sweep: sweep.pop("current"), "has no stimulus_name, current and firing_rate"),
        (lambda sweep: sweep["current"].pop(20), "has no arrays of bins of 20 ms"),
        (lambda sweep: sweep["current"].update({20: np.zeros(3)}), "has 3 bins of 20 ms of current, and"),
        (lambda sweep: sweep["current"][20].fill(np.nan), "a current that is not finite"),
        (lambda sweep: sweep["firing_rate"][20].fill(0.013), "no whole numbers of spikes in 20 ms"),
        (lambda sweep: sweep["firing_rate"][20].fill(-0.05), "no whole numbers of spikes in 20 ms"),
        (lambda sweep: sweep["firing_rate"][20].fill(np.nan), "no whole numbers of spikes in 20 ms"),
    ],
)
def test_an_odd_sweep_of_a_pickle_is_a_note_and_discards_no_other(pickles, change, words):
    before = published(pickles)
    rewritten(pickles, 11, lambda sweeps: change(sweeps[0]))
    split = published(pickles)
    assert len(split.sweep_unit) == len(before.sweep_unit) - 1
    assert split.unit_ids.tolist() == before.unit_ids.tolist()
    assert split.provenance.notes[0].startswith("cell 11, sweep 0")
    assert words in split.provenance.notes[0]


def test_an_unknown_highest_rate_is_none_and_a_hostile_pickle_costs_its_cell(pickles):
    (pickles / "max_firing_rates" / "4.pickle").unlink()
    (pickles / "max_firing_rates" / "11.pickle").write_bytes(pickle.dumps(np.array([0.25])))
    path = pickles / "processed_data" / "processed_I_and_firing_rate_565871768.pickle"
    # Not print, which Ray puts another function in the place of.
    path.write_bytes(pickle.dumps([exec]))
    split = published(pickles)
    assert np.isnan(split.gamma[0])
    assert split.gamma[1] == 0.25
    assert (split.gamma_robust > 0).all()
    assert "its highest rate is not known" in split.provenance.notes[0]
    ((unit, reason),) = split.left_out
    assert unit == 565871768
    assert "it asks for builtins.exec" in reason
    (pickles / "max_firing_rates" / "11.pickle").write_bytes(pickle.dumps("fast"))
    assert np.isnan(published(pickles).gamma).all()


def test_a_pickle_that_is_no_list_costs_its_cell(pickles):
    path = pickles / "processed_data" / "processed_I_and_firing_rate_11.pickle"
    path.write_bytes(pickle.dumps({"a": 1}))
    assert "expected a list of sweeps, got dict" in dict(published(pickles).left_out)[11]


def test_a_cell_without_long_squares_stays(folder):
    write_allen(folder / "36.nwb", [one for one in CELLS[4] if "Noise" in one.stimulus])
    split = allen(folder).select([36])
    assert len(split.first_bins(100).unit) == 0


def test_a_cell_that_never_fires_is_left_out(folder):
    silent = [AllenSweep(one.stimulus, one.current) for one in CELLS[4]]
    write_allen(folder / "37.nwb", silent)
    assert dict(allen(folder).left_out)[37] == "has no spike"
    write_allen(folder / "37.nwb", [*silent, AllenSweep("Long Square", steps(90.0), (100,))])
    split = allen(folder).select([37])
    assert np.isnan(split.gamma).all()
