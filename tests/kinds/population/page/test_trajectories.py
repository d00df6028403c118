"""Principal components keep what varies most, and figures exist for latents of any width."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from raysp.evaluation.components import principal_components
from raysp.kinds.population.case import open_case
from raysp.kinds.population.page.trajectories import trajectory


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(2, 8), st.integers(1, 6), st.integers(0, 2**31))
def test_same_as_scikit_learn(trials, bins, dimensions, seed):
    points = np.random.default_rng(seed).normal(size=(trials, bins, dimensions)) * np.arange(1, dimensions + 1) ** 2
    kept = min(3, dimensions, trials * bins)
    projected, share = principal_components(points, 3)
    reference = PCA(kept).fit(points.reshape(-1, dimensions))
    np.testing.assert_allclose(share[:kept], reference.explained_variance_ratio_, atol=1e-9)
    ours, theirs = projected.reshape(len(projected) * bins, -1), reference.transform(points.reshape(-1, dimensions))
    np.testing.assert_allclose(np.abs(ours[:, 0]), np.abs(theirs[:, 0]), atol=1e-6 * np.abs(theirs).max())


def test_nothing_that_varies():
    projected, share = principal_components(np.ones((3, 4, 5)), 3)
    assert projected.shape == (3, 4, 3)
    np.testing.assert_array_equal(share, 0)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 8])
def test_latents_of_any_width(shared_run, monkeypatch, dimensions):
    case = open_case(shared_run.run, shared_run.root, shared_run.trial("sae"), answers=True)
    latents = np.random.default_rng(0).normal(size=(len(case.known), 12, dimensions)).cumsum(axis=1)
    monkeypatch.setattr(type(case), "latents", lambda self: latents)
    picture = trajectory(case)
    assert picture.caption.startswith("Latents of 24 of 24")
    assert len(picture.png) > 5000


def test_a_model_without_latents_shows_its_rates(shared_run):
    case = open_case(shared_run.run, shared_run.root, shared_run.trial("true_rates"), answers=True)
    assert "the model has no latents" in trajectory(case).caption


def test_unconditioned_trials_have_one_colour(shared_run):
    case = open_case(shared_run.run, shared_run.root, shared_run.trial("sae"), answers=True)
    bare = dataclasses.replace(case.answers.trials, condition=None)
    case = dataclasses.replace(case, answers=dataclasses.replace(case.answers, trials=bare, psth=None))
    assert "one colour for all" in trajectory(case).caption


def test_components_are_those_of_the_bins_that_a_trial_has():
    rng = np.random.default_rng(0)
    points, there = rng.normal(size=(6, 9, 4)), rng.random((6, 9)) < 0.7
    reference = PCA(3).fit(points[there])
    points[~there] = 50.0
    projected, share = principal_components(points, 3, there)
    np.testing.assert_allclose(share, reference.explained_variance_ratio_, atol=1e-12)
    np.testing.assert_allclose(np.abs(projected[there]), np.abs(reference.transform(points[there])), atol=1e-9)
