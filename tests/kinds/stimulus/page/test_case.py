"""What is opened for drawing: the units that are shown, and nothing of the others."""

import dataclasses

import pytest

from raysp.data.splits import store
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.kinds.stimulus.lines import HEADLINE, Line, Mean
from raysp.kinds.stimulus.page.case import channel_colours, shown_units
from raysp.kinds.stimulus.page.numbers import Numbers
from tests.kinds.stimulus.made_up import UNITS, case_of, make_run

NETWORK = Line("distance_unet", "nearest", "network")


def scored(**scores):
    values = {int(unit[1:]): score for unit, score in scores.items()}
    return Numbers((NETWORK,), {(NETWORK, *HEADLINE): Mean.of(values.values())}, by_unit={NETWORK: values})


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"c1": 0.2, "c2": 0.9, "c3": 0.5, "c4": 0.1, "c5": 0.3}, [(5, "median"), (2, "best"), (4, "worst")]),
        ({"c1": 0.2, "c2": 0.9}, [(1, "median"), (2, "best")]),
        ({"c7": 0.2}, [(7, "only")]),
    ],
)
def test_median_best_and_worst_unit_are_shown(scores, expected):
    assert [(one.unit, one.place) for one in shown_units(scored(**scores))] == expected


def test_the_caption_says_how_units_were_chosen(made):
    assert case_of(made).chosen == "The median, the best and the worst unit of distance_unet by Schreiber at 50 ms"


def test_the_trial_that_has_the_unit_is_opened(made):
    case = case_of(made)
    assert [case.trial("poisson_20", cell).units for cell in UNITS] == [UNITS[:2]] * 2 + [UNITS[2:]] * 2
    assert case.trial("poisson_20", 99) is None
    assert case.train(NETWORK, 99) is None


def test_a_damaged_trial_holds_up_no_other(tmp_path):
    made = make_run(tmp_path, models=("distance_unet", "poisson_20"))
    files.write_text(made.run.trial(made.of("poisson_20").id).predictions, "no parquet")
    case = case_of(made)
    assert case.train(Line("poisson_20", "round", "poisson"), UNITS[0]) is None
    assert case.train(NETWORK, UNITS[0]) is not None
    assert len(case.problems) == 1


def test_a_recording_prepared_anew_is_not_taken_for_the_old_one(tmp_path):
    made = make_run(tmp_path, models=("distance_unet",))
    other = dataclasses.replace(made.split, stimulus=1 - made.split.stimulus)
    store.save(other, None, made.root, {"made": "anew"})
    with pytest.raises(BadInput, match=r"no longer what .* was trained on"):
        case_of(made).split


def test_floors_and_ceilings_alone_are_not_drawn(tmp_path):
    with pytest.raises(NotReady, match="raysp evaluate made-up"):
        case_of(make_run(tmp_path, models=("no_spikes", "perfect_distance")))


def test_without_a_network_the_best_counts_are_looked_at(tmp_path):
    case = case_of(make_run(tmp_path, models=("no_spikes", "poisson_20")))
    assert (case.main.model, case.main.decoding) == ("poisson_20", "round")


def test_lights_are_named_where_they_are_known():
    assert next(iter(channel_colours(4, "retina-1"))) == "red 630 nm"
    assert list(channel_colours(2, "retina-1")) == ["channel 0", "channel 1"]
    assert next(iter(channel_colours(4, "other-1"))) == "channel 0"
