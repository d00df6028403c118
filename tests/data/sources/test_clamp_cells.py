"""All cells below a data root are one split, of whatever form; where there are none, generated ones stand in."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from raysp.config.experiment import Recording
from raysp.data.sources import catalog, clamp_cells, clamp_standin, prepare
from raysp.data.sources.clamp_cells import Config
from raysp.data.splits import store
from raysp.errors import BadInput
from tests.data.clamp_files import allen_sweeps, kept, write_allen, write_pickles

ONE = Recording("cells-20ms", "clamp_cells", {"root": "{root}", "standins": 2})
LAYOUT = {"groups": {"a": "Noise 1", "b": "Noise 2"}, "repeats": ["b"]}
RAPHE = Path(__file__).parents[4] / "shared" / "data" / "patch_clamp" / "raphe"


def built(root, **options):
    return clamp_cells.build(Config(root=str(root), **options), "mine")[0]


def write_arrays(folder, unit):
    folder.mkdir(parents=True, exist_ok=True)
    noises = {"a": "Noise 1", "b": "Noise 2"}
    sweeps = {name: next(one for one in allen_sweeps(unit) if one.stimulus == noise) for name, noise in noises.items()}
    arrays = {"rate_hz": np.array(1000.0)}
    for name, sweep in sweeps.items():
        current, train = kept(sweep)
        spikes = np.flatnonzero(train)
        arrays |= {f"{name}_current_pA": current[None], f"{name}_spike_samples": spikes}
        arrays[f"{name}_spike_ptr"] = np.array([0, len(spikes)])
    np.savez(folder / f"cell_{unit}.npz", **arrays)
    (folder / "layout.json").write_text(json.dumps(LAYOUT))


def test_where_nothing_is_there_generated_cells_stand_in_and_the_name_says_so(tmp_path):
    assert prepare.prepare([ONE], str(tmp_path)) == ["standin-cells-20ms"]
    split = store.load(str(tmp_path), "standin-cells-20ms")
    assert split.provenance.standin
    assert "nothing was measured" in split.provenance.notes[0]
    expected = clamp_standin.build(clamp_standin.Config(count=2), "standin-cells-20ms")[0]
    assert split.fingerprint() == expected.fingerprint()
    assert prepare.up_to_date(ONE, str(tmp_path))


def test_all_folders_are_one_split(tmp_path):
    for name in ("allen_cell_types", "elsewhere"):
        (tmp_path / name).mkdir()
    write_allen(tmp_path / "allen_cell_types" / "11.nwb", allen_sweeps(11))
    write_pickles(tmp_path / "gfr", {4: allen_sweeps(4)})
    write_arrays(tmp_path / "patch_clamp" / "lab", 7)
    assert prepare.prepare([ONE], str(tmp_path)) == ["cells-20ms"]
    split = store.load(str(tmp_path), "cells-20ms")
    assert split.unit_ids.tolist() == [4, 7, 11]
    assert not split.provenance.standin
    assert len(split.sweeps_of(1)) == 2
    assert len(split.provenance.recordings) == 4
    names = [Path(path).name for path in clamp_cells.inputs(catalog.config(ONE, str(tmp_path)))]
    assert names[-1] == "layout.json"
    assert prepare.up_to_date(ONE, str(tmp_path))
    write_pickles(tmp_path / "gfr", {5: allen_sweeps(5)})
    assert not prepare.up_to_date(ONE, str(tmp_path))


def test_a_cell_that_is_there_twice_is_taken_from_its_file_of_sweeps(tmp_path):
    (tmp_path / "allen_cell_types").mkdir()
    write_allen(tmp_path / "allen_cell_types" / "4.nwb", allen_sweeps(4))
    write_pickles(tmp_path / "gfr", {4: allen_sweeps(4), 5: allen_sweeps(5)}, gamma=0.9)
    (tmp_path / "allen_cell_types" / "5.nwb").write_bytes(b"no such file")
    split = built(tmp_path)
    assert split.unit_ids.tolist() == [4, 5]
    assert split.left_out == ()
    assert split.gamma[0] != 0.9
    assert split.gamma[1] == 0.9
    assert "1 cells are there in several forms" in split.provenance.notes[0]


def test_bin_widths_are_read_once(tmp_path, monkeypatch):
    write_pickles(tmp_path / "gfr", {4: allen_sweeps(4)})
    recordings = [
        Recording(f"cells-{width}ms", "clamp_cells", {"root": "{root}", "bin_ms": width}) for width in (20, 100)
    ]
    (group,) = catalog.groups(recordings)
    reads, read = [], clamp_cells.read
    monkeypatch.setattr(clamp_cells, "read", lambda config, widths: reads.append(widths) or read(config, widths))
    assert prepare.prepare(group, str(tmp_path)) == ["cells-20ms", "cells-100ms"]
    assert reads == [(20, 100)]


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ({"bin_ms": 10}, "not bin_ms, which the experiment says"),
        ({"path": "x"}, "not path"),
        ({"group": {}}, "did you mean 'groups'"),
        ({"groups": {"a": "Noise 3"}}, "stimuli to train or test on, got 'Noise 3'"),
    ],
)
def test_a_wrong_layout_is_refused(tmp_path, layout, words):
    write_arrays(tmp_path / "patch_clamp", 7)
    (tmp_path / "patch_clamp" / "layout.json").write_text(json.dumps(layout))
    with pytest.raises(BadInput, match=words):
        built(tmp_path)


def test_a_folder_of_other_arrays_without_a_layout_is_passed_over(tmp_path):
    folder = tmp_path / "patch_clamp"
    folder.mkdir()
    np.savez(folder / "cell_7.npz", counts=np.zeros((3, 4)))
    (folder / "cell_8.npz").write_bytes(b"no arrays")
    assert clamp_cells.is_standin(Config(root=str(tmp_path)))


@pytest.mark.skipif(not RAPHE.exists(), reason="needs the recordings of dorsal raphe neurons, shared/data")
def test_raphe_cells_with_a_layout_beside_them(tmp_path):
    folder = tmp_path / "patch_clamp" / "raphe"
    folder.mkdir(parents=True)
    for path in sorted(RAPHE.glob("*.npz"))[:3]:
        (folder / path.name).symlink_to(path)
    layout = {"repeats": ["test"], "onset_s": {"steps": 2.178}, "rest_s": [0, 0.15]}
    (folder / "layout.json").write_text(json.dumps(layout))
    said = built(tmp_path)
    assert said.unit_ids.tolist() == [156, 158]


@pytest.mark.skipif(not RAPHE.exists(), reason="needs the recordings of dorsal raphe neurons, shared/data")
def test_currents_of_raphe_cells_say_what_a_layout_would(tmp_path):
    for name in ("said", "read"):
        folder = tmp_path / name / "patch_clamp" / "raphe"
        folder.mkdir(parents=True)
        for number in (94, 156, 160):
            (path,) = RAPHE.glob(f"DRN{number:03}*.npz")
            (folder / path.name).symlink_to(path)
    layout = {"repeats": ["test"], "onset_s": {"steps": 2.178}, "rest_s": [0, 0.15]}
    (tmp_path / "said" / "patch_clamp" / "raphe" / "layout.json").write_text(json.dumps(layout))
    said, read = built(tmp_path / "said"), built(tmp_path / "read")
    assert read.unit_ids.tolist() == [156, 160]
    assert all(np.array_equal(array, read.arrays()[name]) for name, array in said.arrays().items())
    assert any("steps begin at 2.178 s" in note for note in read.provenance.notes)


def test_the_experiment_takes_a_cell_of_one_frozen_noise_by_time_where_its_file_is_there(tmp_path):
    path = Path(__file__).parents[3] / "experiments" / "gfr_cells.py"
    experiment = runpy.run_path(str(path))["experiment"]()
    root, names = str(tmp_path), ["cells-20ms", "cells-100ms"]
    assert [one.name for one in prepare.without_absent(experiment.recordings, root)] == names
    rng, folder = np.random.default_rng(0), tmp_path / "patch_clamp"
    folder.mkdir()
    spikes = np.sort(rng.integers(0, 20_000, (3, 50)), axis=1)
    arrays = {"current_A": rng.normal(1e-10, 3e-11, 20_000), "dt_s": 0.001, "spike_ptr": np.arange(0, 151, 50)}
    np.savez(folder / "frozen_noise_9_repeats.npz", spike_samples=spikes.ravel(), **arrays)
    there = prepare.without_absent(experiment.recordings, root)
    assert [one.name for one in there] == [*names, "frozen-20ms", "frozen-100ms"]
    assert prepare.prepare(there[2:], root) == ["frozen-20ms", "frozen-100ms"]
    split = store.load(root, "frozen-20ms")
    assert (split.sweep_parts == [500, 650]).all()
    assert [split.bins_of(part) for part in ("train", "validation", "test")] == [1500, 450, 1050]
    assert len(split.current) == 1000
