from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal.windows import gaussian
from sklearn.linear_model import PoissonRegressor

from raysp.data.splits.batch import to_device
from raysp.models import catalog
from raysp.models.mean_rate import Model as MeanRate
from raysp.models.smoothing import held, reflecting_matrix, shares, smoothing_matrix
from raysp.objectives.held_trials import PENALTIES, best_penalty, climbed, drawn, folds
from tests.models.made_up import made_up_split, unbroken


@settings(deadline=None)
@given(st.integers(20, 60), st.sampled_from([5.0, 20.0]), st.sampled_from([10.0, 13.0, 15.0, 17.0]))
def test_smoothing_is_numpys_same_convolution(bins, bin_ms, sigma_ms):
    window = gaussian(max(int(6 * sigma_ms / bin_ms), 1), sigma_ms / bin_ms)
    counts = np.random.default_rng(0).poisson(0.3, bins).astype(float)
    expected = np.convolve(counts, window / window.sum(), "same")
    np.testing.assert_allclose(smoothing_matrix(bins, sigma_ms, bin_ms) @ counts, expected, atol=1e-12)


def test_a_window_longer_than_the_trial_is_cut():
    matrix = smoothing_matrix(4, 60.0, 5.0)
    assert matrix.shape == (4, 4)
    assert (matrix > 0).all()


def test_it_is_the_benchmarks_baseline():
    split = made_up_split(trials=40, bins=20)
    model = catalog.build("smoothing", {"sigma_ms": 30.0, "alpha": 0.1, "published": True}, split.sizes)
    model.fit(split.train, unbroken())
    found = model.predict(to_device(split.eval, "cpu").inputs()).numpy()
    window = gaussian(9, 1.5)

    def smooth(counts):
        return np.apply_along_axis(lambda x: np.convolve(x, window / window.sum(), "same"), 1, counts)

    np.testing.assert_allclose(found.rates[..., :6], smooth(split.eval.heldin), atol=1e-6)
    inputs = np.log(smooth(split.train.heldin.astype(float)) + 1e-4).reshape(-1, 6)
    shown = np.log(smooth(split.eval.heldin.astype(float)) + 1e-4).reshape(-1, 6)
    for j in range(3):
        reference = PoissonRegressor(alpha=0.1, tol=1e-12, max_iter=1000, solver="newton-cholesky")
        expected = reference.fit(inputs, split.train.heldout[..., j].ravel()).predict(shown)
        np.testing.assert_allclose(found.rates[..., 6 + j].ravel(), expected, rtol=1e-5)
    np.testing.assert_allclose(found.rates_forward[0, 0, 6:], split.train.heldout_forward.mean(axis=(0, 1)), rtol=1e-6)


class Telling:
    """Stages that nobody stops, and what they were told."""

    def __init__(self):
        self.notes = []

    def report(self, note):
        self.notes.append(note)

    def once(self, name, make):
        return make()


def fitted(split, **hyperparameters):
    model, stages = catalog.build("smoothing", hyperparameters, split.sizes), Telling()
    model.fit(split.train, stages)
    return model, stages.notes


@pytest.mark.parametrize(
    ("dataset", "given", "expected"),
    [
        ("mc_maze_small", {}, "sigma 60 ms, offset 0.0001, alpha 0.1"),
        ("standin-mc_maze_small", {"sigma_ms": 20.0}, "sigma 20 ms, offset 0.0001, alpha 0.1"),
        ("mine", {}, "sigma 50 ms, offset 0.0001, alpha 0.01"),
    ],
)
def test_the_benchmarks_settings_are_an_option(dataset, given, expected):
    split = made_up_split(trials=4)
    split = dataclasses.replace(split, sizes=dataclasses.replace(split.sizes, dataset=dataset))
    assert {"log": expected} in fitted(split, published=True, **given)[1]


def poisson_loss(model, split):
    rates = model.predict(to_device(split.train, "cpu").inputs()).numpy().rates[..., split.sizes.heldin :]
    return (rates - split.train.heldout * np.log(rates)).mean()


def test_what_training_trials_choose_predicts_better_than_the_published_settings_and_the_floor():
    split = made_up_split(trials=60, bins=30)
    other = dataclasses.replace(split, train=made_up_split(trials=120, bins=30).train.take(np.arange(60, 120)))
    floor = MeanRate(None, split.sizes)
    floor.fit(split.train, unbroken())
    losses = [poisson_loss(one, other) for one in (fitted(split)[0], fitted(split, published=True)[0], floor)]
    assert losses == sorted(losses)
    assert fitted(split, sigma_ms=33.0, offset=0.2, alpha=0.5)[1][-1] == {"log": "sigma 33 ms, offset 0.2, alpha 0.5"}


@pytest.mark.parametrize("shape", [{"heldout": 0}, {"bins": 1}, {"bins": 1, "heldout": 0, "heldin": 1}, {"trials": 1}])
def test_a_recording_that_leaves_little_to_choose_from_ends_at_the_floor_at_worst(shape):
    split = made_up_split(**{"trials": 12, **shape})
    model, notes = fitted(split)
    rates = model.predict(to_device(split.train, "cpu").inputs()).numpy().rates
    assert np.isfinite(rates).all()
    assert any("one training trial" in note.get("warning", "") for note in notes) == (shape == {"trials": 1})
    if shape.get("bins") == 1:
        np.testing.assert_allclose(rates[..., :1], split.train.heldin[..., :1].mean(), rtol=1e-6)


def test_a_kernel_longer_than_the_trial_gives_its_mean_and_loses_no_spike():
    kernel = reflecting_matrix(6, 5000.0, 20.0)
    np.testing.assert_allclose(kernel, 1 / 6, atol=1e-3)
    np.testing.assert_allclose(reflecting_matrix(40, 60.0, 20.0).sum(axis=0), 1.0)


def test_smoothed_counts_are_believed_as_far_as_they_foretell_other_bins():
    rng = np.random.default_rng(0)
    slow = np.exp(np.sin(np.arange(100) / 15))
    counts = rng.poisson(np.stack([slow, np.full(100, 0.7)], axis=1), (30, 100, 2)).astype(float)
    found, _ = shares(counts, reflecting_matrix(100, 40.0, 20.0))
    assert found[0] > 0.7 > 0.2 > found[1]


def test_a_penalty_is_chosen_by_trials_that_were_not_fitted():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(40, 10, 5))
    driven = rng.poisson(np.exp(0.8 * inputs[..., :1])).astype(float)
    strong = best_penalty(inputs, rng.poisson(1.0, (40, 10, 1)).astype(float), folds(40))
    assert best_penalty(inputs, driven, folds(40)).penalty < 1e3 < strong.penalty <= PENALTIES[0]
    assert best_penalty(inputs, np.zeros((40, 10, 1)), folds(40)).loss == np.inf


def test_windows_of_one_trial_are_in_one_fold():
    found = folds(9, np.array([5, 5, 5, 7, 7, 2, 2, 9, 9]))
    assert [len(set(found[ids])) for ids in ([0, 1, 2], [3, 4], [5, 6], [7, 8])] == [1, 1, 1, 1]
    assert set(found) == {0, 1, 2, 3}


def test_climbing_ends_where_no_neighbour_is_better():
    assert climbed(lambda x: abs(np.log2(x) - 3), 1.0, 2.0, 0.1, 100.0) == 8.0
    assert climbed(lambda x: x, 1.0, 2.0, 0.25, 100.0) == 0.25


@pytest.mark.parametrize("name", ["smoothing", "reduced_rank"])
def test_where_nothing_is_surely_better_the_mean_rates_are_predicted(name):
    split = made_up_split(trials=24, bins=6)
    counts = np.random.default_rng(3).poisson(0.4, (24, 6, 9)).astype(np.float32)
    train = dataclasses.replace(split.train, heldin=counts[..., :6], heldout=counts[..., 6:])
    stages = Telling()
    model = catalog.build(name, {}, dataclasses.replace(split.sizes, bins=6))
    model.fit(train, stages)
    found = model.predict(to_device(train, "cpu").inputs()).numpy().rates
    np.testing.assert_allclose(found, np.broadcast_to(counts.mean(axis=(0, 1)), found.shape), rtol=1e-5)
    assert any("surely better than the mean rate" in note.get("log", "") for note in stages.notes)


def test_log_rates_beyond_those_of_training_go_on_by_the_rates_tangent():
    most = torch.tensor([0.0, 1.0])
    found = held(torch.tensor([[-3.0, 0.5], [0.0, 1.0], [2.0, 101.0]]), most).exp()
    expected = torch.tensor([[np.exp(-3.0), np.exp(0.5)], [1.0, np.e], [3.0, 101.0 * np.e]])
    torch.testing.assert_close(found, expected.float())


def test_a_fit_that_is_drawn_towards_the_mean_rates_keeps_each_outputs_spikes():
    rng = np.random.default_rng(0)
    inputs, counts = rng.normal(size=(200, 3)), rng.poisson(2.0, (200, 2)).astype(float)
    counts[:9, 0] = np.nan
    fit = rng.normal(size=(3, 2)), np.zeros(2)
    assert drawn(inputs, counts, fit, 1.0) is fit
    weights, intercepts = drawn(inputs, counts, fit, 0.25)
    assert np.array_equal(weights, 0.25 * fit[0])
    expected = np.where(np.isnan(counts), 0.0, np.exp(inputs @ weights + intercepts))
    assert expected.sum(axis=0) == pytest.approx(np.nansum(counts, axis=0))
