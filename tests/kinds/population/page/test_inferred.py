"""Inferred inputs: which are drawn, and of which models."""

import dataclasses

import numpy as np
import pytest

from raysp.errors import NotReady
from raysp.kinds.population.case import open_case
from raysp.kinds.population.latents_file import write_latents
from raysp.kinds.population.page.inferred import inferred, inside, strongest
from raysp.runs.folder import TrialFolder


@pytest.fixture
def case(shared_run, tmp_path):
    found = open_case(shared_run.run, shared_run.root, shared_run.trial("sae"), answers=True)
    return dataclasses.replace(found, folder=TrialFolder(str(tmp_path)))


def write(case, inputs, **more):
    rng, trials = np.random.default_rng(0), len(case.known)
    beside = {"initial_conditions": rng.normal(size=(trials, 6))}
    if inputs:
        beside["inferred_inputs"] = rng.normal(size=(trials, case.split.sizes.bins, inputs))
    write_latents(case.folder.latents, rng.normal(size=(trials, 5, 3)), trial=case.trial, beside=beside | more)


@pytest.mark.parametrize(
    ("inputs", "title"), [(1, "Inferred inputs and initial"), (6, "Inferred inputs"), (0, "Initial conditions")]
)
def test_drawn_with_as_many_inputs_as_there_are(case, inputs, title):
    write(case, inputs)
    picture = inferred(case)
    assert picture.title.startswith(title)
    assert ("4 of 6" in picture.caption) == (inputs == 6)
    assert ("single trials" in picture.caption) == bool(inputs)
    assert len(picture.png) > 3000


def test_collapsed_dimensions_are_counted_and_seen(case):
    nats = np.full((len(case.known), 6), [3.0, 1e-7, 0.2, 0.009, 0.0, 1.0])
    write(case, 1, initial_divergence=nats, input_divergence=nats[:, 1:2])
    wide = inferred(case)
    assert "3 of 6 dimensions of initial conditions, 1 of 1 dimensions of inputs collapsed" in wide.caption
    write(case, 1)
    assert "collapsed" not in inferred(case).caption


def test_trials_without_conditions_are_of_one_colour(case):
    write(case, 1)
    bare = dataclasses.replace(case.answers.trials, condition=None)
    case = dataclasses.replace(case, answers=dataclasses.replace(case.answers, trials=bare, psth=None))
    assert "condition" not in inferred(case).caption.replace("Initial conditions", "")


def test_a_model_without_them_is_told_of(shared_run, case):
    write_latents(case.folder.latents, np.zeros((len(case.known), 5, 3)), trial=case.trial)
    with pytest.raises(NotReady, match="no initial conditions to draw"):
        inferred(case)


def test_the_inputs_that_vary_most_are_drawn_in_their_own_order():
    inputs = np.random.default_rng(0).normal(size=(4, 10, 6)) * [3, 0.1, 4, 2, 0.2, 5]
    assert strongest(inputs) == [0, 2, 3, 5]
    assert strongest(inputs[..., :2]) == [0, 1]


def test_what_is_inferred_outside_of_a_trial_is_no_part_of_an_input():
    rng = np.random.default_rng(0)
    heldin, inputs = np.zeros((5, 8, 3)), rng.normal(size=(5, 10, 6)) * np.arange(1, 7)
    heldin[:3, :2], heldin[2:, 6:], inputs[:3, :2, 0] = np.nan, np.nan, 99.0
    found = inside(inputs, heldin)
    assert np.isnan(found[:3, :2]).all()
    assert np.isnan(found[2:, 6:8]).all()
    assert np.isfinite(found[..., 0]).sum() == 50 - 6 - 6
    assert strongest(found) == [2, 3, 4, 5]
