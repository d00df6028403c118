"""Units of generated recordings: log-linear in the latent states, Poisson."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

US_PER_MS = 1000
PEAK_HZ = 150.0
"""The highest rate of a unit anywhere in a session, spikes/s: about what neurons of cortex reach in a reach."""
_ROWS = 1 << 16


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
    rng: np.random.Generator,
    latents: np.ndarray,
    seen: np.ndarray,
    weights: np.ndarray,
    heldin: int,
    heldout: int,
    gain: float,
) -> Population:
    """Draw units whose mean rates are a few to a few tens of Hz and whose log rates vary by about `gain`.

    A unit that would fire above `PEAK_HZ` at its best moment varies less, so that it reaches just that.

    Args:
        rng: a generator.
        latents: (length, D) latent states of the whole session.
        seen: (milliseconds, D) those of some milliseconds in the trials' windows.
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
    readout *= _depth_within_peak(seen @ readout, _highest(latents, readout), hz)
    bias = np.log(hz / 1000.0) - np.log(np.exp(seen @ readout).mean(axis=0))
    return Population(readout.astype(np.float32), bias.astype(np.float32), _ids(rng, heldin, heldout), heldin)


def _highest(latents: np.ndarray, readout: np.ndarray) -> np.ndarray:
    """Return each unit's largest log rate of a session before its bias, (units,)."""
    pieces = (latents[start : start + _ROWS] for start in range(0, len(latents), _ROWS))
    return np.max([(piece @ readout).max(axis=0) for piece in pieces], axis=0)


def _depth_within_peak(log_rates: np.ndarray, highest: np.ndarray, hz: np.ndarray) -> np.ndarray:
    """Return the share of its depth, (units,), at which a unit's highest rate is at most `PEAK_HZ`; 1 where it is."""

    def peak(depth: np.ndarray) -> np.ndarray:
        return hz * np.exp(depth * highest) / np.exp(depth * log_rates).mean(axis=0)

    low, high = np.zeros(len(hz)), np.ones(len(hz))
    if not (too_high := peak(high) > PEAK_HZ).any():
        return high
    for _ in range(20):
        middle = (low + high) / 2
        above = peak(middle) > PEAK_HZ
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.where(too_high, low, 1.0)


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
