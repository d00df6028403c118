"""One generated session before it is cut into a training and a test file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raysp.data.nlb.sets import FORWARD_MS, NLBSet
from raysp.errors import unknown

PHASE_MS = 20


@dataclass(frozen=True)
class Size:
    """How much is generated.

    Attributes:
        heldin: held-in units.
        heldout: held-out units.
        train: trials marked train.
        val: trials marked val.
        test: trials marked test.
        conditions: distinct conditions of the task.
    """

    heldin: int
    heldout: int
    train: int
    val: int
    test: int
    conditions: int


@dataclass(frozen=True)
class Signal:
    """A signal sampled at 1 kHz for the whole session.

    Attributes:
        values: (length, channels).
        channels: their names.
        unit: physical unit.
    """

    values: np.ndarray
    channels: tuple[str, ...]
    unit: str


@dataclass(frozen=True)
class Content:
    """What happens in a session: its trials, its latent states, what was measured.

    Attributes:
        trials: column -> (trials,) values; "_time" columns in whole ms, turned to seconds by the writer. Splits are
            train, val, test and none, in the order of time.
        latents: (length, D) float32.
        weights: (D,) how strongly units read each state.
        signals: name -> signal.
        sampled: (length,) True where behaviour was measured.
    """

    trials: dict[str, np.ndarray]
    latents: np.ndarray
    weights: np.ndarray
    signals: dict[str, Signal]
    sampled: np.ndarray


SMALL = {
    "mc_maze": Size(20, 6, 60, 20, 16, 6),
    "mc_rtt": Size(20, 6, 180, 60, 40, 0),
    "area2_bump": Size(18, 6, 64, 24, 16, 8),
    "dmfc_rsg": Size(16, 5, 96, 32, 24, 8),
    "mc_maze_large": Size(18, 6, 48, 16, 12, 6),
    "mc_maze_medium": Size(16, 5, 36, 12, 12, 6),
    "mc_maze_small": Size(16, 5, 30, 12, 12, 6),
}
# Trials as in the released recordings; dmfc_rsg's, whose second release is not counted anywhere, as in its first.
REAL = {
    "mc_maze": (1721, 574, 574, 108),
    "mc_rtt": (810, 270, 272, 0),
    "area2_bump": (272, 92, 98, 16),
    "dmfc_rsg": (741, 248, 252, 40),
    "mc_maze_large": (375, 125, 100, 27),
    "mc_maze_medium": (188, 62, 100, 27),
    "mc_maze_small": (75, 25, 100, 27),
}
SIZES = ("small", "real")


def size_of(nlb: NLBSet, size: str) -> Size:
    """Return how much is generated of a recording at a size; raises BadInput for an unknown size."""
    if size not in SIZES:
        raise unknown("size", size, SIZES)
    return SMALL[nlb.name] if size == "small" else Size(nlb.heldin, nlb.heldout, *REAL[nlb.name])


def order(rng: np.random.Generator, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Draw the trials' order: each split has every condition about equally often.

    Returns:
        (trials,) names of splits and (trials,) conditions; the first and the last trial are none.
    """
    counts, conditions = [size.train, size.val, size.test], max(size.conditions, 1)
    labels = np.repeat(np.array(["train", "val", "test"]), counts)
    balanced = [rng.permutation(conditions)[np.arange(count) % conditions] for count in counts if count]
    shuffled = rng.permutation(len(labels))
    ends = rng.integers(0, conditions, 2)
    return (
        np.concatenate([["none"], labels[shuffled], ["none"]]),
        np.concatenate([ends[:1], np.concatenate(balanced)[shuffled], ends[1:]]),
    )


def on_phase(nlb: NLBSet, align_ms: np.ndarray) -> np.ndarray:
    """Return align times (ms) moved earlier by under 20 ms, so that their windows begin at a whole 20-ms bin."""
    return align_ms - (align_ms + nlb.window_ms[0]) % PHASE_MS


def seconds(trials: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return a table of trials with its "_time" columns in s."""
    return {name: values / 1000.0 if name.endswith("_time") else values for name, values in trials.items()}


def hidden(content: Content) -> np.ndarray:
    """Mark the milliseconds of test trials, which the training file does not show, (length,) booleans."""
    test = content.trials["split"] == "test"
    return inside(len(content.latents), content.trials["start_time"][test], content.trials["stop_time"][test])


def inside(length: int, begin_ms: np.ndarray, end_ms: np.ndarray) -> np.ndarray:
    """Mark the milliseconds of some stretches, (length,) booleans."""
    mask = np.zeros(length, dtype=bool)
    for begin, end in zip(begin_ms, end_ms, strict=True):
        mask[begin:end] = True
    return mask


def window_sample(rng: np.random.Generator, nlb: NLBSet, align_ms: np.ndarray, most: int = 20000) -> np.ndarray:
    """Return some of the milliseconds that lie in the trials' windows or the forward bins after them, ascending."""
    begin, end = nlb.window_ms
    every = (align_ms[:, None] + np.arange(begin, end + FORWARD_MS)).ravel()
    return np.sort(rng.choice(every, min(most, len(every)), replace=False))
