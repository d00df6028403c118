"""A network fitted by what its samples do: what follows from its definition, and which settings are refused."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from raysp.data.splits.movie import MovieSizes
from raysp.data.splits.movie_batch import MovieBatch
from raysp.errors import BadInput
from raysp.models import catalog
from raysp.models.movie_features import last_frames, past_spikes

SMALL_MOVIE = MovieSizes("made_up", 20.0, 2, 3, 4, (30,), 6)
LINEAR = {"filters": (), "kernels": (), "pools": (), "strides": (), "frames": 3, "lags": 4}


def network(seed=0, sizes=SMALL_MOVIE, **settings):
    torch.manual_seed(seed)
    return catalog.build("sample_measure", LINEAR | settings, sizes)


def batch(repeats=5):
    generator = torch.Generator().manual_seed(7)
    frames = torch.randn(30, 2, 3, generator=generator)
    return MovieBatch(0, frames, (torch.rand(repeats, 30, 4, generator=generator) < 0.3).to(torch.uint8), generator)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lags": 30}, "fewer than the shortest movie's 30 frames"),
        ({"frames": 31}, "fewer than the shortest movie's 30 frames"),
        ({"lags": 24}, "lags expected fewer than the 24 frames"),
        ({"filters": (4,)}, "a number for each layer"),
        ({"matching_width": 25}, "matching_width expected at most the 24 frames"),
        ({"simulated_trials": 3}, "simulated_trials expected 4 or more, two for each half"),
        ({"inhibitory": (2, 4)}, r"places of 4 neurons, from 0, got \[4\]"),
        ({"noise_weight": "much"}, "noise_weight expected"),
        ({"noise_weight": float("nan")}, "noise_weight expected"),
        ({"latent": 1568}, "unknown setting"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(BadInput, match=message):
        network(**settings)


def test_counts_are_refused_and_it_is_said_how_to_prepare_them():
    with pytest.raises(BadInput, match="got counts; prepare the recording with counts: false"):
        network(sizes=dataclasses.replace(SMALL_MOVIE, binary=False))


def test_without_couplings_and_hidden_neurons_free_runs_have_the_rates_one_bin_ahead():
    model, given = network(), batch()
    model.recurrent.data.zero_()
    rates = model.clamped(given.frames, given.spikes.float(), 0)
    _, free = model.free(given.frames, 5, 0)
    torch.testing.assert_close(rates, free)


def test_one_bin_ahead_is_a_logistic_regression_on_frames_and_past_spikes():
    model, given = network(hidden=0), batch()
    spikes = given.spikes.float()
    inputs = last_frames(given.frames, 3).unflatten(1, (3, 6)).swapaxes(1, 2).flatten(1)
    couplings = model.couplings.permute(2, 1, 0).flatten(0, 1)
    drive = (inputs @ model.inputs + model.bias - 0.4) / 0.4
    expected = (drive + past_spikes(spikes, 4) @ couplings).sigmoid()
    torch.testing.assert_close(model.clamped(given.frames, spikes, 0), expected)


def test_pushed_units_follow_and_their_silence_is_heard():
    model, given = network(hidden=2), batch()
    with torch.no_grad():
        model.recurrent.zero_()
        model.recurrent[1, 0, 0] = 2.0
        pushes = torch.zeros(30, 4)
        pushes[10:, 0] = -20.0
        torch.manual_seed(0)
        quiet, rates = model.free(given.frames, 300, 0, pushes)
        torch.manual_seed(0)
        loud, before = model.free(given.frames, 300, 0)
    assert not quiet[:, 10:, 0].any()
    assert torch.equal(quiet[:, :10], loud[:, :10])
    assert torch.equal(rates[:, :, 2:], before[:, :, 2:])
    assert (rates[:, 11:, 1].mean(dim=0) < before[:, 11:, 1].mean(dim=0)).all()


def test_recorded_starts_are_the_spikes_before_the_first_scored_bin():
    model, given = network(hidden=1), batch()
    before = model._before(given.spikes)
    assert torch.equal(before[..., :4], given.spikes[:, 2:6].float())
    assert not before[..., 4].any()
    early = network(sizes=dataclasses.replace(SMALL_MOVIE, first=1))._before(given.spikes)
    assert torch.equal(early[:, 3:, :4], given.spikes[:, :1].float())
    assert not early[:, :3].any()


def test_signs_hold_between_neurons_and_leave_each_ones_own_history_alone():
    model = network(hidden=1, inhibitory=(1, 4))
    couplings, own = model.couplings, torch.eye(5, dtype=torch.bool)
    others = couplings.permute(1, 0, 2)[~own].view(5, 4, -1)
    assert [one.sign().unique().tolist() for one in others] == [[1.0], [-1.0], [1.0], [1.0], [-1.0]]
    torch.testing.assert_close(couplings[own], model.recurrent.detach()[own] / 0.4)


def test_trials_are_simulated_as_many_as_asked_for_and_more_where_they_validate(monkeypatch):
    model, seen = network(simulated_trials=9, validation_trials=20), []
    monkeypatch.setattr(model, "measured", lambda batch, free, clamped: seen.append((len(free), len(clamped))))
    model.train().parts(batch())
    model.eval().parts(batch())
    assert seen == [(9, 5), (20, 5)]


def test_few_recorded_repeats_are_matched_by_enough_simulated_ones():
    assert torch.isfinite(network().train().parts(batch(repeats=2))["noise"])


def test_trials_are_matched_where_that_has_a_weight():
    model = network(matching_weight=2.0, matching_width=3)
    torch.manual_seed(0)
    without = model.parts(batch())
    torch.manual_seed(0)
    loss = model.loss(batch())
    assert list(without) == list(loss.parts)
    loss.parts["matching"].backward(retain_graph=True)
    assert model.recurrent.grad.abs().sum() > 0
    others = network(matching_weight=0.0).loss(batch()).parts
    assert set(loss.parts) - set(others) == {"matching"}
    config, weighed = model.config, loss.parts
    expected = sum(weight * weighed[name] for name, weight in (
        ("likelihood", config.likelihood_weight), ("psth", config.psth_weight), ("rate", config.rate_weight),
        ("noise", config.noise_weight), ("matching", 2.0),
        *([("hidden", config.hidden_weight)] if "hidden" in weighed else []),
    ))  # fmt: skip
    torch.testing.assert_close(loss.total, expected)


@pytest.mark.parametrize("frozen", [False, True])
def test_what_convolutions_give_is_kept_while_nothing_changes_them(frozen):
    size = {"filters": (2,), "kernels": (3,), "pools": (2,), "strides": (2,)}
    model, given, calls = network(**size, frozen_trunk=frozen, frames=3), batch(), []
    model.trunk.register_forward_hook(lambda *_: calls.append(1))
    for _ in range(2):
        model.loss(given).total.backward()
    assert len(calls) == (1 if frozen else 2)
    with torch.no_grad():
        first = model.clamped(given.frames, given.spikes.float(), 0)
        again = model.clamped(given.frames, given.spikes.float(), 0)
        assert torch.equal(first, again)
        assert len(calls) == (2 if frozen else 3)
        model.load_state_dict({name: 2 * value for name, value in model.state_dict().items()})
        model.clamped(given.frames, given.spikes.float(), 0)
        model.clamped(given.frames + 1, given.spikes.float(), 0)
    assert len(calls) == (4 if frozen else 5)


def test_penalties_are_of_training_alone_and_of_what_they_say():
    model, given = network(ridge=0.5, l1=2.0), batch()
    parts = model.train().parts(given)
    assert parts["ridge"].item() == pytest.approx(model.inputs.square().sum().item())
    others = model.recurrent[~torch.eye(4, dtype=torch.bool)]
    assert parts["l1"].item() == pytest.approx(others.abs().mean().item())
    total = 0.4 * parts["likelihood"] + 0.2 * parts["psth"] + 0.1 * parts["rate"] + 0.1 * parts["noise"]
    model.parts = lambda batch: parts
    assert model.loss(given).total.item() == pytest.approx((total + 0.5 * parts["ridge"] + 2.0 * parts["l1"]).item())
    del model.parts
    assert not {"ridge", "l1"} & model.eval().parts(given).keys()
