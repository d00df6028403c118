"""What a reader of a report sees and clicks, in a browser without a window."""

import pathlib
import time

import pytest

from raysp.driver.report import write_report
from raysp.kinds.population.page import drawing
from raysp.kinds.population.page.rasters import raster
from tests.browser import CHROMIUM, browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)"),
]

SPLITS = ("mc_maze_small-20ms-val", "mc_maze_medium-20ms-val")
SHOWN = """[...document.querySelectorAll('.models')].map(place => [...place.querySelectorAll('.model')]
    .filter(one => one.getBoundingClientRect().height > 0).map(one => one.dataset.model))"""
DRAWN = """[...document.querySelectorAll('.models')].map(place => [...place.querySelectorAll('img')]
    .filter(one => one.getBoundingClientRect().height > 50 && one.naturalWidth > 150).length)[0]"""
LOADED_MS = "(times => times.loadEventEnd - times.startTime)(performance.getEntriesByType('navigation')[0])"
WIDER = """(scrolls => [...document.querySelectorAll('body *')].filter(one => !scrolls(one.parentElement)
    && one.getBoundingClientRect().right > innerWidth + 1).map(one => one.tagName + ' ' + one.className))(
    function scrolls(one) {
        return one && (getComputedStyle(one).overflowX === 'auto' || scrolls(one.parentElement));
    })"""


def button(place, model):
    """Return the expression of the button that switches a split to a model."""
    buttons = f"[...document.querySelectorAll('.models')[{place}].querySelectorAll('.switch button')]"
    return f"{buttons}.find(one => one.textContent === '{model}')"


def drawn(page):
    """Return how many figures of the first split are seen, once they are loaded, which they are when they are near."""
    until = time.monotonic() + 30
    while not page.value(DRAWN) and time.monotonic() < until:
        time.sleep(0.1)
    return page.value(DRAWN)


@pytest.fixture
def address(make, monkeypatch):
    """Where the report of two models on two splits lies."""
    monkeypatch.setattr(drawing, "OF_A_TRIAL", (raster,))
    made = make(splits=SPLITS, models=("mean_rate", "sae", "ndt", "true_rates"), seeds=(0,))
    return pathlib.Path(write_report(made.run, made.root)).absolute().as_uri()


def test_the_figures_of_a_model_take_the_place_of_anothers(address, tmp_path):
    with browser(tmp_path / "browser") as page:
        page.open(address)
        before = page.value(SHOWN)
        assert [len(models) for models in before] == [1, 1]
        assert drawn(page) == 1
        (first, other) = (before[0][0], next(name for name in ("sae", "ndt") if name != before[0][0]))
        page.click(button(0, other))
        assert page.value(SHOWN) == [[other], before[1]]
        assert page.value(f"{button(0, other)}.getAttribute('aria-pressed')") == "true"
        assert page.value(f"{button(0, first)}.getAttribute('aria-pressed')") == "false"
        assert drawn(page) == 1
        page.click(button(0, first), shift=True)
        assert page.value(SHOWN) == [[first], [first]]
        print(f"loaded in {page.value(LOADED_MS):.0f} ms")


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window_but_what_scrolls_by_itself(address, tmp_path, width):
    with browser(tmp_path / "browser") as page:
        page.open(address, width)
        assert page.value("document.documentElement.scrollWidth") <= width
        assert page.value(WIDER) == []
