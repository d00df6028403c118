"""From the rate of a sensor to bins: a step-wise constant signal is spread out, low-pass filtered and thinned."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import scipy

from raysp.errors import BadInput

LARGEST = 13
"""Larger factors are split in stages, as SciPy advises. A prime above it cannot be, and is a stage of its own."""


def stages(factor: int) -> tuple[int, ...]:
    """Return the factors of the stages that together thin a signal by `factor`, smallest first.

    There are as few stages as `LARGEST` allows; among those ways, the one whose first factor is the smallest. The order
    changes the result in its last digits: 18 is 2, then 9, as in the spike distance of Doran et al. 2024.

    Raises:
        BadInput: the factor is less than 1.
    """
    if factor < 1:
        raise BadInput(f"downsample expected a whole number of at least 1, got {factor}")
    return () if factor == 1 else min(_ways(factor, 2), key=lambda way: (len(way), way))


def _ways(factor: int, least: int) -> Iterator[tuple[int, ...]]:
    if _one_stage(factor):
        yield (factor,)
    for first in range(least, math.isqrt(factor) + 1):
        if factor % first == 0 and _one_stage(first):
            yield from ((first, *rest) for rest in _ways(factor // first, first))


def _one_stage(factor: int) -> bool:
    return factor <= LARGEST or all(factor % divisor for divisor in range(2, math.isqrt(factor) + 1))


def decimated_steps(values: np.ndarray, starts: np.ndarray, samples: int, factor: int) -> np.ndarray:
    """Return a step-wise constant signal at a lower rate, each stage by SciPy's zero-phase FIR decimation.

    The filter of a stage has a Hamming window of 20 q + 1 taps for its factor q, so edges overshoot; outside the
    recording the signal is taken for 0. One channel at a time: at the sensor's rate a recording is large.

    Args:
        values: (steps,) the signal's values.
        starts: (steps,) first sample of each step, strictly increasing from 0; the last one lasts to the end.
        samples: of the recording, at the sensor's rate.
        factor: samples per bin.

    Returns:
        (ceil(samples / factor),) float64.
    """
    signal = np.repeat(np.asarray(values, dtype=np.float64), np.diff(starts, append=samples))
    for stage in stages(factor):
        signal = scipy.signal.decimate(signal, stage, ftype="fir")
    return signal
