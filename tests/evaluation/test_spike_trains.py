"""Curves over the width of smoothing: on made-up trains, and the values known of a real retina."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from raysp.data.sources.retina import Config, build
from raysp.errors import BadInput
from raysp.evaluation.schreiber import schreiber
from raysp.evaluation.spike_trains import CURVES, binned_pearson, curves
from raysp.evaluation.van_rossum import van_rossum
from raysp.objectives.poisson_counts import place_evenly
from tests.evaluation import plain_spike_measures as plain

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "chicken_2021_08_17.tar.gz"
HISTORY = 992
BIN_MS = 18 / 17.852767845719834
WIDTHS = np.array([1, 5, 10, 20, 50, 100])
CEILINGS = {
    5: ([0.7080, 0.9870, 0.9969, 0.9993, 0.9999, 1.0000], [9.790, 6.855, 4.822, 3.040, 2.147]),
    10: ([0.4341, 0.9395, 0.9856, 0.9966, 0.9995, 0.9999], [13.483, 9.832, 7.065, 4.512, 3.200]),
    20: ([0.2384, 0.7775, 0.9367, 0.9847, 0.9979, 0.9996], [17.142, 13.347, 9.992, 6.557, 4.696]),
    40: ([0.1269, 0.5213, 0.7834, 0.9377, 0.9910, 0.9981], [19.982, 16.793, 13.383, 9.215, 6.718]),
    80: ([0.0704, 0.3078, 0.5450, 0.7990, 0.9647, 0.9924], [21.732, 19.373, 16.580, 12.291, 9.253]),
    160: ([0.0389, 0.1731, 0.3315, 0.5701, 0.8759, 0.9697], [22.775, 21.109, 19.179, 15.599, 12.378]),
}
"""Perfect counts in intervals of so many bins: Schreiber at all widths, van Rossum from 5 ms on."""


def test_curves_are_the_three_measures_at_every_width_of_a_recording_as_long_as_a_test_chunk():
    rng = np.random.default_rng(0)
    true, predicted = rng.poisson(0.002, 88_080), rng.poisson(0.008, 88_080)
    sigmas = np.array([0, 3, 149])
    found = curves(true, predicted, BIN_MS, np.arange(151))
    assert list(found) == list(CURVES) == ["Schreiber", "smoothed Pearson", "van Rossum"]
    expected = {
        "Schreiber": [plain.schreiber(true, predicted, sigma / BIN_MS) for sigma in sigmas],
        "smoothed Pearson": [plain.smoothed_pearson(true, predicted, sigma / BIN_MS)[0] for sigma in sigmas],
        "van Rossum": [plain.van_rossum(true, predicted, sigma / BIN_MS) for sigma in sigmas],
    }
    for name, curve in found.items():
        assert curve.dtype == np.float64
        assert curve.shape == (151,)
        np.testing.assert_allclose(curve[sigmas], expected[name], rtol=1e-9, err_msg=name)


def test_spikes_are_counts_of_any_number_type():
    train = np.array([0, 1, 0, 2, 0])
    for kind in (np.uint8, np.int64, np.float32):
        found = curves(train.astype(kind), train[::-1].astype(kind), 1.0, np.array([1.0]))
        assert found == curves(train, train[::-1], 1.0, np.array([1.0])), kind


def test_binned_pearson_is_the_correlation_of_group_sums():
    rng = np.random.default_rng(0)
    true, predicted = rng.poisson(0.3, 103), rng.poisson(0.3, 103)
    sums = [train[:100].reshape(10, 10).sum(axis=1) for train in (true, predicted)]
    assert binned_pearson(true, predicted, 10) == pytest.approx(stats.pearsonr(*sums)[0], rel=1e-12)
    assert binned_pearson(true, predicted, 1) == pytest.approx(stats.pearsonr(true, predicted)[0], rel=1e-12)
    assert binned_pearson(true, np.ones(103), 10) == 0, "constant sums"
    assert binned_pearson(true, predicted, 103) == 0, "one group"
    for group in (0, 104):
        with pytest.raises(BadInput, match="bins_per_group expected 1 to 103"):
            binned_pearson(true, predicted, group)


@pytest.fixture(scope="module")
def retina():
    """Spikes of the real test chunk from the first predicted bin on, (88294, 60)."""
    if not ARCHIVE.exists():
        pytest.skip(f"needs the chicken retina of 17 August 2021, shared/data/{ARCHIVE.name}")
    split = build(Config(path=str(ARCHIVE)), "chicken")[0]
    ((start, stop),) = split.parts["test"]
    return split.spikes[start:stop][HISTORY:]


@pytest.mark.real
def test_silence_is_as_far_from_the_retina_as_the_specification_says(retina):
    assert retina.shape == (88_294, 60)
    silence, taus = np.zeros(len(retina)), np.array([0, 1, 5, 10, 20, 50, 100, 150])
    found = np.mean([van_rossum(unit, silence, 1000 / HISTORY, taus) for unit in retina.T], axis=0)
    expected = [40.9288, 22.5327, 18.0961, 18.0273, 18.3548, 19.4205, 21.0229, 22.4451]
    np.testing.assert_allclose(found, expected, atol=5.001e-5)


@pytest.mark.real
@pytest.mark.parametrize("interval", CEILINGS)
def test_perfect_counts_placed_evenly_reach_the_known_ceiling(retina, interval):
    true = retina[: len(retina) // interval * interval].T
    counts = true.reshape(60, -1, interval).sum(axis=2, dtype=np.int64)
    placed = place_evenly(counts, interval).reshape(60, -1)
    assert (placed.sum(axis=1) == true.sum(axis=1)).all()
    pairs = list(zip(true, placed, strict=True))
    similarity = np.mean([schreiber(*pair, BIN_MS, WIDTHS) for pair in pairs], axis=0)
    distance = np.mean([van_rossum(*pair, BIN_MS, WIDTHS[1:]) for pair in pairs], axis=0)
    np.testing.assert_allclose(similarity, CEILINGS[interval][0], atol=5.001e-5)
    np.testing.assert_allclose(distance, CEILINGS[interval][1], atol=5.001e-4)
