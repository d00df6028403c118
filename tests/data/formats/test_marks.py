import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.formats.marks import noted, of_counts

SPEED = np.random.default_rng(0).normal(0, 3, (40, 25, 2))


def marked(value, count):
    found = SPEED.copy()
    found[3, :count, 1] = value
    return found


@pytest.mark.parametrize("value", [-32768.0, -999.0, 1e6])
def test_a_value_far_from_all_others_is_told_with_its_variable(value):
    (note,) = noted(marked(value, 9), ["x", "y"])
    assert note.startswith(f"y of behaviour is {value:g} in 9 samples")
    assert noted(marked(value, 9), [])[0].startswith("1 of behaviour")


@pytest.mark.parametrize(
    "values",
    [
        SPEED,
        marked(-999.0, 2),
        np.clip(SPEED, -4, 4),
        np.where(SPEED > 0, SPEED, 0.0),
        (SPEED > 7).astype(float),
        np.full((3, 9, 1), np.nan),
    ],
    ids=["plain", "two of them", "at its ends", "at rest", "licks", "none"],
)
def test_what_behaviour_usually_has_is_not_told(values):
    assert noted(values, []) == ()


@given(st.lists(st.integers(-1000, 1000), min_size=20, max_size=60))
def test_scale_and_place_do_not_matter(values):
    one = np.array(values, dtype=float)[:, None]
    assert len(noted(one, ["v"])) == len(noted(4.0 * one + 512.0, ["v"]))


COUNTS = np.random.default_rng(0).poisson(1, (9, 20, 4))


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2"])
def test_the_largest_number_of_a_small_type_is_no_count(kind):
    mark = np.iinfo(kind).max
    marked = np.where(np.arange(20)[:, None] < 15, COUNTS, mark).astype(kind)
    (told,) = of_counts(marked)
    assert told.refused
    assert told.sentence.startswith(f"180 counts are {mark}, the largest that {marked.dtype} holds")
    assert of_counts(COUNTS.astype(kind)) == ()
    assert of_counts(np.where(COUNTS > 3, mark, mark // 4).astype(kind)) == ()
