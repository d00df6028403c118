"""NWB 1 files of the Allen Cell Types Database: what is used of a sweep, and what an odd one costs."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from raysp.data.formats import allen_nwb
from raysp.errors import BadInput
from tests.data.clamp_files import AllenSweep, allen_sweeps, highest, kept, processed, steps, write_allen

WIDTHS = (10, 20, 50, 100)
STIMULI = ("Long Square", "Ramp", "Noise 1", "Noise 2")


def read(path, stimuli=STIMULI):
    return allen_nwb.read(str(path), 7, stimuli, WIDTHS)


def written(tmp_path, sweeps, **options):
    write_allen(tmp_path / "cell_7.nwb", sweeps, **options)
    return read(tmp_path / "cell_7.nwb")


@pytest.mark.parametrize("seed", range(3))
def test_sweeps_are_those_of_the_published_preparation(tmp_path, seed):
    sweeps = allen_sweeps(seed)
    cell = written(tmp_path, sweeps)
    expected = [one for one in processed(sweeps) if one["stimulus_name"] in STIMULI]
    assert [sweep.stimulus for sweep in cell.sweeps] == [one["stimulus_name"] for one in expected]
    for sweep, one in zip(cell.sweeps, expected, strict=True):
        assert set(sweep.bins) == {width for width in WIDTHS if len(one["current"][width])}
        for width, (current, counts) in sweep.bins.items():
            np.testing.assert_allclose(current, one["current"][width], rtol=1e-5, atol=1e-4)
            np.testing.assert_array_equal(counts, np.round(one["firing_rate"][width] * width))
    assert cell.gamma == pytest.approx(highest(sweeps), rel=1e-9)
    assert (cell.unit, cell.notes) == (7, ())


def test_intervals_of_every_stimulus_count_for_the_highest_rate(tmp_path):
    sweeps = allen_sweeps()
    sweeps.append(AllenSweep("Short Square - Triple", steps(500.0), (100, 101)))
    assert written(tmp_path, sweeps).gamma == pytest.approx(1.0)


@pytest.mark.parametrize("rate_hz", [1000.0, 50_000.0, 200_000.0])
def test_bin_zero_begins_one_sample_before_the_step(tmp_path, rate_hz):
    sample = round(rate_hz / 1000)
    current = np.concatenate([np.zeros(30 * sample), np.full(100 * sample, 80.0), np.zeros(50 * sample)])
    sweep = AllenSweep("Long Square", current, (50 + 30 * sample, 50 + 40 * sample), rate_hz)
    (found,) = written(tmp_path, [sweep]).sweeps
    first = found.bins[10][0][0]
    assert first == pytest.approx(80.0 * (1 - 1 / (10 * sample)), rel=1e-6)
    assert found.spikes_ms.tolist() == pytest.approx([1000 / rate_hz, 10 + 1000 / rate_hz])


@pytest.mark.parametrize("stopped", [None, 150])
def test_a_ramp_ends_at_its_peak_or_where_recording_stopped(tmp_path, stopped):
    (sweep,) = [one for one in allen_sweeps() if one.stimulus == "Ramp"]
    if stopped:
        response = np.full(len(sweep.whole), -0.07, np.float32)
        response[stopped:] = 0
        sweep = dataclasses.replace(sweep, response=response)
    (found,) = written(tmp_path, [sweep]).sweeps
    current, _ = kept(sweep)
    # The peak itself is left out.
    assert current.max() == (199.0 if not stopped else stopped - 1 - 50 - 20)
    assert len(found.bins[10][0]) == len(current) // 10


def test_a_ramp_whose_peak_is_the_test_pulse_is_not_cut_there(tmp_path):
    sweep = AllenSweep("Ramp", np.concatenate([np.zeros(20), -np.arange(1.0, 201)]))
    assert len(written(tmp_path, [sweep]).sweeps[0].bins[10][0]) == 20


@pytest.mark.parametrize("version", ["1.0", "1.1", "2.0"])
def test_files_of_later_pipelines_say_their_unit(tmp_path, version):
    (found,) = written(tmp_path, [AllenSweep("Long Square", steps(80.0))], version=version).sweeps
    assert found.bins[10][0].max() == pytest.approx(80.0, rel=1e-5)


def test_spikes_lie_where_earlier_files_have_them_and_a_sweep_may_be_no_experiment(tmp_path):
    sweep = AllenSweep("Long Square", steps(80.0, quiet=60), pulse=0)
    earlier = {"analysis/aibs_spike_times/Sweep_0": np.array([0.0705]), "epochs/Experiment_0": None}
    (found,) = written(tmp_path, [dataclasses.replace(sweep, changes=earlier)]).sweeps
    assert found.bins[10][1].tolist()[:3] == [0, 1, 0]


def odd(stimulus="Long Square", current=None, number=9, **changes):
    return AllenSweep(stimulus, steps(80.0) if current is None else current, changes=changes)


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        (odd(current=np.full(200, 5.0)), r"sweep 9 was left out: it \(Long Square\) has a current that never changes"),
        (odd(current=np.append(np.nan, steps(80.0))), "has a current that is not finite"),
        (odd(current=1e9 * steps(80.0)), "is its unit another one"),
        (odd(**{"stimulus/presentation/Sweep_9/data": None}), "unknown object 'data'"),
        (odd(**{"stimulus/presentation/Sweep_9/data": np.zeros((3, 4))}), "expected shape"),
        (odd(**{"stimulus/presentation/Sweep_9/starting_time": 0.0}), "has None as its sampling rate"),
        (odd(**{"epochs/Experiment_9/stimulus/count": 99_999}), "has samples 50 to 100048 of 380"),
        (odd(**{"epochs/Experiment_9/stimulus/count": -3}), "has -3 as count, expected a number"),
        (odd(**{"epochs/Experiment_9/stimulus/count": np.nan}), "has nan as count"),
        (odd(**{"epochs/Experiment_9/stimulus/idx_start": np.zeros(0)}), "as idx_start, expected a number"),
        (odd(**{"epochs/Experiment_9/stimulus/idx_start": "first"}), "as idx_start, expected a number"),
        (odd(**{"stimulus/presentation/Sweep_9/aibs_stimulus_name": np.bytes_(b"\xff\xfe")}), "text that is not UTF-8"),
        (odd(**{"analysis/spike_times/Sweep_9": np.array([np.nan])}), "spike times that are not finite"),
    ],
)
def test_an_odd_sweep_is_a_note_and_discards_no_other(tmp_path, sweep, words):
    whole = written(tmp_path, [*allen_sweeps()])
    cell = written(tmp_path, [*allen_sweeps(), sweep])
    assert len(cell.sweeps) == len(whole.sweeps)
    (note,) = cell.notes
    assert re.search(words, note)


def test_a_sweep_of_another_stimulus_is_not_looked_at(tmp_path):
    odd_current = AllenSweep("Test", np.zeros(100), changes={"stimulus/presentation/Sweep_1/data": None})
    cell = written(tmp_path, [AllenSweep("Long Square", steps(80.0)), odd_current])
    assert (len(cell.sweeps), cell.notes) == (1, ())


def test_a_file_without_sweeps_or_a_damaged_one_is_refused(tmp_path):
    write_allen(tmp_path / "empty.nwb", [])
    with pytest.raises(BadInput, match="expected sweeps of the Allen Cell Types Database"):
        read(tmp_path / "empty.nwb")
    write_allen(tmp_path / "cut.nwb", allen_sweeps())
    whole = (tmp_path / "cut.nwb").read_bytes()
    (tmp_path / "cut.nwb").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=r"cut.nwb"):
        read(tmp_path / "cut.nwb")


def test_whatever_byte_is_changed_a_file_is_read_or_refused(tmp_path):
    write_allen(tmp_path / "cell.nwb", allen_sweeps()[:3])
    whole = (tmp_path / "cell.nwb").read_bytes()
    rng, refused = np.random.default_rng(0), 0
    for place in rng.integers(0, len(whole), 150):
        changed = bytearray(whole)
        changed[place] ^= int(rng.integers(1, 256))
        (tmp_path / "cell.nwb").write_bytes(changed)
        try:
            read(tmp_path / "cell.nwb")
        except BadInput:
            refused += 1
    assert refused > 0
