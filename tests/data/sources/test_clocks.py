"""Which unit spike times are in: whole ms and samples are told apart by how soon units fire again, or not known."""

import numpy as np
import pytest

from raysp.data.sources.clocks import Times, clock

RNG = np.random.default_rng(0)


def recorded(rate_hz, per_second, rest_s=0.002):
    """Return whole times of six units, which rest after each spike, in 200 s."""
    steps = rest_s + RNG.exponential(1 / rate_hz - rest_s, (6, int(300 * rate_hz)))
    times = steps.cumsum(axis=1)
    return Times.of_units([np.floor(one[one < 200] * per_second) for one in times])


@pytest.mark.parametrize("hz", [10_000, 20_000, 30_000])
def test_samples_of_fast_units_are_no_ms(hz):
    per_second, why = clock(recorded(50, hz), 6)
    assert per_second == hz
    assert "NOT KNOWN" in why


def test_whole_ms_are_known_by_how_soon_units_fire_again():
    per_second, why = clock(recorded(5, 1000), 6)
    assert (per_second, "NOT KNOWN" in why) == (1000, False)


@pytest.mark.parametrize(("apart", "known"), [(None, False), (3000.0, True), (30_000.0, False)])
def test_ms_of_units_that_rest_never_are_known_by_trials_alone(apart, known):
    per_second, why = clock(recorded(5, 1000, rest_s=0.0), 6, apart=apart)
    assert (per_second, "NOT KNOWN" not in why) == (1000, known)


def test_microseconds_after_which_no_unit_fires_are_doubted():
    slow = Times.of_units([np.floor(np.sort(RNG.uniform(0, 3000, 1500)) * 25_000) for _ in range(6)])
    assert "(NOT KNOWN: were they samples" in clock(slow, 6)[1]


def test_steps_are_those_of_a_unit_however_spikes_are_ordered():
    each = [np.sort(RNG.uniform(0, 200, 500)) for _ in range(4)]
    unit = np.arange(4).repeat(500)
    order = RNG.permutation(2000)
    assert Times.of_spikes(np.concatenate(each)[order], unit[order]) == Times.of_units(each)
