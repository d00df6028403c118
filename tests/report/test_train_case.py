"""What is opened for drawing: the cells that are shown, and nothing of the others."""

import dataclasses

import pytest

from raysp.data.splits import store
from raysp.driver.report import open_run
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.kinds.stimulus.page.case import chosen_by, open_train_case, shown_cells
from raysp.kinds.stimulus.page.lines import Line
from raysp.kinds.stimulus.page.numbers import HEADLINE, Numbers, read_numbers
from tests.report.trains import CELLS, make_trains

NETWORK = Line("distance_unet", "nearest", "network")


def open_made(made):
    material = open_run(made.run, made.root)
    return open_train_case(material, material.tasks[0], read_numbers(material, material.tasks[0]))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_trains(tmp_path_factory.mktemp("trains"), models=("no_spikes", "distance_unet", "poisson_20"))


def scored(**scores):
    key = (NETWORK.model, NETWORK.decoding, *HEADLINE)
    return Numbers((NETWORK,), {key: {int(cell[1:]): score for cell, score in scores.items()}})


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"c1": 0.2, "c2": 0.9, "c3": 0.5, "c4": 0.1, "c5": 0.3}, [(5, "median"), (2, "best"), (4, "worst")]),
        ({"c1": 0.2, "c2": 0.9}, [(1, "median"), (2, "best")]),
        ({"c7": 0.2}, [(7, "only")]),
    ],
)
def test_median_best_and_worst_cell_are_shown(scores, expected):
    assert [(one.cell, one.place) for one in shown_cells(scored(**scores))] == expected


def test_the_caption_says_how_cells_were_chosen(made):
    assert (
        chosen_by(open_made(made)) == "The median, the best and the worst cell of distance_unet by Schreiber at 50 ms"
    )


def test_the_trial_that_has_the_cell_is_opened(made):
    case = open_made(made)
    assert [case.trial("poisson_20", cell).neurons for cell in CELLS] == [CELLS[:2]] * 2 + [CELLS[2:]] * 2
    assert case.trial("poisson_20", 99) is None
    assert case.train(NETWORK, 99) is None


def test_a_damaged_trial_holds_up_no_other(tmp_path):
    made = make_trains(tmp_path, models=("distance_unet", "poisson_20"))
    files.write_text(made.run.trial(made.of("poisson_20").id).predictions, "no parquet")
    case = open_made(made)
    assert case.train(Line("poisson_20", "round", "poisson"), CELLS[0]) is None
    assert case.train(NETWORK, CELLS[0]) is not None
    assert len(case.problems) == 1


def test_a_recording_prepared_anew_is_not_taken_for_the_old_one(tmp_path):
    made = make_trains(tmp_path, models=("distance_unet",))
    other = dataclasses.replace(made.split, stimulus=1 - made.split.stimulus)
    store.save(other, None, made.root, {"made": "anew"})
    with pytest.raises(BadInput, match=r"no longer what .* was trained on"):
        open_made(made).split


def test_floors_and_ceilings_alone_are_not_drawn(tmp_path):
    with pytest.raises(NotReady, match="raysp evaluate made-up"):
        open_made(make_trains(tmp_path, models=("no_spikes", "perfect_distance")))


def test_without_a_network_the_best_counts_are_looked_at(tmp_path):
    case = open_made(make_trains(tmp_path, models=("no_spikes", "poisson_20")))
    assert (case.main.model, case.main.decoding) == ("poisson_20", "round")
