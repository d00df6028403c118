"""Stand-in recordings: in the layout of a real one, the same for the same seed, with units that behave as units do."""

from __future__ import annotations

import json

import numpy as np
import pytest

from raysp.data.formats import retina_files
from raysp.data.standin.retina import write_retina
from raysp.errors import BadInput


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording")
    write_retina(str(path), seconds=120, units=3, seed=5, fast=1, slow=1)
    return path


@pytest.fixture(scope="module")
def recording(folder):
    return retina_files.read(str(folder), None, "all")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_files_are_those_of_a_real_recording_and_say_what_they_are(folder, recording):
    assert sorted(contents(folder)) == [
        "recorded_stimulus.pickle", "recording_cluster_ids.json", "recording_ids.json", "spike_response.pickle",
        "spike_response_allcells.pickle", "stimulus_pattern.npy",
    ]  # fmt: skip
    assert json.loads((folder / "recording_ids.json").read_text()) == {"standin-retina-5": 0}
    assert recording.name == "standin-retina-5"


def test_both_tables_hold_the_usual_units_and_one_holds_the_others_too(folder, recording):
    usual = retina_files.read(str(folder), None, "filtered").spikes
    assert list(usual) == [10, 13, 16]
    assert list(recording.spikes) == [10, 13, 16, 19, 22]
    for unit, times in usual.items():
        np.testing.assert_array_equal(times, recording.spikes[unit])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(folder, tmp_path):
    write_retina(str(tmp_path / "same"), seconds=120, units=3, seed=5, fast=1, slow=1)
    write_retina(str(tmp_path / "other"), seconds=120, units=3, seed=6, fast=1, slow=1)
    assert contents(tmp_path / "same") == contents(folder)
    other = contents(tmp_path / "other")
    assert not [name for name, data in contents(folder).items() if other[name] == data and name.endswith("pickle")]


def test_rates_are_those_that_were_asked_for(recording):
    seconds = recording.samples / recording.sampling_hz
    assert seconds == pytest.approx(120, rel=0.01)
    rates = [len(times) / seconds for times in recording.spikes.values()]
    assert all(2 < rate < 10 for rate in rates[:3])
    assert 19 < rates[3] < 21
    assert rates[4] < 0.5


def test_units_are_refractory_and_follow_the_stimulus(recording):
    ends = np.append(recording.starts[1:], recording.samples)
    for unit in (10, 13, 16):
        times = recording.spikes[unit]
        assert np.diff(times).min() > 2 * 18, "no two spikes within 2 ms"
        before = np.searchsorted(ends, times - round(0.03 * recording.sampling_hz), side="right")
        mean = recording.pattern[before].mean(axis=0)
        error = 0.5 / np.sqrt(len(times))
        assert np.abs(mean - recording.pattern.mean(axis=0)).max() > 5 * error


def test_a_recording_that_is_no_stand_in_is_not_overwritten(tmp_path):
    (tmp_path / "spike_response.pickle").write_bytes(b"measured")
    with pytest.raises(BadInput, match="not a stand-in"):
        write_retina(str(tmp_path), seconds=10)
    assert contents(tmp_path) == {"spike_response.pickle": b"measured"}
    write_retina(str(tmp_path / "new"), seconds=10)
    write_retina(str(tmp_path / "new"), seconds=10, seed=1)
    assert list(json.loads((tmp_path / "new" / "recording_ids.json").read_text())) == ["standin-retina-1"]


def test_numbers_that_make_no_recording_are_refused(tmp_path):
    for wrong in ({"seconds": 5}, {"units": 0}, {"fast": -1}, {"slow": -1}, {"seed": -1}, {"seconds": float("nan")}):
        with pytest.raises(BadInput, match=f"{next(iter(wrong))} expected at least"):
            write_retina(str(tmp_path), **wrong)
    assert not list(tmp_path.iterdir())
