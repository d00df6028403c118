"""A generated session of measuring and reproducing intervals (dmfc_rsg), in the manner of Sohn et al. 2019.

Two flashes, ready and set, bound a sample interval `ts`; the animal answers `tp` after set. Between set and go the
latent state runs along one curve at a speed that is inverse to `tp`: the faster it runs, the sooner go comes.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from raysp.data.nlb.sets import NLBSet
from raysp.data.standin.dynamics import Rotation, hold, pulses, rotate, standardized, wander
from raysp.data.standin.session import Content, Size, on_phase, order, window_sample

SHORT_MS, LONG_MS = (480, 560, 640, 720, 800), (800, 900, 1000, 1100, 1200)
RISE_MS = 30.0
PULSE_MS = 30.0
FLASH = Rotation(hz=3.0, decay_ms=90.0)
ANSWER = Rotation(hz=1.5, decay_ms=120.0)
SLOW = Rotation(hz=0.5, decay_ms=350.0)
SCALAR_NOISE, PULL_TO_MEAN = 0.11, 0.2
OUTLIERS = 0.03
# Curve (2), ramp, speed, contexts (2 or 3), flashes (2), answer (2), wandering (2).
WEIGHTS = {"clock": (1.2, 1.2, 0.8), "speed": (0.5,), "context": (0.5,), "rest": (0.3, 0.3, 0.5, 0.5, 0.2, 0.2)}
EFFECTORS = 40


def intervals(rng: np.random.Generator, nlb: NLBSet, size: Size) -> Content:
    """Return a session: every combination of direction, prior, sample interval and, of 40 conditions, effector."""
    labels, condition = order(rng, size)
    short, theta, eye, sample = _conditions(condition, size.conditions)
    produced = _produced(rng, short, sample)
    count = len(labels)
    ready_after = rng.integers(600, 900, count)
    length = ready_after + sample + produced + rng.integers(550, 750, count)
    start = 1600 + np.cumsum(length) - length
    go = start + ready_after + sample + produced
    go = np.where(labels == "test", on_phase(nlb, go), go)
    trials = {
        "start_time": start, "stop_time": start + length, "ready_time": go - produced - sample,
        "set_time": go - produced, "go_time": go, "split": labels, "is_short": short, "is_eye": eye,
        "theta": theta.astype(np.float64), "ts": sample.astype(np.float64), "tp": produced.astype(np.float64),
        "iti": ready_after.astype(np.float64),
        "is_outlier": ((rng.random(count) < OUTLIERS) & (labels != "test")).astype(np.int64),
    }  # fmt: skip
    total = int(trials["stop_time"][-1]) + 600
    context = _context(total, trials)
    speed = hold(total, trials["set_time"], trials["go_time"], 800.0 / trials["tp"], RISE_MS)
    states = [_clock(total, trials), speed, *context, *_events(total, trials), wander(rng, total, SLOW)]
    latents, _ = standardized(states, window_sample(rng, nlb, go[labels != "none"]))
    weights = (*WEIGHTS["clock"], *WEIGHTS["speed"], *WEIGHTS["context"] * len(context), *WEIGHTS["rest"])
    return Content(trials, latents, np.array(weights), {}, np.zeros(total, dtype=bool))


def _conditions(condition: np.ndarray, conditions: int) -> tuple[np.ndarray, ...]:
    effectors = 2 if conditions == EFFECTORS else 1
    short, theta, eye = condition % 2 == 0, condition // 2 % 2 * 180, condition // 4 % effectors == 0
    samples = conditions // (4 * effectors)
    index = np.rint(np.linspace(0, 4, samples)).astype(int)[condition // (4 * effectors)]
    return short, theta, eye, np.where(short, np.array(SHORT_MS)[index], np.array(LONG_MS)[index])


def _produced(rng: np.random.Generator, short: np.ndarray, sample: np.ndarray) -> np.ndarray:
    # Noise in proportion to the interval, and the pull to the prior's mean that a good observer shows.
    mean = np.where(short, np.mean(SHORT_MS), np.mean(LONG_MS))
    aim = sample + PULL_TO_MEAN * (mean - sample)
    return np.rint(np.clip(aim * (1 + SCALAR_NOISE * rng.standard_normal(len(aim))), 350, 1480)).astype(np.int64)


def _clock(total: int, trials: dict[str, np.ndarray]) -> np.ndarray:
    """Return the curve (2) that is run along between set and go, and the ramp to go, (total, 3) float32."""
    state = np.zeros((total, 3), dtype=np.float32)
    for ready, begin, go in zip(trials["ready_time"], trials["set_time"], trials["go_time"], strict=True):
        state[ready:begin, 0] = np.arange(begin - ready) / 1000.0
        along = np.arange(go - begin) / (go - begin)
        state[begin:go] = np.column_stack([np.cos(1.2 * np.pi * along), np.sin(1.2 * np.pi * along), along**2])
        after = np.exp(-np.arange(500) / 120.0)
        state[go : go + 500] += after[:, None] * state[go - 1]
    return ndimage.gaussian_filter1d(state, RISE_MS, axis=0, mode="nearest")


def _context(total: int, trials: dict[str, np.ndarray]) -> list[np.ndarray]:
    begin, end = trials["start_time"] + 100, trials["go_time"] + 450
    signs = [np.where(trials[name], 1.0, -1.0) for name in ("is_short", "theta", "is_eye")]
    return [hold(total, begin, end, sign, RISE_MS) for sign in signs if len(np.unique(sign)) > 1]


def _events(total: int, trials: dict[str, np.ndarray]) -> list[np.ndarray]:
    flashes = np.concatenate([trials["ready_time"], trials["set_time"]]) + 60
    answer = np.where(trials["theta"] > 0, 1.0, -1.0)
    return [
        rotate(pulses(total, flashes, np.ones(len(flashes)), PULSE_MS), FLASH),
        rotate(pulses(total, trials["go_time"] + 30, answer, PULSE_MS), ANSWER),
    ]
