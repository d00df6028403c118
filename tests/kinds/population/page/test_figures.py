"""Choices behind the figures: which trials, which units, what is known."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp.config.experiment import Training
from raysp.data.splits.header import Provenance
from raysp.driver.report import open_run
from raysp.errors import NotReady
from raysp.evaluation.psth import psth_r2, psth_r2_by_unit
from raysp.io import files
from raysp.io.words import number
from raysp.kinds.population.case import open_case
from raysp.kinds.population.kind import KIND
from raysp.kinds.population.page.curves import _comparable, curves
from raysp.kinds.population.page.overview import overview
from raysp.kinds.population.page.psths import psth, reference_means
from raysp.kinds.population.page.rasters import ordinary_trials, raster
from raysp.kinds.population.page.units import unit_means
from raysp.report.run_data import group
from tests.kinds.population.made_up import FLOOR_ROW


@pytest.fixture
def case(shared_run):
    return open_case(shared_run.run, shared_run.root, shared_run.trial("sae"), answers=True)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 30), st.integers(1, 4), st.integers(0, 2**31))
def test_ordinary_trials_are_neither_emptiest_nor_fullest(trials, wanted, seed):
    counts = np.random.default_rng(seed).permutation(trials)[:, None, None].astype(float)
    chosen = ordinary_trials(counts, wanted)
    assert len(set(chosen)) == len(chosen) == min(wanted, trials)
    if trials >= 2 * (wanted + 1):
        spikes = counts[chosen].ravel()
        assert spikes.min() > 0
        assert spikes.max() < trials - 1


def test_counts_are_unknown_without_answers(shared_run):
    case = open_case(shared_run.run, shared_run.root, shared_run.trial("sae"), answers=False)
    sizes, counts = case.split.sizes, case.counts()
    assert np.isfinite(counts[:, : sizes.bins, : sizes.heldin]).all()
    assert np.isnan(counts[:, :, sizes.heldin :]).all()
    assert np.isnan(counts[:, sizes.bins :]).all()
    assert "Shaded" in raster(case).caption


def test_counts_are_those_of_the_answers(case):
    known, sizes = case.known, case.split.sizes
    assert case.counts().shape == (24, sizes.bins + sizes.forward, sizes.units)
    assert case.counts().sum() == sum(
        getattr(known, name).sum() for name in ("heldin", "heldout", "heldin_forward", "heldout_forward")
    )


def test_rates_that_were_not_predicted_are_blank(case):
    bare = dataclasses.replace(case, prediction=dataclasses.replace(case.prediction, rates_forward=None))
    assert np.isnan(bare.rates()[:, case.split.sizes.bins :]).all()
    assert len(raster(bare).png) > 5000


def test_figures_name_trials_and_units_by_the_recordings_own_numbers(case, monkeypatch):
    from matplotlib.axes import Axes

    said = []
    monkeypatch.setattr(Axes, "set_title", lambda axes, text, **_: said.append(text))
    monkeypatch.setattr(Axes, "set_ylabel", lambda axes, text, **_: said.append(text))
    sizes = case.split.sizes
    eval_trials = dataclasses.replace(case.split.eval, ids=np.arange(len(case.split.eval)) + 5000)
    split = dataclasses.replace(case.split, eval=eval_trials, units=np.arange(sizes.units) + 300)
    raster(dataclasses.replace(case, split=split))
    psth(dataclasses.replace(case, split=split))
    (first, second) = ordinary_trials(case.known.heldin, 2)
    assert {f"evaluation trial {5000 + one}\nunit" for one in (first, second)} <= set(said)
    units = [int(text.split()[2]) for text in said if " unit " in text]
    assert len(units) == 6
    assert all((unit - 300 >= sizes.heldin) == (place < 3) for place, unit in enumerate(units))
    known = dataclasses.replace(split, provenance=Provenance(unit_names=((300, "TT1c1"),)))
    named = dataclasses.replace(case, split=known)
    assert (named.unit_name(0), named.unit_label(1)) == ("held-in unit TT1c1", "301")
    bare = dataclasses.replace(split, eval=dataclasses.replace(eval_trials, ids=None), units=None)
    numberless = dataclasses.replace(case, split=bare)
    assert (numberless.trial_name(3), numberless.unit_name(0)) == (
        "evaluation trial 3 (by position)",
        "held-in unit 0 (by position)",
    )


def test_true_rates_are_drawn_where_they_are_known(case):
    reference = reference_means(case)
    trials = case.known.condition == 2
    np.testing.assert_allclose(reference.means[2], case.known.rates[trials, : case.split.sizes.bins].mean(axis=0))
    picture = psth(case)
    assert picture.title == "PSTHs, true rates and predicted"
    assert "Solid, true rates: true rates averaged over the same evaluation trials" in picture.caption
    score = psth_r2(case.prediction.rates, case.answers.psth, case.known.condition)
    assert f"psth R2, {number(score)}, is the mean over all units against smoothed counts" in picture.caption


def test_recorded_psths_are_called_smoothed_counts_and_their_r2_is_the_score(case):
    recorded = without_truth(case)
    assert reference_means(recorded).means is case.answers.psth
    assert "Solid, smoothed counts: recorded ones, averaged over all trials" in psth(recorded).caption
    each = psth_r2_by_unit(case.prediction.rates, case.answers.psth, case.known.condition)
    assert each.mean() == psth_r2(case.prediction.rates, case.answers.psth, case.known.condition)


def test_true_averages_are_moved_by_the_windows_jitter_as_predicted_ones_are(case):
    jitter = np.where(np.arange(len(case.known)) % 2, 3, 0)
    known = dataclasses.replace(case.known, jitter=jitter)
    moved = reference_means(dataclasses.replace(case, answers=dataclasses.replace(case.answers, trials=known)))
    late = 1
    rates, trials = case.known.rates[:, : case.split.sizes.bins], case.known.condition == late
    np.testing.assert_allclose(moved.means[late, 3:], rates[trials, :-3].mean(axis=0))
    assert np.isnan(moved.means[late, :3]).all()


def without_truth(case):
    answers = dataclasses.replace(case.answers, trials=dataclasses.replace(case.known, rates=None))
    return dataclasses.replace(case, answers=answers)


def test_psths_need_counts_or_truth(case):
    bare = without_truth(case)
    with pytest.raises(NotReady, match="neither PSTHs nor true rates"):
        psth(dataclasses.replace(bare, answers=dataclasses.replace(bare.answers, psth=None)))


def test_psth_needs_conditions(case):
    bare = dataclasses.replace(case.known, condition=None)
    with pytest.raises(NotReady, match="no conditions"):
        psth(dataclasses.replace(case, answers=dataclasses.replace(case.answers, trials=bare)))


def test_curves_name_the_seeds(shared_run):
    data = open_run(shared_run.run, shared_run.root)
    assert "1 more faint" in curves(data, data.tasks[0]).caption


def test_models_that_fit_themselves_have_no_curves(make):
    made = make(models=("mean_rate",), splits=("mc_maze_small-20ms-val",), seeds=(0,))
    data = open_run(made.run, made.root)
    with pytest.raises(NotReady, match="no training curves"):
        curves(data, data.tasks[0])


def test_overview_needs_scores(made_up):
    files.remove(made_up.run.metrics)
    with pytest.raises(NotReady, match="raysp evaluate made-up"):
        overview(open_run(made_up.run, made_up.root))


def test_unit_means_are_over_seeds(shared_run):
    data = open_run(shared_run.run, shared_run.root)
    rows = data.of(data.tasks[0]).filter(model="sae", unit_index=20)
    values = rows["value"].to_list()
    assert len(values) == 2
    assert unit_means(data, data.tasks[0])["sae"][20] == pytest.approx(np.mean(values))


def test_subsets_are_tasks_of_their_own(shared_run):
    whole = shared_run.trial("sae")
    subset = dataclasses.replace(whole, units=tuple(range(0, 18, 2)))
    tasks = group([whole, subset], {whole.split: KIND}, {whole.split: "val"})
    assert len(tasks) == 2
    assert tasks[0].slug != tasks[1].slug
    assert set(tasks[1].slug) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")


def test_curves_show_the_loss_that_is_compared_with_the_floors_line(shared_run, monkeypatch):
    from matplotlib.axes import Axes

    lines = []
    plain = Axes.axhline
    monkeypatch.setattr(Axes, "axhline", lambda self, y=0, **look: (lines.append((y, look)), plain(self, y, **look)))
    data = open_run(shared_run.run, shared_run.root)
    caption = curves(data, data.tasks[0]).caption
    (floor,) = [y for y, look in lines if look.get("label") == "mean_rate"]
    assert floor == FLOOR_ROW["unseen_loss"]
    assert "mean_rate 0.412" in caption
    assert "another quantity for every model" in caption


def test_curves_have_no_floors_line_where_its_validation_trials_are_others(shared_run, monkeypatch):
    from matplotlib.axes import Axes

    monkeypatch.setattr("raysp.kinds.population.page.curves._comparable", lambda trial: False)
    monkeypatch.setattr(Axes, "axhline", lambda *_, **__: pytest.fail("a line was drawn"))
    data = open_run(shared_run.run, shared_run.root)
    curves(data, data.tasks[0])


@pytest.mark.parametrize(
    ("changes", "same"),
    [({}, True), ({"validate_on": "eval"}, False), ({"validation_every": 3}, False), ({"validation_seed": 9}, False)],
)
def test_which_validation_trials_are_the_floors(shared_run, changes, same):
    training = dataclasses.replace(Training(), **changes)
    assert _comparable(dataclasses.replace(shared_run.trial("sae"), training=training)) is same
