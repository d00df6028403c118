"""Networks against counts and the floor: who is met at which width, and paired differences over units."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from raysp.kinds.stimulus.compare import WIDTHS, compared, difference, over_widths, spacing
from raysp.kinds.stimulus.lines import PEARSON, SCHREIBER, SIGMAS, SIGN, VAN_ROSSUM, Line, Mean, Means

NETWORK, FLOOR = Line("distance_unet", "nearest", "network"), Line("no_spikes", "none", "floor")
COUNTS = tuple(Line(f"poisson_{k}", how, "poisson", k, only=False) for k in (5, 80) for how in ("round", "floor"))
NETS = tuple(
    Line("distance_unet", how, "network", only=False, published=how == "nearest")
    for how in ("nearest", "matched", "careful")
)
COUNTED = (*COUNTS, Line("poisson_5", "matched", "poisson", 5, only=False, published=False))
EACH = tuple(Line(f"poisson_{k}", "round", "poisson", k, only=False) for k in (5, 160))


def made(value, lines=(FLOOR, NETWORK, *COUNTS), units=(1, 2, 3), metrics=tuple(SIGN)):
    return {
        (line, metric, sigma): {unit: value(line, metric, sigma, unit) for unit in units}
        for line in lines
        for metric in metrics
        for sigma in SIGMAS
    }


def rows(values, comparison, metric=SCHREIBER):
    return [row for row in compared(values) if (row["comparison"], row["metric"]) == (comparison, metric)]


def against(values, comparison, metric=SCHREIBER):
    """Rows at each width against the best counts, and against the floor."""
    found = rows(values, comparison, metric)
    return tuple([row for row in found if (row["against"] == "no_spikes") == floor] for floor in (False, True))


def names(found):
    return [f"{row['against']}, {row['against_decoding']}" for row in found]


def narrow_then_wide(line, metric, sigma, unit):
    """Short intervals are best below 50 ms, long ones from there on; the network is 0.1 above, unit by unit."""
    level = {NETWORK: 0.6, FLOOR: 0.0}.get(line, 0.3)
    if line.role == "poisson":
        level = 0.5 if (line.interval == 5) == (sigma < 50) else 0.4
        level -= 0.1 * (line.decoding == "floor")
    level += 0.01 * unit * (line.role == "poisson")
    return level if metric != VAN_ROSSUM else 10 * (1 - level)


def test_a_mean_has_students_interval_and_a_single_unit_none():
    found = Mean.of([0.1, 0.2, 0.3, 0.4])
    half = stats.t.ppf(0.975, 3) * math.sqrt(0.05 / 3) / 2
    assert (found.count, found.mean) == (4, pytest.approx(0.25))
    assert (found.low, found.high) == pytest.approx((0.25 - half, 0.25 + half))
    assert Mean.of([0.3]) == (1, 0.3, None, None)


def test_every_line_has_its_mean_by_every_measure_at_every_width():
    found = [row for row in compared(made(narrow_then_wide)) if row["comparison"] == "mean"]
    assert len(found) == 6 * 3 * len(SIGMAS)
    assert found[0]["model"] == "no_spikes"
    one = next(row for row in found if row["model"] == "poisson_5")
    assert (one["mean"], one["count"], one["role"], one["interval"]) == (pytest.approx(0.52), 3, "poisson", 5)


@pytest.mark.parametrize("metric", [SCHREIBER, VAN_ROSSUM, PEARSON])
def test_the_best_poisson_is_chosen_at_every_width(metric):
    to_best, _ = against(made(narrow_then_wide), "published", metric)
    assert [int(row["parameter"]) for row in to_best] == list(WIDTHS)
    assert names(to_best) == ["poisson_5, round"] * 3 + ["poisson_80, round"] * 3


def test_the_best_poisson_has_all_units():
    values = made(narrow_then_wide)
    values[COUNTS[1], SCHREIBER, 5] = {1: 0.99}
    assert names(against(values, "published")[0])[0] == "poisson_5, round"


def test_the_best_of_nothing_measured_is_none():
    assert Means((NETWORK,)).best([NETWORK], SCHREIBER, 5) is None


def test_differences_are_paired_over_units():
    values = made(narrow_then_wide)
    to_best, to_floor = against(values, "published")
    one = to_best[0]
    # Differences 0.09, 0.08, 0.07.
    half = stats.t.ppf(0.975, 2) * 0.01 / math.sqrt(3)
    assert one["mean"] == pytest.approx(0.08)
    assert (one["low"], one["high"]) == pytest.approx((0.08 - half, 0.08 + half))
    assert (one["won"], one["count"]) == (3, 3)
    assert to_floor[0]["mean"] == pytest.approx(0.6)
    assert to_floor[0]["p"] is None
    worse_is_more = against(values, "published", VAN_ROSSUM)[0][0]
    assert worse_is_more["mean"] == pytest.approx(-0.8)
    assert worse_is_more["won"] == 3


def thresholds(line, metric, sigma, unit):
    """Calibrated decodings are better by 0.1, careful ones below 20 ms and matched ones from there on."""
    level = narrow_then_wide(NETWORK if line in NETS else line, SCHREIBER, sigma, unit)
    if line.decoding in ("matched", "careful"):
        level += 0.1 if (line.decoding == "careful") == (sigma < 20) or line.role == "poisson" else -0.1
    return level if metric != VAN_ROSSUM else 10 * (1 - level)


def test_as_published_no_calibrated_decoding_takes_part():
    to_best, to_floor = against(made(thresholds, lines=(FLOOR, *NETS, *COUNTED)), "published")
    assert {row["decoding"] for row in (*to_best, *to_floor)} == {"nearest"}
    assert {row["against_decoding"] for row in to_best} == {"round"}
    assert to_best[0]["mean"] == pytest.approx(0.08)


@pytest.mark.parametrize("metric", SIGN)
def test_with_every_decoding_both_sides_choose_anew_at_each_width(metric):
    to_best, to_floor = against(made(thresholds, lines=(FLOOR, *NETS, *COUNTED)), "every decoding", metric)
    for found in (to_best, to_floor):
        assert [row["decoding"] for row in found] == ["careful"] * 2 + ["matched"] * 4
    assert [row["against_decoding"] for row in to_best] == ["matched"] * 3 + ["round"] * 3
    assert all(SIGN[metric] * row[end] > 0 for row in to_best for end in ("low", "high"))


def test_without_further_decodings_the_second_terms_are_not_there():
    assert rows(made(narrow_then_wide), "every decoding") == []


def test_without_poisson_models_the_floor_is_left():
    values = made(narrow_then_wide, lines=(FLOOR, NETWORK))
    assert {row["against"] for row in rows(values, "published")} == {"no_spikes"}


def test_without_a_network_there_is_nothing_to_compare():
    assert {row["comparison"] for row in compared(made(narrow_then_wide, lines=(FLOOR, *COUNTS)))} == {"mean"}


def test_one_unit_has_a_difference_without_interval():
    one = rows(made(narrow_then_wide, units=(1,)), "published")[0]
    assert one["mean"] == pytest.approx(0.09)
    assert (one["low"], one["high"], one["p"], one["count"]) == (None, None, None, 1)


def test_units_that_one_lacks_are_left_out():
    assert difference({1: 0.5, 2: 0.6}, {2: 0.5, 3: 0.1}, SCHREIBER)["count"] == 1
    assert difference({1: 0.5}, {2: 0.5}, SCHREIBER) is None


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12),
    st.sampled_from([SCHREIBER, VAN_ROSSUM]),
)
def test_the_other_way_round_everything_turns_its_sign(pairs, metric):
    mine, other = ({i: pair[k] for i, pair in enumerate(pairs)} for k in (0, 1))
    there, back = difference(mine, other, metric), difference(other, mine, metric)
    assert there["mean"] == pytest.approx(-back["mean"])
    assert there["won"] + back["won"] == sum(a != b for a, b in pairs)
    assert (there["low"], there["high"]) == pytest.approx((-back["high"], -back["low"]))


def test_the_shares_of_the_range_are_those_of_trapezoids():
    shares = spacing()
    assert sum(shares.values()) == pytest.approx(1.0)
    # 1, 2 ... 20, 22 ... 50, 55 ... 150.
    whole = 149.0
    expected = {1: 0.5, 2: 1.0, 20: 1.5, 22: 2.0, 50: 3.5, 55: 5.0, 150: 2.5}
    assert {sigma: shares[sigma] * whole for sigma in expected} == pytest.approx(expected)


@given(st.floats(-5, 5), st.floats(-0.1, 0.1))
def test_a_straight_line_has_the_mean_of_its_ends(level, slope):
    values = made(lambda line, metric, sigma, unit: level + slope * sigma, lines=(NETWORK,), metrics=(SCHREIBER,))
    found = over_widths(values, NETWORK, SCHREIBER)
    assert found == pytest.approx(dict.fromkeys((1, 2, 3), level + slope * (1 + 150) / 2), abs=1e-9)


def crossing(line, metric, sigma, unit):
    """The network is at 0.5; short counts 0.1 below everywhere, long ones 0.2 below or, from 50 ms on, 0.1 above."""
    behind = {EACH[0]: 0.1, EACH[1]: 0.2 if sigma < 50 else -0.1, FLOOR: 0.5}.get(line, 0.0)
    return 0.5 - behind + 0.01 * unit * (line == NETWORK)


def all_widths(values, metric=SCHREIBER):
    return {row["against"]: row for row in rows(values, "over widths", metric)}


def test_each_opponent_is_met_over_all_widths():
    values = made(crossing, lines=(FLOOR, NETWORK, *EACH))
    assert list(all_widths(values)) == ["no_spikes", "poisson_5", "poisson_160"]
    schreiber, van_rossum = (all_widths(values, metric)["poisson_5"] for metric in (SCHREIBER, VAN_ROSSUM))
    assert schreiber["mean"] == pytest.approx(0.12)
    assert (schreiber["share"], schreiber["low"] > 0, schreiber["won"]) == (pytest.approx(1.0), True, 3)
    # Of a distance, more is worse.
    assert (van_rossum["share"], van_rossum["low"] > 0, van_rossum["won"]) == (0.0, True, 0)


def test_an_opponent_that_leads_in_a_part_of_the_range():
    row = all_widths(made(crossing, lines=(FLOOR, NETWORK, *EACH)))["poisson_160"]
    below = sum(share for sigma, share in spacing().items() if sigma < 50)
    assert row["share"] == pytest.approx(below)
    assert row["mean"] == pytest.approx(0.2 * below - 0.1 * (1 - below) + 0.02)


def test_units_without_all_widths_are_left_out():
    values = made(crossing, lines=(FLOOR, NETWORK, *EACH))
    del values[EACH[0], SCHREIBER, 20][2]
    found = all_widths(values)
    assert (found["poisson_5"]["count"], found["poisson_160"]["count"]) == (2, 3)


def test_what_was_not_measured_is_not_compared():
    values = made(crossing, lines=(FLOOR, NETWORK), metrics=(SCHREIBER,))
    assert [row["metric"] for row in compared(values) if row["comparison"] == "over widths"] == [SCHREIBER]


def test_a_calibrated_decoding_meets_the_same_of_the_counts_and_a_published_one_the_published():
    further = tuple(Line("poisson_5", how, "poisson", 5, only=False, published=False) for how in ("matched", "careful"))
    found = rows(made(crossing, lines=(FLOOR, *NETS[:2], *EACH, *further)), "over widths")
    assert list(zip([row["decoding"] for row in found], names(found), strict=True)) == [
        ("nearest", "no_spikes, none"),
        ("nearest", "poisson_5, round"),
        ("nearest", "poisson_160, round"),
        ("matched", "no_spikes, none"),
        ("matched", "poisson_5, matched"),
    ]
