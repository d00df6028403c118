"""CPU seconds of one cell's curves over smoothing: raysp's sums over pairs of spikes against smoothing the trains.

    python benchmarks/spike_metrics.py [--bins 88080] [--rates 2 8] [--sigmas 151] [--rounds 5]

Both compute Schreiber similarity, smoothed Pearson correlation and van Rossum distance of two independent Poisson
trains at sigma 0, 1, 2, ... ms, in one process with one thread. The plain form filters both trains anew for each sigma,
as the definitions read. Median of the rounds for raysp, its first call apart (it makes tables that later cells share);
one round of the plain form; the ratio, and the largest difference between the two.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import fftconvolve

from raysp.evaluation.spike_trains import curves

BIN_MS = 18 / 17.852767845719834


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bins", type=int, default=88_080, help="of 1.008 ms")
    parser.add_argument("--rates", type=float, nargs="+", default=[2.0, 8.0], help="of both trains, Hz")
    parser.add_argument("--sigmas", type=int, default=151, help="0, 1, 2, ... ms, so many")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    sigmas = np.arange(args.sigmas)
    print(f"one cell, {args.bins} bins, {args.sigmas} sigmas x 3 measures, CPU, one thread")
    for rate in args.rates:
        trains = np.random.default_rng(0).poisson(rate * BIN_MS / 1000, (2, args.bins))
        first, _ = timed(curves, *trains, sigmas)
        rounds = [timed(curves, *trains, sigmas) for _ in range(args.rounds)]
        ours, found = statistics.median(seconds for seconds, _ in rounds), rounds[0][1]
        slow, expected = timed(plain, *trains, sigmas)
        apart = max(np.abs(found[name] - expected[name]).max() for name in expected)
        print(
            f"{rate:g} Hz, {trains[0].sum()} and {trains[1].sum()} spikes: plain {slow:8.2f} s   raysp {ours:7.3f} s "
            f"(first {first:.3f} s)   ratio {slow / ours:.0f}   largest difference {apart:.1e}"
        )


def timed(measure, true: np.ndarray, predicted: np.ndarray, sigmas: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
    start = time.process_time()
    result = measure(true, predicted, BIN_MS, sigmas)
    return time.process_time() - start, result


def plain(true: np.ndarray, predicted: np.ndarray, bin_ms: float, sigmas: np.ndarray) -> dict[str, np.ndarray]:
    """Return the curves as they are defined; no train may be empty."""
    trains = np.stack([true, predicted]).astype(np.float64)
    similarity, correlation, distance = (np.empty(len(sigmas)) for _ in range(3))
    for row, sigma in enumerate(sigmas):
        first, second = smoothed(trains, sigma / bin_ms, "constant")
        similarity[row] = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
        correlation[row] = np.corrcoef(smoothed(trains, sigma / bin_ms, "reflect"))[0, 1]
        t = max(sigma / bin_ms, 0.25)
        kernel = np.exp(-np.arange(1001) / t)
        first, second = (fftconvolve(train, kernel)[: len(train)] for train in trains)
        distance[row] = np.sqrt(2 / t * np.sum((first - second) ** 2))
    return {"Schreiber": similarity, "smoothed Pearson": correlation, "van Rossum": distance}


def smoothed(trains: np.ndarray, width: float, mode: str) -> np.ndarray:
    return gaussian_filter1d(trains, width, axis=1, mode=mode, truncate=4.0) if width > 0 else trains


if __name__ == "__main__":
    main()
