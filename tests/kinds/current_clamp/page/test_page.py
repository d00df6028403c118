"""What a page shows of cells: from a run's files, whole or damaged."""

import dataclasses
import io

import polars
import pytest
from PIL import Image

from raysp.driver.report import open_run, write_report
from raysp.errors import NotReady
from raysp.io import files
from raysp.kinds.current_clamp.page import scores, tables
from raysp.kinds.current_clamp.page.analyses import Analyses, cluster_lines, importances
from raysp.kinds.current_clamp.page.cell import ShownCell, cell, shown_cells
from raysp.kinds.current_clamp.page.numbers import Numbers, median_within, read_numbers
from raysp.kinds.current_clamp.page.page import draw
from raysp.kinds.current_clamp.page.scores import histograms, pairs
from raysp.kinds.current_clamp.page.spread import validated, violins
from raysp.kinds.current_clamp.page.trees import trees
from tests.kinds.current_clamp.made_up import make_run


@pytest.fixture(scope="module")
def opened(neurons):
    data = open_run(neurons.run, neurons.root)
    (task,) = data.tasks
    return data, task, read_numbers(data, task)


def test_the_median_of_cells_far_below_what_is_drawn_is_not_that_of_where_they_are_drawn():
    assert median_within([-5.0, 0.6], -0.2, 1.19) == -0.2
    assert median_within([-5.0, 0.6, 0.7], -0.2, 1.19) == 0.6


def test_numbers_are_the_tables_and_the_trials_of_a_recording_are_one_task(opened, neurons):
    _, task, numbers = opened
    assert task.name == "standin-cells"
    assert numbers.models == ("clamp_mean_rate", "gfr_paper", "gfr", "clamp_psth")
    assert numbers.neurons == ["gfr_paper", "gfr"]
    assert numbers.fitted == ["gfr_paper", "gfr"]
    assert set(numbers.values["gfr", "EVR"]) == set(neurons.split.unit_ids.tolist())
    assert numbers.main == max(numbers.neurons, key=lambda model: numbers.medians[model, "EVR"]["mean"])
    assert numbers.dead("clamp_mean_rate") == "0 of 4"


def test_the_cells_shown_are_the_median_the_best_and_the_worst(opened):
    _, _, numbers = opened
    own = numbers.values[numbers.main, "EVR"]
    median, best, worst = (one.unit for one in shown_cells(numbers))
    assert own[best] == max(own.values())
    assert own[worst] == min(own.values())
    assert sum(value < own[median] for value in own.values()) == (len(own) - 1) // 2
    assert shown_cells(Numbers()) == []


def test_many_cells_are_drawn_as_tiles(opened, monkeypatch):
    _, _, numbers = opened
    points = pairs(numbers).png
    monkeypatch.setattr(scores, "MANY", 3)
    assert pairs(numbers).png != points


def test_figures_are_drawn_and_what_cannot_be_is_a_note(opened, neurons):
    data, task, numbers = opened
    drawn = draw(data, task, numbers)
    assert [one.title.partition(",")[0] for one in drawn.pictures[1:]] == [
        f"Cell {one.unit}" for one in shown_cells(numbers)
    ]
    assert drawn.pictures[0].name == "standin-cells-pairs"
    assert drawn.notes == []
    assert all(one.png.startswith(b"\x89PNG") for one in drawn.pictures)
    for figure, name in ((histograms, "evr"), (violins, "evr-violins"), (validated, "evr-validated")):
        assert figure([(task, numbers)]).name == name
        with pytest.raises(NotReady):
            figure([(task, Numbers())])
    for figure, what in ((pairs, Numbers()), (cluster_lines, Analyses([])), (trees, Analyses([]))):
        with pytest.raises(NotReady):
            figure(what)
    (first, *_), trial = neurons.of("gfr").units, neurons.of("gfr", 1)
    with pytest.raises(NotReady, match="it has no fit"):
        cell(numbers, neurons.split, ShownCell(first, "best"), neurons.run.trial(trial.id).predictions)


def test_bent_inputs_are_drawn_beside_the_plain_ones(opened, neurons):
    _, _, numbers = opened
    inputs = {"bend": [20.0, 20.0, 60.0], "bent": [0.5, -0.2, 1.0], "bent_lambda": [1.0, 0.4, 1.0]}
    heard = numbers.cells.with_columns(**{name: polars.lit(values) for name, values in inputs.items()})
    trial = neurons.of(numbers.main)
    shown, predictions = ShownCell(trial.units[0], "best"), neurons.run.trial(trial.id).predictions
    plain, bent = (
        cell(dataclasses.replace(numbers, cells=table), neurons.split, shown, predictions)
        for table in (numbers.cells, heard)
    )
    assert ("above each bend" in plain.caption, "above each bend" in bent.caption) == (False, True)
    heights = [Image.open(io.BytesIO(one.png)).height for one in (plain, bent)]
    assert heights[1] > 1.2 * heights[0]


def test_tables_rank_fits_and_have_parameters_by_quartiles(opened):
    _, _, numbers = opened
    assert tables.best(numbers, "EVR") == numbers.main
    assert tables.ceiling(numbers, "EVR ceiling")["count"] <= 4
    pairs_of = [(row["model"], row["against"]) for row in tables.differences(numbers)]
    assert pairs_of == [("gfr_paper", "clamp_mean_rate"), ("gfr", "clamp_mean_rate"), ("gfr", "gfr_paper")]
    names = tables.parameter_names(numbers)
    assert names[:2] == ["γ (Hz)", "threshold (pA)"]
    row = next(row for row in tables.parameters(numbers) if row["model"] == "gfr")
    low, middle, high = row["quartiles"]["γ (Hz)"]
    assert low <= middle <= high
    assert "species of 4" in tables.known(numbers)


def test_a_page_is_whole_without_scores_and_without_its_recording(tmp_path):
    made = make_run(tmp_path)
    page = files.read_text(write_report(made.run, made.root))
    for words in ("Explained variance", "perfect model, about", "Left out, since each has no spike: 4", "Cell "):
        assert words in page
    files.remove(files.join(made.root, "prepared"))
    page = files.read_text(write_report(made.run, made.root))
    assert "no figures of single cells" in page
    files.remove(made.run.metrics)
    assert "Nothing was scored yet" in files.read_text(write_report(made.run, made.root))


def test_clusters_of_a_run_are_drawn():
    rows = [
        {"analysis": "cluster by line", "item": f"{i}, {line}", "model": "gfr", "split": "cells", "value": float(i)}
        for i in (1, 2)
        for line in ("Pvalb", "Sst")
    ]
    assert cluster_lines(Analyses(rows)).png
    assert Analyses(rows).clusters()["gfr, cells"]["2", "Sst"] == 2


def test_trees_of_cells_are_drawn_as_they_were_merged():
    common = {"model": "gfr", "split": "cells", "features": "3 alpha, gamma"}
    merges = [("0, 2", 0.5, 2), ("1, 3", 0.7, 2), ("4, 5", 3.0, 4)]
    rows = [{**common, "analysis": "merge", "item": item, "value": far, "count": n} for item, far, n in merges]
    rows += [{**common, "analysis": "leaf", "item": f"{i}, {'Sst' if i % 2 else 'Pvalb'}"} for i in range(4)]
    found = Analyses(rows)
    assert found.trees()["gfr, cells"].lines == ["Pvalb", "Sst", "Pvalb", "Sst"]
    assert found.trees()["gfr, cells"].merges.tolist()[1] == [1, 3, 0.7, 2]
    assert found.features() == ["gfr, cells: 3 alpha, gamma"]
    assert trees(found).png


def test_importances_of_features_are_drawn_and_their_groups_are_in_the_table():
    common = {"analysis": "importance", "model": "gfr", "split": "cells", "value": 0.1, "spread": 0.02, "p": None}
    rows = [{**common, "item": f"lines, {name}"} for name in ("alpha_1", "gamma", "mean of alpha")]
    found = Analyses(rows)
    assert importances(found).png
    ((title, shown),) = found.tables()
    assert title == "Importance of features"
    assert [row["item"] for row in shown] == ["lines, mean of alpha"]
    with pytest.raises(NotReady):
        importances(Analyses([]))
