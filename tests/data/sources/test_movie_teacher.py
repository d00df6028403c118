"""Spikes of a network that is known: the truth is in the answers alone, and hidden neurons make noise correlations."""

import numpy as np

from raysp.data.sources.contract import contract
from raysp.data.sources.movie_teacher import Config, build
from raysp.evaluation.movie_statistics import covariances, pairs


def test_couplings_and_hidden_neurons_are_in_the_answers_alone():
    split, answers = build(Config(repeats=20), "standin-teacher")
    assert split.sizes.units == 12
    assert split.provenance.standin
    assert not any("truth" in path for path in split.arrays())
    truth = answers.truth
    assert truth.couplings.shape == (18, 18, 4)
    assert (truth.units == -1).sum() == 6
    assert np.abs(truth.couplings[:12, 12:, 0]).max() > 1.5
    # Hidden neurons do not hear each other, and every coupling decays.
    assert not truth.couplings[12:, 12:][~np.eye(6, dtype=bool)].any()
    assert (np.diff(np.abs(truth.couplings), axis=2) <= 0).all()


def test_hidden_neurons_make_noise_correlations_that_are_not_there_without_them():
    def noise(**settings):
        split, _ = build(Config(repeats=200, counts=True, seed=2, **settings), "standin-teacher")
        spikes = split.train[0].spikes[:, split.sizes.first :].astype(float)
        return pairs(covariances([spikes], 1).correlations("noise")[0]).std()

    assert noise() > 2 * noise(gain=0.0)


def test_it_is_a_source_like_any_other():
    for _, check in contract("movie_teacher", {"repeats": 12, "frames": 40}):
        check()
