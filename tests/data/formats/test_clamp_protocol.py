"""Onset, rest and repeats are read off recorded currents, and not off what a program wrote."""

import numpy as np
import pytest

from raysp.data.formats import clamp_protocol
from raysp.data.formats.clamp_arrays import Group

RATE_HZ = 10_000.0


def group(current):
    return Group(RATE_HZ, current, 1.0, tuple(np.zeros(0, np.int64) for _ in range(len(current))), None)


def steps(noise=0.6, offset=-21.0):
    """Sweeps of 1 s: a pulse that all have from 0.2 to 0.3 s, then steps of 20 pA from 0.4321 s to 0.8 s."""
    current = np.full((6, 10_000), offset)
    current[:, 2000:3000] -= 10
    current[:, 4320:8000] += 20 * np.arange(6)[:, None]
    return group(current + noise * np.random.default_rng(0).normal(size=current.shape))


def noises(sweeps=5, noise=0.6):
    rng = np.random.default_rng(1)
    one = np.where(np.arange(20_000) < 1_700, -3.0, 60 * rng.normal(size=20_000))
    return group(one + noise * rng.normal(size=(sweeps, 20_000)))


def test_steps_begin_where_sweeps_part_and_not_at_a_pulse_that_all_have():
    assert clamp_protocol.onset_s(steps()) == pytest.approx(0.432)
    assert clamp_protocol.onset_s(steps(noise=0.0)) == pytest.approx(0.432)


def test_one_sweep_and_sweeps_without_any_current_begin_nowhere():
    assert clamp_protocol.onset_s(noises(sweeps=1)) is None
    assert clamp_protocol.onset_s(group(np.zeros((3, 1000)))) is None


def test_repeats_differ_by_noise_alone():
    assert clamp_protocol.one_current(noises())
    assert not clamp_protocol.one_current(steps())
    assert not clamp_protocol.one_current(noises(sweeps=1))


def test_rest_ends_where_the_first_group_begins():
    assert clamp_protocol.rest_s([steps()]) == (0.0, 0.2)
    assert clamp_protocol.rest_s([steps(), noises()]) == (0.0, 0.15)


def test_what_a_program_wrote_has_no_offset_to_take_away():
    assert clamp_protocol.rest_s([steps(noise=0.0)]) == ()


def test_steps_from_the_first_sample_are_no_rest():
    current = 20.0 * np.arange(6)[:, None] + 0.6 * np.random.default_rng(2).normal(size=(6, 10_000))
    assert clamp_protocol.rest_s([group(current)]) == ()
    assert clamp_protocol.rest_s([]) == ()
