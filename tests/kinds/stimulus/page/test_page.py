"""The page of continuous recordings: complete, self-contained, honest about what is missing."""

import re

import pytest

from raysp.config.experiment import Recording
from raysp.data.sources import prepare
from raysp.data.splits import store
from raysp.data.standin.retina import write_retina
from raysp.driver.report import open_run, write_report
from raysp.io import files
from raysp.io.yaml_files import dump_yaml
from raysp.kinds.population.page import drawing
from raysp.kinds.stimulus.page import page as recordings
from raysp.kinds.stimulus.page.training import unit_fits
from tests.kinds.population.made_up import make_run as make_population
from tests.kinds.stimulus.made_up import UNITS, eye, make_run, read


@pytest.fixture
def light(monkeypatch):
    """No figures where they are not what is tested."""
    for name in ("OF_UNITS", "OF_SCORES", "OF_TRAINING"):
        monkeypatch.setattr(recordings, name, ())


def page(made):
    return files.read_text(write_report(made.run, made.root))


@pytest.fixture(scope="module")
def retina(tmp_path_factory):
    """A run on the stand-in retina, prepared as a real recording is."""
    folder = tmp_path_factory.mktemp("retina")
    root = str(folder / "data")
    write_retina(f"{root}/retina", seconds=30, units=3)
    (name,) = prepare.prepare([Recording("retina", "retina", {"path": "{root}/retina"})], root)
    return make_run(folder, split=store.load(root, name), together=2)


@pytest.fixture(scope="module")
def html(retina):
    return page(retina)


def test_the_page_of_a_standin_retina_is_whole(html, retina):
    for text in ("<h1>made-up</h1>", "c0ffeec0ffee", "12 of 12", "6 × 1 × 1", "standin-retina", "generated stand-in"):
        assert text in html
    for title in (
        "Measures over the width of smoothing", "Each interval beside its own ceiling", "Predicted spikes",
        "Spike distance along a rollout", "Spike-triggered averages", "First-layer kernels", "Training",
    ):  # fmt: skip
        assert f"<h3>{title}</h3>" in html
    assert 'class="note"' not in html
    saved = [name for name in files.listing(retina.run.report) if name.endswith(".png")]
    assert html.count("data:image/png;base64,") == len(saved) == 7


def test_the_page_needs_nothing_from_outside(html):
    assert html.lower().count("<script") == 1, "the page's own"
    assert not re.search(r"(?:src|href)=\"(?!data:image/png|#)", html)
    assert "http" not in re.sub(r"base64,[^\"]*|http-equiv", "", html)


def test_the_table_marks_floor_ceiling_and_best(html):
    rows = re.findall(r"<tr class=\"(\w+)[^>]*><td>(\w+)<?.*?</tr>", html, re.DOTALL)
    assert rows[0] == ("floor", "no_spikes")
    assert rows[-1] == ("ceiling", "perfect_distance")
    assert ("poisson", "poisson_80") in rows
    (best,) = re.findall(r"<tr class=\"network[^\"]*\">.*?</tr>", html, re.DOTALL)
    assert best.count('class="best"') == 10
    assert best.count('class="best"') == html[: html.index("Distance against")].count('class="best"')


def test_the_choice_of_the_best_poisson_is_confessed(html):
    assert "the choice favours Poisson" in html
    assert "distance_unet − best Poisson" in html
    assert "distance_unet − no_spikes</td>" in html[html.index("Over all widths") :]
    assert "distance_unet − no_spikes" in html
    assert "3 of 3 units" in html


def test_a_failed_trial_is_told_first_and_the_rest_is_over_the_other_units(tmp_path, light):
    made = make_run(tmp_path, models=("no_spikes", "distance_unet", "poisson_20"))
    folder = made.run.trial(made.of("distance_unet").id)
    files.remove(folder.done)
    files.write_text(folder.error, "Traceback\n  line\nFloatingPointError: <b>loss</b> is nan")
    html = page(made)
    assert "FloatingPointError: &lt;b&gt;loss&lt;/b&gt; is nan" in html
    assert "1 of 6 trials are not done" in html
    assert "2 of 4" in html
    assert "a model that lacks units which others have cannot be best" in html
    assert "1 of 2, 1 failed" in html


def test_without_poisson_models_the_floor_is_compared_with(tmp_path, light):
    html = page(make_run(tmp_path, models=("no_spikes", "distance_unet", "perfect_distance")))
    assert "Against the floor" in html
    assert "no Poisson model that was scored" in html
    assert "distance_unet − no_spikes" in html


def test_without_a_network_there_are_scores_without_differences(tmp_path, light):
    html = page(make_run(tmp_path, models=("no_spikes", "poisson_20")))
    assert "No differences" in html
    assert "poisson_20" in html


def test_one_unit_has_a_page(tmp_path, light):
    made = make_run(tmp_path, models=("no_spikes", "distance_unet", "poisson_20"), split=eye().select(UNITS[:1]))
    html = page(made)
    assert "1 unit, 1 seed" in html
    assert "1 of 1 unit<" in html
    assert not re.search(r"\bnan\b", html)


def test_without_metrics_the_page_says_so_and_shows_the_training(tmp_path):
    made = make_run(tmp_path, models=("no_spikes", "distance_unet"))
    files.remove(made.run.metrics)
    html = page(made)
    assert "Nothing was scored yet" in html
    assert "<h3>Training</h3>" in html
    assert "no figures of spike trains" in html


def test_seeds_are_said_to_be_averaged(tmp_path, light):
    models = ("no_spikes", "distance_unet")
    assert "the mean over its seeds first" in page(make_run(tmp_path / "two", models=models, seeds=(0, 1)))
    assert "the mean over its seeds first" not in page(make_run(tmp_path / "one", models=models))


def test_a_run_of_both_kinds_has_one_page(tmp_path, light, monkeypatch):
    monkeypatch.setattr(drawing, "OF_A_TRIAL", ())
    trains = make_run(tmp_path, models=("no_spikes", "distance_unet"))
    record = trains.run.record()
    rates = make_population(tmp_path, models=("mean_rate",), seeds=(0,), splits=("mc_maze_small-20ms-val",))
    record["trials"] += rates.run.record()["trials"]
    files.write_text(trains.run.experiment, dump_yaml(record))
    beside = files.join(trains.run.report, "spike-trains.html")
    files.write_text(beside, "a page of an earlier version")
    html = page(trains)
    assert html.index("Splits by trial</h1>") < html.index("mc_maze_small-20ms-val</b>")
    assert html.index("Continuous recordings</h1>") < html.index("distance_unet</td>")
    for anchor in ("population-scores", "stimulus-scores", "population-figures", "stimulus-figures"):
        assert f'<a href="#{anchor}">' in html
        assert f'<section id="{anchor}">' in html
    assert '<a href="report.html">' in files.read_text(beside)


def test_the_kind_is_known_without_the_data(tmp_path, light):
    made = make_run(tmp_path, models=("no_spikes",))
    files.remove(files.join(made.root, "prepared"))
    material = open_run(made.run, made.root)
    assert [(task.kind, task.units) for task in material.tasks] == [("stimulus", None)]
    assert f"4 units, 1 seed; the recording is no longer prepared below {made.root}.</p>" in page(made)


def test_what_the_recording_is_stands_above_its_table(tmp_path, light):
    assert (
        '<p class="soft">4 units, 1 seed; bins of 1 ms; train 8 s, validation 1 s, test 11 s; '
        "1 unit of the recording left out by its filters.</p>"
    ) in " ".join(page(make_run(tmp_path, models=("no_spikes",))).split())


def test_fits_are_of_single_units(made):
    data, task, _ = read(made)
    found = {fit.model: (fit, hours) for fit, hours in unit_fits(data, task)}
    fit, hours = found["distance_unet"]
    assert (fit.parameters, fit.epochs, fit.seeds) == (1000, "1.5 (1–2) of 3", "2 of 2")
    assert fit.seconds == pytest.approx(7.2)
    assert hours == pytest.approx(2 * 7.2 / 3600)
    assert (found["no_spikes"][0].epochs, found["no_spikes"][0].parameters) == ("", 0)
