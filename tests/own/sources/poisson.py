"""Counts of a rate that goes up and down, made up."""

from dataclasses import dataclass

import numpy as np

from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit, Sizes, TrialArrays

VERSION = "1"


@dataclass(frozen=True)
class Config:
    """How many trials."""

    trials: int = 40


def inputs(config):
    return []


def is_standin(config):
    return False


def build(config, name):
    rng = np.random.default_rng(0)
    sizes = Sizes(name, 20.0, 12, 6, 2, 0)
    angle = rng.uniform(0, 6, (2 * config.trials, 1, 1)) + np.arange(12)[None, :, None] / 3 + np.arange(8)
    counts = rng.poisson(np.exp(np.sin(angle) - 0.5)).astype(np.float32)
    train, unseen = counts[: config.trials], counts[config.trials :]
    split = PopulationSplit(
        name,
        sizes,
        TrialArrays(heldin=train[..., :6], heldout=train[..., 6:]),
        TrialArrays(heldin=unseen[..., :6]),
        Provenance(builder="poisson-1"),
    )
    return split, Answers(name, sizes, TrialArrays(heldin=unseen[..., :6], heldout=unseen[..., 6:]))
