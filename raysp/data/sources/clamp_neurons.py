"""Stand-in cells with injected currents: generalised firing rate neurons with known parameters, and what they answer.

Parameters are drawn around the medians of 1,219 published fits to mouse and human cortical cells at 20 ms, and carried
over to other bin widths so that each filter keeps its gain. Steps, a ramp and two noises follow the protocol of the
Allen Cell Types Database. Nothing in it was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raysp.data.formats.sweeps import Cell, Sweep

TAUS_MS = (10, 20, 50, 100, 200, 500, 1000, 2000)
REFERENCE_MS, FINEST_MS = 20, 10
ALPHAS = {
    "mouse": (0.082, 0.082, 0.111, 0.113, 0.102, 0.062, 0.027, 0.006),
    "human": (0.097, 0.097, 0.153, 0.156, 0.125, 0.080, 0.035, 0.018),
}
BETAS = {
    "mouse": (-0.323, -0.424, -0.424, -0.397, -0.335, -0.290, -0.259, -0.233, -0.217),
    "human": (-0.202, -0.297, -0.297, -0.282, -0.219, -0.220, -0.263, -0.316, -0.315),
}
"""Medians, by time constant; of beta, that of the filter without memory in front."""

GAMMAS, SLOPES = {"mouse": 0.147, "human": 0.126}, {"mouse": 0.0102, "human": 0.0126}
HUMAN, ASPINY = 0.18, 0.45
"""Shares of the published cells, about."""

LATE = {"mouse": 0.15, "human": 0.4}
"""Shares of cells that no step excites at once, so that all of them begin with silence: about as published."""

LINES = {"aspiny": ("Pvalb", "Sst", "Vip", "Htr3a"), "spiny": ("Cux2", "Rorb", "Scnn1a", "Ntsr1", "Rbp4")}
LAYERS = ("2/3", "4", "5", "6a")
ASPINY_GAMMA, ASPINY_BETA, SPINY_GAMMA, SPINY_BETA = 1.4, 0.7, 0.8, 1.2

STEP_S, AFTER_S, RAMP_S, NOISE_S, PAUSE_S = 1.0, 6.0, 8.0, 3.0, 5.0
LEVELS, FLUCTUATION = (0.75, 1.0, 1.5), 0.2
"""Means of the three epochs of noise, as multiples of the threshold, and its standard deviation."""

FIRST_UNIT = 101


@dataclass(frozen=True)
class Neuron:
    """A cell's parameters at one bin width; f = gamma relu(tanh(coefficients of ((z - threshold) / sigma))).

    Attributes:
        gamma: highest rate, spikes/ms.
        sigma: largest current of the steps, pA.
        threshold: pA.
        coefficients: (2,) of the polynomial, from the constant on.
        alpha: (filters,) of the current.
        beta: (filters,) of the cell's own rate, per spike/s.
        decay: (filters,) 1 - lambda, what stays of a filter's state from bin to bin.
    """

    gamma: float
    sigma: float
    threshold: float
    coefficients: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    decay: np.ndarray


def decays(bin_ms: int) -> np.ndarray:
    """Return 1 - lambda of each filter: 0 for the one without memory, exp(-bin/tau) for those of tau >= the bin."""
    return np.array([0.0, *(np.exp(-bin_ms / tau) for tau in TAUS_MS if tau >= bin_ms)])


def neuron(index: int, bin_ms: int, seed: int = 0) -> tuple[Neuron, dict[str, str]]:
    """Return a cell's parameters and its metadata; it is the same whatever others there are.

    Args:
        index: of the cell, from 0.
        bin_ms: width of a bin, ms.
        seed: of all cells.
    """
    rng = np.random.default_rng([seed, index, 0])
    species = "human" if rng.random() < HUMAN else "mouse"
    dendrite = "aspiny" if rng.random() < ASPINY else "spiny"
    line = str(rng.choice(LINES[dendrite])) if species == "mouse" else ""
    metadata = {"species": species, "line": line, "dendrite": dendrite, "layer": str(rng.choice(LAYERS))}
    sigma = float(rng.choice([190.0, 230.0, 250.0, 290.0, 370.0]))
    fast, adapting = (ASPINY_GAMMA, ASPINY_BETA) if dendrite == "aspiny" else (SPINY_GAMMA, SPINY_BETA)
    gamma = fast * GAMMAS[species] * np.exp(rng.normal(0.0, 0.3))
    slope = SLOPES[species] * np.exp(rng.normal(0.0, 0.4))
    late = rng.random() < LATE[species]
    threshold = sigma * (rng.uniform(1.02, 1.2) if late else rng.uniform(0.4, 0.8))
    alpha = np.array(ALPHAS[species]) * rng.normal(1.0, 0.5, len(TAUS_MS))
    beta = adapting * np.array(BETAS[species]) * rng.uniform(0.5, 1.5, 1 + len(TAUS_MS))
    input_gain = rng.normal(1.0, 0.02)
    filters, kept = decays(bin_ms), np.array(TAUS_MS) >= bin_ms
    # With the same gain at every width: what a filter sums up is its weight over lambda, averaged over filters.
    there = np.maximum(REFERENCE_MS, TAUS_MS)
    gains = (
        len(filters) / 8.0 * np.append(1.0, ((1 - np.exp(-bin_ms / np.array(TAUS_MS))) / -np.expm1(-20 / there))[kept])
    )
    return Neuron(
        gamma=float(gamma),
        sigma=sigma,
        threshold=float(threshold),
        coefficients=np.array([0.0, slope * sigma]),
        alpha=gains * np.append(8.0 * input_gain, alpha[kept]),
        beta=gains * np.append(beta[0], beta[1:][kept]),
        decay=filters,
    ), metadata


def currents(index: int, one: Neuron, bin_ms: int, steps: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return a cell's distinct currents by stimulus, (currents, bins) float32 pA: steps, a ramp and two noises.

    Args:
        index: of the cell.
        one: its parameters, to which currents are scaled as an experimenter would.
        bin_ms: width of a bin, ms.
        steps: amplitudes.
        seed: of all cells.
    """
    rng = np.random.default_rng([seed, index, 1])
    fine = 1000 // FINEST_MS
    step, after, ramp = (int(seconds * fine) for seconds in (STEP_S, AFTER_S, RAMP_S))
    amplitudes = np.linspace(0.2, 1.0, steps) * one.sigma if steps > 1 else np.array([one.sigma])
    squares = np.concatenate([np.repeat(amplitudes[:, None], step, axis=1), np.zeros((steps, after))], axis=1)
    rising = np.linspace(0.0, one.sigma, ramp)[None]
    found = {"Long Square": squares, "Ramp": rising}
    for name in ("Noise 1", "Noise 2"):
        found[name] = _noise(rng, one.threshold)[None]
    return {name: _means(values, bin_ms // FINEST_MS).astype(np.float32) for name, values in found.items()}


def _noise(rng: np.random.Generator, threshold: float) -> np.ndarray:
    fine = 1000 // FINEST_MS
    pieces: list[np.ndarray] = []
    for level in LEVELS:
        pink = _pink(rng, int(NOISE_S * fine))
        pieces += [threshold * level * (1 + FLUCTUATION * pink), np.zeros(int(PAUSE_S * fine))]
    return np.concatenate(pieces[:-1])


def _pink(rng: np.random.Generator, count: int) -> np.ndarray:
    frequencies = np.fft.rfftfreq(count)
    spectrum = rng.standard_normal(len(frequencies)) + 1j * rng.standard_normal(len(frequencies))
    spectrum[0], spectrum[1:] = 0.0, spectrum[1:] / np.sqrt(frequencies[1:])
    signal = np.fft.irfft(spectrum, count)
    return signal / signal.std()


def _means(values: np.ndarray, count: int) -> np.ndarray:
    whole = values.shape[1] // count * count
    return values[:, :whole].reshape(len(values), -1, count).mean(axis=2)


def rates(one: Neuron, current: np.ndarray) -> np.ndarray:
    """Return a neuron's rates, run freely on its own output, spikes/ms.

    Args:
        one: its parameters.
        current: (currents, bins) pA.

    Returns:
        (currents, bins) float64.
    """
    return rates_of([one], [current])[0]


def rates_of(neurons: Sequence[Neuron], currents: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the rates of several neurons at once; each has what it has alone, to the bit.

    Args:
        neurons: of one bin width.
        currents: of each neuron, (currents, bins) pA, all of one length.

    Returns:
        Of each neuron, (currents, bins) float64 spikes/ms.
    """
    lanes = [len(one) for one in currents]
    gamma, sigma, threshold = (
        np.repeat([getattr(one, name) for one in neurons], lanes) for name in ("gamma", "sigma", "threshold")
    )
    low, high = np.repeat([one.coefficients for one in neurons], lanes, axis=0).T
    alpha, beta = (np.repeat([getattr(one, name) for one in neurons], lanes, axis=0).T for name in ("alpha", "beta"))
    decay = neurons[0].decay[:, None]
    injected = np.concatenate(currents).astype(np.float64)
    state, rate, found = np.zeros_like(alpha), np.zeros(len(injected)), np.empty(injected.shape)
    for place, now in enumerate(np.ascontiguousarray(injected.T)):
        state = decay * state + alpha * now + (1000.0 * rate) * beta
        # One filter after the other: the order in which NumPy sums depends on the number of lanes.
        total = state[0].copy()
        for one in state[1:]:
            total += one
        drive = (total / len(state) - threshold) / sigma
        rate = gamma * np.maximum(np.tanh(low + high * drive), 0.0)
        found[:, place] = rate
    return np.split(found, np.cumsum(lanes)[:-1])


def cells(indices: Sequence[int], bin_ms: int, steps: int, repeats: Mapping[str, int], seed: int = 0) -> list[Cell]:
    """Return cells' recorded sweeps; counts vary less than a Poisson process's, as with refractoriness they do.

    Args:
        indices: of the cells, from 0; their numbers are 101 more.
        bin_ms: width of a bin, ms.
        steps: amplitudes.
        repeats: stimulus -> sweeps of each of its currents.
        seed: of all cells.
    """
    drawn = [neuron(index, bin_ms, seed) for index in indices]
    neurons = [one for one, _ in drawn]
    injected = [currents(index, one, bin_ms, steps, seed) for index, one in zip(indices, neurons, strict=True)]
    streams = [np.random.default_rng([seed, index, 2, bin_ms]) for index in indices]
    sweeps: list[list[Sweep]] = [[] for _ in indices]
    for stimulus in injected[0]:
        values = [one[stimulus] for one in injected]
        for place, expected in enumerate(rates_of(neurons, values)):
            count = repeats.get(stimulus, 1)
            sweeps[place] += _recorded(
                streams[place], stimulus, values[place], expected, neurons[place].gamma, bin_ms, count
            )
    return [
        Cell(FIRST_UNIT + index, tuple(found), one.gamma, metadata)
        for index, found, (one, metadata) in zip(indices, sweeps, drawn, strict=True)
    ]


def _recorded(
    rng: np.random.Generator, stimulus: str, values: np.ndarray, rate: np.ndarray, gamma: float, bin_ms: int, count: int
) -> list[Sweep]:
    chances = max(1, int(np.ceil(bin_ms * gamma))) * 4
    found = []
    for current, chance in zip(values, np.clip(rate * bin_ms / chances, 0.0, 1.0), strict=True):
        counts = rng.binomial(chances, chance, (count, len(chance))).astype(np.uint16)
        found += [Sweep(stimulus, {bin_ms: (current, one)}, None) for one in counts]
    return found
