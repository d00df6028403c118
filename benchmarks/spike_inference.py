"""CPU microseconds to infer the spikes of a window: raysp's compiled infer_spikes against plain Python and numpy.

    python benchmarks/spike_inference.py [--recording chicken.tar.gz] [--windows 6000] [--plain 100] [--rounds 5]

The plain form, below, is the same algorithm as Doran et al. 2024 describe it: a linked list of candidates, and a few
numpy operations for each question whether one is needed. Both take the exact distances of windows and the same with
noise, the error of a network that knows the truth roughly: independent in each bin, or smooth over bins. Windows are
those of a recording given, every cell's test part, else of generated spikes. The two take turns in one process with one
thread; the median of the rounds, and the ratio. The plain form gets a part of the windows, evenly taken, and must find
the same spikes there.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from raysp.objectives.spike_distance import AT_SPIKE, CLAMP, LENGTH, PAST, distances, neighbours
from raysp.objectives.spike_inference import infer_spikes, last_spike

HISTORY = 992


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recording", help="path of the retina archive; generated spikes without it")
    parser.add_argument("--windows", type=int, default=6000)
    parser.add_argument("--plain", type=int, default=100, help="windows for the plain form")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    spikes = recorded(args.recording) if args.recording else generated()
    exact, known = windows(spikes, args.windows)
    print(f"{len(exact)} windows of {LENGTH} bins, {spikes.shape[1]} cells, {'recorded' if args.recording else 'made'}")
    began = time.perf_counter()
    infer_spikes(exact[:1], known[:1])
    print(f"first call, compiled or read from the cache: {time.perf_counter() - began:.2f} s")
    for name, found in noisy(exact).items():
        fast, slow = turns(found, known, args.plain, args.rounds)
        print(f"{name:13} plain {slow * 1e6:9.1f} us per window   raysp {fast * 1e6:7.2f} us   ratio {slow / fast:.0f}")


def generated(bins: int = 89_286, cells: int = 60) -> np.ndarray:
    """Spikes at 0.8 to 8 Hz, in bursts as often as not: (bins, cells)."""
    rng = np.random.default_rng(0)
    begins = rng.random((bins, cells)) < np.geomspace(0.8, 8, cells) / 1000 / 1.75
    spikes = begins.copy()
    for _ in range(3):
        begins = begins & (rng.random(begins.shape) < 0.5)
        begins = np.roll(begins, rng.integers(2, 8), axis=0)
        spikes |= begins
    return spikes.astype(np.uint8)


def recorded(path: str) -> np.ndarray:
    from raysp.data.sources import retina

    split, _ = retina.build(retina.Config(path=path), "chicken")
    return np.concatenate([split.spikes[start:stop] for start, stop in split.parts["test"]])


def windows(spikes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Exact distances (windows, length) and the last true spike (windows,), evenly over time, all cells."""
    last = len(spikes) - (LENGTH - PAST) - CLAMP
    starts = np.linspace(HISTORY, last, max(count // spikes.shape[1], 1)).astype(int)
    tables = (torch.from_numpy(table) for table in neighbours(spikes))
    found = distances(*tables, torch.from_numpy(starts)).flatten(0, 1).numpy()
    known = np.stack([last_spike(spikes[start - HISTORY : start].T) for start in starts], axis=1)
    return found, known.ravel()


def noisy(exact: np.ndarray) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    smooth = gaussian_filter1d(rng.normal(0, 1.5, exact.shape), 6, axis=1)
    return {
        "exact": exact,
        "noise": (exact * np.exp(rng.normal(0, 0.3, exact.shape))).astype(np.float32),
        "smooth noise": (exact * np.exp(smooth)).astype(np.float32),
    }


def turns(found: np.ndarray, known: np.ndarray, part: int, rounds: int) -> tuple[float, float]:
    """Return CPU seconds per window, compiled and plain."""
    some = np.linspace(0, len(found) - 1, min(part, len(found))).astype(int)
    ours, others = [], []
    for _ in range(rounds):
        began = time.process_time()
        spikes = infer_spikes(found, known)
        ours.append((time.process_time() - began) / len(found))
        began = time.process_time()
        same = [plain(found[i], int(known[i])) for i in some]
        others.append((time.process_time() - began) / len(some))
        if not np.array_equal(spikes[some], same):
            raise SystemExit("the two forms found different spikes")
    return statistics.median(ours), statistics.median(others)


class Candidate:
    def __init__(self, place: int) -> None:
        self.place = place
        self.left: Candidate | None = None
        self.right: Candidate | None = None
        self.gain = np.nan


def plain(
    found: np.ndarray, known: int, past: int = PAST, clamp: int = CLAMP, refractory: int = 0,
    score: np.ndarray | None = None, logs: bool = False,
) -> np.ndarray:  # fmt: skip
    """Infer the spikes of one window, (length - past,) uint8; score: (length,) ranks the first pass."""
    shown = np.log if logs else np.asarray
    found, length = found.astype(np.float64), len(found)
    score = found if score is None else score
    known += past
    bins, weight = np.arange(length), np.linspace(1.0, 0.3, length + 1)[:length]
    alone = np.where(bins == known, AT_SPIKE, np.abs(bins - known)) if known >= 0 else bins - known + AT_SPIKE
    alone = np.minimum(alone, clamp)
    inside = [Candidate(place) for place in range(past, length)]
    beyond = [Candidate(place) for place in range(length + 100, 3 * length, 20)]
    chain = ([Candidate(known)] if known >= 0 else []) + inside + beyond
    for one, other in itertools.pairwise(chain):
        one.right, other.left = other, one
    todo = sorted(inside, key=lambda one: -score[one.place]) + beyond
    while True:
        kept = [one for one in todo if not removed(one, shown(found), alone, weight, shown)]
        if len(kept) == len(todo):
            break
        todo = sorted(kept, key=lambda one: np.inf if np.isnan(one.gain) else -one.gain)
    spikes = np.zeros(length - past, np.uint8)
    for one in sorted(todo, key=lambda one: one.place):
        if one.place < length and one.place - known > refractory:
            spikes[one.place - past] = 1
            known = one.place
    return spikes


def removed(
    one: Candidate, found: np.ndarray, alone: np.ndarray, weight: np.ndarray, shown: Callable = np.asarray
) -> bool:
    """Take a candidate from the list if its territory is explained better without it, and say whether."""
    left, right, length = one.left, one.right, len(found)
    start = 0 if left is None else min((one.place + left.place + 1) // 2, length)
    stop = length if right is None else min(1 + (one.place + right.place) // 2, length)
    if start >= stop:
        one.gain = np.nan
        return False
    bins = np.arange(start, stop)
    own = np.where(bins == one.place, AT_SPIKE, np.abs(bins - one.place))
    rest = np.full(len(bins), np.inf)
    if left is not None:
        rest = np.minimum(rest, bins - left.place)
    if right is not None:
        rest = np.minimum(rest, right.place - bins)
    keep, remove = (
        np.mean(weight[start:stop] * (shown(np.minimum(other, alone[start:stop])) - found[start:stop]) ** 2)
        for other in (own, rest)
    )
    one.gain = keep - remove
    if not remove < keep:
        return False
    if left is not None:
        left.right = right
    if right is not None:
        right.left = left
    return True


if __name__ == "__main__":
    main()
