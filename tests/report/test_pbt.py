import pytest

from raysp.config.experiment import Trial
from raysp.errors import NotReady
from raysp.report.pbt import Shown, ancestry, course, scores
from raysp.runs.genealogy import Genealogy, Row, lineage

ROWS = tuple(
    Row(
        generation,
        member,
        "copied" if generation > 1 and member == 1 else "kept",
        {"model.dropout": 0.1 * member, "training.learning_rate": 10.0 ** -(member + generation), "model.mask": "full"},
        parent=None if generation == 1 else 0,
        state="diverged" if (generation, member) == (1, 2) else "trained",
        score=None if (generation, member) == (1, 2) else 1.0 / generation + member,
    )
    for generation in range(1, 5)
    for member in range(3)
)


def shown(rows=ROWS):
    about = {"members": 3, "epochs": 2, "objective": "unseen_loss"}
    return Shown(Trial("sae", {}, None, "x", "0" * 64), Genealogy(rows), about, lineage(rows, rows[-3]))


@pytest.mark.parametrize("figure", [ancestry, scores, course])
def test_figures_of_a_population(figure):
    found = figure(shown())
    assert found.png.startswith(b"\x89PNG")
    assert found.title
    assert "  " not in found.caption


def test_what_is_said_of_a_figure_is_so():
    assert "Crosses: members that diverged" in ancestry(shown()).caption


def test_settings_without_numbers_are_no_figure():
    rows = tuple(Row(1, member, "drawn", {"model.mask": "full"}, state="trained", score=1.0) for member in range(3))
    with pytest.raises(NotReady, match="no setting that changes is a number"):
        course(Shown(shown().trial, Genealogy(rows), shown().about, rows[:1]))
