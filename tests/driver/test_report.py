"""The page: complete, self-contained, honest about what its numbers are."""

import base64
import hashlib
import io
import re

import pytest
from PIL import Image

from raysp.driver.report import write_report
from raysp.errors import NotReady
from raysp.io import files
from raysp.kinds.population.page import drawing, page
from raysp.kinds.population.page.rasters import raster
from raysp.report import pages
from raysp.runs.folder import RunFolder


@pytest.fixture(scope="module")
def html(shared_run):
    return files.read_text(write_report(shared_run.run, shared_run.root))


@pytest.fixture
def light(monkeypatch):
    """One figure of each trial is enough where the figures are not what is tested."""
    monkeypatch.setattr(drawing, "OF_A_TRIAL", (raster,))


def test_page_needs_nothing_from_outside(html):
    (run,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert f"sha256-{base64.b64encode(hashlib.sha256(run.encode()).digest()).decode()}" in html
    assert not re.search(r"(?:src|href)=\"(?!data:image/png|#)", html)
    assert "http" not in re.sub(r"base64,[^\"]*|http-equiv", "", html)


def test_page_shows_every_figure_and_saves_it(html, shared_run):
    saved = [name for name in files.listing(shared_run.run.report) if name.endswith(".png")]
    assert html.count("data:image/png;base64,") == len(saved) == 1 + 2 * 7
    for name in saved:
        with open(files.join(shared_run.run.report, name), "rb") as file, Image.open(io.BytesIO(file.read())) as image:
            assert min(image.size) > 150
            assert len(set(image.convert("L").resize((60, 40)).tobytes())) > 3


def test_page_names_run_commit_and_models(html):
    for text in ("<h1>made-up</h1>", "c0ffeec0ffee", "local changes", "torch 2.13", "12 of 12", "mean_rate", "ceiling"):
        assert text in html


def test_page_tells_what_preparing_the_data_left_out(html):
    assert "2 of 8 units were left out" in html


def test_real_data_bear_no_banner(html):
    assert "not benchmark scores" not in html


def test_standin_banner(make, light):
    made = make(splits=("standin-mc_maze_small-05ms-val",), models=("mean_rate", "sae"), seeds=(0,))
    html = files.read_text(write_report(made.run, made.root))
    assert "Generated stand-in data: these are not benchmark scores." in html
    assert "SLDS" not in html


def test_published_figures_stand_beside_real_data_of_the_same_kind(make, light):
    made = make(splits=("mc_maze_small-05ms-val",), models=("mean_rate", "sae"), seeds=(0,), bin_ms=5.0)
    html = files.read_text(write_report(made.run, made.root))
    assert "SLDS [1]" in html
    assert "0.153" in html
    assert "published by others" in html


def test_without_metrics_the_page_says_so_and_shows_the_rest(made_up, light):
    files.remove(made_up.run.metrics)
    html = files.read_text(write_report(made_up.run, made_up.root))
    assert "Nothing was scored yet" in html
    assert "raysp evaluate made-up" in html
    assert "Counts and rates" in html


def test_damaged_metrics_are_a_problem_not_a_crash(made_up, light):
    files.write_text(made_up.run.metrics, "no parquet")
    html = files.read_text(write_report(made_up.run, made_up.root))
    assert "metrics.parquet is damaged" in html


def test_incomplete_and_failed_trials_are_told_first(made_up, light):
    for seed, text in ((0, "Traceback\n  line\nValueError: <script>alert(1)</script>"), (1, "")):
        folder = made_up.run.trial(made_up.trial("sae", seed=seed).id)
        files.remove(folder.done)
        if text:
            files.write_text(folder.error, text)
    html = files.read_text(write_report(made_up.run, made_up.root))
    assert "10 of 12" in html
    assert "2 of 12 trials are not done" in html
    assert "ValueError: &lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert re.findall(r"<script[^>]*>", html) == ["<script>"], "the page's own alone, whose digest its policy names"
    assert html.index("What failed</h2>") < html.index("Scores</h2>")


def test_figures_of_earlier_reports_are_removed(made_up, light):
    stale = files.join(made_up.run.report, "old-split-raster.png")
    files.write_text(stale, "old")
    write_report(made_up.run, made_up.root)
    assert not files.exists(stale)
    assert not [name for name in files.listing(made_up.run.report) if name.startswith(".")]


def test_a_heavy_page_keeps_its_images_beside_it(made_up, monkeypatch, light):
    monkeypatch.setattr(pages, "EMBEDDED_BYTES", 30_000)
    html = files.read_text(write_report(made_up.run, made_up.root))
    beside = re.findall(r"src=\"([^:\"]+\.png)\"", html)
    assert beside
    assert all(files.exists(files.join(made_up.run.report, name)) for name in beside)


def test_a_long_run_has_tables_for_all_and_figures_for_some(made_up, monkeypatch, light):
    monkeypatch.setattr(page, "FIGURE_SETS", 1)
    message = []
    html = files.read_text(write_report(made_up.run, made_up.root, message.append))
    assert message == ["drawing 1 split"]
    assert "1 more are in the tables only" in html
    assert "test phase" in html


def test_no_run_is_refused(tmp_path):
    with pytest.raises(NotReady, match="not a run folder"):
        write_report(RunFolder(str(tmp_path / "nothing")), str(tmp_path))
