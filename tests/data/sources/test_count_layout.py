"""Counts in other layouts than this package's: each gives what the same counts give as they are wanted."""

import dataclasses

import h5py
import numpy as np
import polars
import pytest

from raysp.config.experiment import Recording
from raysp.data.sources import population, prepare
from raysp.data.sources.population import Config
from raysp.data.sources.proposal import proposal
from raysp.data.sources.proposal_arrays import bin_ms
from raysp.errors import BadInput

RNG = np.random.default_rng(3)
TRIALS, BINS, UNITS = 24, 60, 7
GAINS = 1 + np.sin(np.arange(BINS) / 6)[:, None] * np.linspace(-1, 1, UNITS)
FINE = (RNG.random((TRIALS, BINS * 10, UNITS)) < np.repeat(GAINS, 10, 0) * np.linspace(0.005, 0.04, UNITS)).astype(int)
COUNTS = FINE.reshape(TRIALS, BINS, 10, UNITS).sum(axis=2)
STIMULUS = np.arange(TRIALS) % 3


def whole(split, answers):
    parts = [split.train, answers.trials]
    counts = np.concatenate([np.concatenate([one.heldin, one.heldout], axis=2) for one in parts])
    return counts[np.argsort(np.concatenate([split.train.ids, split.eval.ids]))][..., np.argsort(split.units)]


def proposed(path):
    found = proposal(str(path))
    recording = Recording("mine", found.source, {**found.settings, "path": str(path)})
    return found.settings, whole(*prepare.read(recording, str(path.parent)))


def built(path, **given):
    return whole(*population.build(Config(path=str(path), counts="counts", **{"bin_ms": 10, **given}), "mine"))


@pytest.mark.parametrize(
    "axes", [("units", "bins", "trials"), ("trials", "units", "bins"), ("bins", "units", "trials")]
)
def test_axes_in_another_order_are_seen_and_turned(tmp_path, axes):
    places = [("trials", "bins", "units").index(name) for name in axes]
    np.savez(tmp_path / "a.npz", counts=COUNTS.transpose(places), bin_ms=10, stimulus=STIMULUS)
    settings, counts = proposed(tmp_path / "a.npz")
    assert tuple(settings["axes"]) == axes
    np.testing.assert_array_equal(counts, COUNTS)
    np.testing.assert_array_equal(built(tmp_path / "a.npz", axes=axes), COUNTS)


@pytest.mark.parametrize(
    ("beside", "width"),
    [({"n_bins": 60}, 10), ({"num_time_bins": 60, "bin_width": 0.02}, 20), ({"bin_ms": 0.5}, 0.5), ({"dt": 0.005}, 5)],
)
def test_the_width_of_bins_is_read_from_its_name_and_is_not_how_many_there_are(beside, width):
    arrays = {name: np.array(value) for name, value in beside.items()}
    assert bin_ms(arrays, COUNTS)[0] == width


def test_a_raster_of_ones_is_taken_for_bins_of_1_ms_and_rebinned(tmp_path):
    np.savez(tmp_path / "a.npz", counts=FINE > 0)
    settings, counts = proposed(tmp_path / "a.npz")
    assert (settings["counts_bin_ms"], settings["bin_ms"]) == (1, 10)
    np.testing.assert_array_equal(counts, COUNTS)


def test_rates_and_behaviour_are_rebinned_with_the_counts_and_the_rest_is_said(tmp_path):
    hand = RNG.standard_normal((TRIALS, BINS, 2))
    np.savez(tmp_path / "a.npz", counts=COUNTS, rates=COUNTS + 0.5, hand=hand)
    given = {"bin_ms": 70, "counts_bin_ms": 10, "rates": "rates", "rate_scale": 1.0, "behavior": "hand"}
    config = Config(path=str(tmp_path / "a.npz"), counts="counts", **given)
    split, answers = population.build(config, "mine")
    groups = COUNTS[:, :56].reshape(TRIALS, 8, 7, UNITS).sum(axis=2)
    np.testing.assert_array_equal(whole(split, answers), groups)
    rows = split.train.ids
    np.testing.assert_allclose(split.train.rates, (groups + 3.5)[rows][..., split.units])
    np.testing.assert_allclose(
        split.train.behavior, hand[rows, :56].reshape(len(rows), 8, 7, 2).mean(axis=2), rtol=1e-5
    )
    assert any("the last 4 of 60 bins" in note for note in split.provenance.notes)


def test_an_array_a_trial_is_read_by_a_star_in_the_order_of_its_numbers(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for trial in range(TRIALS):
            file[f"trial_{trial}/spikes"] = COUNTS[trial, : BINS - trial]
    settings, counts = proposed(tmp_path / "a.h5")
    assert settings["counts"] == "trial_*/spikes"
    for trial in range(TRIALS):
        np.testing.assert_array_equal(counts[trial, : BINS - trial], COUNTS[trial, : BINS - trial])
        assert np.isnan(counts[trial, BINS - trial :]).all()


def test_a_column_a_unit_of_a_table_is_read_by_a_star(tmp_path):
    long = COUNTS.reshape(-1, UNITS)
    table = {"time": np.arange(len(long)) * 0.02, **{f"neuron_{unit}": long[:, unit] for unit in range(UNITS)}}
    polars.DataFrame(table).write_csv(tmp_path / "a.csv")
    settings, counts = proposed(tmp_path / "a.csv")
    assert (settings["counts"], settings["bin_ms"], settings["window_ms"]) == ("neuron_*", 20, [0, 2000])
    assert {tuple(row) for row in counts.reshape(-1, UNITS)} <= {tuple(row) for row in long}
    found = Config(path=str(tmp_path / "a.csv"), counts="neuron_*", bin_ms=20, window_ms=(0, 1200), gap_ms=0)
    np.testing.assert_array_equal(whole(*population.build(found, "mine")), COUNTS)


def test_a_star_stands_for_numbers_so_that_totals_and_other_arrays_beside_are_not_read(tmp_path):
    long = COUNTS.reshape(-1, UNITS)
    table = {f"unit_{unit}": long[:, unit] for unit in range(UNITS)} | {"unit_total": long.sum(axis=1)}
    polars.DataFrame(table).write_csv(tmp_path / "a.csv")
    found = proposal(str(tmp_path / "a.csv"))
    recording = Recording("mine", found.source, {**found.settings, "path": str(tmp_path / "a.csv")})
    split, _ = prepare.read(recording, str(tmp_path))
    assert len(split.units) == UNITS
    (note,) = [one for one in split.provenance.notes if "star" in one]
    assert note.endswith("not read: unit_total")
    each = {f"spikes_{trial}": one for trial, one in enumerate(COUNTS)}
    np.savez(tmp_path / "a.npz", **each, **{f"{name}_baseline": one[:20] for name, one in each.items()})
    np.testing.assert_array_equal(proposed(tmp_path / "a.npz")[1], COUNTS)


def test_an_array_of_numpy_and_one_of_units_and_bins_are_read(tmp_path):
    np.save(tmp_path / "counts.npy", COUNTS)
    np.testing.assert_array_equal(proposed(tmp_path / "counts.npy")[1], COUNTS)
    np.savez(tmp_path / "b.npz", binned=COUNTS.reshape(-1, UNITS).T)
    settings, _ = proposed(tmp_path / "b.npz")
    assert settings["axes"] == ["units", "bins"]


def test_settings_that_do_not_fit_the_file_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", counts=COUNTS, odd=COUNTS[0, :, :3])
    with pytest.raises(BadInput, match="axes expected trials, bins, units in the file's order, got bins, units"):
        built(tmp_path / "a.npz", axes=("bins", "units"))
    with pytest.raises(BadInput, match="multiple of counts_bin_ms"):
        built(tmp_path / "a.npz", counts_bin_ms=4)
    config = Config(path=str(tmp_path / "a.npz"), counts="trial_*", bin_ms=10)
    with pytest.raises(BadInput, match="names of arrays that the star fits, got none of counts, odd"):
        population.build(config, "mine")
    with pytest.raises(BadInput, match=r"an array \(bins, units\) for each trial"):
        population.build(dataclasses.replace(config, counts="*"), "mine")


def test_arrays_of_trials_that_are_turned_say_so_and_axes_settles_it(tmp_path):
    lengths = np.linspace(40, BINS, TRIALS).astype(int)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for trial, length in enumerate(lengths):
            file[f"trial_{trial}/spikes"] = COUNTS[trial, :length].T
    given = {"path": str(tmp_path / "a.h5"), "bin_ms": 10, "counts": "trial_*/spikes"}
    split, answers = population.build(Config(**given), "mine")
    assert any(f"the first, {UNITS} long, for units; axes: [trials, bins, units]" in one
               for one in split.provenance.notes)  # fmt: skip
    settled, others = population.build(Config(**given, axes=("trials", "units", "bins")), "mine")
    assert not any("second axis alone" in note for note in settled.provenance.notes)
    np.testing.assert_array_equal(whole(settled, others), whole(split, answers))
    np.testing.assert_array_equal(np.nansum(whole(split, answers), axis=1)[0], COUNTS[0, : lengths[0]].sum(axis=0))
    with pytest.raises(BadInput, match="as many units in each trial"):
        population.build(Config(**given, axes=("trials", "bins", "units")), "mine")


def test_windows_of_bins_that_are_no_whole_ms_are_proposed_and_read(tmp_path):
    np.savez(tmp_path / "a.npz", counts=COUNTS.reshape(-1, UNITS), bin_ms=100 / 3)
    settings, counts = proposed(tmp_path / "a.npz")
    assert settings["window_ms"] == [0, 3333.3333]
    assert counts.shape[1:] == (100, UNITS)


def test_training_and_evaluation_counts_that_lie_apart_are_one_recording(tmp_path):
    with h5py.File(tmp_path / "lfads.h5", "w") as file:
        file["train_data"], file["valid_data"], file["dt"] = COUNTS[:18], COUNTS[18:], 0.01
    found = proposal(str(tmp_path / "lfads.h5"))
    assert found.settings["eval_counts"] == "valid_data"
    given = {**found.settings, "path": str(tmp_path / "lfads.h5")}
    split, answers = prepare.read(Recording("mine", "population", given), str(tmp_path))
    assert (len(split.train), len(split.eval)) == (18, 6)
    np.testing.assert_array_equal(whole(split, answers), COUNTS)
    with pytest.raises(BadInput, match="expected bins and units as the counts have"):
        population.build(Config(path=given["path"], counts="train_data", eval_counts="dt", bin_ms=10), "x")
    with pytest.raises(BadInput, match="eval_counts goes with counts alone, got conditions"):
        Config(path="a", counts="a", eval_counts="b", conditions=("c",), bin_ms=10)
