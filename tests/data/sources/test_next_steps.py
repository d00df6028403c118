"""What cannot be read as it lies is refused with what to do next; what only looks so is read."""

import numpy as np
import polars
import pytest
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.sources import population, prepare
from raysp.data.sources.proposal import proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
EACH = [np.sort(RNG.uniform(0.5, 40, 60 + 50 * unit)) for unit in range(4)]
LONGEST = max(map(len, EACH))


@pytest.mark.parametrize("pad", [-1, 0])
@pytest.mark.parametrize("kind", ["npz", "mat", "transposed"])
def test_times_that_are_padded_with_a_number_are_told(tmp_path, kind, pad):
    rows = np.array([np.pad(one, (0, LONGEST - len(one)), constant_values=pad) for one in EACH])
    if kind == "mat":
        savemat(path := str(tmp_path / "x.mat"), {"spk": rows})
    else:
        np.savez(path := str(tmp_path / "x.npz"), spk=rows.T if kind == "transposed" else rows)
    found = proposal(path)
    assert found.source == ""
    assert f"spk: rows of numbers that rise, padded with {pad}" in found.contents[-1]


def test_marks_among_counts_are_refused(tmp_path):
    counts = np.where(np.arange(20)[:, None] < 15, RNG.poisson(1, (9, 20, 4)), 255).astype("u1")
    np.savez(path := str(tmp_path / "x.npz"), counts=counts)
    with pytest.raises(BadInput, match=r"180 counts are 255.*: write NaN there.*accept: \[rate\]"):
        population.build(population.Config(path, 20, counts="counts"), "x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (",".join("0" * 40) + "\n" + ",".join("1" * 40) + "\n", "of counts save an array, np.save"),
        ("unit,time\n1,0.5\n,0.75\n", "got nan in row 1; leave out the rows of no unit"),
        ("unit,time\n1.1,0.5\n1.2,0.75\n", "got 1.1 in row 0; save names, such as u2.1"),
    ],
    ids=["raster", "no unit", "half a unit"],
)
def test_tables_say_what_to_do_next(tmp_path, text, says):
    (tmp_path / "x.csv").write_text(text)
    settings = {"path": str(tmp_path / "x.csv"), "window_ms": [0, 100], "bin_ms": 10}
    with pytest.raises(BadInput, match=says):
        prepare.read(Recording("x", "spike_tables", settings), "")


def test_separators_of_thousands_are_told(tmp_path):
    rows = "".join(f"{row % 3};{1 + row}.250,5\n" for row in range(12))
    (tmp_path / "x.csv").write_text(f"unit;time\n{rows}")
    assert "separators of thousands" in proposal(str(tmp_path / "x.csv")).contents[-1]


@pytest.mark.parametrize(
    ("name", "write", "says"),
    [
        ("x.npz", np.savez, "is an archive without anything in it"),
        ("x.npy", lambda path: np.save(path, np.zeros(3, [("t", "f8"), ("u", "i4")])), "holds records of t, u; save a"),
        ("x.json", lambda path: path.write_text('{"unit": 1}\n{"unit": 2}\n'), "a row a line: pandas.read_json"),
    ],
)
def test_files_of_other_kinds_say_what_to_save(tmp_path, name, write, says):
    write(tmp_path / name)
    with pytest.raises(BadInput, match=says):
        proposal(str(tmp_path / name))


def test_units_that_are_numbered_anew_in_each_area_are_told_apart(tmp_path):
    unit = RNG.integers(0, 6, 900)
    frame = {"area": np.where(unit < 3, "PPC", "M1"), "unit": unit % 3, "time": np.sort(RNG.uniform(0, 60, 900))}
    polars.DataFrame(frame).write_csv(path := tmp_path / "x.csv")
    found = proposal(str(path))
    assert found.settings["channel"] == "area"
    settings = {**found.settings, "path": str(path), "heldout": 0}
    assert prepare.read(Recording("x", found.source, settings), "")[0].sizes.units == 6
    del settings["channel"]
    notes = prepare.read(Recording("x", found.source, settings), "")[0].provenance.notes
    assert any("3 units are told apart by unit, 6 by area and unit" in note for note in notes)


def test_a_feather_beside_spikes_is_their_trials_and_whole_ms_are_the_step_of_bins(tmp_path):
    start = np.arange(1.0, 50, 2.0)
    frame = {"unit": RNG.integers(0, 4, 900), "time": np.sort(RNG.uniform(0, 60, 900))}
    polars.DataFrame(frame).write_ipc(path := tmp_path / "spikes.feather")
    polars.DataFrame({"start": start}).write_ipc(tmp_path / "trials.feather")
    assert proposal(str(path)).settings["align"] == "start"
    counts = {f"Neuron {unit}": RNG.poisson(1, 200) for unit in range(3)}
    polars.DataFrame({"Time (ms)": np.arange(200) * 50, **counts}).write_csv(tmp_path / "c.csv")
    assert proposal(str(tmp_path / "c.csv")).settings["bin_ms"] == 50


def test_a_column_that_is_the_times_and_called_as_counts_are_is_read_once(tmp_path):
    each = [(trial, unit, RNG.uniform(0, 1, 9).tolist()) for trial in range(12) for unit in range(4)]
    polars.DataFrame(each, schema=["trial", "unit", "spikes"], orient="row").write_parquet(path := tmp_path / "x.pq")
    found = proposal(str(path))
    split, _ = prepare.read(Recording("x", found.source, {**found.settings, "path": str(path), "heldout": 0}), "")
    assert split.train.heldin.sum() + split.eval.heldin.sum() == 9 * len(each)


def test_a_header_within_a_table_is_told(tmp_path):
    (tmp_path / "x.csv").write_text("unit,time\n" + "0,0.5\n1,0.75\n" * 9 + "unit,time\n0,1.5\n")
    assert "time holds 'time', which is no number" in proposal(str(tmp_path / "x.csv")).contents[-1]


def test_a_cell_for_each_short_trial_is_no_recording_of_as_many_units(tmp_path):
    each = [np.sort(RNG.uniform(-0.2, 1.5, RNG.poisson(14))) for _ in range(40)]
    cells = np.empty((1, 40), object)
    cells[0, :] = each
    savemat(path := str(tmp_path / "x.mat"), {"spikes": cells})
    found = proposal(path)
    assert found.settings["by_trial"]
    assert "NOT KNOWN" in found.why["spikes"]
    assert "spikes before 0 are left out" in found.why["window_ms"]
    settings = {**found.settings, "path": path, "heldout": 0}
    split, _ = prepare.read(Recording("x", found.source, settings), "")
    assert (len(split.train) + len(split.eval), split.sizes.units) == (40, 1)
    low, high = found.settings["window_ms"]
    counted = sum(int(((one * 1000 >= low) & (one * 1000 < high)).sum()) for one in each)
    assert split.train.heldin.sum() + split.eval.heldin.sum() == counted


@pytest.mark.parametrize("by_unit", [True, False])
def test_cells_of_units_with_their_trials_are_doubted(tmp_path, by_unit):
    counts = RNG.poisson(np.linspace(4, 25, 6)[:, None], (6, 30))
    counts = counts if by_unit else counts.T
    cells = np.empty((len(counts), 1), object)
    for row, some in enumerate(counts):
        cells[row, 0] = np.empty((len(some), 1), object)
        cells[row, 0][:, 0] = [np.sort(RNG.uniform(0, 1, count)) for count in some]
    savemat(path := str(tmp_path / "x.mat"), {"spikes": cells})
    found = proposal(path)
    assert ("NOT KNOWN" in found.why["spikes"]) == by_unit
    settings = {**found.settings, "path": path, "heldout": 0}
    notes = prepare.read(Recording("x", found.source, settings), "")[0].provenance.notes
    assert any("is there a cell for each unit" in note for note in notes) == by_unit
