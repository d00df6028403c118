import dataclasses

import numpy as np
import pytest

from raysp.driver.report import open_run
from raysp.errors import NotReady
from raysp.kinds.population.case import open_case
from raysp.kinds.population.page.calibration import GROUPS, calibration, grouped
from raysp.models.prediction import Prediction


@pytest.fixture(scope="module")
def case(shared_run):
    data = open_run(shared_run.run, shared_run.root)
    return open_case(shared_run.run, shared_run.root, data.tasks[0].trials[0], answers=True)


def of_counts(case, times):
    """Return the case of a model that predicts so many times what was recorded."""
    counts, bins = np.nan_to_num(case.counts()), case.split.sizes.bins
    return dataclasses.replace(case, prediction=Prediction(times * counts[:, :bins], times * counts[:, bins:]))


@pytest.mark.parametrize("times", [0.5, 1.0, 3.0])
def test_rates_that_are_so_many_times_too_high_lie_so_far_off_the_line(case, times):
    for predicted, recorded in grouped(of_counts(case, times)).values():
        assert len(predicted) <= GROUPS
        np.testing.assert_allclose(predicted, times * recorded, rtol=1e-5)


def test_a_mean_rate_is_one_group_whose_mean_is_that_of_all_its_bins(case):
    flat = np.ones_like(case.counts())
    bins = case.split.sizes.bins
    found = grouped(dataclasses.replace(case, prediction=Prediction(flat[:, :bins], flat[:, bins:])))
    per_second = 1000 / case.split.sizes.bin_ms
    for name, (predicted, recorded) in found.items():
        assert predicted.tolist() == [pytest.approx(per_second)], name
        assert len(recorded) == 1
    heldin = case.counts()[:, :bins, : case.split.sizes.heldin]
    assert found["held-in units"][1][0] == pytest.approx(np.nanmean(heldin) * per_second, rel=1e-5)


def test_without_spikes_there_is_nothing_to_draw(case):
    trials = case.known
    silent = {name: np.zeros_like(getattr(trials, name)) for name in ("heldin", "heldout", "heldin_forward")}
    answers = dataclasses.replace(case.answers, trials=dataclasses.replace(trials, heldout_forward=None, **silent))
    with pytest.raises(NotReady, match="no recorded spikes"):
        calibration(dataclasses.replace(case, answers=answers))


def test_the_caption_has_the_score_of_the_tables(case):
    assert "All units together: predicted / recorded spikes" in calibration(case).caption
