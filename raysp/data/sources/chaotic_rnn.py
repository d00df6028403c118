"""Spikes of a chaotic recurrent network: the synthetic benchmark of LFADS and the Neural Data Transformer, made anew.

The numbers are those of the benchmark's own generator (LFADS release, chaotic RNN without inputs): one legacy NumPy
stream, whose draws are taken in the same order, the unused ones too. Sussillo et al. 2016 (arXiv:1608.06315).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from raysp.config.ranges import Count, Natural, Positive
from raysp.data.sources.known_truth import Cut, cut
from raysp.data.sources.partition import Whole
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit

VERSION = "chaotic_rnn-2"

DT_S, TAU_S, GAIN, X0_SD = 0.01, 0.025, 1.5, 1.0


@dataclass(frozen=True)
class Config(Cut):
    """The network and its trials; the defaults are the benchmark's. Bins are 10 ms.

    Attributes:
        generator_seed: of the network, the initial states and the spikes.
        units: of the network, all observed.
        conditions: initial states.
        replications: trials of each, adjacent in order; of each ten the last two are the evaluation part.
        bins: of a trial.
        max_hz: largest rate of each unit in each trial, spikes/s.
    """

    generator_seed: Natural = 5
    units: Count = 50
    conditions: Count = 130
    replications: Annotated[int, Ge(2)] = 10
    bins: Annotated[int, Ge(2)] = 100
    max_hz: Positive = 30.0


def build(config: Config, name: str) -> tuple[PopulationSplit, Answers]:
    """Make the split, with its true rates, and its answers.

    Args:
        config: the network, and how its trials are cut.
        name: of the split.

    Raises:
        BadInput: see `known_truth.cut`.
    """
    counts, rates, _ = generate(config)
    replication = np.tile(np.arange(config.replications), config.conditions)
    valid = replication >= int(0.8 * config.replications)
    condition = np.repeat(np.arange(config.conditions), config.replications)
    whole = Whole(counts, rates=rates, condition=condition)
    return cut(whole, valid, config, (name, 1000.0 * DT_S), "chaotic_rnn", Provenance((), VERSION))


def generate(config: Config) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run the network: x <- (1 - dt/tau) x + (dt/tau) g W tanh(x), rates = tanh(x) stretched to [0, 1] in each trial.

    Returns:
        Counts (trials, bins, units), float32; expected spikes per bin of the same shape; and the (units, units)
        weights W.
    """
    stream, units, trials = np.random.RandomState(config.generator_seed), config.units, _trials(config)
    weights = stream.randn(units, units) / np.sqrt(units)
    for _ in range(2):
        stream.randn(units)
    states = [X0_SD * stream.randn(units, 1) for _ in range(config.conditions)]
    stream.choice(config.bins // 2, size=trials)
    runs = [_run(weights, state[:, 0], config.bins) for state in states]
    rates = np.repeat(np.stack(runs), config.replications, axis=0) * (config.max_hz * DT_S)
    counts = np.empty(rates.shape, dtype=np.float32)
    for trial in range(trials):
        for unit in range(units):
            counts[trial, :, unit] = stream.poisson(rates[trial, :, unit], size=config.bins)
    return counts, rates.astype(np.float32), weights


def _trials(config: Config) -> int:
    return config.conditions * config.replications


def _run(weights: np.ndarray, state: np.ndarray, bins: int) -> np.ndarray:
    """Return (bins, units) rates in [0, 1] of one trial."""
    share, found, x = DT_S / TAU_S, np.empty((bins, len(state))), state
    # Products of one trial at a time: sums taken in another order differ in the last bit, and the network is chaotic.
    fired = np.tanh(x)
    for bin_ in range(bins):
        x = (1.0 - share) * x + share * (GAIN * weights.dot(fired))
        fired = np.tanh(x)
        found[bin_] = fired
    low, high = found.min(axis=0), found.max(axis=0)
    return (found - low) / (high - low)
