"""A sweep's page: drawn from disk alone, honest about what is missing, readable when some candidates diverged."""

import io
import re

import hypothesis
import hypothesis.strategies as st
import pytest
from PIL import Image

from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.yaml_files import parse_yaml
from raysp.runs.folder import RunFolder
from raysp.search.importance import importance
from raysp.search.page.course import history, learning, pareto
from raysp.search.page.page import draw_study, write_sweep_report
from raysp.search.page.parallel import parallel
from raysp.search.page.settings import importances, slices
from raysp.search.page.tables import best_settings, gain, line, snippet
from raysp.search.page.view import log_ticks, robust_range, scales, view
from raysp.search.result import read_result
from raysp.search.study import Halving, read_studies
from tests.search import sweeps


@pytest.fixture
def made(tmp_path):
    """Make a sweep with one study and return its result."""

    def make(**study):
        run = sweeps.make_sweep(tmp_path, **study)
        return read_result(read_studies(run)[0])

    return make


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A finished sweep of two studies with two seeds and a final, for tests that change nothing in it."""
    run = sweeps.make_sweep(
        tmp_path_factory.mktemp("sweep"),
        splits=(sweeps.SPLIT, "standin-mc_rtt-20ms-val"),
        seeds=(0, 1),
        finals=(1, 0),
        final_seeds=(100, 101, 102),
    )
    files.write_text(run.settings, "models: {}\n")
    return run


@pytest.fixture(scope="module")
def html(shared):
    return files.read_text(write_sweep_report(shared))


def page(tmp_path, **study):
    return files.read_text(write_sweep_report(sweeps.make_sweep(tmp_path, **study)))


def plain(html):
    return re.sub(r"base64,[^\"]*", "", html)


def test_page_needs_nothing_from_outside(html):
    assert html.lower().count("<script") == 1, "the page's own"
    assert not re.search(r"(?:src|href)=\"(?!data:image/png|#)", html)
    assert "http" not in plain(html).replace("http-equiv", "")


def test_page_shows_every_figure_and_saves_it(html, shared):
    saved = [name for name in files.listing(shared.report) if name.endswith(".png")]
    assert html.count("data:image/png;base64,") == len(saved) == 2 * 4
    for name in saved:
        with open(files.join(shared.report, name), "rb") as file, Image.open(io.BytesIO(file.read())) as image:
            assert min(image.size) > 150
            assert len(set(image.convert("L").resize((60, 40)).tobytes())) > 3


def test_page_says_what_won_and_where_it_comes_from(html, shared):
    result = read_result(read_studies(shared)[0])
    assert result.winner in (0, 1)
    for text in (
        f"{result.finals[result.winner].values['validation_loss']:.4f}",
        "3 final seeds",
        "c0ffeec0ffee",
        "raysp sweep experiments/nlb_sweep.py",
        "abababababab",
        "optuna 5.0.0",
        f"--settings {shared.path}",
        "raysp run experiments/nlb_sweep.py --runs",
        "study seed 0, trial seeds 0, 1",
    ):
        assert text in html


def test_page_tells_what_preparing_the_data_left_out(html):
    assert "2 of 8 units were left out" in html


def test_generated_data_bear_a_banner_and_real_ones_none(html, tmp_path):
    assert "Some splits below" in html
    assert "not benchmark scores" not in page(tmp_path, count=1)


def test_page_of_nothing_finished_says_so(tmp_path):
    text = page(tmp_path, end=lambda *_: None, finished=False)
    assert "No candidate has ended well yet" in text
    assert "0 of 12 done" in text
    assert "<img" not in text


def test_page_of_nothing_proposed_says_so(tmp_path):
    assert "Nothing has been proposed yet" in page(tmp_path, count=0, finished=False)


def test_one_candidate_is_drawn_and_has_no_importance(tmp_path):
    text = page(tmp_path, count=1)
    assert text.count("<img") == 3
    assert "expected at least two candidates" in text


def test_a_study_that_only_failed_shows_the_traceback_escaped_and_first(tmp_path):
    text = page(tmp_path, count=4, end=lambda *_: sweeps.TRACEBACK)
    assert "FloatingPointError: &lt;b&gt;loss&lt;/b&gt; is nan" in text
    assert "<b>loss</b>" not in text
    assert text.index("What failed</h2>") < text.index("All studies</h2>")
    assert "4 trials" in text
    assert "No winner yet" in text


def test_a_damaged_trial_is_told_and_hides_no_other_study(tmp_path):
    run = sweeps.make_sweep(tmp_path, count=3, splits=("a-20ms-val", "b-20ms-val"))
    study = read_studies(run)[0]
    files.write_text(run.trial(study.trial(study.candidates()[1], 0).id).done, "{ half")
    text = files.read_text(write_sweep_report(run))
    assert "is not JSON" in text
    assert "cannot be read" in text
    assert text.count("<img") == 4


def test_figures_of_earlier_reports_are_removed(tmp_path):
    run = sweeps.make_sweep(tmp_path, count=1)
    stale = files.join(run.report, "old-history.png")
    files.write_text(stale, "old")
    write_sweep_report(run)
    assert not files.exists(stale)


def test_no_sweep_is_refused(tmp_path):
    with pytest.raises(NotReady, match="not a run folder"):
        write_sweep_report(RunFolder(str(tmp_path / "nothing")))


def test_one_diverged_candidate_does_not_squash_the_rest(made):
    result = made(end=lambda n, s, p: {"validation_loss": 1e9 if n == 5 else 0.3 + 0.001 * n})
    seen = view(result)
    assert seen.low < 0.3
    assert 0.311 <= seen.high < 0.32
    assert seen.clipped == 1
    for figure in (history(seen), slices(seen), parallel(seen)):
        assert "1 trial lies beyond the drawn range" in figure.caption


@hypothesis.given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.sampled_from((1.0, -1.0)))
def test_the_range_always_holds_the_best_and_a_quarter_of_all(values, sign):
    low, high = robust_range(values, sign)
    best = min(values, key=lambda value: sign * value)
    assert low < best < high
    assert sum(low <= value <= high for value in values) >= len(values) / 4


def test_the_range_of_ordinary_values_holds_them_all():
    values = [0.30 + 0.01 * i for i in range(20)]
    low, high = robust_range(values, 1.0)
    assert low < values[0]
    assert values[-1] < high < 0.55


def test_range_of_nothing_is_a_range():
    assert robust_range([], 1.0) == (0.0, 1.0)


def test_running_best_only_improves_and_skips_stopped_candidates(made):
    def end(number, seed, params):
        value = {"validation_loss": (0.5, 0.4, 0.1, 0.45, 0.3)[number]}
        return value | ({"stopped_at": 10} if number == 2 else {})

    seen = view(made(count=5, end=end, halving=Halving(10)))
    assert seen.running_best() == [(0, 0.5), (1, 0.4), (3, 0.4), (4, 0.3)]


def test_running_best_of_a_gain_rises(made):
    seen = view(made(count=3, objectives=("co-bps",), end=lambda n, s, p: {"co-bps": (0.1, 0.05, 0.2)[n]}))
    assert [value for _, value in seen.running_best()] == [0.1, 0.1, 0.2]
    assert seen.better == "higher is better"


def test_importance_finds_the_setting_that_matters(made):
    result = made(count=40, end=lambda n, s, p: {"validation_loss": 0.3 + p["training.learning_rate"]})
    seen = view(result)
    found = importance(result, seen.low, seen.high)
    assert next(iter(found.shares)) == "training.learning_rate"
    assert found.shares["training.learning_rate"][0] > 0.8
    assert sum(mean for mean, _ in found.shares.values()) == pytest.approx(1)
    assert found.left_out == ("training.plateau_patience",)
    assert found == importance(result, seen.low, seen.high)


def test_importance_is_not_that_of_one_diverged_candidate(made):
    def end(number, seed, params):
        return {"validation_loss": 1e6 if number == 9 else 0.3 + params["training.learning_rate"]}

    seen = view(made(count=40, end=end))
    assert next(iter(importance(seen.result, seen.low, seen.high).shares)) == "training.learning_rate"


@pytest.mark.parametrize("end", [lambda *_: {"validation_loss": 0.3}, lambda *_: sweeps.TRACEBACK])
def test_importance_of_nothing_that_differs_is_refused(made, end):
    with pytest.raises(NotReady, match="at least two candidates"):
        importances(view(made(count=5, end=end)))


def test_importance_with_few_candidates_warns(made):
    assert "the order means little" in importances(view(made(count=6))).caption


def test_stopped_candidates_stay_out_of_importance_and_say_so(made):
    def end(number, seed, params):
        return sweeps.loss(number, seed, params) | ({"stopped_at": 10} if number % 2 else {})

    assert "6 candidates that ASHA stopped" in importances(view(made(end=end, halving=Halving(10)))).caption


def test_log_ranges_get_log_axes_and_choices_their_names(made):
    found = {scale.entry.name: scale for scale in scales(view(made()))}
    rate, optimizer = found["training.learning_rate"], found["training.optimizer"]
    assert rate.share(10**-2.5) == pytest.approx(0.5)
    assert optimizer.places == ("adamw", "adam")
    assert optimizer.at("adam") == 1.0
    assert 0.5 < optimizer.share("adam", 3) < 1.0


def test_defaults_without_a_place_are_told(made):
    space = {"model": "smoothing", "space": {"model.sigma_ms": {"loguniform": [10, 150]}}}
    seen = view(made(space=space, count=4, end=lambda n, s, p: {"validation_loss": 0.4 - 0.01 * n}))
    assert "sigma_ms = null" in slices(seen).caption
    assert "sigma_ms = null" in parallel(seen).caption


@hypothesis.given(st.floats(1e-6, 1e3), st.floats(1.1, 1e6))
def test_log_ticks_lie_inside(low, factor):
    ticks = log_ticks(low, low * factor)
    assert 1 <= len(ticks) <= 6
    assert all(low * 0.999 <= tick <= low * factor * 1.001 for tick in ticks)


def test_learning_curves_need_rungs(made):
    with pytest.raises(NotReady, match="ASHA"):
        learning(view(made(count=2)))


def test_learning_curves_are_at_most_sixty_and_name_the_rungs(made):
    def end(number, seed, params):
        return sweeps.loss(number, seed, params) | ({"stopped_at": 10} if number % 2 else {})

    picture = learning(view(made(count=70, end=end, halving=Halving(10), curves=True)))
    assert "60 of 70 trials" in picture.caption
    assert "epochs 10, 30, 90" in picture.caption


def test_a_damaged_curve_is_a_note_and_stops_no_other_figure(made):
    result = made(count=3, halving=Halving(10), curves=True)
    study = result.study
    files.write_text(study.run.trial(study.trial(result.candidates[0], 0).id).curve, "no parquet")
    with pytest.raises(BadInput, match="damaged"):
        learning(view(result))
    drawn = draw_study(result)
    assert [one.name for one in drawn.pictures] == ["history", "importance", "slices", "parallel"]
    assert "damaged" in drawn.notes[0]


def test_pareto_front_of_two_objectives(made):
    points = {0: (0.3, 0.5), 1: (0.2, 0.6), 2: (0.4, 0.4), 3: (0.4, 0.6), 4: (0.35, 0.41)}

    def end(number, seed, params):
        return {"co-bps": points[number][0], "validation_loss": points[number][1]}

    result = made(count=5, objectives=("co-bps", "validation_loss"), end=end)
    assert result.front == (2,)
    assert "co-bps against validation_loss" in pareto(view(result)).title


def test_the_line_compares_over_the_same_seeds(made):
    def end(number, seed, params):
        return {"validation_loss": 0.5 - 0.1 * number - (0.05 if seed == 100 and number == 1 else 0)}

    result = made(count=2, end=end, seeds=(0, 1), finals=(1,), final_seeds=(100,))
    found = line(result, 2)
    assert (found["done"], found["asked"], found["seeds"]) == (2, 2, "1 final seed")
    assert found["winner"].startswith("0.3500")
    assert found["gain"] == gain(result) == "+0.1"


def test_settings_say_default_winner_range_and_edge(made):
    space = {
        "model": "sae",
        "space": {
            "training.batch_size": {"int": [16, 64], "step": 16},
            "training.optimizer": {"choice": ["adamw", "adam"]},
            "model.hidden": {"int": [32, 128], "log": True},
            "model.encoder_hidden": {"same": "model.hidden", "times": 2},
        },
        "start": [{"training.batch_size": 64, "training.optimizer": "adam", "model.hidden": 64}],
    }
    result = made(space=space, count=2, end=lambda n, s, p: {"validation_loss": 0.5 - 0.1 * n})
    found = {one["name"]: one for one in best_settings(result)}
    assert found["training.batch_size"]["at_edge"]
    assert found["training.optimizer"]["winner"] == "adam"
    assert found["model.encoder_hidden"]["winner"] == "128"
    assert found["model.encoder_hidden"]["range"] == "as model.hidden × 2"
    assert not found["model.hidden"]["at_edge"]
    assert parse_yaml(snippet(result), "snippet") == {
        "training": {"batch_size": 64, "optimizer": "adam"},
        "hyperparameters": {"hidden": 64, "encoder_hidden": 128},
    }


def test_a_final_that_was_not_carried_through_decides_nothing(made):
    def end(number, seed, params):
        return {"validation_loss": 0.5 - 0.1 * number} | ({"stopped_at": 10} if seed == 100 else {})

    found = line(made(count=2, end=end, finals=(1, 0), final_seeds=(100, 101), halving=Halving(10)), 2)
    assert (found["winner"], found["seeds"]) == ("0.4000", "1 seed")


def test_two_values_have_no_edge(made):
    space = {"model": "sae", "space": {"model.layers": {"int": [1, 2]}}}
    assert not best_settings(made(space=space, count=1))[0]["at_edge"]
