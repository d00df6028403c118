import dataclasses

import numpy as np
import pytest

from raysp.data.sources import chaotic_rnn, lorenz_ndt
from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import bits_per_spike

SMALL = chaotic_rnn.Config(conditions=4, replications=5, bins=20, units=8)


@pytest.fixture(scope="module")
def benchmark():
    return chaotic_rnn.build(chaotic_rnn.Config(), "chaotic_rnn")


def test_the_benchmarks_own_numbers_come_out(benchmark):
    split, targets = benchmark
    _, rates, weights = chaotic_rnn.generate(dataclasses.replace(SMALL, units=50))
    assert abs(weights[0, 0] - 0.06239899) < 1e-8
    assert rates.max() == pytest.approx(0.3)
    assert (len(split.train), len(split.eval)) == (1040, 260)
    counts = np.concatenate([split.train.heldin, targets.trials.heldin])
    assert counts.mean() == pytest.approx(0.14963, abs=5e-6)
    shares = [(counts == k).mean() for k in range(5)]
    assert shares == pytest.approx([0.8656, 0.1203, 0.0129, 0.00105, 0.00007], abs=5e-5)
    assert counts.max() == 6


def test_the_ceiling_is_the_known_one(benchmark):
    trials = benchmark[1].trials
    assert bits_per_spike(trials.rates, trials.heldin) == pytest.approx(0.416, abs=5e-4)
    loss = np.mean(trials.rates - trials.heldin * np.log(np.maximum(trials.rates, 1e-9)))
    assert loss == pytest.approx(0.3908, abs=5e-5)


def test_all_trials_of_a_condition_share_their_truth_and_none_is_in_both_parts(benchmark):
    split, targets = benchmark
    assert set(split.train.condition) == set(targets.trials.condition) == set(range(130))
    for condition in (0, 129):
        rows = split.train.rates[split.train.condition == condition]
        assert len(rows) == 8
        assert (rows == rows[0]).all()
        assert (targets.trials.rates[targets.trials.condition == condition] == rows[0]).all()


def test_counts_are_poisson_draws_of_the_truth():
    counts, rates, _ = chaotic_rnn.generate(dataclasses.replace(SMALL, conditions=20, replications=20))
    fires = rates > 0.01
    assert np.mean((counts - rates)[fires] ** 2 / rates[fires]) == pytest.approx(1.0, abs=0.05)


def test_another_seed_gives_other_data_and_the_same_seed_the_same():
    one, two = (chaotic_rnn.generate(SMALL)[0] for _ in range(2))
    other = chaotic_rnn.generate(dataclasses.replace(SMALL, generator_seed=6))[0]
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("values", [{"replications": 1}, {"max_hz": 0.0}, {"forward": -1}, {"eval_fraction": 1.0}])
def test_chaotic_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(BadInput, match=next(iter(values))):
        chaotic_rnn.Config(**values)


LORENZ = lorenz_ndt.Config(conditions=6, trials_per_condition=5)


def test_lorenz_has_the_benchmarks_shape_and_truth_is_the_mean_of_the_counts():
    split, targets = lorenz_ndt.build(lorenz_ndt.Config(), "lorenz_ndt")
    assert split.train.heldin.shape == (1248, 50, 29)
    assert targets.trials.heldin.shape == (312, 50, 29)
    # Below the released file's 0.238 expected counts per bin plus or minus what another random stream draws.
    assert 0.2 < split.train.heldin.mean() < 0.3
    assert split.train.heldin.max() <= 20
    assert split.train.rates.max() <= 20
    assert split.train.heldin.mean() == pytest.approx(split.train.rates.mean(), rel=0.01)


@pytest.mark.parametrize("values", [{"y_term": "textbook"}, {"binarise": False}, {"burn_in": 100}, {"units": 4}])
def test_the_generators_variants_differ_and_stay_finite(values):
    counts, rates, _ = lorenz_ndt.generate(dataclasses.replace(LORENZ, **values))
    base, _, _ = lorenz_ndt.generate(LORENZ)
    assert np.isfinite(rates).all()
    assert counts.shape != base.shape or not np.array_equal(counts, base)


def test_lorenz_settings_that_make_no_sense_are_refused():
    with pytest.raises(BadInput, match="multiple of 20"):
        lorenz_ndt.Config(ms=1010)
    with pytest.raises(BadInput, match="burn_in"):
        lorenz_ndt.Config(burn_in=-1)
