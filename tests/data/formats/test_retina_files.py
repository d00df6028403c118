"""The files of a retina recording are read alike from a folder and an archive; what does not fit is refused."""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
import tarfile

import numpy as np
import pandas as pd
import pytest

from raysp.data.formats import retina_files
from raysp.data.standin.retina import write_retina
from raysp.errors import BadInput

SECONDS = 12


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("made")
    write_retina(str(path), seconds=SECONDS, units=3, seed=0)
    return path


@pytest.fixture
def folder(made, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(made, tmp_path / "recording")


def packed(folder, name="recording.tar.gz", prefix="./recording/"):
    path = folder.parent / name
    with tarfile.open(path, "w:gz") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, prefix + file.name)
    return path


def edit(folder, name, change):
    """Unpickle a table that was generated here, change it, and pickle it again."""
    frame = pd.read_pickle(folder / name)
    frame = change(frame)
    frame.columns = pd.Index(list(frame.columns), dtype=object)
    frame.to_pickle(folder / name)


def with_column(name, change):
    def changed(frame):
        column = np.empty(len(frame), dtype=object)
        for row, value in enumerate(frame[name]):
            column[row] = change(value)
        frame[name] = pd.Series(column, index=frame.index, dtype=object)
        return frame

    return changed


def read(path, recording=None, table="all"):
    return retina_files.read(str(path), recording, table)


@pytest.mark.parametrize("prefix", ["./recording/", "", "deep/er/"])
def test_an_archive_and_a_folder_are_read_alike(folder, prefix):
    one, other = read(folder), read(packed(folder, prefix=prefix))
    for field in dataclasses.fields(one):
        left, right = getattr(one, field.name), getattr(other, field.name)
        np.testing.assert_equal(left, right)
    assert sorted(os.listdir(folder.parent)) == ["recording", "recording.tar.gz"], "nothing is unpacked"


def test_the_last_trigger_ends_the_recording_and_begins_no_frame(folder):
    (triggers,) = pd.read_pickle(folder / "recorded_stimulus.pickle")["Trigger_Fr_relative"]
    found = read(folder)
    np.testing.assert_array_equal(found.starts, triggers[:-1])
    assert found.samples == triggers[-1] + 1
    np.testing.assert_array_equal(found.pattern, np.load(folder / "stimulus_pattern.npy")[: len(triggers) - 1])


def test_the_paths_are_those_that_are_read(folder):
    assert retina_files.paths("x/chicken.tar.gz", "all") == ["x/chicken.tar.gz"]
    names = [os.path.basename(path) for path in retina_files.paths(str(folder), "filtered")]
    assert names == [
        "stimulus_pattern.npy", "recorded_stimulus.pickle", "spike_response.pickle", "recording_cluster_ids.json",
    ]  # fmt: skip
    os.remove(folder / "recording_cluster_ids.json")
    assert len(retina_files.paths(str(folder), "filtered")) == 3
    assert read(folder).global_ids == {}


@pytest.mark.parametrize("shift", [1, 900])
def test_a_first_trigger_other_than_zero_is_refused(folder, shift):
    edit(folder, "recorded_stimulus.pickle", with_column("Trigger_Fr_relative", lambda triggers: triggers + shift))
    with pytest.raises(BadInput, match="strictly increasing from 0"):
        read(folder)


def test_triggers_that_go_back_or_are_no_samples_are_refused(folder):
    change = with_column("Trigger_Fr_relative", lambda triggers: triggers[[0, 2, 1, 3]])
    edit(folder, "recorded_stimulus.pickle", change)
    with pytest.raises(BadInput, match="strictly increasing from 0"):
        read(folder)
    edit(folder, "recorded_stimulus.pickle", with_column("Trigger_Fr_relative", lambda triggers: triggers / 2))
    with pytest.raises(BadInput, match="whole sample numbers"):
        read(folder)


def test_spikes_beyond_the_recording_are_refused_and_the_last_sample_is_not(folder):
    samples = read(folder).samples
    for late, wrong in ((samples - 1, False), (samples, True), (-1, True)):
        change = with_column("Spikes", lambda times, late=late: np.ma.append(times[:3], np.int32(late)))
        edit(folder, "spike_response_allcells.pickle", change)
        if wrong:
            with pytest.raises(BadInput, match=f"samples 0 to {samples - 1} of the recording"):
                read(folder)
        else:
            assert read(folder).spikes[10][-1] == late


def test_a_unit_without_spikes_is_read(folder):
    edit(folder, "spike_response_allcells.pickle", with_column("Spikes", lambda times: np.ma.masked_all(4, np.int32)))
    assert [len(times) for times in read(folder).spikes.values()] == [0, 0, 0]


def test_a_unit_that_is_there_twice_is_refused(folder):
    edit(folder, "spike_response_allcells.pickle", lambda frame: pd.concat([frame, frame.iloc[:1]]))
    with pytest.raises(BadInput, match="unit 10 twice"):
        read(folder)


def test_of_several_recordings_one_is_named(folder):
    def add(frame):
        other = frame.rename(index={"standin-retina-0": "standin-retina-1"})
        return pd.concat([frame, other])

    edit(folder, "recorded_stimulus.pickle", add)
    with pytest.raises(BadInput, match="holds 2 recordings; set recording to one of"):
        read(folder)
    with pytest.raises(BadInput, match="did you mean 'standin-retina-"):
        read(folder, "standin-retina-7")
    with pytest.raises(BadInput, match="set units to 'filtered'"):
        read(folder, "standin-retina-0")
    assert list(read(folder, "standin-retina-0", "filtered").spikes) == [10, 13, 16]
    with pytest.raises(BadInput, match="units of recording standin-retina-1, got none"):
        read(folder, "standin-retina-1", "filtered")


def test_a_pattern_that_does_not_fit_is_refused(folder):
    path = folder / "stimulus_pattern.npy"
    pattern = np.load(path)
    for wrong, words in (
        (pattern[:50], "at least 241 frames"),
        (pattern[:, 0], "shape \\(frames, channels\\)"),
        (np.where(pattern == 1, np.nan, 0), "finite values"),
        (pattern.astype(object), "not unpickled"),
    ):
        np.save(path, wrong, allow_pickle=True)
        with pytest.raises(BadInput, match=words):
            read(folder)
    path.write_bytes(b"\x93NUMPY")
    with pytest.raises(BadInput, match="NumPy's format"):
        read(folder)


def test_a_missing_file_column_or_level_is_named(folder):
    edit(folder, "recorded_stimulus.pickle", lambda frame: frame.drop(columns="Sampling_Freq"))
    with pytest.raises(BadInput, match="expected a column 'Sampling_Freq'"):
        read(folder)
    edit(folder, "recorded_stimulus.pickle", lambda frame: frame.droplevel("Recording"))
    with pytest.raises(BadInput, match="expected an index level 'Recording'"):
        read(folder)
    os.remove(folder / "stimulus_pattern.npy")
    with pytest.raises(BadInput, match=r"expected the file stimulus_pattern.npy in it"):
        read(folder)
    with pytest.raises(BadInput, match=r"expected the file stimulus_pattern.npy in it"):
        read(packed(folder))
    with pytest.raises(BadInput, match=r"no archive: .*none.tar.gz is not there"):
        read(folder / "none.tar.gz")


def test_a_frequency_or_numbers_of_units_that_are_none_are_refused(folder):
    (folder / "recording_cluster_ids.json").write_text('{"standin-retina-0": [1, 2]}')
    with pytest.raises(BadInput, match="a number for each unit"):
        read(folder)
    edit(folder, "recorded_stimulus.pickle", with_column("Sampling_Freq", lambda _: 0.0))
    with pytest.raises(BadInput, match="a number of Hz from 100"):
        read(folder)


def member(name, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "bad",
    [
        member("recording/stimulus_pattern.npy", tarfile.SYMTYPE, "/etc/passwd"),
        member("recording/other", tarfile.LNKTYPE, "recording/stimulus_pattern.npy"),
        member("recording/pipe", tarfile.FIFOTYPE),
        member("../stimulus_pattern.npy"),
        member("recording/../../escaped"),
        member("/stimulus_pattern.npy"),
    ],
    ids=lambda info: info.name,
)
def test_archives_with_links_or_paths_that_leave_are_refused(folder, bad):
    path = packed(folder)
    with tarfile.open(folder.parent / "bad.tar", "w") as archive, tarfile.open(path) as good:
        archive.addfile(bad, io.BytesIO())
        for info in good:
            archive.addfile(info, good.extractfile(info))
    with pytest.raises(BadInput, match="inside the archive only"):
        read(folder.parent / "bad.tar")


def test_a_file_that_is_in_an_archive_twice_is_refused(folder):
    path = folder.parent / "twice.tar"
    with tarfile.open(path, "w") as archive:
        for prefix in ("one/", "two/"):
            for file in folder.iterdir():
                archive.add(file, prefix + file.name)
    with pytest.raises(BadInput, match="got several"):
        read(path)


def test_a_damaged_archive_is_bad_input_wherever_it_was_cut(folder):
    path = packed(folder)
    whole = path.read_bytes()
    for length in [*range(0, len(whole) - 64, len(whole) // 23)]:
        path.write_bytes(whole[:length])
        with pytest.raises(BadInput, match=r"recording.tar.gz"):
            read(path)
    path.write_bytes(whole[: len(whole) // 2] + b"\0" * 99 + whole[len(whole) // 2 + 99 :])
    with pytest.raises(BadInput, match=r"recording.tar.gz"):
        read(path)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_an_archive_is_read_whichever_way_it_is_packed(folder, mode):
    path = folder.parent / "recording.tar"
    with tarfile.open(path, mode) as archive:
        archive.add(folder, "recording")
    np.testing.assert_equal(read(path).spikes, read(folder).spikes)


def test_a_bit_of_a_packed_file_that_flipped_is_noticed(folder):
    path = packed(folder)
    whole = bytearray(path.read_bytes())
    # The trailer holds the sum over all that was packed: it tells what unpacks without an error.
    whole[-8] ^= 1
    path.write_bytes(whole)
    with pytest.raises(BadInput, match=r"recording.tar.gz is cut off, damaged .*CRC") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_damaged_member_is_not_taken_for_the_end(folder):
    path = folder.parent / "recording.tar"
    with tarfile.open(path, "w") as archive:
        for name in sorted(os.listdir(folder), key=lambda name: name.endswith(".json")):
            archive.add(folder / name, name)
        last = archive.getmembers()[-1]
    assert last.name == "recording_cluster_ids.json"
    assert read(path).global_ids
    whole = bytearray(path.read_bytes())
    path.write_bytes(whole[: last.offset] + bytes(512) + whole[last.offset + 512 :])
    with pytest.raises(BadInput, match=r"recording.tar is damaged: a file in it cannot be read"):
        read(path)
    path.write_bytes(whole[: last.offset])
    with pytest.raises(BadInput, match=r"recording.tar is cut off"):
        read(path)


BAD_IDS = {
    "twice": '{"standin-retina-0": {"10": 1, "10": 2}}',
    "a fraction": '{"standin-retina-0": {"10": 1.5}}',
    "infinite": '{"standin-retina-0": {"10": Infinity}}',
    "negative": '{"standin-retina-0": {"10": -3}}',
    "beyond 64 bits": '{"standin-retina-0": {"10": 100000000000000000000}}',
    "text": '{"standin-retina-0": {"10": "1"}}',
    "a unit that is no number": '{"standin-retina-0": {"a": 1}}',
    "a list": "[]",
    "cut off": '{"standin-retina-0": {"10": ',
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("case", BAD_IDS)
def test_bad_numbers_of_units_are_refused(folder, case):
    (folder / "recording_cluster_ids.json").write_text(BAD_IDS[case])
    with pytest.raises(BadInput, match=r"recording_cluster_ids.json"):
        read(folder)


def test_a_stray_trigger_is_refused(folder):
    def stray(found):
        return np.append(found[:-1], found[-1] + 10**12)

    edit(folder, "recorded_stimulus.pickle", with_column("Trigger_Fr_relative", stray))
    with pytest.raises(BadInput, match=r"triggers expected frames of about \d+ samples, got one of 1000"):
        read(folder)


@pytest.mark.parametrize(
    "value", [np.nan, np.inf, 1e12, True, None, "20 kHz", 1 + 2j, np.complex128(1), np.zeros((2, 2))]
)
def test_a_sampling_rate_that_no_sensor_has_is_refused(folder, value):
    edit(folder, "recorded_stimulus.pickle", with_column("Sampling_Freq", lambda _: value))
    with pytest.raises(BadInput, match=r"recorded_stimulus.pickle") as caught:
        read(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [1.5, -1, 2**63])
def test_a_unit_that_is_no_number_is_refused(folder, value):
    def renamed(frame):
        place = frame.index.names.index("Cell index")
        rows = [(*row[:place], value, *row[place + 1 :]) for row in frame.index]
        frame.index = pd.MultiIndex.from_tuples(rows, names=frame.index.names)
        return frame.iloc[:1]

    edit(folder, "spike_response_allcells.pickle", renamed)
    with pytest.raises(BadInput, match="Cell index expected whole numbers from 0"):
        read(folder)


def test_a_light_that_float32_cannot_hold_is_refused(folder):
    pattern = np.load(folder / "stimulus_pattern.npy")
    np.save(folder / "stimulus_pattern.npy", pattern * 1e300)
    with pytest.raises(BadInput, match="finite values up to 1e"):
        read(folder)
