"""A network whose couplings are known: recorded neurons and hidden, bursty ones, driven by a smooth movie.

Hidden neurons excite or inhibit recorded ones, so that these have noise correlations that no movie and no recorded
spike explains. Couplings and hidden neurons are in the answers alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raysp.config.ranges import Count, Natural, NonNegative, Positive
from raysp.data.sources import movie_cut
from raysp.data.sources.movie_cut import Built, Cut, Recorded
from raysp.data.splits.header import Provenance
from raysp.data.splits.movie import Truth

VERSION = "movie_teacher-1"
THRESHOLD = 0.4
"""Of the drive, and its scale: the logit of a spike is (drive - threshold) / threshold."""

BIAS, HIDDEN_BIAS = -0.45, -0.65
OWN, HIDDEN_OWN = -0.25, 0.5
"""What a neuron's own spike adds to its drive: recorded ones pause, hidden ones burst."""

SPARSE, STRENGTH, HIDDEN_SHARE, DECAY = 0.3, 0.12, 0.4, 1.5
"""Share and standard deviation of couplings among recorded neurons; share of those of a hidden neuron; lags after which
a coupling is down to a third."""


@dataclass(frozen=True)
class Config(Cut):
    """How large the network is, and what is recorded of it.

    Attributes:
        units: recorded neurons.
        hidden: others.
        pixels: of a frame, one row.
        frames: of the movie.
        repeats: of the movie.
        lags: bins for which a spike is felt.
        gain: of hidden neurons' couplings; 0 for hidden neurons that nobody hears.
        bin_ms: how long a frame is shown.
        seed: of network, movie and spikes.
    """

    units: Count = 12
    hidden: Natural = 6
    pixels: Count = 6
    frames: Count = 150
    repeats: Count = 120
    lags: Count = 4
    gain: NonNegative = 0.7
    bin_ms: Positive = 40.0
    seed: Natural = 0


def inputs(config: Config) -> list[str]:
    """Return nothing: no file is read."""
    return []


def is_standin(config: Config) -> bool:
    """Tell that the spikes were generated."""
    return True


def build(config: Config, name: str) -> Built:
    """Make a split of the network's spikes, with its couplings in the answers.

    Raises:
        BadInput: fewer repeats, or frames, than the parts need.
    """
    rng = np.random.default_rng(config.seed)
    weights, movie = _couplings(config, rng), _movie(config, rng)
    filters = rng.normal(0, 0.45 / np.sqrt(config.pixels), (config.pixels, config.units + config.hidden))
    filters[:, config.units :] *= 0.3
    bias = np.repeat([BIAS, HIDDEN_BIAS], [config.units, config.hidden])
    spikes = _spikes(movie @ filters + bias, weights, config.repeats, rng)
    numbers = np.concatenate([np.arange(config.units), np.full(config.hidden, -1)]).astype(np.int64)
    truth = Truth((weights / THRESHOLD).astype(np.float32), numbers)
    recorded, known = Recorded(movie[:, None], spikes[..., : config.units]), Provenance((), VERSION, True)
    return movie_cut.assemble(recorded, [], config.bin_ms, config, name, known, truth)


def _couplings(config: Config, rng: np.random.Generator) -> np.ndarray:
    """Return (post, pre, lags) what a spike adds to the drive, lag 1 first."""
    units, hidden = config.units, config.hidden
    both = units + hidden
    strength = rng.normal(0, STRENGTH, (both, both)) * (rng.random((both, both)) < SPARSE)
    sign = np.where(np.arange(hidden) % 2, -1.0, 1.0)
    strength[:units, units:] = config.gain * sign * (rng.random((units, hidden)) < HIDDEN_SHARE)
    strength[units:, :units] *= 0.5
    strength[units:, units:] = 0.0
    np.fill_diagonal(strength, np.repeat([OWN, HIDDEN_OWN], [units, hidden]))
    return strength[:, :, None] * np.exp(-np.arange(config.lags) / DECAY)


def _movie(config: Config, rng: np.random.Generator) -> np.ndarray:
    """Return (frames, pixels) of smooth noise with variance 1."""
    window = np.hanning(9)[1:-1]
    noise = rng.normal(size=(config.frames + len(window) - 1, config.pixels))
    smooth = [np.convolve(one, window / np.sqrt((window**2).sum()), "valid") for one in noise.T]
    return np.stack(smooth, axis=1)


def _spikes(drive: np.ndarray, weights: np.ndarray, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """Return (repeats, frames, neurons) 0 or 1 of a network that starts in silence."""
    neurons, lags = len(weights), weights.shape[2]
    past, found = np.zeros((repeats, neurons, lags)), []
    for now in drive:
        felt = now + np.einsum("ril,jil->rj", past, weights)
        rates = 1 / (1 + np.exp(-(felt - THRESHOLD) / THRESHOLD))
        found.append(rng.random(rates.shape) < rates)
        past = np.concatenate([found[-1][..., None], past[..., :-1]], axis=2)
    return np.stack(found, axis=1)
