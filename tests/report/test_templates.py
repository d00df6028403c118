"""The words of figures: every macro has a title, and what a template misses is an error."""

import jinja2
import pytest

from raysp.report.templates import caption, environment

PLACES = ("raysp.kinds.population.page.x", "raysp.kinds.stimulus.page.x", "raysp.search.page.x")


@pytest.mark.parametrize("place", PLACES)
def test_each_page_has_captions_of_its_own(place):
    found = environment(escaped=False).get_template("/".join([*place.split(".")[1:-1], "captions.html"]))
    assert len(found.module.__dict__) > 5


def test_a_caption_is_a_title_and_one_line():
    title, text = caption(
        PLACES[0], "overview", metric="co-bps", marks=["grey: the floor (a)", "black: the ceiling (b)"]
    )
    assert title == "All splits at a glance"
    assert text.endswith("further right is better. Upright marks, grey: the floor (a); black: the ceiling (b).")
    assert "  " not in text + caption(PLACES[0], "overview", metric="co-bps", marks=[])[1]


def test_names_are_not_escaped_twice():
    assert "a < b" in caption(PLACES[0], "overview", metric="a < b", marks=[])[1]


def test_a_fact_that_is_missing_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="metric"):
        caption(PLACES[0], "overview", marks=[])
