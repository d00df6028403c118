from types import SimpleNamespace

import pytest

from raysp.config.experiment import Trial
from raysp.errors import NotReady
from raysp.report.pages import Pages
from raysp.report.pbt import Shown, ancestry, course, scores, section
from raysp.runs.folder import RunFolder
from raysp.runs.genealogy import Genealogy, Row, lineage, path_of, write_genealogy

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


def test_populations_of_two_models_on_one_split_have_figures_of_their_own(tmp_path):
    trials = [Trial(model, {}, None, "x", "0" * 64) for model in ("sae", "lfads")]
    about = {"members": 3, "epochs": 2, "objective": "unseen_loss"}
    for trial in trials:
        folder = tmp_path / "populations" / trial.model
        folder.mkdir(parents=True)
        write_genealogy(path_of(str(folder)), Genealogy(ROWS, {"pbt": about}))
    run = RunFolder(str(tmp_path))
    data = SimpleNamespace(run=run, trials=trials, record={"populations": {one.id: one.model for one in trials}})
    html = section(data, Pages(run), lambda text: None).html
    assert "sae on x" in html
    assert "lfads on x" in html
    assert len(list((tmp_path / "report").glob("*.png"))) == 6
