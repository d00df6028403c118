"""The decoder that is drawn is the decoder that is scored."""

import dataclasses

import numpy as np
import pytest
from matplotlib.axes import Axes

from raysp.errors import NotReady
from raysp.evaluation.velocity import decode
from raysp.io.words import number
from raysp.kinds.population.case import open_case
from raysp.kinds.population.page.velocity import decoded_behavior, velocity


@pytest.fixture
def case(shared_run):
    return open_case(shared_run.run, shared_run.root, shared_run.trial("sae"), answers=True)


def score(case, masks=(None, None)):
    behavior = case.split.train.behavior, case.known.behavior
    return decode(case.training_rates(), behavior[0], case.prediction.rates, behavior[1], *masks).mean


def test_r2_of_the_drawing_is_the_score(case):
    (found,) = decoded_behavior(case)
    assert found.found.mean == score(case) > 0.8
    caption = velocity(case).caption
    assert f"vel R2 {number(score(case))}" in caption
    assert f"velocity x {number(float(found.r2[0]))}; velocity y {number(float(found.r2[1]))}" in caption


def test_rows_are_those_of_the_score_where_one_variable_alone_is_unknown(case):
    """The benchmark's decoder takes the bins in which the first variable is known; infinity elsewhere is an error."""
    behavior = case.known.behavior.copy()
    behavior[:, :7, 0] = np.nan
    known = dataclasses.replace(case.known, behavior=behavior)
    part = dataclasses.replace(case, answers=dataclasses.replace(case.answers, trials=known))
    (found,) = decoded_behavior(part)
    assert found.found.mean == score(part) != score(case)


def test_one_decoder_per_mask(case):
    masks = [np.stack([np.arange(len(t)) % 2 == k for k in (0, 1)], axis=1) for t in (case.split.train, case.known)]
    masks[1][0] = False
    train = dataclasses.replace(case.split.train, decode_mask=masks[0])
    known = dataclasses.replace(case.known, decode_mask=masks[1])
    split, answers = dataclasses.replace(case.split, train=train), dataclasses.replace(case.answers, trials=known)
    part = dataclasses.replace(case, split=split, answers=answers)
    (found,) = decoded_behavior(part)
    assert np.isnan(found.found.values[0]).all()
    assert np.isfinite(found.found.values[1:]).all()
    assert found.found.mean == score(part, masks)
    assert f"vel R2 {number(score(part, masks))}" in velocity(part).caption


def test_each_variable_of_another_recording_is_decoded_by_itself(case):
    sizes = dataclasses.replace(case.split.sizes, dataset="mine", behavior=3)
    parts = []
    for trials in (case.split.train, case.known):
        noise = np.random.default_rng(0).normal(size=trials.behavior.shape[:2])
        parts.append(dataclasses.replace(trials, behavior=np.dstack([trials.behavior, noise])))
    parts[0].behavior[..., 1] = np.nan
    split = dataclasses.replace(case.split, train=parts[0], sizes=sizes)
    mine = dataclasses.replace(
        case, split=split, answers=dataclasses.replace(case.answers, trials=parts[1], sizes=sizes)
    )
    found = decoded_behavior(mine)
    assert [one.variables for one in found] == [(0,), (1,), (2,)]
    caption = velocity(mine).caption
    assert f"variable 0 {number(found[0].found.mean)}" in caption
    assert "variable 1 undefined (decoding, training" in caption
    assert "vel R2" not in caption


def test_axes_have_the_names_and_units_of_the_recording(case, monkeypatch):
    labels = []
    for axis in ("x", "y"):
        there = getattr(Axes, f"set_{axis}label")
        monkeypatch.setattr(
            Axes, f"set_{axis}label", lambda self, text, there=there: labels.append(text) or there(self, text)
        )
    named = dataclasses.replace(case.split.provenance, behavior=(("hand_vel x", "mm/s"), ("hand_vel y", "mm/s")))
    caption = velocity(dataclasses.replace(case, split=dataclasses.replace(case.split, provenance=named))).caption
    assert "hand_vel y " in caption
    assert {"hand_vel x\n(mm/s)", "hand_vel y\n(mm/s)", "x (mm)", "y (mm)"} <= set(labels)
    labels.clear()
    velocity(case)
    assert {"velocity x\n(recording's unit)", "x (recording's unit · s)"} <= set(labels)


def test_bins_without_behaviour_are_left_out_not_drawn(case):
    behavior = case.known.behavior.copy()
    behavior[:3, :5] = np.nan
    known = dataclasses.replace(case.known, behavior=behavior)
    picture = velocity(dataclasses.replace(case, answers=dataclasses.replace(case.answers, trials=known)))
    assert "nan" not in picture.caption


def test_behaviour_of_one_row_per_trial_is_not_decoded(case):
    known = dataclasses.replace(case.known, behavior=case.known.behavior[:, 0])
    with pytest.raises(NotReady, match="one row per trial"):
        velocity(dataclasses.replace(case, answers=dataclasses.replace(case.answers, trials=known)))
