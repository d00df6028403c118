import numpy as np
import pytest

from raysp.kinds.current_clamp.repeats import Repeats, measures, repeats_of
from raysp.objectives.explained_variance import ceilings
from tests.data.clamp_splits import made_up

COUNTS = np.array([[0, 1, 1, 0, 0, 1], [1, 1, 2, 0, 0, 0], [0, 0, 1, 1, 0, 1]])
RATES = np.array([0.02, 0.04, 0.06, 0.01, 0, 0.03])


def one(counts=COUNTS, rates=RATES):
    counts = np.asarray(counts)
    return Repeats(5, "Noise 2", 0, np.zeros(counts.shape[1], np.float32), counts, np.asarray(rates, np.float32))


def test_every_sweep_of_a_part_comes_once_with_its_repeats_and_its_currents_rates():
    split = made_up(3, timed=True)
    rates = np.arange(len(split.current), dtype=float)
    for part in ("train", "validation", "test"):
        found = list(repeats_of(split, rates, part))
        assert sum(each.counts.size for each in found) == split.bins_of(part)
        assert [each.unit for each in found] == sorted(each.unit for each in found)
    noise = [each for each in found if each.stimulus == "Noise 2"]
    assert [len(each.counts) for each in noise] == [2, 2, 2]
    first = noise[0]
    sweeps = split.sweeps_of(0, "Noise 2")
    np.testing.assert_array_equal(first.counts, [split.counts_of(sweep) for sweep in sweeps])
    np.testing.assert_array_equal(first.current, split.current_of(sweeps[0]))
    np.testing.assert_array_equal(np.diff(first.rates), 1)


def test_the_published_number_comes_out():
    found = measures([one()], 20)
    assert found.ratio == pytest.approx(0.9307804, abs=1e-6)
    assert found.quantised == pytest.approx(0.8846722, abs=1e-6)
    limits = ceilings(COUNTS, 20)
    assert (found.least, found.estimate) == (limits.least, limits.estimate)
    expected = RATES * 20
    assert found.loss == pytest.approx((expected - COUNTS * np.log(expected + 1e-8)).mean(), rel=1e-6)


def test_bins_are_put_together_to_100_ms():
    fine = np.random.default_rng(0).poisson(0.4, (3, 23))
    found = measures([one(fine, np.linspace(0, 0.05, 23))], 20)
    wide, rates = fine[:, :20].reshape(3, 4, 5).sum(axis=2), np.linspace(0, 0.05, 23)[:20].reshape(4, 5).mean(axis=1)
    assert found.wide == pytest.approx(measures([one(wide, rates)], 100).ratio)
    assert measures([one(wide, rates)], 100).wide == measures([one(wide, rates)], 100).ratio
    assert measures([one(fine, fine[0] / 20)], 20, sees_counts=True).wide == pytest.approx(ceilings(wide, 100).least)
    assert np.isnan(measures([one()], 20).wide), "there is one such bin alone"


@pytest.mark.parametrize(("bin_ms", "count"), [(30, 3), (250, 1)])
def test_bins_that_do_not_divide_100_ms_are_scored_as_wide_as_they_come_out(bin_ms, count):
    fine = np.random.default_rng(0).poisson(0.4, (3, 24))
    rates = fine.mean(axis=0).astype(np.float32) / bin_ms
    wide = fine.reshape(3, -1, count).sum(axis=2), rates.reshape(-1, count).mean(axis=1)
    assert measures([one(fine, rates)], bin_ms).wide == pytest.approx(1.0, abs=1e-6), "the mean of the repeats"
    lower = measures([one(fine, rates / 2)], bin_ms).wide
    assert lower == pytest.approx(measures([one(wide[0], wide[1] / 2)], bin_ms * count).ratio)


def test_several_currents_count_by_their_repeats():
    both = measures([one(), one(COUNTS[:1], RATES * 0)], 20)
    assert both.ratio == pytest.approx(measures([one()], 20).ratio * 3 / 4)


def test_rates_made_of_the_counts_are_judged_by_the_other_repeats():
    found = measures([one(rates=COUNTS.mean(0) / 20)], 20, sees_counts=True)
    assert found.ratio == found.least == ceilings(COUNTS, 20).least
    assert found.leave_one_out == 1
    assert np.isnan(measures([one(COUNTS[:1])], 20, sees_counts=True).ratio)


@pytest.mark.parametrize(("rates", "dead"), [(np.zeros(6), True), (np.full(6, 0.1), False)])
def test_a_constant_rate_explains_exactly_nothing_and_a_silent_one_is_dead(rates, dead):
    found = measures([one(rates=rates)], 20)
    assert (found.ratio, found.leave_one_out, found.quantised, found.dead) == (0, 0, 0, dead)


def test_a_unit_without_a_fit_has_no_numbers_and_without_spikes_no_ratio():
    lost = measures([one(rates=np.full(6, np.nan))], 20)
    assert np.isnan(lost.ratio)
    assert np.isnan(lost.loss)
    silent = measures([one(COUNTS * 0)], 20)
    assert np.isnan(silent.ratio)
    assert not silent.dead
