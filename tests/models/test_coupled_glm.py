"""The coupled GLM: equal to its definition, recovers what made its spikes, and refuses what it cannot read."""

import dataclasses

import numpy as np
import pytest
import torch

from raysp.data.sources import movie_cut
from raysp.data.sources.movie_cut import Cut, Recorded
from raysp.data.splits.header import Provenance
from raysp.errors import BadInput
from raysp.kinds.contract import unbroken
from raysp.kinds.movie.made_up import made_up
from raysp.models import catalog
from raysp.objectives.spike_nats import nats


def coupled(repeats=160, frames=120, units=3, lags=2):
    """Return a split of units that a GLM made, and its couplings (post, pre, lags)."""
    rng = np.random.default_rng(0)
    couplings = rng.normal(0, 0.8, (units, units, lags))
    movie, filters = rng.normal(size=(frames, 1, 2)), rng.normal(size=(2, units))
    spikes = np.zeros((repeats, frames + lags, units))
    for t in range(frames):
        past = spikes[:, t : t + lags][:, ::-1]
        logits = movie[t].ravel() @ filters - 1 + np.einsum("rli,jil->rj", past, couplings)
        spikes[:, t + lags] = rng.random((repeats, units)) < 1 / (1 + np.exp(-logits))
    recorded = Recorded(movie, spikes[:, lags:])
    return movie_cut.assemble(recorded, [], 10.0, Cut(first=2), "coupled", Provenance())[0], couplings


def fitted(split, **settings):
    model = catalog.build("coupled_glm", settings, split.sizes)
    model.fit(split.training(), unbroken())
    return model.eval()


def test_couplings_that_made_the_spikes_are_found():
    split, couplings = coupled()
    model = fitted(split, frames=1, lags=2)
    assert np.corrcoef(model.couplings.numpy().ravel(), couplings.ravel())[0, 1] > 0.98
    np.testing.assert_allclose(model.couplings.numpy(), couplings, atol=0.3)


def test_a_free_run_has_the_rates_that_its_own_spikes_give():
    split, _ = coupled(repeats=20)
    model, frames = fitted(split, frames=3, lags=2), torch.as_tensor(split.movies[0])
    torch.manual_seed(0)
    spikes, rates = model.free(frames, 5, 0)
    torch.testing.assert_close(model.clamped(frames, spikes, 0), rates)


def test_counts_are_predicted_by_a_poisson_model():
    split, _ = made_up(counts=True, repeats=40)
    model, test = fitted(split), split.test[0]
    rates = model.clamped(torch.as_tensor(split.movies[0]), torch.as_tensor(test.spikes).float(), 0)
    assert rates.mean().item() == pytest.approx(test.spikes.mean(), rel=0.1)


def test_validation_repeats_select_the_penalty_and_test_repeats_change_nothing():
    split, _ = coupled(repeats=20)
    spoiled = dataclasses.replace(
        split, test=tuple(dataclasses.replace(one, spikes=1 - one.spikes) for one in split.test)
    )
    one, other = fitted(split, frames=2, lags=2), fitted(spoiled, frames=2, lags=2)
    torch.testing.assert_close(one.couplings, other.couplings, rtol=0, atol=0)
    alone = [fitted(split, frames=2, lags=2, ridges=(ridge,)) for ridge in one.config.ridges]
    pieces = [one._piece(split, each) for each in split.validation]
    losses = [model._nats(pieces, weights(model)).item() for model in (one, *alone)]
    assert losses[0] <= min(losses[1:]) + 1e-3


def test_stretches_that_no_fit_has_seen_select_a_penalty_that_holds_for_another_movie():
    split, _ = made_up(repeats=40, new=1, height=4, width=5)
    new, frames = split.test[1], torch.as_tensor(split.movies[1])
    losses = {}
    for stretches in (0, 4):
        rates = fitted(split, stretches=stretches).clamped(frames, torch.as_tensor(new.spikes).float(), -1)
        losses[stretches] = nats(rates.numpy(), new.spikes, binary=True).mean()
    assert losses[4] < losses[0] - 0.01


def weights(model):
    couplings = model.couplings.permute(2, 1, 0).flatten(0, 1)
    return torch.cat([model.filters, couplings, model.bias[None]])


def test_more_lags_than_frames_are_refused():
    split, _ = made_up(frames=20)
    with pytest.raises(BadInput, match="expected fewer than the shortest movie's 20 frames, got 10 and 20"):
        catalog.build("coupled_glm", {"lags": 20}, split.sizes)
