"""Lorenz spikes as the Neural Data Transformer was tested on: 29 units, 50 bins of 20 ms, 1560 trials, made anew.

After the demonstration generator of lfads-run-manager, whose file that benchmark used. Its random numbers are MATLAB's,
so that only the statistics agree, not the spikes. Published R2 of this set must not be compared with the LFADS
tutorial's Lorenz file (source `lorenz`), which is another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from raysp.config.ranges import Count, Natural
from raysp.data.sources.known_truth import Cut, cut
from raysp.data.sources.partition import Whole
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.errors import BadInput

VERSION = "lorenz_ndt-2"

SIGMA, RHO, BETA = 10.0, 28.0, 8.0 / 3.0
STEP, BASE_HZ, MS_PER_BIN, MAX_LOG_RATE = 0.006, 5.0, 20, 20.0
LARGEST_STATE = 1e4


@dataclass(frozen=True)
class Config(Cut):
    """The system and its trials; the defaults are the benchmark's.

    Attributes:
        generator_seed: of initial states, read-out and spikes.
        units: how many there are.
        conditions: initial states.
        trials_per_condition: all of one trajectory; every fifth trial is the evaluation part of split "reference".
        ms: length of a trial; one Euler step per ms, 20 ms to a bin.
        y_term: "released" leaves -y out of dy/dt = x (28 - z) - y, as the published generator does; "textbook" has it.
        binarise: at most one spike per ms, as released; the truth is then the chance of one.
        burn_in: steps before the trial begins.
    """

    generator_seed: Natural = 1
    units: Count = 29
    conditions: Count = 65
    trials_per_condition: Count = 24
    ms: int = 1000
    y_term: Literal["released", "textbook"] = "released"
    binarise: bool = True
    burn_in: Natural = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ms < MS_PER_BIN or self.ms % MS_PER_BIN:
            raise BadInput(f"lorenz_ndt, ms expected a multiple of {MS_PER_BIN}, got {self.ms}")


def build(config: Config, name: str) -> tuple[PopulationSplit, Answers]:
    """Make the split, with its true rates, and its answers.

    Args:
        config: the system, and how its trials are cut.
        name: of the split.

    Raises:
        BadInput: see `known_truth.cut`.
    """
    counts, rates, states = generate(config)
    condition = np.repeat(np.arange(config.conditions), config.trials_per_condition)
    valid = np.arange(len(counts)) % 5 == 4
    whole = Whole(counts, rates=rates, states=states, condition=condition)
    return cut(whole, valid, config, (name, float(MS_PER_BIN)), "lorenz_ndt", Provenance((), VERSION))


def generate(config: Config) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return counts (trials, bins, units), float32; expected spikes per bin; states (trials, bins, 3), bin means."""
    stream = np.random.RandomState(config.generator_seed)
    paths = trajectories(config, 2.0 * stream.randn(3, config.conditions))
    sizes = np.sort((1.0 + stream.rand(config.units, 3)) * np.sign(stream.randn(config.units, 3)), axis=0)
    log_rate = np.clip(paths @ sizes.T + np.log(BASE_HZ / 1000.0), -MAX_LOG_RATE, MAX_LOG_RATE)
    per_ms = np.exp(log_rate)
    expected = _binned(-np.expm1(-per_ms) if config.binarise else per_ms)
    counts = np.empty((config.conditions * config.trials_per_condition, *expected.shape[1:]), dtype=np.float32)
    for trial in range(len(counts)):
        spikes = stream.poisson(per_ms[trial // config.trials_per_condition])
        counts[trial] = _binned(np.minimum(spikes, 1) if config.binarise else spikes)
    rates, states = (np.repeat(x, config.trials_per_condition, axis=0) for x in (expected, _binned(paths)))
    return counts, rates.astype(np.float32), (states / MS_PER_BIN).astype(np.float32)


def trajectories(config: Config, start: np.ndarray) -> np.ndarray:
    """Return (conditions, ms, 3) states, each centred and divided by its largest value over the trial.

    Args:
        config: the system.
        start: (3, conditions) states to begin from.

    Raises:
        BadInput: a trajectory left all bounds.
    """
    x, y, z = (row.copy() for row in start)
    found = np.empty((start.shape[1], config.ms, 3))
    for step in range(-config.burn_in, config.ms):
        if step >= 0:
            found[:, step] = np.stack([x, y, z], axis=1)
        dx, dz = SIGMA * (y - x), x * y - BETA * z
        dy = x * (RHO - z) - (y if config.y_term == "textbook" else 0.0)
        x, y, z = x + STEP * dx, y + STEP * dy, z + STEP * dz
    if not np.abs(found).max() < LARGEST_STATE:
        raise BadInput("lorenz_ndt: the system left all bounds; expected y_term textbook, or another generator_seed")
    found -= found.mean(axis=1, keepdims=True)
    return found / found.max(axis=1, keepdims=True)


def _binned(series: np.ndarray) -> np.ndarray:
    """Sum (..., ms, units) over the ms of each bin."""
    *before, ms, units = series.shape
    return series.reshape(*before, ms // MS_PER_BIN, MS_PER_BIN, units).sum(axis=-2)
