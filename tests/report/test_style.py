"""Tests of how a report looks."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from raysp.models import catalog
from raysp.report.style import CEILING, COLOURED, FLOOR, PALETTE, TICKS, canvas, model_colours, outer_ticks, png

NAMES = st.lists(st.sampled_from([*COLOURED[0], "mine", "another", "mean_rate"]), unique=True, max_size=len(PALETTE))


@given(NAMES)
def test_a_model_has_one_colour_on_every_page_and_no_other_model_has_it(names):
    paint = model_colours(names, "mean_rate", "true_rates")
    others = [name for name in names if name != "mean_rate"]
    assert len({paint[name] for name in others}) == len(others)
    assert all(paint[name] == PALETTE[COLOURED[0].index(name)] for name in others if name in COLOURED[0])
    assert (paint["mean_rate"], paint["true_rates"]) == (FLOOR, CEILING)


def test_more_models_than_the_palette_has_are_told_apart_by_steps_of_a_scale():
    names = [f"m{i}" for i in range(len(PALETTE) + 3)]
    assert len({model_colours(names, "", "")[name] for name in names}) == len(names)


def test_colours_are_given_to_models_that_there_are_and_as_many_as_there_are():
    assert set(itertools.chain(*COLOURED)) <= set(catalog.names())
    assert all(len(known) <= len(PALETTE) for known in COLOURED)


def test_panels_that_share_their_axes_have_ticks_at_the_grids_edge_and_few():
    with canvas(6, 4) as figure:
        grid = figure.subplots(2, 2, sharex=True, sharey=True)
        grid[0, 0].plot([0, 97], [0, 53])
        outer_ticks(grid.ravel())
        assert [[axes.xaxis.get_visible() for axes in row] for row in grid] == [[False, False], [True, True]]
        assert [[axes.yaxis.get_visible() for axes in row] for row in grid] == [[True, False], [True, False]]
        outer_ticks(grid.ravel(), y=False)
        assert all(axes.yaxis.get_visible() for axes in grid.ravel())
        assert png(figure)
        assert all(len(axes.get_xticks()) <= TICKS + 2 for axes in grid.ravel())
