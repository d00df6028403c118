"""Figures of single units: rasters, distance arrays, averages, kernels and training, checked by what they draw from."""

import dataclasses

import numpy as np
import pytest

from raysp.errors import NotReady
from raysp.io import files
from raysp.kinds.stimulus.kernels_file import read_kernels, write_kernels
from raysp.kinds.stimulus.page.page import draw
from raysp.kinds.stimulus.page.spikes import averages, ordinary_stretch, rows_of, unit_averages
from raysp.kinds.stimulus.page.training import best_epochs, learned, learning
from raysp.kinds.stimulus.page.windows import busiest, kernels, open_arrays, open_kernels
from raysp.kinds.stimulus.spike_trains_file import SpikeTrain, read_spike_trains, write_spike_trains
from raysp.objectives.spike_distance import true_distances
from tests.kinds.stimulus.made_up import CLAMP, INPUT, LENGTH, PAST, STEP, UNITS, case_of, make_run, read


@pytest.fixture
def case(made):
    return case_of(made)


def test_rasters_have_the_recorded_spikes_and_a_row_for_each_model(case, made):
    rows = rows_of(case, UNITS[0])
    assert [line and line.model for line, _ in rows] == [
        None, "distance_unet", "poisson_20", "poisson_80", "perfect_distance"
    ]  # fmt: skip
    begin, end = made.split.parts["test"][0]
    recorded = np.flatnonzero(made.split.spikes[begin + INPUT : end, 0])
    np.testing.assert_allclose(rows[0][1], (recorded + 0.5) / 1000)


def test_a_model_that_begins_later_keeps_its_moments(tmp_path):
    made = make_run(tmp_path, models=("distance_unet", "poisson_20"))
    path, trial = made.run.trial(made.of("poisson_20").id).predictions, made.of("poisson_20")
    later = [
        dataclasses.replace(t, first_bin=t.first_bin + 30, predicted=t.predicted[30:], recorded=t.recorded[30:])
        for t in read_spike_trains(path)
    ]
    before = rows_of(case_of(made), UNITS[0])[1:]
    write_spike_trains(path, trial, made.split.select(trial.units), later, INPUT)
    after = rows_of(case_of(made), UNITS[0])[1:]
    old, new = (next(times for line, times in rows if line.model == "poisson_20") for rows in (before, after))
    np.testing.assert_allclose(new, old[old > 0.030])


def test_the_ordinary_stretch_has_the_median_number_of_spikes_and_its_busiest_second():
    times = np.r_[np.linspace(0, 9.9, 50), np.linspace(10, 19.9, 5), np.linspace(27.1, 27.9, 20)]
    assert ordinary_stretch(times, 35.0) == (20.0, 27.0)
    assert ordinary_stretch(np.array([]), 4.0) == (0.0, 0.0)


def test_busiest_windows_hold_most_spikes():
    recorded = np.zeros(100, np.uint8)
    recorded[[3, 55, 61, 67]] = 1
    assert busiest(recorded, step=10, count=2) == 5
    assert busiest(recorded, step=10, count=10) == 0


def brute_force(spikes, start, past, length, clamp):
    ahead = [f for f in np.flatnonzero(spikes) if f >= start]
    near = [min((abs(start - past + j - f) for f in ahead), default=clamp) for j in range(length)]
    return [0.25 if d == 0 else min(d, clamp) for d in near]


def test_true_distances_are_those_to_the_nearest_spike_to_come(made):
    starts = np.array([500, 4321, len(made.split.stimulus) - 3])
    found = true_distances(made.split.spikes[:, 2:3], starts, past=PAST, length=LENGTH, clamp=CLAMP)[0]
    spikes = made.split.spikes[:, 2]
    np.testing.assert_array_equal(found, [brute_force(spikes, start, PAST, LENGTH, CLAMP) for start in starts])


def test_arrays_are_windows_of_two_seconds(case, made):
    found = open_arrays(case, UNITS[0])
    assert found.predicted.shape == found.true.shape == (125, LENGTH)
    train = next(
        t for t in read_spike_trains(made.run.trial(made.of("distance_unet").id).predictions) if t.unit == UNITS[0]
    )
    np.testing.assert_array_equal(found.predicted, train.output[found.first : found.first + 125])
    start = train.first_bin + found.first * STEP
    expected = brute_force(made.split.spikes[:, 0], start, PAST, LENGTH, CLAMP)
    np.testing.assert_array_equal(found.true[0], expected)


def test_models_that_count_have_no_arrays(tmp_path):
    case = case_of(make_run(tmp_path, models=("no_spikes", "poisson_20")))
    with pytest.raises(NotReady, match="does not predict distances"):
        open_arrays(case, UNITS[0])


def test_outputs_that_were_not_kept_are_told(tmp_path):
    made = make_run(tmp_path, models=("distance_unet",))
    for trial in made.trials:
        path = made.run.trial(trial.id).predictions
        bare = [dataclasses.replace(train, output=None) for train in read_spike_trains(path)]
        write_spike_trains(path, trial, made.split.select(trial.units), bare, INPUT)
    with pytest.raises(NotReady, match="was not kept"):
        open_arrays(case_of(made), UNITS[0])


def test_a_unit_that_follows_a_light_has_it_in_its_averages(case):
    trained, recorded, predicted = unit_averages(case, UNITS[3], 200)
    for found in (trained, recorded, predicted):
        # The first light is on 40 bins before (up to 90 with its frame); what is predicted comes two bins later.
        assert found.mean[-60, 0] > 0.2
        assert abs(found.mean[-60, 1:]).max() < 0.2
    assert trained.spikes > 50
    assert recorded.spikes > predicted.spikes
    assert recorded.chance < predicted.chance


def test_no_predicted_spikes_are_no_average(tmp_path):
    made = make_run(tmp_path, models=("distance_unet",))
    for trial in made.trials:
        path = made.run.trial(trial.id).predictions
        silent = [dataclasses.replace(train, predicted=0 * train.predicted) for train in read_spike_trains(path)]
        write_spike_trains(path, trial, made.split.select(trial.units), silent, INPUT)
    case = case_of(made)
    assert unit_averages(case, UNITS[0], 50)[2].spikes == 0
    assert len(averages(case).png) > 5000


def test_kernels_are_those_of_the_unit_the_strongest_first(case, made):
    trial = made.of("distance_unet", UNITS[3])
    kept, _ = read_kernels(made.run.trial(trial.id).kernels, trial, UNITS[3])
    found, shared = open_kernels(case, UNITS[3])
    assert not shared
    assert (np.diff(np.square(found).sum(axis=(1, 2))) <= 0).all()
    np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(kept, axis=0))


def test_kernels_of_one_network_for_all_units_are_said_to_be_shared(tmp_path):
    made = make_run(tmp_path, models=("distance_unet",), together=4)
    (trial,) = made.trials
    weights = np.arange(600.0).reshape(1, 8, 5, 15)
    write_kernels(made.run.trial(trial.id).kernels, trial, made.split.units, weights)
    case = case_of(made)
    found, shared = open_kernels(case, UNITS[2])
    assert shared
    np.testing.assert_array_equal(found, weights[0, ::-1])
    assert kernels(case).caption.startswith("Shared by all units")


def test_a_trial_of_an_earlier_version_has_no_kernels_and_says_what_to_do(tmp_path):
    made = make_run(tmp_path, models=("distance_unet",))
    for trial in made.trials:
        files.remove(made.run.trial(trial.id).kernels)
    with pytest.raises(NotReady, match="remove the trial's folder and run the experiment again"):
        open_kernels(case_of(made), UNITS[0])


def test_training_of_all_trials_comes_together(case):
    losses, best = learned(case.data, case.task, "distance_unet")
    assert losses.tolist() == [[[2.0, 1.0, 0.0]] * 2, [[2.5, 1.5, 0.5]] * 2]
    assert sorted(best) == [1, 1, 2, 2]
    assert best_epochs(case.data, case.trial("distance_unet", UNITS[0])) == {UNITS[0]: 1, UNITS[1]: 2}
    assert learned(case.data, case.task, "no_spikes") is None


def test_models_that_fit_themselves_have_no_training_curves(tmp_path):
    made = make_run(tmp_path, models=("no_spikes", "perfect_distance"))
    data, task, _ = read(made)
    with pytest.raises(NotReady, match="no training curves"):
        learning(data, task)


def test_all_figures_are_drawn_and_say_what_to_look_at(made):
    found = draw(*read(made))
    names = ["widths", "intervals", "rasters", "arrays", "averages", "kernels", "learning"]
    assert [picture.name for picture in found.pictures] == [f"standin-eye-{name}" for name in names]
    assert all("ook " in picture.caption for picture in found.pictures)
    assert found.notes == []


def test_an_unprepared_recording_leaves_what_needs_it_undrawn(tmp_path):
    made = make_run(tmp_path, models=("distance_unet", "poisson_20"))
    files.remove(files.join(made.root, "prepared"))
    found = draw(*read(made))
    assert [picture.name.rpartition("-")[2] for picture in found.pictures] == [
        "widths", "intervals", "rasters", "learning"
    ]  # fmt: skip
    assert len(found.notes) == 1
    assert "raysp data prepare" in found.notes[0]


def test_output_of_one_unit_is_that_units(case):
    first, second = (case.train(case.main, unit, output=True) for unit in UNITS[:2])
    assert isinstance(first, SpikeTrain)
    assert (first.unit, second.unit) == UNITS[:2]
    assert not np.array_equal(first.output, second.output)
