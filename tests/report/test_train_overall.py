"""A network against single ways to count: means over the range of widths, paired over cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.kinds.stimulus.page.lines import Line
from raysp.kinds.stimulus.page.numbers import PEARSON, SCHREIBER, SIGMAS, VAN_ROSSUM, Numbers
from raysp.kinds.stimulus.page.overall import over_widths, overall, spacing

NETWORK, FLOOR = Line("distance_unet", "nearest", "network"), Line("no_spikes", "none", "floor")
COUNTS = tuple(Line(f"poisson_{k}", "round", "poisson", k, only=False) for k in (5, 160))


def numbers(value, lines=(FLOOR, NETWORK, *COUNTS), cells=(1, 2, 3), metrics=(SCHREIBER, VAN_ROSSUM, PEARSON)):
    return Numbers(
        lines,
        {
            (line.model, line.decoding, metric, sigma): {cell: value(line, sigma, cell) for cell in cells}
            for line in lines
            for metric in metrics
            for sigma in SIGMAS
        },
    )


def test_the_shares_of_the_range_are_those_of_trapezoids():
    shares = spacing()
    assert sum(shares.values()) == pytest.approx(1.0)
    # 1, 2 ... 20, 22 ... 50, 55 ... 150.
    whole = 149.0
    expected = {1: 0.5, 2: 1.0, 20: 1.5, 22: 2.0, 50: 3.5, 55: 5.0, 150: 2.5}
    assert {sigma: shares[sigma] * whole for sigma in expected} == pytest.approx(expected)


@given(st.floats(-5, 5), st.floats(-0.1, 0.1))
def test_a_straight_line_has_the_mean_of_its_ends(level, slope):
    found = over_widths(numbers(lambda line, sigma, cell: level + slope * sigma), NETWORK, SCHREIBER)
    assert found == pytest.approx(dict.fromkeys((1, 2, 3), level + slope * (1 + 150) / 2), abs=1e-9)


def crossing(line, sigma, cell):
    """The network is at 0.5; short counts 0.1 below everywhere, long ones 0.2 below or, from 50 ms on, 0.1 above."""
    behind = {COUNTS[0]: 0.1, COUNTS[1]: 0.2 if sigma < 50 else -0.1, FLOOR: 0.5}.get(line, 0.0)
    return 0.5 - behind + 0.01 * cell * (line == NETWORK)


def test_each_opponent_is_met_over_all_widths():
    rows = {row.against.model: row for row in overall(numbers(crossing))}
    assert list(rows) == ["no_spikes", "poisson_5", "poisson_160"]
    schreiber, van_rossum, _ = rows["poisson_5"].found
    assert schreiber.gain.mean == pytest.approx(0.12)
    assert (schreiber.ahead, schreiber.gain.verdict, schreiber.gain.won) == (pytest.approx(1.0), 1, 3)
    # Of a distance, more is worse.
    assert (van_rossum.ahead, van_rossum.gain.verdict, van_rossum.gain.won) == (0.0, -1, 0)


def test_an_opponent_that_leads_in_a_part_of_the_range():
    (_, _, row) = overall(numbers(crossing))
    below = sum(share for sigma, share in spacing().items() if sigma < 50)
    assert row.found[0].ahead == pytest.approx(below)
    assert row.found[0].gain.mean == pytest.approx(0.2 * below - 0.1 * (1 - below) + 0.02)


def test_cells_without_all_widths_are_left_out():
    found = numbers(crossing)
    values = {key: dict(cells) for key, cells in found.values.items()}
    del values[("poisson_5", "round", SCHREIBER, 20)][2]
    rows = {row.against.model: row for row in overall(Numbers(found.lines, values))}
    assert rows["poisson_5"].found[0].gain.cells == 2
    assert rows["poisson_160"].found[0].gain.cells == 3


def test_what_was_not_measured_is_not_compared():
    (row,) = overall(numbers(crossing, lines=(FLOOR, NETWORK), metrics=(SCHREIBER,)))
    assert row.found[1:] == (None, None)
    assert overall(numbers(crossing, lines=(FLOOR, *COUNTS))) == []


def test_a_calibrated_decoding_meets_the_same_of_the_counts_and_a_published_one_the_published():
    nets = tuple(
        Line("distance_unet", how, "network", only=False, published=how == "nearest") for how in ("nearest", "matched")
    )
    further = (Line("poisson_5", how, "poisson", 5, only=False, published=False) for how in ("matched", "careful"))
    counts = (*COUNTS, *further)
    rows = overall(numbers(crossing, lines=(FLOOR, *nets, *counts)))
    met = [(row.network.decoding, row.against.label) for row in rows]
    assert met == [
        ("nearest", "no_spikes"),
        ("nearest", "poisson_5, round"),
        ("nearest", "poisson_160, round"),
        ("matched", "no_spikes"),
        ("matched", "poisson_5, matched"),
    ]
