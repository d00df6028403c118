"""Curves over the width of smoothing: means and bands, the decodings that are drawn, figures with pieces missing."""

import numpy as np
import pytest

from raysp.errors import NotReady
from raysp.evaluation.statistics import summarize
from raysp.kinds.stimulus.lines import SCHREIBER, SIGMAS, VAN_ROSSUM, Line, Mean
from raysp.kinds.stimulus.page.curves import (
    LOOKS,
    NETWORKS,
    interval_curves,
    line_colours,
    mean_curve,
    width_curves,
)
from raysp.kinds.stimulus.page.numbers import Numbers
from raysp.models.windowed import CALIBRATED
from tests.kinds.stimulus.made_up import UNITS, made_value, read


@pytest.fixture
def numbers(made):
    return read(made)[2]


def made_numbers(value, lines):
    """Return the means of units 1 and 2, the second 0.1 above."""
    keys = [(one, metric, sigma) for one in lines for metric in (SCHREIBER, VAN_ROSSUM) for sigma in SIGMAS]
    return Numbers(tuple(lines), {key: Mean.of([value(key[0]), value(key[0]) + 0.1]) for key in keys})


def line(numbers, model, decoding):
    return next(one for one in numbers.lines if (one.model, one.decoding) == (model, decoding))


def test_a_curve_has_mean_and_interval_at_every_width(numbers):
    found = mean_curve(numbers, line(numbers, "distance_unet", "nearest"), SCHREIBER)
    assert found[:, 0].tolist() == list(SIGMAS)
    for sigma, mean, low, high in found[::20]:
        values = [made_value("distance_unet", "nearest", SCHREIBER, int(sigma), cell, 0) for cell in UNITS]
        expected = summarize(values)
        assert (mean, low, high) == pytest.approx((expected.mean, expected.low, expected.high))


def test_one_unit_has_a_curve_without_band(numbers):
    one = line(numbers, "distance_unet", "nearest")
    alone = Numbers((one,), {key: Mean.of([found.mean]) for key, found in numbers.found.items()})
    found = mean_curve(alone, one, SCHREIBER)
    assert np.isnan(found[:, 2:]).all()
    assert np.isfinite(found[:, :2]).all()
    assert len(width_curves(alone).png) > 5000


def test_each_interval_is_drawn_with_the_decoding_that_is_best_by_the_measure():
    rounds, floors = (Line("poisson_5", how, "poisson", 5, only=False) for how in ("round", "floor"))
    found = made_numbers({rounds: 0.4, floors: 0.3}.get, (rounds, floors))
    assert found.best_decodings(SCHREIBER) == [rounds]
    assert found.best_decodings(VAN_ROSSUM) == [floors]


def test_further_decodings_are_drawn_with_the_network_and_named_but_never_looked_at_closely():
    names = ("nearest", "log-nearest", "matched", "careful")
    ways = [Line("net", how, "network", only=False, published=how == "nearest") for how in names]
    found = made_numbers(dict(zip(ways, (0.4, 0.3, 0.5, 0.2), strict=True)).get, ways)
    assert found.main == ways[0]
    assert "matched and careful are calibrated" in width_curves(found).caption
    assert set(LOOKS) == set(CALIBRATED)
    assert "matched" not in width_curves(Numbers(tuple(ways[:1]), found.found)).caption


def test_captions_say_which_decodings_are_drawn(numbers):
    # Rounding and sampling are alike here, and the first of equals is taken.
    assert "Schreiber: all round" in width_curves(numbers).caption


def test_intervals_stand_beside_true_counts(numbers):
    assert interval_curves(numbers).name == "intervals"


def test_without_counts_there_are_no_intervals(numbers):
    lines = tuple(one for one in numbers.lines if one.interval is None)
    bare = Numbers(lines, numbers.found)
    with pytest.raises(NotReady, match="no model of this run counts"):
        interval_curves(bare)
    assert "decoding" not in width_curves(bare).caption


def test_without_scores_there_are_no_curves():
    with pytest.raises(NotReady, match="nothing was scored"):
        width_curves(Numbers())


def test_counts_of_one_interval_share_their_colour(numbers):
    paint = line_colours(numbers.lines)
    assert paint["poisson_20"] == paint["perfect_counts_20"] != paint["poisson_80"]
    assert paint["distance_unet"] == NETWORKS[0]
    assert len({paint[name] for name in ("no_spikes", "perfect_distance", "poisson_20", "distance_unet")}) == 4


@pytest.mark.parametrize("count", [1, 5, 6, 14])
def test_networks_are_told_apart(count):
    paint = line_colours([Line(f"net_{i}", "nearest", "network") for i in range(count)])
    assert len(set(paint.values())) == count
