"""The best model of a recording: what is tried, what is trained anew, what is said, without any training."""

import dataclasses

import numpy as np
import pytest

from raysp.config.experiment import Experiment, ModelChoice, Recording
from raysp.data.splits.split import header_of
from raysp.driver import best as driver
from raysp.driver import best_choices
from raysp.driver.best import Best, _Work
from raysp.driver.best_average import Average, NoAverage
from raysp.driver.best_choices import choices, objective, of_experiment, of_recording, spaces
from raysp.driver.best_finals import finals, places
from raysp.driver.best_report import _between, summary, write_best_report
from raysp.driver.best_story import Story
from raysp.driver.launch import Request
from raysp.errors import BadInput
from raysp.io import files
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.runs.folder import RunFolder
from raysp.search.clock import Clock
from raysp.search.result import read_result
from tests.search import sweeps
from tests.training.made_up import made_up_split

SMOOTHING = {"model": "smoothing", "space": {"model.sigma_ms": {"loguniform": [10.0, 150.0]}}}


@pytest.fixture(scope="module")
def header():
    return header_of(made_up_split())


def experiment(*models):
    return Experiment("mine", models or tuple(map(ModelChoice, catalog.names())), splits=("made_up",))


def test_all_models_of_the_kind_are_tried_those_that_fit_themselves_first(header):
    found, _left_out = choices(experiment(), (), header)
    names = [choice.name for choice in found]
    assert {"mean_rate", "smoothing", "reduced_rank", "sae", "masked_gru"} <= set(names)
    assert not {"true_rates", "ensemble", "distance_unet", "gfr"} & set(names)
    alone = [catalog.fits_itself(name) for name in names]
    assert alone == sorted(alone, reverse=True)
    # An experiment's settings are where a search begins, and others' defaults beside them.
    own, _ = choices(experiment(ModelChoice("sae", {"hidden": 7})), (), header)
    assert next(one for one in own if one.name == "sae").hyperparameters == {"hidden": 7}
    assert len(own) == len(found)


def test_a_model_whose_shapes_do_not_go_with_the_data_is_left_out_and_said(header, monkeypatch):
    def check(experiment, choice, header, kind):
        if choice.name == "unet":
            raise BadInput("made_up: expected more bins")

    monkeypatch.setattr(best_choices, "check_shapes", check)
    found, left_out = choices(experiment(), (), header)
    assert "unet" not in [choice.name for choice in found]
    assert left_out["unet"] == "made_up: expected more bins"
    with pytest.raises(BadInput, match="unet does not go with made_up: made_up: expected more bins"):
        choices(experiment(), ("unet",), header)
    # A setting that is wrong is no reason to leave a model out.
    with pytest.raises(BadInput, match="hiden"):
        choices(experiment(ModelChoice("sae", {"hiden": 7})), (), header)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("sea",), "did you mean 'sae'"),
        (("distance_unet",), "does not go with made_up: the model reads stimulus splits"),
        (("true_rates",), "knows the answers"),
    ],
)
def test_models_that_cannot_be_tried_are_refused(header, names, message):
    with pytest.raises(BadInput, match=message):
        choices(experiment(), names, header)


def test_a_models_space_is_ones_own_or_ships_or_is_empty(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("model: sae\nspace: {model.hidden: {int: [4, 8]}}\n")
    found = {space.model: space for space in spaces(["mean_rate", "sae", "unet"], [str(own)])}
    assert [entry.name for entry in found["sae"].entries] == ["model.hidden"]
    assert found["unet"].entries
    assert not found["mean_rate"].entries
    with pytest.raises(BadInput, match="a space for sae, which is not tried here: expected one for mean_rate, unet"):
        spaces(["mean_rate", "unet"], [str(own)])
    with pytest.raises(BadInput, match="the second space for sae"):
        spaces(["sae"], [str(own), str(own)])


def test_models_are_compared_by_what_all_of_them_have(header):
    population, stimulus = kinds.of("population"), kinds.of("stimulus")
    assert objective(population, header, None, ["mean_rate", "sae"]) == "unseen_loss"
    bare = dataclasses.replace(header, sizes=dataclasses.replace(header.sizes, heldout=0, forward=0))
    with pytest.raises(BadInput, match=r"compared by unseen_loss, which needs .*--data heldout=1"):
        objective(population, bare, None, ["mean_rate", "sae"])
    assert objective(stimulus, header, None, ["distance_unet"]) == "validation_loss"
    with pytest.raises(BadInput, match="no loss in common"):
        objective(stimulus, header, None, ["distance_unet", "no_spikes"])


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(BadInput, match="minutes expected"):
        Best(minutes=0.0)
    with pytest.raises(BadInput, match="is cut already"):
        of_recording("mc_maze_small-20ms-val", {"bin_ms": 5})
    assert of_recording("/data/day 7.npz", {"bin_ms": 5}).recordings[0].name == "day_7"


@pytest.mark.parametrize("source", ["", "chaotic_rnn"])
def test_a_source_that_generates_is_named_as_a_recording_is(source):
    (found,) = of_recording("chaotic_rnn", {"heldout": 6}, source=source).recordings
    assert (found.name, found.source, found.settings) == ("chaotic_rnn", "chaotic_rnn", {"heldout": 6})


def test_an_experiments_recording_takes_other_settings_under_another_name():
    one = Recording("mine", "made_up", {"bins": 8, "units": 5})
    known = Experiment("known", (ModelChoice("sae"),), recordings=(one,))
    found = of_experiment(known, {"units": 7}, name="wide")
    assert (found.name, found.recordings) == ("wide", (Recording("wide", "made_up", {"bins": 8, "units": 7}),))
    assert of_experiment(known, {}) == known
    with pytest.raises(BadInput, match="units makes another recording of mine: give it a name"):
        of_experiment(known, {"units": 7})
    with pytest.raises(BadInput, match="has 2 recordings and 0 splits"):
        of_experiment(dataclasses.replace(known, recordings=(one, found.recordings[0])), {"units": 7}, name="wide")
    with pytest.raises(BadInput, match="leave out the source nlb"):
        of_experiment(known, {}, source="nlb")


def loss(level):
    def ended(number, seed, params):
        values = sweeps.loss(number, seed, params)
        return {"unseen_loss": level + values["validation_loss"], **values}

    return ended


@pytest.fixture
def searched(tmp_path):
    """A search over two models, of a floor, a baseline and a network, 12.5 s a trial."""
    run = sweeps.make_sweep(tmp_path, splits=(), name="search")
    common = {"objectives": ("unseen_loss",), "split": "made_up"}
    sweeps.make_study(run, space={"model": "mean_rate", "space": {}}, count=1, end=loss(0.2), **common)
    sweeps.make_study(run, space=SMOOTHING, count=4, end=loss(0.1), **common)
    made = sweeps.make_study(run, end=loss(0.0), **common)
    assert made.candidates()
    return [read_result(one) for one in sweeps.studies(run)]


def test_seeds_come_before_candidates_and_baselines_before_both(searched, header):
    def found(room_s):
        one = finals(experiment(), header, searched, room_s, 3)
        return len(one.members), one.experiment.seeds, [choice.shown for choice in one.experiment.models]

    assert found(0)[0] == 0
    assert found(0)[2] == ["true_rates", "smoothing", "mean_rate"]
    members, seeds, labels = found(3 * 3 * 30)
    assert (members, seeds) == (1, (0, 1, 2))
    assert labels[:3] == ["true_rates", "smoothing", "mean_rate"]
    assert labels[3:] == [f"sae-{places(searched)[0].number}"]
    assert found(3 * 30)[:2] == (1, (0,))
    # Of one model three at most.
    assert found(10**6)[:2] == (3, (0, 1, 2))


def test_models_whose_trainings_were_ended_are_named(searched, header, tmp_path):
    own = finals(experiment(), header, searched, 10**6, 3)
    cut = {key: dataclasses.replace(one, record={"out_of_time": True}) for key, one in searched[0].trials.items()}
    results = (dataclasses.replace(searched[0], trials=cut), *searched[1:])
    story = Story(RunFolder(str(tmp_path / "best-mine")), 30.0, results, own, {}, 1700.0, NoAverage("nothing ended"))
    told = list(story.advice())
    assert told[0].endswith("could not be trained anew to the end in what was left of the time.")
    assert told[1].startswith("Trainings of mean_rate were ended")
    assert "no average: nothing ended" in "\n".join(summary(story))
    # What fits itself is trained anew in any case.
    alone = tuple(one for one in results if catalog.fits_itself(one.study.definition.model))
    none = dataclasses.replace(story, finals=dataclasses.replace(own, members=()))
    assert any("There was no time" in one for one in none.advice())
    assert not any("There was no time" in one for one in dataclasses.replace(none, results=alone).advice())


def test_the_page_says_what_won_by_how_much_and_what_more_time_would_do(searched, header, tmp_path):
    own = finals(experiment(), header, searched, 10**6, 3)
    best = places(searched)[0].label
    weights = {(searched[0].study.definition.model, 0): 0.6, (best, 1): 0.4, (best, 0): 0.0}
    average = Average(RunFolder(str(tmp_path / "average")), "co-bps", "em", 0.31, 0.02, 0.01, weights)
    unsure, behind = (dataclasses.replace(average, gain=gain) for gain in (-0.009, -0.011))
    assert (average.wins, unsure.wins, behind.wins) == (True, True, False)
    story = Story(
        RunFolder(str(tmp_path / "best-mine")), 30.0, tuple(searched), own, {"unet": "too few bins"}, 1700.0, average
    )
    assert (story.winner.model, story.floor.model, story.baseline.model) == ("sae", "mean_rate", "smoothing")
    assert story.margin(story.floor) == pytest.approx(story.floor.value - story.winner.value)
    assert story.margin(story.floor) > 0.1
    page = files.read_text(write_best_report(story))
    lines = "\n".join(summary(story))
    for text in (story.winner.label, "--minutes 60"):
        assert text in page
        assert text in lines
    assert "unseen_loss: Poisson loss, nats per count, of what no model is shown" in lines
    assert "too few bins" in page
    assert f"average of 2 of 3 trainings (mean_rate 60%, {best} 40%)" in page
    assert "+0.0200 ± 0.0100 above the best of them: it is the winner" in lines
    worse = dataclasses.replace(story, average=behind)
    assert "the best single one stays the winner" in "\n".join(summary(worse))
    other = dataclasses.replace(average, weights={("mean_rate", 0): 0.6, ("smoothing", 0): 0.4})
    assert f"{best}, which won the search, was not trained anew" in "\n".join(
        summary(dataclasses.replace(story, average=other))
    )
    assert "Nothing was scored" in page
    told = files.read_json(story.told)
    assert told["winner"]["candidate"] == story.winner.number
    assert told["average"]["wins"] is True
    assert told["average"]["members"][1] == {"label": best, "seed": 1, "weight": 0.4}
    assert len(told["submissions"]) == 1
    apart = dataclasses.replace(story, average=other)
    assert "<b>An average</b>" in page
    assert "<b>An average</b>" not in files.read_text(write_best_report(apart))
    told = files.read_json(story.told)
    assert told["average"]["wins"] is False
    assert len(told["submissions"]) == 2


@pytest.mark.parametrize(
    ("spent", "searched", "minutes"), [(0, 0, 6.0), (400, 300, 6.0), (550, 300, 5.5), (590, 360, 6.0), (590, 0, 0.1)]
)
def test_the_search_has_its_share_of_all_the_time_and_of_what_is_left(tmp_path, spent, searched, minutes):
    paths = {name: str(tmp_path / f"{name}.json") for name in ("whole", "search")}
    files.write_json(paths["whole"], {"seconds": float(spent)})
    files.write_json(paths["search"], {"seconds": float(searched)})
    clock = Clock(paths["whole"], 10.0)
    work = _Work(
        RunFolder(str(tmp_path)), experiment(), "made_up", Best(10.0), Request(), clock, paths["search"], print, list
    )
    assert work._searching() == pytest.approx(minutes, abs=0.02)


def test_machines_are_there_for_the_last_trainings_where_the_search_had_nothing_to_do(
    searched, header, tmp_path, monkeypatch
):
    asked = []

    def machines():
        asked.append(2)
        return [{"CPU": 2.0}]

    monkeypatch.setattr(driver, "launch", lambda *_: asked.append("launched"))
    clock = Clock(str(tmp_path / "clock.json"), 10.0)
    run = RunFolder(str(tmp_path))
    work = _Work(run, experiment(), "made_up", Best(10.0), Request(), clock, "", lambda text: None, machines)
    assert work._finals(experiment(), header, searched).members
    assert asked == [2, "launched"]


@pytest.mark.parametrize(
    ("trials", "said"), [(0, ""), (1, " (on 1 validation trial, too few to say how sure that is)")]
)
def test_a_margin_of_few_validation_trials_says_so(trials, said):
    class Won:
        each = np.zeros(trials), np.ones(trials, int)

    class Told:
        winner = Won
        interval = staticmethod(lambda place: None)

    assert _between(Told, Won) == said


def test_a_margin_weighs_trials_by_their_entries_as_the_losses_do():
    entries = np.array([900, 10, 10, 10, 10, 10, 0])

    class Won:
        each = np.array([1.0, 5, 5, 5, 5, 5, np.nan]), entries

    class Behind:
        each = np.array([2.0, 4, 4.1, 4, 4, 4.1, np.nan]), entries

    class Told:
        winner = Won

    low, high, trials = Story.interval(Told, Behind)
    margin = ((Behind.each[0] - Won.each[0]) * entries)[:6].sum() / entries.sum()
    assert low < 0 < margin < high
    assert margin == pytest.approx(0.9, abs=0.02)
    # Weighed alike they would say the contrary: the short trials are five of six.
    assert (Behind.each[0] - Won.each[0])[:6].mean() < 0
    assert trials == 6

    class Other:
        each = np.zeros(7), np.ones(7, int)

    assert Story.interval(Told, Other) is None


def test_a_small_recording_that_cannot_be_read_so_is_refused_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setattr("raysp.cluster.session.session", lambda *given, **more: pytest.fail("it was started"))
    np.savez(tmp_path / "x.npz", counts=np.ones((30, 20, 8), int))
    asked = of_recording(str(tmp_path / "x.npz"), {"counts": "cuonts", "bin_ms": 20})
    request = Request(root=str(tmp_path / "data"), runs=str(tmp_path / "runs"))
    with pytest.raises(BadInput, match="did you mean 'counts'"):
        driver.best(asked, Best(), request, print)
    assert not (tmp_path / "runs").exists()
