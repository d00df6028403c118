"""A made-up population of any size, whose log rates follow a few smooth latents: for what models make of odd sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from scipy.ndimage import gaussian_filter1d

from raysp.config.ranges import Count, Natural, NonNegative, Positive
from raysp.data.sources.known_truth import Cut, cut
from raysp.data.sources.partition import Whole
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit

VERSION = "made_up-3"


@dataclass(frozen=True)
class Config(Cut):
    """The population and its trials. Every fourth trial is an evaluation trial.

    Attributes:
        generator_seed: of rates and spikes.
        units: of the population.
        trials: of all conditions together, in random order.
        bins: of a trial.
        bin_ms: width of a bin, ms.
        rate_hz: the median over units of their mean rates, spikes/s; those of units differ by a factor of e^0.5 (SD).
        silent: so many units, the last ones, never fire.
        conditions: half of the latents' variance is common to the trials of a condition, half is a trial's own.
        latents: that all units share.
        depth: SD of a unit's log rate over time and trials.
        timescale_ms: SD of the Gaussian kernel that makes latents smooth, ms.
    """

    generator_seed: Natural = 0
    units: Count = 40
    trials: Annotated[int, Ge(4)] = 160
    bins: Count = 40
    bin_ms: Positive = 20.0
    rate_hz: Positive = 8.0
    silent: Natural = 0
    conditions: Count = 8
    latents: Count = 4
    depth: NonNegative = 0.7
    timescale_ms: Positive = 80.0


def build(config: Config, name: str) -> tuple[PopulationSplit, Answers]:
    """Make the split, with its true rates, and its answers.

    Args:
        config: the population, and how its trials are cut.
        name: of the split.

    Raises:
        BadInput: see `known_truth.cut`.
    """
    rng = np.random.default_rng(config.generator_seed)
    # In turn, evaluation trials would be of conditions that training trials never show.
    condition = rng.permutation(np.arange(config.trials) % config.conditions)
    states = np.sqrt(0.5) * (_smooth(config, config.conditions, rng)[condition] + _smooth(config, config.trials, rng))
    mixing = rng.normal(0.0, config.depth / np.sqrt(config.latents), (config.latents, config.units))
    means = config.rate_hz * config.bin_ms / 1000.0 * np.exp(rng.normal(0.0, 0.5, config.units))
    rates = means * np.exp(states @ mixing - 0.5 * (mixing**2).sum(axis=0))
    rates[..., config.units - config.silent :] = 0.0
    whole = Whole(rng.poisson(rates).astype(np.float32), rates=rates.astype(np.float32), condition=condition)
    valid = np.arange(config.trials) % 4 == 3
    return cut(whole, valid, config, (name, config.bin_ms), "made_up", Provenance((), VERSION))


def _smooth(config: Config, trials: int, rng: np.random.Generator) -> np.ndarray:
    """Return (trials, bins, latents) of mean 0 and variance 1, smooth over bins."""
    width, reach = config.timescale_ms / config.bin_ms, int(np.ceil(4 * config.timescale_ms / config.bin_ms))
    white = rng.normal(size=(trials, config.bins + 2 * reach, config.latents))
    smooth = gaussian_filter1d(white, width, axis=1, mode="constant")[:, reach : reach + config.bins]
    impulse = gaussian_filter1d(np.eye(1, 2 * reach + 1, reach)[0], width, mode="constant")
    found: np.ndarray = smooth / np.sqrt((impulse**2).sum())
    return found
