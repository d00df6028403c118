"""Cells whose numbers are known from the published code, and sequences of them."""

from __future__ import annotations

import numpy as np

from raysp.models.gfr.lanes import Sequence
from raysp.models.gfr.parameters import Filters, Parameters, lambdas

ALPHA = np.array([8, 0.1, -0.05, 0.1, 0.15, 0.08, 0.05, 0.02])
BETA = -np.array([0.4, 0.3, 0.35, 0.4, 0.25, 0.2, 0.15, 0.1])
CURRENT = np.array([0] * 2 + [150] * 6 + [0] * 3 + [220] * 4 + [60] * 2 + [120] * 3, float)
COUNTS = np.array([int(digit) for digit in "00121010000211000010"], float)
RATES = np.array([
    0, 0, 0.0950412540, 0.0736513046, 0.0682979969, 0.0648787013, 0.0630118517, 0.0618893148, 0, 0, 0, 0.1340572525,
    0.1235484232, 0.1179619580, 0.1138053002, 0, 0, 0.0124591784, 0.0228502896, 0.0275832949,
])  # fmt: skip


def cell_p() -> Parameters:
    """Return the cell at bins of 20 ms."""
    return Parameters(
        ALPHA[None], BETA[None], np.array([[0.3, 1.5]]), np.array([100.0]), np.array([200.0]), np.array([0.15]),
        1 - lambdas(20),
    )  # fmt: skip


BENT = Filters(1 - lambdas(20), np.array([0.2, 0.2, 0.4]), np.exp(-20 / np.array([1e-9, 50.0, 1000.0])))
"""Of cells that also hear what the current has above 0.2 and 0.4 sigma."""


def bent_cell() -> Parameters:
    """Return that cell with bent inputs."""
    theta = np.concatenate([[[-1.5, 0.6, -0.1]], cell_p().theta()], axis=1)
    return Parameters.of(theta, np.array([200.0]), BENT)


def sequence(current, counts, weight=1.0, group=0, unit=0) -> Sequence:
    """Return a sequence whose bins have one weight."""
    return Sequence(unit, current, counts, np.full(len(current), weight), group)


def set_q() -> tuple[list[Sequence], list[Sequence], np.ndarray]:
    """Return what a whole training of bins of 100 ms sees, what it is tested on, and what its losses are divided by."""
    groups, t = [], np.arange(30)
    for step in (120, 180, 240):
        fired = _whole(4 * (step - 100) / 140 * np.exp(-t / 6) + 0.5 + 0.4 * np.cos(2 * t))
        groups.append(sequence(np.where(t < 10, step, 0.0), np.where(t < 10, fired, 0), 1 / 3))
    t = np.arange(40)
    groups.append(sequence(6.0 * t, _whole((6 * t - 110) / 40 + 0.5 + 0.4 * np.cos(2 * t)), 1.0, 1))
    t = np.arange(50)
    first, second = (
        150 + 80 * np.sin(0.7 * t) + 40 * np.sin(2.3 * t),
        150 + 80 * np.sin(0.45 * t) + 40 * np.sin(1.9 * t),
    )
    repeats = [_whole((first - 120) / 45 + 0.5 + 0.4 * np.cos(2 * t + r)) for r in (0, 1)]
    tested = [_whole((second - 120) / 45 + 0.5 + 0.4 * np.cos(3 * t + r)) for r in (0, 1, 2)]
    groups.append(sequence(first, np.mean(repeats, axis=0), 1.0, 2))
    return groups, [sequence(second, np.mean(tested, axis=0))], np.array([[1 / 90], [1 / 120], [1 / 150], [1 / 50]])


def _whole(values: np.ndarray) -> np.ndarray:
    return np.maximum(0, np.floor(values))
