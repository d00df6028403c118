"""Latent dynamics of generated recordings: rotations set off by pulses, states held for a while, slow wandering.

A rotation is a damped oscillator, z[t + 1] = a z[t] + u[t] with a = exp(-1/decay + 2 pi i frequency) and a smooth
pulse u at the event that sets it off: the shape of motor cortex's population activity around a reach (Churchland et
al. 2012). Its imaginary part, driven by the direction of a reach, is a bell-shaped velocity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, signal

GRID = 256.0


@dataclass(frozen=True)
class Rotation:
    """A damped oscillator.

    Attributes:
        hz: turns per second.
        decay_ms: time in which its size falls to 1/e.
    """

    hz: float
    decay_ms: float

    @property
    def pole(self) -> complex:
        """The factor from one millisecond to the next."""
        return complex(np.exp(-1.0 / self.decay_ms + 2j * np.pi * self.hz / 1000.0))

    @property
    def area(self) -> float:
        """Sum over the milliseconds of the imaginary part of the response to a unit pulse."""
        return float((1.0 / (1.0 - self.pole)).imag)


def pulses(length: int, at_ms: np.ndarray, sizes: np.ndarray, width_ms: float) -> np.ndarray:
    """Return Gaussian pulses of the given areas.

    Args:
        length: of the session, ms.
        at_ms: (events,) centres; those outside the session are left out.
        sizes: (events,) areas.
        width_ms: standard deviation.

    Returns:
        (length,) float64.
    """
    drive = np.zeros(length)
    at = np.rint(at_ms).astype(np.int64)
    inside = (at >= 0) & (at < length)
    np.add.at(drive, at[inside], np.asarray(sizes, dtype=np.float64)[inside])
    return ndimage.gaussian_filter1d(drive, width_ms, mode="constant", output=drive)


def rotate(drive: np.ndarray, rotation: Rotation) -> np.ndarray:
    """Return the oscillator's state under a drive, (length, 2) float32: real and imaginary part."""
    state = signal.lfilter([1.0], [1.0, -rotation.pole], drive)
    return np.column_stack([state.real.astype(np.float32), state.imag.astype(np.float32)])


def hold(length: int, begin_ms: np.ndarray, end_ms: np.ndarray, sizes: np.ndarray, rise_ms: float) -> np.ndarray:
    """Return a state that has a trial's size from its begin to its end and is 0 elsewhere, (length, 1) float32.

    Args:
        length: of the session, ms.
        begin_ms: (trials,) begin of each stretch.
        end_ms: (trials,) end of each stretch.
        sizes: (trials,) the state's value.
        rise_ms: standard deviation of the Gaussian that rounds its edges.
    """
    state = np.zeros(length)
    for begin, end, size in zip(begin_ms.astype(int), end_ms.astype(int), sizes, strict=True):
        state[begin:end] += size
    return ndimage.gaussian_filter1d(state, rise_ms, mode="nearest", output=state).astype(np.float32)[:, None]


def wander(rng: np.random.Generator, length: int, rotation: Rotation) -> np.ndarray:
    """Return a state that wanders by itself, (length, 2) float32: what differs between trials of one condition."""
    drive = ndimage.gaussian_filter1d(rng.standard_normal(length), 15.0, mode="nearest")
    return rotate(drive, rotation)


def standardized(columns: list[np.ndarray], used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put states side by side, each scaled to unit root mean square in the milliseconds that are used.

    Values are rounded to 1/256, so that the file of the truth is small and the rates are exactly the truth's.

    Args:
        columns: parts of the state, (length, some) each.
        used: milliseconds, of a few thousand.

    Returns:
        (length, D) float32, and the (D,) factors the columns were multiplied by.
    """
    latents = np.concatenate(columns, axis=1)
    scales = 1.0 / np.sqrt((latents[used].astype(np.float64) ** 2).mean(axis=0))
    latents *= scales.astype(np.float32) * np.float32(GRID)
    np.rint(latents, out=latents)
    latents /= np.float32(GRID)
    return latents, scales
