"""A folder with a file of spike times for each unit is looked at, read and counted from the command line."""

import numpy as np
import pytest

from raysp.config.experiment import Recording
from raysp.data.sources import catalog, prepare
from raysp.data.sources.proposal import proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
EACH = [np.sort(RNG.uniform(0, 60, size)).round(4) for size in (300, 410, 555, 0, 1, 480)]
START = np.arange(2.0, 56.0, 2.0)


def texts(folder, ending=".txt", head="", names="unit_{}"):
    for unit, times in enumerate(EACH):
        text = "".join([head, *(f"{one}\n" for one in times)])
        (folder / f"{names.format(unit + 7)}{ending}").write_text(text)


def vectors(folder):
    for unit, times in enumerate(EACH):
        np.save(folder / f"unit_{unit + 7}.npy", times[:, None])


WAYS = {
    "text": (texts, "unit_*"),
    "CSV with a name of the column": (lambda folder: texts(folder, ".csv", "time\n"), "unit_*"),
    "NumPy": (vectors, "unit_*"),
    "numbers": (lambda folder: texts(folder, names="{}"), "*"),
    "letters around": (lambda folder: texts(folder, names="Sc{}_SS"), "Sc*_SS"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("trials", [False, True])
def test_a_file_for_each_unit_is_counted(tmp_path, way, trials):
    write, pattern = WAYS[way]
    write(tmp_path)
    if trials:
        (tmp_path / "trials.csv").write_text("".join(["start,side\n", *(f"{one},{one // 2 % 2}\n" for one in START)]))
    (tmp_path / "notes.md").write_text("1\n2\n3\n")
    found = proposal(str(tmp_path))
    assert (found.source, found.settings["time"], found.settings.get("align")) == (
        "spike_tables",
        pattern,
        "start" if trials else None,
    )
    path = str(tmp_path) + "/"
    chosen = {**found.settings, "path": path, "window_ms": [0, 500], "heldout": 0, "gap_ms": 0}
    recording = Recording("x", "spike_tables", chosen)
    split, answers = prepare.read(recording, "")
    counts = np.concatenate([split.train.heldin, answers.trials.heldin])
    ids = np.concatenate([split.train.ids, answers.trials.ids])
    begin = START[ids] if trials else np.ceil(min(map(np.min, filter(len, EACH))) * 1000) / 1000 + ids / 2
    edges = begin[:, None] + np.arange(51) / 100
    told = [np.stack([np.histogram(one, row)[0] for row in edges]) for one in EACH]
    assert split.units.tolist() == [7, 8, 9, 10, 11, 12]
    assert np.abs(counts.sum(axis=(0, 1)) - np.array(told).sum(axis=(1, 2))).max() == 0
    assert len(catalog.source("spike_tables").inputs(catalog.config(recording, ""))) == len(EACH) + trials


@pytest.mark.parametrize(("name", "per_second"), [("trial_start", 1.0), ("go_cue", 1000.0)])
def test_times_of_trials_in_a_file_of_the_folder_are_used(tmp_path, name, per_second):
    texts(tmp_path)
    np.savetxt(tmp_path / f"{name}.txt", START * per_second)
    np.savetxt(tmp_path / "side.txt", np.arange(len(START)) % 2, fmt="%d")
    np.savetxt(tmp_path / "lick.txt", np.arange(1.0, 55, 0.7))
    found = proposal(str(tmp_path))
    chosen = found.settings
    assert (chosen["trials"], chosen["align"], chosen["conditions"]) == (str(tmp_path), name, ["side"])
    assert found.why["time"].endswith("; not read: lick")
    given = {"path": str(tmp_path), "window_ms": [0, 500], "heldout": 0}
    split, answers = prepare.read(Recording("x", "spike_tables", {**chosen, **given}), "")
    counts = np.concatenate([split.train.heldin, answers.trials.heldin]).sum(axis=(0, 1))
    wanted = [sum(((one >= at) & (one < at + 0.5)).sum() for at in START) for one in EACH]
    assert dict(zip(split.units.tolist(), counts, strict=True)) == dict(zip(range(7, 13), wanted, strict=True))


def test_columns_as_files_are_no_units(tmp_path):
    times, of = np.sort(RNG.uniform(0, 60, 900)), RNG.integers(0, 5, 900)
    for name, one in (("spike_times", times), ("spike_clusters", of), ("amplitudes", times[::-1])):
        np.savetxt(tmp_path / f"{name}.txt", one)
    assert proposal(str(tmp_path)).settings["unit"] == "spike_clusters"
    (tmp_path / "spike_clusters.txt").rename(tmp_path / "labels.txt")
    found = proposal(str(tmp_path))
    assert found.source == ""
    assert found.contents[-1].startswith("which of the files hold a unit's spike times is not known")


def test_vectors_of_a_sorter_are_columns_and_the_one_of_times_is_named(tmp_path):
    for name in ("spike_times", "spike_clusters", "amplitudes"):
        np.save(tmp_path / f"{name}.npy", np.arange(90))
    with pytest.raises(BadInput, match=r"is a folder of sorted spikes; give .*spike_times.npy"):
        read(tmp_path)


def test_a_unit_whose_file_is_cut_off_is_told(tmp_path):
    texts(tmp_path)
    cut = tmp_path / "unit_9.txt"
    cut.write_text(cut.read_text()[:-4])
    (note,) = [one for one in read(tmp_path).provenance.notes if "WARNING" in one]
    assert "unit_9.txt ends within its last row" in note
    assert "the last value is" in note


def read(folder):
    settings = {"path": str(folder), "time": "unit_*", "window_ms": [0, 500], "bin_ms": 10, "gap_ms": 0}
    return prepare.read(Recording("x", "spike_tables", settings), "")[0]


def test_a_line_that_is_no_time_is_named(tmp_path):
    texts(tmp_path)
    with open(tmp_path / "unit_7.txt", "a") as file:
        file.write("end\n")
    with pytest.raises(BadInput, match=r"unit_7.txt expected a time a line, got 'end'"):
        proposal(str(tmp_path))
