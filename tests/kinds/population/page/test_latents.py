"""The figure of what latents are worth: drawn of what was asked, and a word where nobody asked."""

import pytest

from raysp.driver.latents import latents
from raysp.driver.report import open_run
from raysp.errors import NotReady
from raysp.kinds.population.page.latents import asked, can_be_asked, worth
from raysp.kinds.readouts import Readouts


@pytest.fixture
def data(make):
    made = make(splits=("mc_maze_small-20ms-val",))
    return lambda: open_run(made.run, made.root), made


def test_it_is_drawn_of_what_was_asked(data):
    read, made = data
    assert can_be_asked(read())
    with pytest.raises(NotReady, match="run: raysp latents"):
        worth(read(), read().tasks[0])
    list(latents(made.run, made.root, Readouts(shots=(4, 8), draws=2)))
    found = read()
    assert asked(found)
    assert not can_be_asked(found)
    picture = worth(found, found.tasks[0])
    assert picture.png.startswith(b"\x89PNG")
    assert len(picture.png) < 60_000
    assert "from the 10th to the 90th percentile" in picture.caption
    assert "Right: R²" in picture.caption


def test_a_split_whose_latents_nothing_can_be_compared_with_is_not_spoken_of(make):
    made = make(splits=("mc_maze_small-20ms-val",), seeds=(0,))
    data = open_run(made.run, made.root)
    assert not can_be_asked(data)
