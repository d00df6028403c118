import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.splits.header import Header, Provenance
from raysp.data.splits.population import Sizes
from raysp.errors import BadInput
from raysp.kinds.population.kind import KIND
from raysp.search.objective import best_first, check_objectives, chosen, dominates, searched


def header_of(name: str, **sizes: int) -> Header:
    return Header(name, "population", Sizes(name, 20.0, 10, **sizes), "", Provenance(), {}, {"train": 3, "eval": 2})


HEADER = header_of("x-20ms-val", heldin=6, heldout=2)
POINTS = st.tuples(st.integers(-3, 3), st.integers(-3, 3))
TWO = ("validation_loss", "co-bps")


def test_accepts_what_the_split_can_report():
    check_objectives(TWO, KIND, HEADER)
    check_objectives(TWO, KIND, HEADER, units=(0, 1, 7))


@pytest.mark.parametrize(
    ("names", "units", "message"),
    [
        ((), None, "at least one"),
        (("co-bps", "co-bps"), None, "each once"),
        (("co-bsp",), None, "did you mean 'co-bps'"),
        (("reconstruction bits/spike",), None, "unknown objective"),
        (("fp-bps",), None, "needs bins after the observed ones, which x-20ms-val does not have"),
        (("co-bps",), (0, 1, 5), "needs held-out units, and the chosen units of x-20ms-val are all held-in"),
    ],
)
def test_refuses(names, units, message):
    with pytest.raises(BadInput, match=message):
        check_objectives(names, KIND, HEADER, units)


def test_less_loss_and_more_bits_are_better():
    assert dominates((1.0, 0.2), (2.0, 0.1), TWO)
    assert not dominates((1.0, 0.1), (2.0, 0.2), TWO)
    assert {name: best_first(name) for name in searched()} == {
        **dict.fromkeys(("validation_loss", "unseen_loss", "validation rate error"), 1.0),
        **dict.fromkeys(("validation EVR", "validation accuracy", "co-bps", "fp-bps"), -1.0),
        **dict.fromkeys(
            ("validation PSTH r", "validation noise correlation r", "validation noise correlation R2"), -1.0
        ),
    }


@given(POINTS, POINTS, POINTS)
def test_dominance_is_a_strict_order(a, b, c):
    assert not dominates(a, a, TWO)
    assert not (dominates(a, b, TWO) and dominates(b, a, TWO))
    if dominates(a, b, TWO) and dominates(b, c, TWO):
        assert dominates(a, c, TWO)


def test_a_model_that_fits_itself_is_searched_by_the_loss_of_what_it_was_not_shown():
    assert chosen(None, KIND, fits_itself=False) == ("validation_loss",)
    assert chosen(None, KIND, fits_itself=True) == chosen(["unseen_loss"], KIND, fits_itself=False) == ("unseen_loss",)
    with pytest.raises(BadInput, match="no validation_loss of its own: expected --objective unseen_loss"):
        chosen(["co-bps", "validation_loss"], KIND, fits_itself=True)


def test_the_unseen_loss_needs_something_unseen():
    with pytest.raises(BadInput, match="x has neither"):
        check_objectives(["unseen_loss"], KIND, header_of("x", heldin=4))
    check_objectives(["unseen_loss"], KIND, header_of("x", heldin=4, forward=2))
    part = header_of("x", heldin=4, heldout=2)
    check_objectives(["unseen_loss"], KIND, part, [0, 5])
    with pytest.raises(BadInput, match="x has neither"):
        check_objectives(["unseen_loss"], KIND, part, [0, 1])
