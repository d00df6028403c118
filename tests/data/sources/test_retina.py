"""Retina recordings as splits: made-up ones whose answer is known, and the golden figures of the published one."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from raysp.config import settings
from raysp.data.formats import retina_files
from raysp.data.formats.retina_files import RetinaRecording
from raysp.data.sources import catalog as sources
from raysp.data.sources import retina
from raysp.data.sources.retina import Config, build, mirrored
from raysp.data.standin.retina import write_retina
from raysp.errors import BadInput

REAL = Path(__file__).parents[4] / "shared" / "data" / "chicken_2021_08_17.tar.gz"
real = pytest.mark.skipif(not REAL.exists(), reason=f"needs the recording of Doran et al., shared/data/{REAL.name}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording")
    write_retina(str(path), seconds=60, units=3, seed=1, fast=1, slow=2)
    return str(path)


@pytest.fixture(scope="module")
def split(folder):
    return build(Config(folder), "standin-mine")[0]


def made_up(monkeypatch, spikes, samples=4000):
    """Let `build` read a recording with these spikes, 1000 samples a second."""
    recording = RetinaRecording(
        "made up", 1000.0, samples, np.array([0, 10, 500]), np.array([[0, 1], [1, 1], [0, 1]]), spikes, {4: 44}
    )
    monkeypatch.setattr(retina_files, "read", lambda path, recording_, table: recording)
    monkeypatch.setattr(retina, "inputs", lambda config: [])


def test_too_fast_and_too_slow_units_are_left_out_with_the_reason(split):
    least = round(0.75 * split.bins_of("train") * split.sizes.bin_ms / 1000)
    slow = f"has fewer than {least} spikes in training"
    assert split.units.tolist() == [10, 13, 16]
    assert split.left_out == ((19, "fires more than 19 Hz"), (22, slow), (25, slow))
    told = f"3 of 6 units were left out: 1 fires more than 19 Hz; 2 have fewer than {least} spikes in training"
    assert split.provenance.notes == (told,)
    with pytest.raises(BadInput, match=f"unit 22 was left out: it {slow}"):
        split.select([10, 22])


def test_the_filters_are_settings_and_a_filter_that_leaves_none_is_refused(folder):
    everything = build(Config(folder, max_rate_hz=100, min_train_rate_hz=0), "mine")[0]
    assert everything.units.tolist() == [10, 13, 16, 19, 22, 25]
    assert everything.provenance.notes == ()
    assert build(Config(folder, units="filtered"), "mine")[0].provenance.notes == ()
    with pytest.raises(BadInput, match="but of 6 4 fire more than 2 Hz; 2 have fewer than"):
        build(Config(folder, max_rate_hz=2), "mine")


def test_the_stimulus_is_decimated_by_two_then_nine(folder, split):
    found = retina_files.read(folder, None, "all")
    whole = np.repeat(found.pattern.astype(float), np.diff(found.starts, append=found.samples), axis=0)
    for factor in (2, 9):
        whole = scipy.signal.decimate(whole, factor, ftype="fir", axis=0)
    np.testing.assert_array_equal(split.stimulus, whole.astype(np.float32))
    assert split.sizes.bin_ms == pytest.approx(18_000 / found.sampling_hz)
    assert len(split.stimulus) == -(-found.samples // 18)


def test_every_spike_of_a_unit_that_stays_is_in_the_bin_of_its_sample(folder, split):
    for column, (unit, times) in enumerate(list(retina_files.read(folder, None, "all").spikes.items())[:3]):
        assert unit == split.units[column]
        np.testing.assert_array_equal(np.repeat(np.arange(len(split.spikes)), split.spikes[:, column]), times // 18)


def test_a_bin_of_several_spikes_keeps_their_count(monkeypatch):
    made_up(monkeypatch, {4: np.array([0, 1, 2, 17, 18, 18, 3999]), 5: np.array([3999] * 256)})
    config = Config("", min_train_rate_hz=0, max_rate_hz=50)
    split = build(config, "mine")[0]
    assert split.spikes[:, 0].nonzero()[0].tolist() == [0, 1, 222]
    assert split.spikes[[0, 1, 222], 0].tolist() == [4, 2, 1]
    assert (split.units.tolist(), split.global_ids.tolist()) == ([4], [44])
    assert split.left_out == ((5, "fires more than 50 Hz"),)
    with pytest.raises(BadInput, match="at most 255 spikes in a bin, unit 5 has 256"):
        build(dataclasses.replace(config, max_rate_hz=100), "mine")


def test_training_spikes_are_counted_in_the_training_parts_alone(monkeypatch):
    parts = mirrored(4000, (7, 2, 1))
    inside = np.array([0, 1399, 2600, 3999])
    assert parts["train"] == ((0, 1400), (2600, 4000))
    made_up(monkeypatch, {4: inside, 5: np.array([0, 1400, 2000, 2599])})
    split = build(Config("", downsample=1, min_train_rate_hz=1.5), "mine")[0]
    assert split.units.tolist() == [4]
    assert split.left_out == ((5, "has fewer than 4 spikes in training"),)


@given(st.integers(1, 5000), st.tuples(*[st.integers(1, 9)] * 3))
def test_mirrored_parts_cover_the_recording_and_lie_around_the_middle(bins, ratio):
    if bins < 2 * sum(ratio):
        with pytest.raises(BadInput, match="recording of at least"):
            mirrored(bins, ratio)
        return
    parts = mirrored(bins, ratio)
    stretches = [parts["train"][0], parts["validation"][0], *parts["test"], parts["validation"][1], parts["train"][1]]
    assert [stretches[0][0], *(stop for _, stop in stretches)] == [*(start for start, _ in stretches), bins]
    lengths = [stop - start for start, stop in stretches]
    unit = bins // (2 * sum(ratio))
    assert lengths[1:] == [unit * ratio[1], 2 * unit * ratio[2], unit * ratio[1], unit * ratio[0]]
    assert lengths[0] - lengths[4] == bins % (2 * sum(ratio))


def test_generated_recordings_are_known_for_what_they_are(folder, split):
    assert split.provenance.standin
    assert build(Config(folder), "mine")[0].provenance.standin, "whatever the split is called"
    assert split.provenance.builder == retina.VERSION
    assert [name for name, _ in split.provenance.recordings] == [
        "stimulus_pattern.npy", "recorded_stimulus.pickle", "spike_response_allcells.pickle",
        "recording_cluster_ids.json",
    ]  # fmt: skip


def test_global_ids_come_from_their_file_and_are_unknown_without_it(folder, split, tmp_path):
    assert split.global_ids.tolist() == [100, 101, 102]
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "recording_cluster_ids.json").write_text(json.dumps({"standin-retina-1": {"13": 7}}))
    assert build(Config(str(copy)), "mine")[0].global_ids.tolist() == [-1, 7, -1]


def test_it_is_a_source_with_settings():
    assert "retina" in sources.names()
    found = settings.build(Config, {"path": "a.tar.gz", "ratio": [8, 1, 1], "units": "filtered"}, "recording a")
    assert (found.ratio, found.units, found.downsample) == ((8, 1, 1), "filtered", 18)
    assert retina.inputs(found) == ["a.tar.gz"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"downsample": 0}, {"ratio": (7, 2, 0)}, {"ratio": (7, 3)}, {"max_rate_hz": 0.0}, {"max_rate_hz": float("nan")},
        {"min_train_rate_hz": -0.1}, {"min_train_rate_hz": float("inf")}, {"units": "some"},
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused(wrong):
    with pytest.raises(BadInput, match=rf"retina, {next(iter(wrong))}.* (expected|known:)"):
        Config("a.tar.gz", **wrong)


@pytest.fixture(scope="module")
def chicken():
    """The published recording, and its stimulus before it becomes float32."""
    channels = []
    with pytest.MonkeyPatch.context() as patch:
        original = retina.decimated_steps
        patch.setattr(retina, "decimated_steps", lambda *given: channels.append(original(*given)) or channels[-1])
        split = build(Config(str(REAL)), "chicken")[0]
    return split, np.stack(channels, axis=1)


@real
@pytest.mark.real
def test_the_published_stimulus_has_its_golden_figures(chicken):
    split, exact = chicken
    assert split.stimulus.shape == exact.shape == (892_863, 4)
    assert split.sizes.bin_ms == pytest.approx(1.008247, abs=5e-7)
    assert 1000 / split.sizes.bin_ms == pytest.approx(991.8204, abs=5e-5)
    np.testing.assert_allclose(exact.sum(axis=0), [444152.4091, 451221.7100, 445351.7604, 443028.6930], atol=5e-5)
    assert (exact.min(), exact.max()) == (pytest.approx(-0.0883, abs=5e-5), pytest.approx(1.0883, abs=5e-5))
    np.testing.assert_allclose(exact[100_000], [0, 1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(exact[0], [0, 0.53314, 0, 0], atol=5e-6)
    np.testing.assert_array_equal(split.stimulus, exact.astype(np.float32))


@real
@pytest.mark.real
def test_the_published_units_pass_our_filters_and_no_others(chicken):
    split, _ = chicken
    told = "94 of 154 units were left out: 3 fire more than 19 Hz; 91 have fewer than 473 spikes in training"
    assert split.provenance.notes == (told,)
    published = retina_files.read(str(REAL), None, "filtered")
    assert published.samples == 16_071_532
    assert split.units.tolist() == list(published.spikes)
    for column, times in enumerate(published.spikes.values()):
        np.testing.assert_array_equal(np.flatnonzero(split.spikes[:, column]), times // 18)
    found = dict(zip(split.units.tolist(), split.spikes.sum(axis=0).tolist(), strict=True))
    assert (found[179], found[56], found[21]) == (694, 1634, 7775)


@real
@pytest.mark.real
def test_the_published_spikes_and_parts_have_their_golden_figures(chicken):
    split, _ = chicken
    assert split.spikes.max() == 1
    per_unit = split.spikes.sum(axis=0, dtype=int)
    assert (per_unit.sum(), per_unit.min(), np.median(per_unit), per_unit.max()) == (141_043, 694, 1616.5, 7775)
    lengths = {part: [stop - start for start, stop in stretches] for part, stretches in split.parts.items()}
    assert lengths == {"train": [312_504, 312_501], "validation": [89_286, 89_286], "test": [89_286]}
    assert split.parts["test"] == ((401_790, 491_076),)
    counts = {
        part: sum(split.spikes[start:stop].sum(axis=0, dtype=int) for start, stop in stretches)
        for part, stretches in split.parts.items()
    }
    assert {part: count.sum() for part, count in counts.items()} == {
        "train": 97_349, "validation": 29_597, "test": 14_097,
    }  # fmt: skip
    assert (counts["train"].min(), np.median(counts["train"]), counts["train"].max()) == (473, 1135.5, 5435)
    assert (counts["test"].min(), np.median(counts["test"]), counts["test"].max()) == (69, 170.5, 733)


@real
@pytest.mark.real
def test_the_published_units_have_their_global_ids(chicken):
    split, _ = chicken
    with tarfile.open(REAL) as archive:
        ids = json.load(archive.extractfile("./chicken_2021_08_17/recording_cluster_ids.json"))
    own = ids["Chicken_17_08_21_Phase_00"]
    assert split.global_ids.tolist() == [own[str(unit)] for unit in split.units]
    assert not split.provenance.standin
