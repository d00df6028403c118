"""Generated reaching sessions: mazes (mc_maze*), bumps and reaches (area2_bump), target to target (mc_rtt).

Hand velocity is a linear readout of two rotations, one per axis, read at the recording's lag. Other latent states hold
the plan, the trigger of any movement, the hand's posture, and a slow wandering.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raysp.data.nlb.sets import NLBSet
from raysp.data.standin.dynamics import Rotation, hold, pulses, rotate, standardized, wander
from raysp.data.standin.session import Content, Signal, Size, inside, on_phase, order, window_sample

REACH = Rotation(hz=1.5, decay_ms=120.0)
TRIGGER = Rotation(hz=2.2, decay_ms=150.0)
SLOW = Rotation(hz=0.6, decay_ms=300.0)
PULSE_MS = 28.0
RISE_MS = 35.0
ERROR = 0.12
SEGMENT_MS = 600
CHUNK = 15
# Two axes of reaching, the trigger, two axes of planning, posture, wandering; where hands are bumped, the bump.
WEIGHTS = (1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.6, 0.6, 0.8, 0.8, 0.3, 0.3, 0.4, 0.4)
MAZE_REACH_MM, BUMP_MM, GRID_MM = 100.0, 40.0, 20.0
WAY_MM = (50.0, 100.0)


@dataclass(frozen=True)
class Moves:
    """Every movement of a session.

    Attributes:
        at_ms: (moves,) onset.
        vector: (moves,) displacement, mm, as complex numbers x + iy.
        plan_ms: (moves,) begin of its preparation; equal to `at_ms` for none.
        kind: (moves,) 1.0 for instructed movements, -1.0 for imposed ones, 0.0 for the way back.
    """

    at_ms: np.ndarray
    vector: np.ndarray
    plan_ms: np.ndarray
    kind: np.ndarray


def maze(rng: np.random.Generator, nlb: NLBSet, size: Size) -> Content:
    """Return a session of delayed reaches; `trial_type` is the target, `trial_version` 0 straight, 1 and 2 curved."""
    labels, condition = order(rng, size)
    count, versions = len(labels), 3 if size.conditions % 27 == 0 else 2
    trial_type, version = condition // versions, condition % versions
    delay, reaction = rng.integers(350, 900, count), rng.integers(250, 400, count)
    since_start = rng.integers(250, 400, count) + delay + reaction
    length = since_start + rng.integers(1150, 1350, count)
    start = 500 + np.cumsum(length) - length + np.cumsum(rng.integers(100, 300, count))
    move = start + since_start
    move = np.where(labels == "test", on_phase(nlb, move), move)
    trials = {
        "start_time": start, "stop_time": start + length, "target_on_time": move - reaction - delay,
        "go_cue_time": move - reaction, "move_onset_time": move, "rt": reaction, "delay": delay, "split": labels,
        "trial_type": trial_type, "trial_version": version, "maze_id": trial_type + 1, "success": np.ones(count, bool),
    }  # fmt: skip
    angle = 2 * np.pi * trial_type * 0.618034 + ERROR * rng.standard_normal(count)
    out = MAZE_REACH_MM * (0.8 + 0.4 * (trial_type % 2)) * np.exp(1j * angle)
    out *= 1 + ERROR * rng.standard_normal(count)
    bend = 0.5j * out * np.array([0.0, 1.0, -1.0])[version]
    moves = _joined(
        Moves(move, out, trials["target_on_time"], np.ones(count)),
        _unplanned(move + 90, bend),
        _unplanned(move + 230, -bend),
        _unplanned(move + 800, -out),
    )
    sampled = inside(int(trials["stop_time"][-1]) + 400, start, trials["stop_time"])
    return _content(rng, nlb, trials, moves, sampled, "hand")


def bumps(rng: np.random.Generator, nlb: NLBSet, size: Size) -> Content:
    """Return a session of reaches (`ctr_hold_bump` 0) and of bumps to the resting hand (1), in several directions."""
    labels, condition = order(rng, size)
    count, directions = len(labels), size.conditions // 2
    bump, direction = condition % 2 == 1, condition // 2 * (360 // directions)
    length = rng.integers(2300, 3000, count)
    start = 500 + np.cumsum(length) - length
    move = start + rng.integers(800, 1200, count)
    move = np.where(labels == "test", on_phase(nlb, move), move)
    trials = {
        "start_time": start, "stop_time": start + length, "move_onset_time": move,
        "bump_time": np.where(bump, move, np.nan), "target_on_time": move - 400, "go_cue_time": move - 200,
        "split": labels, "result": np.full(count, "R"), "ctr_hold_bump": bump, "ctr_hold": np.ones(count, bool),
        "cond_dir": direction.astype(np.float64), "bump_dir": np.where(bump, direction, np.nan),
        "target_dir": np.where(bump, np.nan, direction),
    }  # fmt: skip
    reach = np.where(bump, BUMP_MM, MAZE_REACH_MM) * np.exp(1j * np.deg2rad(direction))
    reach = reach * (1 + ERROR * rng.standard_normal(count)) * np.exp(1j * ERROR * rng.standard_normal(count))
    moves = _joined(
        Moves(move, reach, np.where(bump, move, move - 400), np.where(bump, -1.0, 1.0)),
        _unplanned(np.where(bump, move + 170, move + 900), -reach),
    )
    return _content(rng, nlb, trials, moves, np.ones(int(trials["stop_time"][-1]) + 400, dtype=bool), "hand")


def targets(rng: np.random.Generator, nlb: NLBSet, size: Size) -> Content:
    """Return a session of reaches from target to target on a grid, cut into trials of 600 ms back to back.

    Chunks of trials end with one marked none, and each is all test or all train and val.
    """
    labels = _chunks(rng, size)
    start = SEGMENT_MS * np.arange(len(labels))
    trials = {"start_time": start, "stop_time": start + SEGMENT_MS, "split": labels}
    length = SEGMENT_MS * (len(labels) + 2)
    at = 300 + np.cumsum(rng.integers(550, 950, length // 550))
    at = at[at < length - 200]
    way = np.diff(_places(rng, len(at) + 1))
    moves = Moves(at, way, at - 220, np.ones(len(at)))
    content = _content(rng, nlb, trials, moves, np.ones(length, dtype=bool), "finger")
    target = np.zeros((length, 2))
    np.add.at(target, np.maximum(at - 220, 0), np.column_stack([way.real, way.imag]))
    content.signals["target_pos"] = Signal(np.cumsum(target, axis=0), ("x", "y"), "mm")
    return content


def _places(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return targets on an 8 x 8 grid, mm, as complex numbers, (count,); each at arm's length from the one before."""
    axis = GRID_MM * (np.arange(8) - 3.5)
    grid = (axis[:, None] + 1j * axis).ravel()
    places = [grid[0]]
    for _ in range(count - 1):
        far = np.abs(grid - places[-1])
        places.append(rng.choice(grid[(far >= WAY_MM[0]) & (far <= WAY_MM[1])]))
    return np.array(places)


def _chunks(rng: np.random.Generator, size: Size) -> np.ndarray:
    known = rng.permutation(np.repeat(["train", "val"], [size.train, size.val]))
    parts = [
        np.append(group[low : low + CHUNK], "none")
        for group in (known, np.full(size.test, "test"))
        for low in range(0, len(group), CHUNK)
    ]
    order_of = rng.permutation(len(parts))
    return np.concatenate([["none", "none"], *(parts[one] for one in order_of), ["none"]])


def _content(
    rng: np.random.Generator,
    nlb: NLBSet,
    trials: dict[str, np.ndarray],
    moves: Moves,
    sampled: np.ndarray,
    limb: str,
) -> Content:
    length = len(sampled)
    align = trials[nlb.align][np.isin(trials["split"], ("train", "val", "test"))].astype(np.int64)
    used = window_sample(rng, nlb, align)
    latents, scales = standardized(_states(rng, length, moves, nlb.lag_ms), used)
    velocity = _shifted(latents[:, [1, 3]] / scales[[1, 3]].astype(np.float32), nlb.lag_ms)
    velocity = np.round(velocity.astype(np.float64) * (1000.0 / REACH.area), 2)
    position = np.round(np.cumsum(velocity, axis=0) / 1000.0, 3)
    signals = {
        f"{limb}_vel": Signal(velocity, ("x", "y"), "mm/s"),
        f"{limb}_pos": Signal(position, ("x", "y"), "mm"),
    }
    return Content(trials, latents, np.array(WEIGHTS[: latents.shape[1]]), signals, sampled)


def _states(rng: np.random.Generator, length: int, moves: Moves, lag_ms: int) -> list[np.ndarray]:
    at = moves.at_ms - lag_ms
    trigger = np.abs(moves.kind)
    planned = moves.plan_ms < moves.at_ms
    begin, end = np.clip([moves.plan_ms[planned] - lag_ms, at[planned]], 0, length)
    plan = moves.vector[planned]
    axes = [rotate(pulses(length, at, part, PULSE_MS), REACH) for part in (moves.vector.real, moves.vector.imag)]
    states = [
        *axes,
        rotate(pulses(length, at, trigger, PULSE_MS), TRIGGER),
        hold(length, begin, end, plan.real, RISE_MS),
        hold(length, begin, end, plan.imag, RISE_MS),
        *(np.cumsum(axis[:, 1:], axis=0, dtype=np.float64).astype(np.float32) for axis in axes),
        wander(rng, length, SLOW),
    ]
    if (moves.kind < 0).any():
        states.append(rotate(pulses(length, at, np.minimum(moves.kind, 0.0), PULSE_MS), TRIGGER))
    return states


def _shifted(values: np.ndarray, lag_ms: int) -> np.ndarray:
    # Behaviour at t + lag belongs to the latent state at t.
    result = np.zeros_like(values)
    if lag_ms >= 0:
        result[lag_ms:] = values[: len(values) - lag_ms]
    else:
        result[:lag_ms] = values[-lag_ms:]
    return result


def _unplanned(at_ms: np.ndarray, vector: np.ndarray) -> Moves:
    return Moves(at_ms, vector, at_ms, np.zeros(len(at_ms)))


def _joined(*parts: Moves) -> Moves:
    return Moves(*(np.concatenate([getattr(part, name) for part in parts]) for name in Moves.__dataclass_fields__))
