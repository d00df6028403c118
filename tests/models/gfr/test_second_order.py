"""Levenberg-Marquardt: gradients, minima that descent misses, known parameters, and rows that do not meet."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from raysp.models.gfr import running, second_order, torch_second_order
from raysp.models.gfr.lanes import Sequence
from raysp.models.gfr.parameters import Filters, Parameters, lambdas, run
from tests.models.gfr import golden
from tests.models.gfr.golden import BENT, bent_cell, cell_p, sequence
from tests.models.gfr.test_descent import by_autograd, trained_q


def descended(
    sequences, theta, sigma, decay, bin_ms, free=None, ridge=0.0, soft=0.0, eps=(1e-8,), most=300, units=None,
    filters=None, descend=second_order.descend,
):  # fmt: skip
    filters = filters or Filters.plain(decay)
    theta, rows = theta.copy(), len(theta)
    units = np.zeros(rows, int) if units is None else units
    losses, evaluations = np.zeros(rows), np.zeros(rows, int)
    tape = second_order.Tape.of(sequences, np.full(units.max() + 1, sigma), filters).arrays()
    fitted = np.tile(np.ones(theta.shape[1], bool) if free is None else free, (rows, 1))
    for one in eps:
        descend(
            tape, units, theta, np.full(rows, sigma), len(filters.bend) + len(decay), len(decay), 1000.0,
            float(bin_ms), one, max(one, 0.02), np.full(rows, soft), fitted, np.full(theta.shape, ridge), theta.copy(),
            np.tile([-9.0, 1.0], (rows, 1)), most, 1e-9, losses, evaluations,
        )  # fmt: skip
    return theta, losses, evaluations


def test_gradient_is_that_of_autograd_silent_stretches_included():
    rng = np.random.default_rng(0)
    current = np.concatenate([rng.normal(130, 60, 30), np.zeros(80), rng.normal(130, 60, 30)])
    one = sequence(current, rng.poisson(0.4, 140).astype(float), 0.7)
    parameters = cell_p()
    tape = second_order.Tape.of([one], np.array([200.0]), Filters.plain(parameters.decay)).arrays()
    gradient, fisher = np.zeros(20), np.zeros((20, 20))
    room = second_order.room_for(8, 8, 4)
    loss = second_order.evaluate(
        tape, 0, parameters.theta()[0], 200.0, 8, 8, 1000.0, 20.0, 1e-8, 0.02, 0.0, room, gradient, fisher
    )
    expected_loss, expected = by_autograd([one], parameters)
    assert loss == pytest.approx(expected_loss, rel=1e-10)
    assert gradient == pytest.approx(expected, rel=1e-8, abs=1e-8 * np.abs(expected).max())
    assert np.allclose(fisher, fisher.T, rtol=1e-12)
    assert np.linalg.eigvalsh(fisher).min() > -1e-9 * np.abs(fisher).max()


def test_gradient_with_bent_inputs_is_that_of_autograd_and_its_rates_are_the_neurons():
    rng, parameters = np.random.default_rng(4), bent_cell()
    current = rng.normal(90, 60, 80)
    one = sequence(current, rng.poisson(0.4, 80).astype(float))
    theta = parameters.theta()[0]
    gradient, fisher = np.zeros(23), np.zeros((23, 23))
    loss = second_order.evaluate(
        second_order.Tape.of([one], np.array([200.0]), BENT).arrays(), 0, theta, 200.0, 11, 8, 1000.0, 20.0, 1e-8, 0.02,
        0.0, second_order.room_for(12, 8, 4), gradient, fisher,
    )  # fmt: skip
    expected_loss, expected = by_autograd([one], parameters)
    assert loss == pytest.approx(expected_loss, rel=1e-10)
    assert gradient == pytest.approx(expected, rel=1e-8, abs=1e-8 * np.abs(expected).max())
    rates = running.rates_of([one], theta[None], np.array([200.0]), BENT)[0]
    assert rates == pytest.approx(run(parameters, current), rel=1e-12, abs=1e-15)
    assert not np.allclose(rates, run(cell_p(), current))


def test_it_solves_what_is_positive_definite_and_says_what_is_not():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(6, 6))
    matrix, right = root @ root.T + np.eye(6), rng.normal(size=6)
    found = right.copy()
    assert second_order.solve(matrix.copy(), found)
    assert found == pytest.approx(np.linalg.solve(matrix, right), rel=1e-10)
    assert not second_order.solve(-np.eye(3), np.ones(3))


def test_after_adam_it_goes_below_what_adam_came_to():
    groups, _, normal = golden.set_q()
    scaled = [dataclasses.replace(one, weight=one.weight * normal[one.group, 0]) for one in groups]
    state = trained_q(np.float64)
    free = np.arange(16) < 12
    theta, losses, _ = descended(scaled, state.theta, 240.0, 1 - lambdas(100), 100, free, ridge=1e-7)
    assert losses[0] < 0.56 < 0.597 < state.losses[-1, 0] + 1e-3
    np.testing.assert_array_equal(theta[0, 12:], state.theta[0, 12:])


def test_it_recovers_the_parameters_that_made_the_counts():
    rng, parameters = np.random.default_rng(3), cell_p()
    currents = [np.repeat(rng.normal(130, 50, 100), 10) for _ in range(6)]
    sequences = [sequence(current, run(parameters, current)[0] * 20) for current in currents]
    theta = parameters.theta()
    begun = theta + rng.normal(0, 0.05, theta.shape) * np.maximum(np.abs(theta), 0.2)
    found, losses, _ = descended(sequences, begun, 200.0, parameters.decay, 20, eps=(0.3, 0.03, 1e-3, 1e-8))
    expected = descended(sequences, theta, 200.0, parameters.decay, 20, most=1)[1]
    assert losses[0] == pytest.approx(expected[0], rel=1e-6)
    again = Parameters.of(found, np.array([200.0]), Filters.plain(parameters.decay))
    fresh = np.repeat(rng.normal(130, 50, 100), 10)
    assert run(again, fresh)[0] == pytest.approx(run(parameters, fresh)[0], abs=5e-3 * 0.15)


def test_rows_are_each_as_alone():
    rng = np.random.default_rng(5)
    sequences = [
        sequence(rng.normal(120, 60, 60), rng.poisson(0.4, 60).astype(float), unit=unit)
        for unit in range(3)
        for _ in "ab"
    ]
    units = np.array([0, 0, 1, 2, 2])
    theta = np.tile(cell_p().theta(), (5, 1)) + rng.normal(0, 0.05, (5, 20))
    together = descended(sequences, theta, 200.0, cell_p().decay, 20, soft=0.1, most=20, units=units, ridge=1e-3)
    for row, unit in enumerate(units):
        own = [Sequence(0, one.current, one.counts, one.weight) for one in sequences if one.unit == unit]
        alone = descended(own, theta[row : row + 1], 200.0, cell_p().decay, 20, soft=0.1, most=20, ridge=1e-3)
        for found, expected in zip(alone, together, strict=True):
            np.testing.assert_array_equal(found[0], expected[row])


TORCH = torch_second_order.on(torch.device("cpu"))


def test_through_torch_rows_come_to_the_same_by_the_same_decisions():
    rng, parameters = np.random.default_rng(6), bent_cell()
    sequences = []
    for unit, bins in enumerate((60, 90, 200)):
        for length in (bins, 30):
            current = np.concatenate([np.zeros(5), rng.normal(110, 60, length), np.zeros(40)])
            counts = rng.poisson(run(parameters, current)[0] * 20).astype(float)
            sequences.append(Sequence(unit, current, counts, (np.arange(length + 45) > 8) * 1.0))
    units = np.array([0, 0, 1, 2, 2])
    theta = np.tile(parameters.theta(), (5, 1)) + rng.normal(0, 0.2, (5, 23))
    free = np.arange(23) != 4
    common = {"units": units, "filters": BENT, "free": free, "ridge": 1e-3, "most": 15, "eps": (0.3, 1e-3)}
    for soft in (0.0, 0.1):
        ours, losses, evaluations = descended(sequences, theta, 200.0, BENT.decay, 20, soft=soft, **common)
        found = descended(sequences, theta, 200.0, BENT.decay, 20, soft=soft, descend=TORCH, **common)
        np.testing.assert_array_equal(found[2], evaluations)
        np.testing.assert_allclose(found[1], losses, rtol=1e-6)
        np.testing.assert_allclose(found[0], ours, rtol=1e-3, atol=1e-4)
        np.testing.assert_array_equal(found[0][:, 4], theta[:, 4])


def test_through_torch_steps_are_the_compiled_ones_where_matrices_are_not_positive_definite():
    rng = np.random.default_rng(7)
    root = rng.normal(size=(4, 6, 6))
    fisher = root @ root.transpose(0, 2, 1)
    fisher[1, 0] = fisher[1, :, 0] = 0
    fisher[2] = -np.eye(6)
    fisher[3, 2, 3] = fisher[3, 3, 2] = 50
    gradient, damping = rng.normal(size=(4, 6)), np.array([1e-2, 1e-9, 1e-2, 1e-9])
    steps = torch_second_order.damped(*(torch.from_numpy(one) for one in (fisher, gradient, damping)))
    expected = [second_order._damped(*one, np.zeros((6, 6))) for one in zip(fisher, gradient, damping, strict=True)]
    np.testing.assert_allclose(steps.numpy(), expected, rtol=1e-8)
    np.testing.assert_array_equal(steps[2].numpy(), gradient[2])
