"""The neuron's mathematics: numbers of the published code, and what must hold of any neuron."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from raysp.models.gfr.neuron import Neurons
from raysp.models.gfr.parameters import Filters, Parameters, activation, kernels, lambdas, run, untrained
from tests.models.gfr.golden import CURRENT, RATES, cell_p

LAMBDAS = {
    10: (1, 0.6321205, 0.3934693, 0.1812692, 0.0951626, 0.0487705, 0.0198013, 0.0099502, 0.0049875),
    20: (1, 0.6321205, 0.3296800, 0.1812692, 0.0951626, 0.0392106, 0.0198013, 0.0099502),
    50: (1, 0.6321205, 0.3934693, 0.2211992, 0.0951626, 0.0487705, 0.0246901),
    100: (1, 0.6321205, 0.3934693, 0.1812692, 0.0951626, 0.0487705),
}


def several(neurons=5, bin_ms=20, degree=2, seed=0):
    rng, decay = np.random.default_rng(seed), 1 - lambdas(bin_ms)
    terms = len(decay)
    return Parameters(
        rng.normal(1, 1, (neurons, terms)), rng.normal(-0.2, 0.2, (neurons, terms)),
        rng.normal(0.4, 0.5, (neurons, degree + 1)), rng.uniform(-20, 60, neurons), rng.uniform(100, 300, neurons),
        rng.uniform(0.05, 0.3, neurons), decay,
    )  # fmt: skip


@pytest.mark.parametrize("bin_ms", LAMBDAS)
def test_lambdas_are_the_published_ones(bin_ms):
    assert lambdas(bin_ms) == pytest.approx(LAMBDAS[bin_ms], abs=1e-7)


def test_activation_is_the_published_one():
    found = activation(np.array([[-50, 90, 100, 150, 220, 400]]), cell_p())
    expected = [0, 0, 0.0134636685, 0.0860025883, 0.1340546608, 0.1497069001]
    assert found[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_rates_are_the_published_ones(dtype):
    relative = 1e-6 if dtype == torch.float64 else 1e-4
    current = torch.tensor(CURRENT[:, None], dtype=dtype)
    assert Neurons(cell_p(), dtype)(current)[:, 0].tolist() == pytest.approx(RATES, rel=relative)
    assert run(cell_p(), CURRENT)[0] == pytest.approx(RATES, rel=1e-6)


def test_kernels_are_the_published_ones():
    heard, fired = kernels(cell_p(), np.array([0.0, 1.0, 5.0]))
    assert heard[0] == pytest.approx([8.45, 0.3665447, 0.2514395], rel=1e-6)
    assert fired[0] == pytest.approx([-2.15, -1.3368702, -0.7427679], rel=1e-6)


def test_an_untrained_neuron_is_its_activation_of_the_current():
    one = cell_p()
    found = run(untrained(one.poly, one.threshold, one.sigma, one.gamma, one.decay), CURRENT)
    assert found == pytest.approx(activation(CURRENT[None], one), rel=1e-13)


def test_neurons_side_by_side_are_each_as_alone():
    parameters, current = several(), np.random.default_rng(1).normal(60, 80, (5, 40))
    together = run(parameters, current)
    batch = Neurons(parameters)(torch.tensor(current.T)).detach().numpy().T
    assert batch == pytest.approx(together, rel=1e-12)
    for one in range(5):
        np.testing.assert_array_equal(run(parameters.select(np.array([one])), current[one])[0], together[one])


def test_rates_lie_between_nothing_and_gamma_and_the_activation_rises_beyond_its_threshold():
    parameters = several(20, degree=3)
    drive = np.sort(np.random.default_rng(2).normal(0, 300, (20, 500)), axis=1)
    rates = activation(drive, parameters)
    assert (rates >= 0).all()
    assert (rates <= parameters.gamma[:, None]).all()
    beyond = drive >= parameters.threshold[:, None]
    assert (np.diff(rates, axis=1)[beyond[:, :-1]] >= 0).all()
    x = (drive - parameters.threshold[:, None]) / parameters.sigma[:, None]
    inner = sum(parameters.poly[:, k : k + 1] ** 2 * x**k for k in range(4))
    assert (rates[inner <= 0] == 0).all()


def test_without_feedback_it_is_the_activation_of_a_convolution():
    parameters = several()
    parameters = dataclasses.replace(parameters, beta=0 * parameters.beta)
    current = np.random.default_rng(3).normal(60, 80, 60)
    kernel, _ = kernels(parameters, np.arange(60.0))
    drive = np.array([np.convolve(current, one)[:60] for one in kernel]) / len(parameters.decay)
    assert run(parameters, current) == pytest.approx(activation(drive, parameters), rel=1e-9, abs=1e-15)


def test_the_first_filter_has_no_memory():
    parameters = several()
    first = np.zeros_like(parameters.alpha)
    first[:, 0] = parameters.alpha[:, 0]
    parameters = dataclasses.replace(parameters, alpha=first, beta=0 * parameters.beta)
    current = np.random.default_rng(4).normal(60, 80, 30)
    changed = current.copy()
    changed[:15] = 0
    np.testing.assert_array_equal(run(parameters, current)[:, 15:], run(parameters, changed)[:, 15:])


def test_rows_of_parameters_and_back():
    parameters = several()
    again = Parameters.of(parameters.theta(), parameters.sigma, Filters.plain(parameters.decay))
    for name in ("alpha", "beta", "poly", "threshold", "gamma"):
        assert getattr(again, name) == pytest.approx(getattr(parameters, name), rel=1e-14)
