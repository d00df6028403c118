import pytest

from raysp.data.nlb import sets as nlb_sets
from raysp.data.nlb.sets import SETS, SPLITS, group_name, parse
from raysp.errors import BadInput


def test_there_are_28_splits_of_7_recordings():
    assert len(SETS) == 7
    assert len(set(SPLITS)) == 28
    assert {"mc_maze-05ms-val", "mc_maze_small-20ms-test"} <= set(SPLITS)


@pytest.mark.parametrize("name", SPLITS)
def test_a_name_means_its_parts(name):
    nlb, bin_ms, phase = parse(name)
    assert nlb_sets.split_name(nlb.name, bin_ms, phase) == name
    assert parse(f"standin-{name}") == (nlb, bin_ms, phase)


@pytest.mark.parametrize("nlb", SETS.values(), ids=SETS)
def test_windows_and_margins_are_whole_bins(nlb):
    length = nlb.window_ms[1] - nlb.window_ms[0]
    assert all(length % width == 0 and nlb_sets.FORWARD_MS % width == 0 for width in nlb_sets.BIN_WIDTHS_MS)
    assert nlb.bins(5) == 4 * nlb.bins(20)
    assert (nlb.series is None) == bool(nlb.behavior_columns)


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(BadInput, match="did you mean 'mc_maze-05ms-val'"):
        parse("mc_maze-05ms-vall")
    with pytest.raises(BadInput, match="did you mean 'mc_maze'"):
        nlb_sets.dataset_of("mc_mase")


@pytest.mark.parametrize(("bin_ms", "name"), [(5, "mc_rtt"), (20, "mc_rtt_20"), (20.0, "mc_rtt_20")])
def test_groups_are_named_as_the_benchmark_names_them(bin_ms, name):
    assert group_name("standin-mc_rtt", bin_ms) == name


def test_every_column_that_is_used_is_asked_for():
    columns = SETS["dmfc_rsg"].trial_columns()
    assert {"go_time", "set_time", "tp", "is_outlier", "split", "start_time"} <= set(columns)
    assert len(columns) == len(set(columns))
