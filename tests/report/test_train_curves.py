"""Curves over the width of smoothing: means and bands, the decodings that are drawn, figures with pieces missing."""

import numpy as np
import pytest

from raysp.driver.report import open_run
from raysp.errors import NotReady
from raysp.evaluation.statistics import summarize
from raysp.kinds.stimulus.page.colours import NETWORKS, channel_colours, line_colours
from raysp.kinds.stimulus.page.curves import best_decodings, interval_curves, mean_curve, width_curves
from raysp.kinds.stimulus.page.lines import Line
from raysp.kinds.stimulus.page.numbers import SCHREIBER, SIGMAS, VAN_ROSSUM, Numbers, read_numbers
from tests.report.trains import CELLS, made_value, make_trains


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    made = make_trains(tmp_path_factory.mktemp("trains"))
    material = open_run(made.run, made.root)
    return read_numbers(material, material.tasks[0])


def line(numbers, model, decoding):
    return next(one for one in numbers.lines if (one.model, one.decoding) == (model, decoding))


def test_a_curve_has_mean_and_interval_at_every_width(numbers):
    found = mean_curve(numbers, line(numbers, "distance_unet", "nearest"), SCHREIBER)
    assert found[:, 0].tolist() == list(SIGMAS)
    for sigma, mean, low, high in found[::20]:
        values = [made_value("distance_unet", "nearest", SCHREIBER, int(sigma), cell, 0) for cell in CELLS]
        expected = summarize(values)
        assert (mean, low, high) == pytest.approx((expected.mean, expected.low, expected.high))


def test_one_cell_has_a_curve_without_band(numbers):
    one = line(numbers, "distance_unet", "nearest")
    values = {key: {3: found[3]} for key, found in numbers.values.items()}
    found = mean_curve(Numbers((one,), values), one, SCHREIBER)
    assert np.isnan(found[:, 2:]).all()
    assert np.isfinite(found[:, :2]).all()
    assert len(width_curves(Numbers((one,), values)).png) > 5000


def test_each_interval_is_drawn_with_the_decoding_that_is_best_by_the_measure():
    rounds, floors = (Line("poisson_5", how, "poisson", 5, only=False) for how in ("round", "floor"))
    values = {
        (one.model, one.decoding, metric, sigma): {1: level}
        for one, level in ((rounds, 0.4), (floors, 0.3))
        for metric in (SCHREIBER, VAN_ROSSUM)
        for sigma in SIGMAS
    }
    found = Numbers((rounds, floors), values)
    assert best_decodings(found, SCHREIBER) == [rounds]
    assert best_decodings(found, VAN_ROSSUM) == [floors]


def test_further_decodings_are_drawn_with_the_network_and_named_but_never_looked_at_closely():
    names = ("nearest", "log-nearest", "matched", "careful")
    ways = [Line("net", how, "network", only=False, published=how == "nearest") for how in names]
    levels = zip(ways, (0.4, 0.3, 0.5, 0.2), strict=True)
    values = {
        (one.model, one.decoding, metric, sigma): {1: level, 2: level + 0.1}
        for one, level in levels
        for metric in (SCHREIBER, VAN_ROSSUM)
        for sigma in SIGMAS
    }
    found = Numbers(tuple(ways), values)
    assert found.main == ways[0]
    assert "matched and careful are calibrated" in width_curves(found).caption
    assert "matched" not in width_curves(Numbers(tuple(ways[:1]), values)).caption


def test_captions_say_which_decodings_are_drawn(numbers):
    # Rounding and sampling are alike here, and the first of equals is taken.
    assert "Schreiber: all round" in width_curves(numbers).caption


def test_intervals_stand_beside_true_counts(numbers):
    assert interval_curves(numbers).name == "intervals"


def test_without_counts_there_are_no_intervals(numbers):
    lines = tuple(one for one in numbers.lines if one.interval is None)
    bare = Numbers(lines, numbers.values)
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


def test_lights_are_named_where_they_are_known():
    assert next(iter(channel_colours(4, "retina-1"))) == "red 630 nm"
    assert list(channel_colours(2, "retina-1")) == ["channel 0", "channel 1"]
    assert next(iter(channel_colours(4, "other-1"))) == "channel 0"
