"""Compiled lanes and Adam: numbers of the published code, gradients by autograd, and lanes that do not meet."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from raysp.models.gfr import descent, torch_descent
from raysp.models.gfr.lanes import WIDTH, lay_out
from raysp.models.gfr.neuron import Neurons
from raysp.models.gfr.parameters import Filters, Parameters, lambdas, untrained
from tests.models.gfr import golden
from tests.models.gfr.golden import COUNTS, CURRENT, cell_p, sequence

PRECISIONS = [np.float64, np.float32]


def plan_of(start, normal, rate=1e-2, bin_ms=20, **changes):
    rows, free = len(start.sigma), np.zeros(start.theta().shape[1], bool)
    free[: 2 * len(start.decay)] = True
    plan = descent.Plan(
        start.sigma,
        start.decay,
        start.feedback,
        bin_ms,
        np.full(rows, rate),
        free,
        normal,
        np.zeros(rows),
        np.zeros(rows),
    )
    return dataclasses.replace(plan, **changes)


def loss_and_gradient(sequences, parameters, dtype=np.float64, units=None, bin_ms=20):
    theta, terms = parameters.theta(), len(parameters.decay)
    rows = np.zeros(len(theta), int) if units is None else units
    lanes = lay_out(sequences, rows, 1, dtype)
    room = descent.scratch(terms, parameters.poly.shape[1], len(lanes.row), lanes.longest, lanes.current)
    loss, gradient = np.zeros(len(theta)), np.zeros(theta.shape)
    descent.group_pass(
        descent.packed(lanes), 0, theta, parameters.sigma, terms, parameters.decay.astype(dtype), 1000.0,
        dtype(bin_ms), dtype(1e-8), True, room, loss, gradient,
    )  # fmt: skip
    return loss, gradient


def by_autograd(sequences, parameters, bin_ms=20):
    neurons, total = Neurons(parameters), 0
    for one in sequences:
        mean = neurons(torch.tensor(one.current[:, None]))[:, 0] * bin_ms
        each = mean - torch.tensor(one.counts) * torch.log(mean + 1e-8)
        total = total + (torch.tensor(one.weight) * each).sum()
    total.backward()
    scaled = neurons.threshold.grad * neurons.sigma, neurons.gamma.grad * neurons.gamma.detach()
    parts = [
        neurons.bent.grad,
        neurons.alpha.grad,
        neurons.beta.grad,
        neurons.poly.grad,
        scaled[0][:, None],
        scaled[1][:, None],
    ]
    return float(total.detach()), torch.cat(parts, dim=1).numpy()[0]


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_loss_and_gradient_are_the_published_ones(dtype):
    loss, gradient = loss_and_gradient([sequence(CURRENT, COUNTS)], cell_p(), dtype)
    relative = 1e-6 if dtype is np.float64 else 1e-4
    assert loss[0] == pytest.approx(14.6682613, rel=relative)
    assert gradient[0, :16] == pytest.approx([
        1.316826, 1.931519, 3.565323, 5.637985, 8.076398, 10.760664, 12.022144, 12.747579, 0.329159, 0.713928,
        1.539448, 2.496479, 3.585896, 4.758289, 5.301858, 5.612623,
    ], rel=max(relative, 2e-6))  # fmt: skip


@pytest.mark.parametrize("degree", [1, 2, 4])
def test_gradient_is_that_of_autograd(degree):
    rng = np.random.default_rng(degree)
    parameters = dataclasses.replace(cell_p(), poly=rng.uniform(0.2, 1.0, (1, degree + 1)), threshold=np.array([40.0]))
    sequences = [
        sequence(rng.normal(110, 60, bins), rng.poisson(0.5, bins).astype(float), weight)
        for bins, weight in ((50, 1.0), (35, 0.25))
    ]
    expected_loss, expected = by_autograd(sequences, parameters)
    loss, gradient = loss_and_gradient(sequences, parameters)
    assert loss[0] == pytest.approx(expected_loss, rel=1e-12)
    assert gradient[0] == pytest.approx(expected, rel=1e-8, abs=1e-8 * np.abs(expected).max())
    single = loss_and_gradient(sequences, parameters, np.float32)[1][0]
    assert single == pytest.approx(expected, abs=1e-4 * np.abs(expected).max())


def test_repeats_of_a_current_are_one_lane_of_their_mean():
    rng = np.random.default_rng(5)
    repeats = rng.poisson(0.6, (4, 20)).astype(float)
    apart = loss_and_gradient([sequence(CURRENT, one, 0.25) for one in repeats], cell_p())
    together = loss_and_gradient([sequence(CURRENT, repeats.mean(axis=0))], cell_p())
    assert together[0] == pytest.approx(apart[0], rel=1e-7)
    assert together[1] == pytest.approx(apart[1], rel=1e-6)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("train", [descent.train, torch_descent.on(torch.device("cpu"))], ids=["compiled", "torch"])
def test_training_is_the_published_one(dtype, train):
    one = cell_p()
    start = untrained(one.poly, one.threshold, one.sigma, one.gamma, one.decay)
    sequences = [
        sequence(CURRENT, COUNTS, 0.5), sequence(0.8 * CURRENT, 0 * COUNTS, 0.5),
        sequence(CURRENT[:12], COUNTS[:12], 1.0, 1),
    ]  # fmt: skip
    held = [sequence(CURRENT[:12], COUNTS[:12])]
    plan = plan_of(start, np.array([[0.5 / 20], [0.5 / 12], [1 / 12]]))
    rows = np.zeros(1, int)
    lanes = lay_out(sequences, rows, 2, dtype), lay_out(held, rows, 1, dtype)
    found = train(*lanes, plan, descent.State.begin(start.theta()), 3)
    relative = 1e-6 if dtype is np.float64 else 1e-4
    assert found.losses[:, 0] == pytest.approx([0.7261919, 0.6448680, 0.7932033], rel=relative)
    assert found.held_losses[:, 0] == pytest.approx([0.6202691, 0.5797760, 0.5361313], rel=relative)
    assert found.theta[0, :16] == pytest.approx([
        7.946831, -0.053169, -0.051650, -0.048048, -0.043481, -0.039041, -0.037247, -0.036299, -0.055702, -0.056202,
        -0.053414, -0.046972, -0.040171, -0.034683, -0.032693, -0.031683,
    ], abs=1e-6 if dtype is np.float64 else 1e-4)  # fmt: skip


def trained_q(dtype, epochs=(50,), copies=1):
    groups, held, normal = golden.set_q()
    start = untrained(
        np.array([[0.2, 1.1]] * copies), np.full(copies, 90.0), np.full(copies, 240.0), np.full(copies, 0.1),
        1 - lambdas(100),
    )  # fmt: skip
    rows = np.zeros(copies, int)
    lanes = lay_out(groups, rows, 3, dtype), lay_out(held, rows, 1, dtype)
    plan, state = plan_of(start, np.repeat(normal, copies, axis=1), bin_ms=100), descent.State.begin(start.theta())
    for count in epochs:
        state = descent.train(*lanes, plan, state, count)
    return state


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_a_whole_training_is_the_published_one(dtype):
    found = trained_q(dtype)
    assert found.losses[[0, 9, 49], 0] == pytest.approx([0.9096710, 0.6680420, 0.5971064], abs=1e-4)
    assert found.held_losses[[0, 9, 49], 0] == pytest.approx([0.9941003, 0.9389339, 1.3884785], abs=1e-4)
    assert found.theta[0, :12] == pytest.approx([
        5.75178, -0.19730, -0.15807, -0.09890, -0.04953, -0.01208, -0.31372, -0.30552, -0.31333, -0.29392, -0.23362,
        -0.16682,
    ], abs=1e-4)  # fmt: skip


def test_training_in_pieces_is_training_in_one():
    whole, pieces = trained_q(np.float32), trained_q(np.float32, (7, 20, 23))
    for one in dataclasses.fields(whole):
        np.testing.assert_array_equal(getattr(whole, one.name), getattr(pieces, one.name))


def test_where_a_lane_stands_changes_no_bit():
    rng = np.random.default_rng(7)
    units = 2 * WIDTH + 5
    parameters = Parameters.of(
        np.tile(cell_p().theta(), (units, 1)) + rng.normal(0, 0.02, (units, 20)),
        np.full(units, 200.0),
        Filters.plain(cell_p().decay),
    )
    sequences = [
        sequence(rng.normal(120, 60, bins), rng.poisson(0.4, bins).astype(float), unit=unit)
        for unit in range(units)
        for bins in rng.integers(10, 90, 3)
    ]
    loss, gradient = loss_and_gradient(sequences, parameters, np.float32, np.arange(units))
    for unit in (0, 17, WIDTH, units - 1):
        own = [dataclasses.replace(one, unit=0) for one in sequences if one.unit == unit]
        alone = loss_and_gradient(own, parameters.select(np.array([unit])), np.float32)
        assert alone[0][0] == loss[unit]
        np.testing.assert_array_equal(alone[1][0], gradient[unit])


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("degree", [1, 3])
def test_a_lane_alone_and_one_in_a_tile_are_equal_to_the_bit(dtype, degree):
    rng = np.random.default_rng(11)
    theta = np.concatenate([cell_p().theta()[0, :16], rng.uniform(0.2, 1.2, degree + 1), [0.3, np.log(0.2)]])
    rows = theta + rng.normal(0, 0.05, (2 * descent.FEW + 1, len(theta)))
    current, counts = rng.normal(120, 60, 400), rng.poisson(0.4, 400).astype(float)
    parameters = Parameters.of(rows, np.full(len(rows), 200.0), Filters.plain(cell_p().decay))
    loss, gradient = loss_and_gradient([sequence(current, counts)], parameters, dtype)
    for row in range(len(rows)):
        alone = loss_and_gradient([sequence(current, counts)], parameters.select(np.array([row])), dtype)
        assert alone[0][0] == loss[row]
        np.testing.assert_array_equal(alone[1][0], gradient[row])


def test_a_dead_neuron_ends_after_three_equal_losses():
    one = dataclasses.replace(cell_p(), poly=np.zeros((1, 2)))
    lanes = lay_out([sequence(CURRENT, COUNTS)], np.zeros(1, int))
    plan = plan_of(one, np.ones((2, 1)))
    found = descent.train(lanes, lay_out([], np.zeros(1, int)), plan, descent.State.begin(one.theta()), 6)
    assert found.stopped[0] == 3
    assert np.isnan(found.held_losses).all()


def test_penalties_pull_and_an_absolute_one_has_a_gradient():
    one = cell_p()
    start = untrained(one.poly, one.threshold, one.sigma, one.gamma, one.decay)
    lanes, none = lay_out([sequence(CURRENT, COUNTS)], np.zeros(1, int)), lay_out([], np.zeros(1, int))
    sums = {}
    for name, changes in {"none": {}, "lasso": {"lasso": np.ones(1)}, "ridge": {"ridge": np.full(1, 100.0)}}.items():
        plan = plan_of(start, np.ones((2, 1)), **changes)
        found = descent.train(lanes, none, plan, descent.State.begin(start.theta()), 300).theta[0, :16]
        sums[name] = np.abs(found[1:]).sum()
    assert sums["lasso"] < 0.5 * sums["none"]
    assert sums["ridge"] < 0.5 * sums["none"]


def test_torch_takes_the_steps_of_the_compiled_ones_with_several_rows_and_a_free_activation():
    rng = np.random.default_rng(9)
    theta = np.tile(cell_p().theta(), (3, 1)) + rng.normal(0, 0.02, (3, 20))
    sequences = [
        sequence(rng.normal(120, 60, bins), rng.poisson(0.4, bins).astype(float), unit=unit, group=group)
        for unit in range(2)
        for group, bins in ((0, 30), (0, 12), (1, 25))
    ]
    rows = np.array([0, 1, 1])
    start = Parameters.of(theta, np.full(3, 200.0), Filters.plain(cell_p().decay))
    plan = plan_of(start, np.ones((3, 3)), free=np.ones(20, bool), lasso=np.full(3, 0.1), ridge=np.full(3, 0.1))
    lanes = lay_out(sequences, rows, 2, np.float64), lay_out([], rows, 1, np.float64)
    compiled = descent.train(*lanes, plan, descent.State.begin(theta), 10)
    through_torch = torch_descent.on(torch.device("cpu"))(*lanes, plan, descent.State.begin(theta), 10)
    assert through_torch.theta == pytest.approx(compiled.theta, abs=1e-9)
    assert through_torch.losses == pytest.approx(compiled.losses, rel=1e-9)
