"""Runs of stochastic binary neurons, against the published code's numbers and plain loops over spikes."""

import numpy as np
import pytest
import torch

from raysp.errors import BadInput
from raysp.layers.spike_rule import Sampling
from raysp.layers.spike_sampler import clamped_run, free_run
from tests.published_sampler import DEFAULT, SMALL, Published


@pytest.mark.parametrize(
    ("sizes", "latent", "free", "clamped"),
    [
        (SMALL, 377.42123, (526, -412.02787), (442, -918.90229)),
        (DEFAULT, 311904.4, (405365, -895358.1), (375803, -1037271.3)),
    ],
    ids=["small", "published"],
)
def test_samples_are_those_of_the_published_code(sizes, latent, free, clamped):
    own, rule, units = Published(sizes), Sampling(), sizes.units
    within = 1e-6 if sizes is SMALL else 1e-3
    with torch.no_grad():
        assert own.trunk(own.movie).double().sum().item() == pytest.approx(latent, rel=1e-6)
        drive = own.drive()
        spikes, voltages = free_run(drive, own.couplings, own.free, own.silence, rule)
        assert (spikes.sum().item(), voltages.double().sum().item()) == pytest.approx(free, rel=within)
        given = own.recorded, own.clamped[..., units:], own.before
        hidden, voltages = clamped_run(drive, own.couplings, *given, rule)
        visible = voltages[..., :units].sigmoid() > own.clamped[..., :units]
        found = (hidden.sum() + visible.sum()).item(), voltages.double().sum().item()
        assert found == pytest.approx(clamped, rel=1e-6)


def by_hand(drive, couplings, recorded, uniforms, start, rule):
    """The published definition, frame by frame: a spike is hard forward, and its slope times the voltage backward."""
    past, spikes, voltages = list(start.unbind(1)), [], []
    for t in range(len(drive)):
        heard = sum(past[-lag] @ couplings[..., lag - 1].T for lag in range(1, couplings.shape[2] + 1))
        v = (drive[t] + heard - rule.threshold) / rule.threshold
        own, p = v[:, recorded.shape[2] :], torch.sigmoid(rule.temperature * v[:, recorded.shape[2] :])
        triangle = rule.damping * (1 - own.abs()).clamp(min=0)
        slope = triangle if rule.surrogate == "triangle" else rule.temperature * p * (1 - p)
        z = (p > uniforms[:, t]).to(v) + (own - own.detach()) * slope.detach()
        past.append(torch.cat([recorded[:, t], z], dim=1))
        spikes.append(z)
        voltages.append(v)
    return torch.stack(spikes, dim=1), torch.stack(voltages, dim=1)


@pytest.mark.parametrize("surrogate", ["triangle", "sigmoid"])
@pytest.mark.parametrize("given", [0, 3, 11])
def test_runs_and_their_gradients_are_those_of_the_definition_compiled_or_not(given, surrogate):
    generator = np.random.default_rng(given)
    neurons, lags, frames, trials = 11, 3, 24, 2
    rule = Sampling(threshold=0.6, temperature=1.5, damping=0.4, surrogate=surrogate)
    numbers = [generator.normal(0.2, 0.4, (frames, neurons)), generator.normal(0, 0.3, (neurons, neurons, lags))]
    recorded, start = (torch.tensor(generator.random((trials, k, neurons)) < 0.3).double() for k in (frames, lags))
    uniforms = torch.tensor(generator.random((trials, frames, neurons - given)))
    upstream = [torch.tensor(generator.normal(size=(trials, frames, k))) for k in (neurons - given, neurons)]

    def results(form, kind):
        drive, couplings = (torch.tensor(one, dtype=kind, requires_grad=True) for one in numbers)
        out = form(drive, couplings, recorded[..., :given].to(kind), uniforms.to(kind), start.to(kind), rule)
        sum((one * up.to(kind)).sum() for one, up in zip(out, upstream, strict=True)).backward()
        return [one.detach().double() for one in (*out, drive.grad, couplings.grad)]

    known = results(by_hand, torch.float64)
    torch.testing.assert_close(results(clamped_run, torch.float64), known)
    torch.testing.assert_close(results(clamped_run, torch.float32), known, rtol=1e-4, atol=2e-5)


def test_nothing_hears_what_is_yet_to_come():
    own, rule, late = Published(SMALL), Sampling(), 20
    drive, spikes, uniforms = own.drive().detach().clone(), own.recorded.clone(), own.free.clone()
    given = (spikes, uniforms[..., SMALL.units :], own.before)

    def runs():
        free = free_run(drive, own.couplings, uniforms, own.silence, rule)
        return torch.cat([*free, *clamped_run(drive, own.couplings, *given, rule)], dim=2).detach()

    before = runs()
    assert torch.equal(before, runs())
    spikes[:, late] = 1 - spikes[:, late]
    uniforms[:, late] = 1 - uniforms[:, late]
    after = runs()
    assert torch.equal(after[:, :late], before[:, :late])
    assert (after[:, late + 1] != before[:, late + 1]).any()
    drive[late + 1 :] += 1
    assert torch.equal(runs()[:, : late + 1], after[:, : late + 1])


def test_given_spikes_make_the_voltages_of_a_generalised_linear_model():
    generator = np.random.default_rng(0)
    couplings, drive = (torch.tensor(generator.normal(size=shape)) for shape in ((3, 3, 2), (7, 3)))
    past = torch.tensor(generator.random((4, 9, 3)) < 0.4).double()
    _, voltages = clamped_run(drive, couplings, past[:, 2:], torch.empty(4, 7, 0), past[:, :2], Sampling())
    by_hand = drive[5] + couplings[:, :, 0] @ past[1, 6] + couplings[:, :, 1] @ past[1, 5]
    torch.testing.assert_close(voltages[1, 5], by_hand / 0.4 - 1)


def test_shapes_that_do_not_fit_are_refused():
    drive, couplings, start = torch.zeros(5, 2), torch.zeros(2, 2, 3), torch.zeros(4, 3, 2)
    with pytest.raises(BadInput, match=r"uniforms of shape \(4, 5, 2\), got \(4, 6, 2\)"):
        free_run(drive, couplings, torch.zeros(4, 6, 2), start, Sampling())
