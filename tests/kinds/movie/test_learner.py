"""A network of movies in the one loop: validated by fixed draws, and resumed as if it had never stopped."""

from __future__ import annotations

import numpy as np
import polars
import pytest

from raysp.config.experiment import ModelChoice, Training, Trial
from raysp.data.sources import movie_teacher
from raysp.errors import Interrupted
from raysp.io import files
from raysp.kinds.movie import learner
from raysp.kinds.movie.connectivity_file import read_connectivity
from raysp.kinds.movie.made_up import made_up
from raysp.training.descent import Descent
from raysp.training.lr_range import lr_range
from raysp.training.randomness import seeded
from tests.kinds.movie.made_up import NAME, make_run
from tests.training.made_up import made_up_job, same_weights, without_seconds

SETTINGS = {
    "filters": [], "kernels": [], "pools": [], "strides": [], "frames": 2, "lags": 3, "hidden": 2, "paths": 2,
    "validation_trials": 20,
}  # fmt: skip
TRAINING = Training(
    epochs=4, batch_size=6, learning_rate=1e-2, weight_decay=0.0, optimizer="adam", clip_norm=1.0, clip_each=True,
    measure_every=2, precision="float32",
)  # fmt: skip


@pytest.fixture(scope="module")
def split():
    return made_up(repeats=20, frames=30)[0]


def trial(seed=0):
    return Trial("sample_measure", SETTINGS, TRAINING, "made_up", "0" * 64, seed)


def test_stopped_and_resumed_it_gives_what_an_unbroken_run_gives(split, tmp_path):
    path, left = str(tmp_path / "checkpoint.pt"), iter([True, False])
    with pytest.raises(Interrupted):
        learner.fit(made_up_job(trial(), path, keep_going=lambda: next(left)), split)
    resumed, unbroken = learner.fit(made_up_job(trial(), path), split), learner.fit(made_up_job(trial()), split)
    assert same_weights(resumed, unbroken)
    assert without_seconds(resumed.curve) == without_seconds(unbroken.curve)
    assert unbroken.steps == 2
    looked_at = [row for row in unbroken.curve if "validation noise correlation r" in row]
    assert {row["epoch"] for row in looked_at} == {2, 4, unbroken.best_epoch}
    assert all(0 < row["validation rate error"] < 2 for row in looked_at)
    for row in looked_at:
        parts = [row[f"validation {name} loss"] for name in ("likelihood", "psth", "rate", "noise", "hidden")]
        assert row["validation_loss"] == pytest.approx(np.dot(parts, [0.4, 0.2, 0.1, 0.1, 0.001]), rel=1e-5)


def test_what_validates_is_simulated_the_same_way_however_often_it_is_looked_at(split):
    job = made_up_job(trial())
    with seeded(0, job.place):
        descent = Descent(*learner.learner(job, split), job)
        one, again = descent.losses(), descent.losses()
        descent.step()
        batches = descent.batches
    assert one == again != descent.losses()
    assert batches.measured(descent.model) == batches.measured(descent.model)


def test_its_learning_rates_range_is_tested_as_any_models(split):
    found = lr_range(made_up_job(trial()), lambda job: learner.learner(job, split), steps=14)
    assert len(found.rates) == 14


def test_a_fit_to_all_repeats_follows_a_validated_one(split):
    job = made_up_job(Trial("sample_measure", SETTINGS, Training(**{**vars(TRAINING), "refit": True}), "m", "0" * 64))
    fitted = learner.fit(job, split)
    assert fitted.selected is not None
    assert fitted.selected_on == "validation"


def test_couplings_of_hidden_neurons_have_numbers_of_their_own_and_do_not_count_against_the_truth(tmp_path):
    built = movie_teacher.build(movie_teacher.Config(repeats=20, units=3, hidden=2), NAME)
    choice = ModelChoice("sample_measure", SETTINGS, {**vars(TRAINING), "epochs": 1})
    made = make_run(tmp_path, (ModelChoice("movie_psth"), choice), seeds=(0,), built=built)
    one = made.of("sample_measure")
    path = files.join(made.run.trial(one.id).path, "connectivity.parquet")
    assert polars.read_parquet(path)["post"].unique().sort().to_list() == [-2, -1, 0, 1, 2]
    assert read_connectivity(path, one).shape == (5, 5, 3)
    scored = polars.read_parquet(made.run.metrics).filter(model="sample_measure")
    assert {"connectivity r", "bits per spike", "noise correlation r"} <= set(scored["metric"])
