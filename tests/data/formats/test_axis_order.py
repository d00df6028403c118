"""Which axes of counts look like time and units, whatever drifts."""

import numpy as np
import pytest

from raysp.data.formats import axis_order, plausibility


def courses(trials, bins, units, *, drift=0.0, wave=0.0, slow=0.0, seed=0):
    """Return counts (trials, bins, units) of units that drift over trials, with a common and a trial's own course."""
    rng = np.random.default_rng(seed)
    base, phase = rng.gamma(2.0, 0.1, units), rng.uniform(0, 2 * np.pi, units)
    over_trials = np.exp(rng.normal(0, drift, (trials, 1, units)).cumsum(axis=0))
    over_time = 1 + wave * np.sin(np.linspace(0, 2 * np.pi, bins)[:, None] + phase)
    latents = rng.normal(0, slow, (trials, bins, 2)).cumsum(axis=1) @ rng.normal(0, 0.5, (2, units))
    return rng.poisson(base * over_trials * over_time * np.exp(latents.clip(-2, 2))).astype(np.float32)


KINDS = {
    "at rest": {},
    "a course": {"wave": 0.8},
    "drifting": {"drift": 0.1, "wave": 0.8},
    "slow": {"slow": 0.15},
    "slow and drifting": {"slow": 0.15, "drift": 0.1},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(100, 60, 40), (40, 100, 20)])
def test_axes_in_their_order_are_not_doubted_however_units_drift(kind, shape):
    assert list(plausibility.axes(courses(*shape, **KINDS[kind]))) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", [(0, 2, 1), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
@pytest.mark.parametrize("shape", [(100, 60, 40), (40, 100, 20)])
def test_units_on_another_axis_are_told_however_they_drift(kind, order, shape):
    counts = courses(*shape, **KINDS[kind]).transpose(order)
    assert [doubt.name for doubt in plausibility.axes(counts)] == ["axes"]


@pytest.mark.parametrize(("kind", "told"), [("slow and drifting", True), ("slow", True), ("drifting", False)])
def test_time_before_trials_is_told_where_trials_have_courses_of_their_own(kind, told):
    counts = courses(100, 60, 40, **KINDS[kind]).transpose(1, 0, 2)
    assert [doubt.sentence.partition("axis ")[2][:15] for doubt in plausibility.axes(counts)] == (
        ["looks like time"] if told else []
    )


def test_bins_that_are_far_more_in_order_than_trials_are_time_wherever_they_stand():
    rng = np.random.default_rng(2)
    course = np.exp(rng.normal(size=(12, 60)).cumsum(axis=1) * 0.25)
    drift = 1.0 + 0.05 * np.arange(30)
    rates = rng.gamma(2.0, 0.3, (12, 1, 1)) * course[:, :, None] * drift
    assert axis_order.likely_axes(rng.poisson(rates).astype(np.float32)) == (2, 1, 0)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_of_two_axes_with_an_order_that_of_trials_own_courses_is_time(order):
    counts = courses(100, 60, 40, slow=0.15, drift=0.1).transpose(order)
    assert axis_order.likely_axes(counts) == tuple(order.index(axis) for axis in range(3))
