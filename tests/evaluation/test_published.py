"""Published scores stand beside one's own only where they are comparable."""

import pytest

from raysp.data.nlb.sets import BIN_WIDTHS_MS, PHASES, SETS
from raysp.evaluation.published import PUBLISHED, published


def test_best_comes_first():
    scores = [one.values["co-bps"] for one in published("mc_maze", 5, "test", standin=False)]
    assert len(scores) > 10
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("dataset", "bin_ms", "phase", "standin"),
    [
        ("mc_maze", 5, "test", True),
        ("standin-mc_maze", 5, "test", False),
        ("mc_maze", 10, "test", False),
        ("area2_bump", 5, "val", False),
    ],
)
def test_nothing_beside_what_is_not_comparable(dataset, bin_ms, phase, standin):
    assert published(dataset, bin_ms, phase, standin=standin) == ()


def test_validation_figures_are_not_shown_as_test_figures():
    val, test = (published("mc_maze", 20, phase, standin=False) for phase in PHASES)
    assert {one.model for one in val}.isdisjoint(one.model for one in test)


@pytest.mark.parametrize("one", PUBLISHED, ids=lambda one: f"{one.dataset}-{one.bin_ms}-{one.phase}-{one.model}")
def test_every_figure_names_a_real_split_and_its_source(one):
    assert one.dataset in SETS
    assert one.bin_ms in BIN_WIDTHS_MS
    assert one.phase in PHASES
    assert len(one.source) > 10
    assert set(one.values) <= {"co-bps", "vel R2", "psth R2", "fp-bps"}
    assert 0 < one.values["co-bps"] < 1
