import numpy as np
import pytest
from scipy import stats

from raysp.kinds.current_clamp.compare import median_interval


def test_the_interval_of_a_median_is_that_of_order_statistics():
    assert median_interval(list(range(1, 11))) == (2, 9), "the tables' for ten values"
    assert median_interval(list(range(1, 21))) == (6, 15)
    assert np.isnan(median_interval([1.0, 2.0, 3.0, 4.0, 5.0])).all()


@pytest.mark.parametrize("count", [6, 9, 24, 101])
def test_it_holds_at_least_95_percent_and_a_narrower_one_does_not(count):
    low, high = (int(one) for one in median_interval(list(range(1, count + 1))))
    inside = stats.binom.cdf(high - 1, count, 0.5) - stats.binom.cdf(low - 1, count, 0.5)
    narrower = stats.binom.cdf(high - 2, count, 0.5) - stats.binom.cdf(low, count, 0.5)
    assert inside >= 0.95 > narrower
