"""Runs of stochastic binary neurons, against the published code's numbers and plain loops over spikes."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from raysp.errors import BadInput
from raysp.layers.spike_rule import Sampling
from raysp.layers.spike_sampler import clamped_run, free_run
from raysp.objectives.noise_covariances import noise_covariances
from tests.published_sampler import SMALL, Published

BOTH = {
    "total": 0.50050485, "likelihood": 0.81444341, "psth": 0.91867149, "noise": 1.6550110e-3, "hidden": 0.10981369,
    "inward": (0.34209184, 1.6106452), "couplings": (0.27172220, 1.4321537), "bias": (0.14367273, 0.15847225),
    "k1": (0.20248841, 0.78426341), "b1": (0.08069308, 0.04893548), "k2": (0.22950089, 0.84457547),
    "b2": (0.08636382, 0.06194375),
}  # fmt: skip
ALONE = {
    "total": 0.81451035, "likelihood": 0.81444341, "hidden": 0.06691498, "inward": (0.59110928, 2.4960591),
    "couplings": (0.43484955, 2.1042361), "bias": (0.24870765, 0.24657786), "k1": (0.32269487, 1.6729746),
    "b1": (0.12921189, 0.10240750), "k2": (0.39711819, 1.5776321), "b2": (0.14869768, 0.11859456),
}  # fmt: skip
"""Losses; norms and sums of gradients."""


def losses(own, rule, *, sampled):
    """Return the published losses, with statistics of samples or the likelihood alone."""
    units, hidden = own.sizes.units, own.sizes.hidden
    drive, found = own.drive(), {}
    spikes, voltages = clamped_run(drive, own.couplings, own.recorded, own.clamped[..., units:], own.before, rule)
    found["likelihood"] = functional.binary_cross_entropy_with_logits(voltages[..., :units], own.recorded)
    total = found["likelihood"] * (0.4 if sampled else 1)
    if sampled:
        free, voltages = free_run(drive, own.couplings, own.free, own.silence, rule)
        rates, spikes = voltages[..., :units].sigmoid(), free[..., units:]
        found["psth"] = functional.binary_cross_entropy(rates.mean(dim=0), own.recorded.mean(dim=0))
        one, other = (noise_covariances(each, each, own.sizes.lags, corrected=False) for each in (own.recorded, rates))
        found["noise"] = (one - other).square().mean()
        total = total + 0.1 * found["psth"] + 50 * found["noise"]
    if hidden:
        found["hidden"] = (spikes.mean(dim=(0, 1)) - 0.17).square().mean()
        total = total + 0.001 * found["hidden"]
    return found | {"total": total}


@pytest.mark.parametrize(("sampled", "known"), [(True, BOTH), (False, ALONE)], ids=["sampled", "likelihood"])
def test_losses_and_gradients_are_those_of_the_published_code(sampled, known):
    own = Published(SMALL)
    found = losses(own, Sampling(), sampled=sampled)
    found["total"].backward()
    for name, loss in found.items():
        assert loss.item() == pytest.approx(known[name], rel=1e-5), name
    for name, weight in own.weights().items():
        assert (weight.grad.norm().item(), weight.grad.sum().item()) == pytest.approx(known[name], rel=1e-5), name


def test_samples_are_those_of_the_published_code():
    own, rule, units = Published(SMALL), Sampling(), SMALL.units
    spikes, voltages = free_run(own.drive(), own.couplings, own.free, own.silence, rule)
    assert (spikes.sum().item(), voltages.sum().item()) == (526, pytest.approx(-412.02787, rel=1e-6))
    hidden, voltages = clamped_run(
        own.drive(), own.couplings, own.recorded, own.clamped[..., units:], own.before, rule
    )  # fmt: skip
    visible = voltages[..., :units].sigmoid() > own.clamped[..., :units]
    assert hidden.sum() + visible.sum() == 442
    assert voltages.sum().item() == pytest.approx(-918.90229, rel=1e-6)


@pytest.mark.parametrize("surrogate", ["triangle", "sigmoid"])
@pytest.mark.parametrize("given", [0, 3, 11])
def test_what_is_compiled_is_what_torch_differentiates(given, surrogate):
    generator = np.random.default_rng(given)
    neurons, lags, frames, trials = 11, 3, 40, 3
    rule = Sampling(threshold=0.6, temperature=1.5, damping=0.4, surrogate=surrogate)
    numbers = [generator.normal(0.2, 0.4, (frames, neurons)), generator.normal(0, 0.3, (neurons, neurons, lags))]
    recorded, start = (torch.tensor(generator.random((trials, k, neurons)) < 0.3).float() for k in (frames, lags))
    uniforms = torch.tensor(generator.random((trials, frames, neurons - given)))
    upstream = [torch.tensor(generator.normal(size=(trials, frames, k))) for k in (neurons - given, neurons)]
    results = []
    for kind in (torch.float32, torch.float64):
        drive, couplings = (torch.tensor(one, dtype=kind, requires_grad=True) for one in numbers)
        out = clamped_run(drive, couplings, recorded[..., :given], uniforms.to(kind), start, rule)
        sum((one * up.to(kind)).sum() for one, up in zip(out, upstream, strict=True)).backward()
        results.append([one.detach().double() for one in (*out, drive.grad, couplings.grad)])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-5)


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
