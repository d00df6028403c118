"""A network against the best Poisson counts: who is the best at which width, and paired differences over cells."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from raysp.kinds.stimulus.page.gains import WIDTHS, best_poisson, gain, gains
from raysp.kinds.stimulus.page.lines import Line
from raysp.kinds.stimulus.page.numbers import PEARSON, SCHREIBER, VAN_ROSSUM, Numbers

NETWORK, FLOOR = Line("distance_unet", "nearest", "network"), Line("no_spikes", "none", "floor")
COUNTS = tuple(Line(f"poisson_{k}", how, "poisson", k, only=False) for k in (5, 80) for how in ("round", "floor"))


def numbers(value, lines=(FLOOR, NETWORK, *COUNTS), cells=(1, 2, 3)):
    return Numbers(
        lines,
        {
            (line.model, line.decoding, metric, sigma): {cell: value(line, metric, sigma, cell) for cell in cells}
            for line in lines
            for metric in (SCHREIBER, VAN_ROSSUM, PEARSON)
            for sigma in WIDTHS
        },
    )


def narrow_then_wide(line, metric, sigma, cell):
    """Short intervals are best below 50 ms, long ones from there on; the network is 0.1 above, cell by cell."""
    level = {NETWORK: 0.6, FLOOR: 0.0}.get(line, 0.3)
    if line.role == "poisson":
        level = 0.5 if (line.interval == 5) == (sigma < 50) else 0.4
        level -= 0.1 * (line.decoding == "floor")
    level += 0.01 * cell * (line.role == "poisson")
    return level if metric != VAN_ROSSUM else 10 * (1 - level)


@pytest.mark.parametrize("metric", [SCHREIBER, VAN_ROSSUM, PEARSON])
def test_the_best_poisson_is_chosen_at_every_width(metric):
    found = numbers(narrow_then_wide)
    best = [best_poisson(found, metric, sigma).line.label for sigma in WIDTHS]
    assert best == ["poisson_5, round"] * 3 + ["poisson_80, round"] * 3


def test_the_best_poisson_has_all_cells():
    found = numbers(narrow_then_wide)
    values = dict(found.values)
    values[("poisson_5", "floor", SCHREIBER, 5)] = {1: 0.99}
    assert best_poisson(Numbers(found.lines, values), SCHREIBER, 5).line.label == "poisson_5, round"


def test_gains_are_paired_over_cells():
    schreiber, van_rossum, _ = gains(numbers(narrow_then_wide))
    to_best, to_floor = schreiber.rows
    assert (to_best.network, to_best.against, to_floor.against) == ("distance_unet", "best Poisson", "no_spikes")
    one = to_best.gains[0]
    # Differences 0.09, 0.08, 0.07.
    half = stats.t.ppf(0.975, 2) * 0.01 / math.sqrt(3)
    assert one.mean == pytest.approx(0.08)
    assert (one.low, one.high) == pytest.approx((0.08 - half, 0.08 + half))
    assert (one.won, one.cells, one.verdict) == (3, 3, 1)
    assert to_floor.gains[0].mean == pytest.approx(0.6)
    assert to_floor.gains[0].p is None
    worse_is_more = van_rossum.rows[0].gains[0]
    assert worse_is_more.mean == pytest.approx(-0.8)
    assert (worse_is_more.won, worse_is_more.verdict) == (3, 1)


NETS = tuple(
    Line("distance_unet", how, "network", only=False, published=how == "nearest")
    for how in ("nearest", "matched", "careful")
)
COUNTED = (*COUNTS, Line("poisson_5", "matched", "poisson", 5, only=False, published=False))


def thresholds(line, metric, sigma, cell):
    """Calibrated decodings are better by 0.1, careful ones below 20 ms and matched ones from there on."""
    level = narrow_then_wide(NETWORK if line in NETS else line, SCHREIBER, sigma, cell)
    if line.calibrated:
        level += 0.1 if (line.decoding == "careful") == (sigma < 20) or line.role == "poisson" else -0.1
    return level if metric != VAN_ROSSUM else 10 * (1 - level)


def test_as_published_no_calibrated_decoding_takes_part():
    found = gains(numbers(thresholds, lines=(FLOOR, *NETS, *COUNTED)))
    assert [one.published for one in found] == [True] * 3 + [False] * 3
    schreiber = found[0]
    assert [(row.network, row.decodings) for row in schreiber.rows] == [("distance_unet, nearest", ())] * 2
    assert {best.line.decoding for best in schreiber.best} == {"round"}
    assert schreiber.rows[0].gains[0].mean == pytest.approx(0.08)


@pytest.mark.parametrize("index", [3, 4, 5])
def test_with_every_decoding_both_sides_choose_anew_at_each_width(index):
    one = gains(numbers(thresholds, lines=(FLOOR, *NETS, *COUNTED)))[index]
    to_best, to_floor = one.rows
    assert (to_best.network, to_best.against) == ("distance_unet, best decoding", "best Poisson")
    assert to_best.decodings == to_floor.decodings == ("careful",) * 2 + ("matched",) * 4
    assert [best.line.decoding for best in one.best] == ["matched"] * 3 + ["round"] * 3
    assert all(gain.verdict == 1 for gain in to_best.gains)


def test_a_clear_loss_is_told_from_an_open_one():
    lost = gain({1: 0.1, 2: 0.2, 3: 0.3}, {1: 0.5, 2: 0.61, 3: 0.7}, SCHREIBER)
    open_ = gain({1: 0.1, 2: 0.7, 3: 0.3}, {1: 0.5, 2: 0.2, 3: 0.3}, SCHREIBER)
    assert (lost.verdict, lost.won) == (-1, 0)
    assert (open_.verdict, open_.won) == (0, 1)


def test_without_poisson_models_the_floor_is_left():
    found = gains(numbers(narrow_then_wide, lines=(FLOOR, NETWORK)))
    assert [row.against for one in found for row in one.rows] == ["no_spikes"] * 3
    assert all(best is None for one in found for best in one.best)


def test_without_a_network_there_is_nothing_to_compare():
    assert gains(numbers(narrow_then_wide, lines=(FLOOR, *COUNTS))) == []


def test_one_cell_has_a_difference_without_interval():
    one = gains(numbers(narrow_then_wide, cells=(1,)))[0].rows[0].gains[0]
    assert one.mean == pytest.approx(0.09)
    assert (one.low, one.high, one.p, one.verdict, one.cells) == (None, None, None, 0, 1)


def test_cells_that_one_lacks_are_left_out():
    assert gain({1: 0.5, 2: 0.6}, {2: 0.5, 3: 0.1}, SCHREIBER).cells == 1
    assert gain({1: 0.5}, {2: 0.5}, SCHREIBER) is None


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12),
    st.sampled_from([SCHREIBER, VAN_ROSSUM]),
)
def test_the_other_way_round_everything_turns_its_sign(pairs, metric):
    mine, other = ({i: pair[k] for i, pair in enumerate(pairs)} for k in (0, 1))
    there, back = gain(mine, other, metric), gain(other, mine, metric)
    assert there.mean == pytest.approx(-back.mean)
    assert there.verdict == -back.verdict
    assert there.won + back.won == sum(a != b for a, b in pairs)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
