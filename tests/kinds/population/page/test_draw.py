"""Drawing: what may be seen is drawn, what cannot be drawn is told, and nothing else is held up."""

import dataclasses
import pickle

import numpy as np
import pytest

from raysp.data.splits import store
from raysp.driver.report import open_run
from raysp.io import files
from raysp.kinds.population.page import drawing, page
from raysp.kinds.population.page.drawing import answers_may_be_seen, figures, others
from raysp.kinds.population.page.page import section
from raysp.report.pages import Pages
from raysp.report.section import Drawn


def drawn(made, task=0):
    data = open_run(made.run, made.root)
    found = figures(data, data.tasks[task])
    return Drawn("", [*found.shared.pictures, *found.own.pictures], [*found.shared.notes, *found.own.notes])


def names(found):
    return [picture.name.rpartition("-")[2] for picture in found.pictures]


def test_all_figures_of_a_task(shared_run):
    found = drawn(shared_run)
    assert names(found) == ["curves", "units", "raster", "psth", "latents", "velocity", "calibration"]
    assert found.notes == []
    assert all(picture.caption and picture.title for picture in found.pictures)


def test_test_answers_are_not_looked_at_before_they_are_scored(made_up, monkeypatch):
    files.remove(made_up.run.metrics)
    asked = []
    monkeypatch.setattr(store, "load_answers", lambda root, name: asked.append(name))
    found = drawn(made_up, task=1)
    assert asked == []
    assert "raster" in names(found)
    assert "velocity" not in names(found)
    assert "no decoding: no behaviour is known for this split" in found.notes


def test_answers_of_the_validation_phase_may_be_seen(made_up):
    files.remove(made_up.run.metrics)
    data = open_run(made_up.run, made_up.root)
    assert [answers_may_be_seen(data, task) for task in data.tasks] == [True, False]


def test_damaged_predictions_are_told_and_the_curves_still_drawn(made_up):
    for seed in (0, 1):
        files.write_text(made_up.run.trial(made_up.trial("sae", seed=seed).id).predictions, "no parquet")
    found = drawn(made_up)
    assert names(found) == ["curves", "units"]
    assert "no figures of sae_mc_maze_small-20ms-val" in found.notes[-1]


def test_missing_predictions_are_told(made_up):
    for seed in (0, 1):
        files.remove(made_up.run.trial(made_up.trial("sae", seed=seed).id).predictions)
    assert "has no predictions" in drawn(made_up).notes[-1]


def test_data_prepared_anew_are_not_drawn_as_the_old_ones(made_up):
    split, targets = (load(made_up.root, "mc_maze_small-20ms-val") for load in (store.load, store.load_answers))
    split = dataclasses.replace(split, train=split.train.take(np.arange(30)))
    store.save(split, targets, made_up.root, {"made": "anew"})
    assert "no longer what" in drawn(made_up).notes[-1]


def test_unprepared_data_are_told_with_the_command(made_up):
    files.remove(files.join(made_up.root, "prepared"))
    assert "raysp data prepare" in drawn(made_up).notes[-1]


def test_nothing_finished_is_told(made_up):
    for trial in made_up.trials:
        files.remove(made_up.run.trial(trial.id).done)
    found = drawn(made_up)
    assert found.pictures == []
    assert "no trial of this split is finished" in found.notes[-1]


def test_figures_of_a_cell_subset(make):
    made = make(splits=("mc_maze_small-20ms-val",), models=("mean_rate", "sae"), seeds=(0,), units=(0, 1, 2, 5, 19, 20))
    found = drawn(made)
    assert open_run(made.run, made.root).tasks[0].name == "mc_maze_small-20ms-val[0-2,5,19-20]"
    assert "raster" in names(found)
    assert found.pictures[0].name.startswith("mc_maze_small-20ms-val_n0-2_5_19-20-")


@pytest.mark.parametrize("lacking", ["condition", "behavior", "rates"])
def test_what_the_data_lack_is_told_or_left_out(make, lacking):
    made = make(splits=("mc_maze_small-20ms-val",), models=("sae",), seeds=(0,), without=(lacking,))
    found = drawn(made)
    expected = {"condition": "psth", "behavior": "velocity", "rates": None}[lacking]
    everything = {"curves", "units", "raster", "psth", "latents", "velocity", "calibration"}
    assert set(names(found)) == everything - {expected}
    assert len(found.notes) == (expected is not None)


def test_splits_are_drawn_side_by_side_as_in_turn(shared_run):
    """What another process is given is enough: it draws the same figures from it, in the same colours."""
    data = open_run(shared_run.run, shared_run.root)
    for task in data.tasks:
        alone, here = pickle.loads(pickle.dumps((data.about(task), task)))
        assert (alone.models, alone.floor, alone.ceiling) == (data.models, data.floor, data.ceiling)
        there, whole = figures(alone, here, others(alone, here)), figures(data, task, others(data, task))
        assert there.own.pictures == whole.own.pictures
        assert there.shared.pictures == whole.shared.pictures
        assert there.beside == whole.beside


def test_many_splits_are_given_to_who_draws_them_side_by_side(shared_run, monkeypatch):
    monkeypatch.setattr(page, "FEW", 1)
    given = []

    def side_by_side(function, calls):
        given.append((function, [task.split for (_, task, _), _ in calls]))
        return [drawing.figures(*args) for args, _ in calls]

    monkeypatch.setattr(drawing, "OF_A_TRIAL", ())
    data = open_run(shared_run.run, shared_run.root)
    html = section(data, Pages(shared_run.run, side_by_side), lambda text: None).html
    assert given == [(f"{drawing.__name__}.figures", [task.split for task in data.tasks])]
    assert all(f'id="{task.slug}"' in html for task in data.tasks)


def test_a_reader_may_switch_to_the_models_beside_the_best(make):
    made = make(models=("mean_rate", "sae", "ndt", "true_rates"), seeds=(0,))
    data = open_run(made.run, made.root)
    best = figures(data, data.tasks[0]).trial.shown
    (other,) = others(data, data.tasks[0])
    assert {best, other} == {"sae", "ndt"}
    # Of the test phase, answers are looked at for the model that was chosen alone.
    assert others(data, data.tasks[1]) == []
    html = section(data, Pages(made.run), lambda text: None).html
    place = html[html.index('<div class="models">') :]
    assert place.index(f'<div class="model" data-model="{best}">') < place.index(
        f'<details class="model" data-model="{other}">'
    )
    of_other = [name for name in files.listing(made.run.report) if f"-{other}-" in name]
    assert {name.rpartition("-")[2] for name in of_other} >= {"raster.png", "psth.png", "calibration.png"}
    # Beside the page, which stays light.
    assert all(f'src="{name}"' in html for name in of_other)
