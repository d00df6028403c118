"""Choices behind the figures: which trials, which neurons, what is known."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp import files
from raysp.errors import NotReady
from raysp.report.case import open_case
from raysp.report.curves import curves
from raysp.report.material import group, read_material
from raysp.report.neurons import neuron_means
from raysp.report.overview import overview
from raysp.report.psths import psth, true_means
from raysp.report.rasters import ordinary_trials, raster


@pytest.fixture
def case(shared_run):
    return open_case(shared_run.run, shared_run.root, shared_run.trial("sae"), answers=True)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 30), st.integers(1, 4), st.integers(0, 2**31))
def test_ordinary_trials_are_neither_emptiest_nor_fullest(trials, wanted, seed):
    counts = np.random.default_rng(seed).permutation(trials)[:, None, None].astype(float)
    chosen = ordinary_trials(counts, wanted)
    assert len(set(chosen)) == len(chosen) == min(wanted, trials)
    if trials >= 2 * (wanted + 1):
        spikes = counts[chosen].ravel()
        assert spikes.min() > 0
        assert spikes.max() < trials - 1


def test_counts_are_unknown_without_answers(shared_run):
    case = open_case(shared_run.run, shared_run.root, shared_run.trial("sae"), answers=False)
    sizes, counts = case.split.sizes, case.counts()
    assert np.isfinite(counts[:, : sizes.bins, : sizes.heldin]).all()
    assert np.isnan(counts[:, :, sizes.heldin :]).all()
    assert np.isnan(counts[:, sizes.bins :]).all()
    assert "Shaded" in raster(case).caption


def test_counts_are_those_of_the_answers(case):
    known, sizes = case.known, case.split.sizes
    assert case.counts().shape == (24, sizes.bins + sizes.forward, sizes.neurons)
    assert case.counts().sum() == sum(
        getattr(known, name).sum() for name in ("heldin", "heldout", "heldin_forward", "heldout_forward")
    )


def test_rates_that_were_not_predicted_are_blank(case):
    bare = dataclasses.replace(case, prediction=dataclasses.replace(case.prediction, rates_forward=None))
    assert np.isnan(bare.rates()[:, case.split.sizes.bins :]).all()
    assert len(raster(bare).png) > 5000


def test_psth_without_a_table_comes_from_true_rates(case):
    bare = dataclasses.replace(case, answers=dataclasses.replace(case.answers, psth=None))
    means, source = true_means(bare)
    trials = case.known.condition == 2
    np.testing.assert_allclose(means[2], case.known.rates[trials, : case.split.sizes.bins].mean(axis=0))
    assert source == "true rates"


def test_psth_needs_conditions(case):
    bare = dataclasses.replace(case.known, condition=None)
    with pytest.raises(NotReady, match="no conditions"):
        psth(dataclasses.replace(case, answers=dataclasses.replace(case.answers, trials=bare)))


def test_curves_name_the_seeds(shared_run):
    material = read_material(shared_run.run, shared_run.root)
    assert "1 more faint" in curves(material, material.tasks[0]).caption


def test_models_that_fit_themselves_have_no_curves(make):
    made = make(models=("mean_rate",), splits=("mc_maze_small-20ms-val",), seeds=(0,))
    material = read_material(made.run, made.root)
    with pytest.raises(NotReady, match="no training curves"):
        curves(material, material.tasks[0])


def test_overview_needs_scores(made_up):
    files.remove(made_up.run.metrics)
    with pytest.raises(NotReady, match="raysp evaluate made-up"):
        overview(read_material(made_up.run, made_up.root))


def test_neuron_means_are_over_seeds(shared_run):
    material = read_material(shared_run.run, shared_run.root)
    rows = [row for row in material.unit_scores if row["model"] == "sae" and row["split"] == material.tasks[0].split]
    values = [row["value"] for row in rows if row["unit_index"] == 20]
    assert len(values) == 2
    assert neuron_means(material, material.tasks[0])["sae"][20] == pytest.approx(np.mean(values))


def test_subsets_are_tasks_of_their_own(shared_run):
    whole = shared_run.trial("sae")
    subset = dataclasses.replace(whole, neurons=tuple(range(0, 18, 2)))
    tasks = group([whole, subset])
    assert len(tasks) == 2
    assert tasks[0].slug != tasks[1].slug
    assert set(tasks[1].slug) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")
