"""Units of generated recordings: log-linear in the latent states, Poisson."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

US_PER_MS = 1000


@dataclass(frozen=True)
class Population:
    """How the units read the latent states: expected spikes per ms are exp(latents @ readout + bias).

    Attributes:
        readout: (D, units) float32.
        bias: (units,) float32, log expected spikes per ms.
        ids: (units,) identifiers, held-in units first, ascending in each group.
        heldin: number of held-in units.
    """

    readout: np.ndarray
    bias: np.ndarray
    ids: np.ndarray
    heldin: int

    def __len__(self) -> int:
        return len(self.bias)


def tune(
    rng: np.random.Generator, seen: np.ndarray, weights: np.ndarray, heldin: int, heldout: int, gain: float
) -> Population:
    """Draw units whose mean rates are a few to a few tens of Hz and whose log rates vary by about `gain`.

    Args:
        rng: a generator.
        seen: (milliseconds, D) latent states from the trials' windows.
        weights: (D,) how strongly the population reads each state.
        heldin: number of held-in units.
        heldout: number of held-out units.
        gain: median standard deviation of a unit's log rate over those milliseconds.
    """
    count = heldin + heldout
    readout = rng.standard_normal((len(weights), count)) * weights[:, None]
    depth = gain * np.exp(0.2 * rng.standard_normal(count))
    readout *= depth / (seen @ readout).std(axis=0)
    hz = np.clip(np.exp(np.log(9.0) + 0.5 * rng.standard_normal(count)), 2.0, 25.0)
    bias = np.log(hz / 1000.0) - np.log(np.exp(seen @ readout).mean(axis=0))
    return Population(readout.astype(np.float32), bias.astype(np.float32), _ids(rng, heldin, heldout), heldin)


def spike_times(rng: np.random.Generator, latents: np.ndarray, population: Population, unit: int) -> np.ndarray:
    """Draw one unit's spikes.

    The times of a unit-rate Poisson process are mapped through the inverse of the summed rate (time rescaling).

    Returns:
        (spikes,) ascending times, whole microseconds.
    """
    rate = np.exp(latents @ population.readout[:, unit] + population.bias[unit])
    summed = np.cumsum(rate, dtype=np.float64)
    points = np.sort(rng.random(rng.poisson(summed[-1]))) * summed[-1]
    ms = np.minimum(np.searchsorted(summed, points, side="right"), len(summed) - 1)
    within = (points - (summed[ms] - rate[ms])) / rate[ms]
    return ms * US_PER_MS + np.clip((within * US_PER_MS).astype(np.int64), 0, US_PER_MS - 1)


def _ids(rng: np.random.Generator, heldin: int, heldout: int) -> np.ndarray:
    # As in the archive, held-out units lie among the others, and the first digit names an array.
    count = heldin + heldout
    first = 1011 + 10 * np.arange(count) + np.where(np.arange(count) >= (count + 1) // 2, 1000, 0)
    chosen = np.zeros(count, dtype=bool)
    chosen[rng.choice(count, heldout, replace=False)] = True
    return np.concatenate([first[~chosen], first[chosen]])
