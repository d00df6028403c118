"""CPU seconds of the benchmark's metrics: nlb_tools against raysp's fast form, on arrays of the real sizes.

    python benchmarks/evaluate.py [--dataset mc_maze] [--bin 5] [--repeats 3]

Rates and behaviour are drawn at random: the cost hardly depends on them. Each form runs in child processes of its own
with one thread; arrays and imports are there before the clock starts. Both compute co-bps, fp-bps, vel R2 (or tp corr)
and psth R2. Best of the repeats, and the largest difference between the two forms' numbers.

The floor, mc_maze at 5 ms: the second moments of n = 1721 trials x 140 bins = 240,940 rows of p = 182 neurons take
n p (p + 1) = 8.0 Gflop however few penalties are tried (a symmetric product is half of 2 n p^2); six
eigendecompositions of p x p matrices about 6 x 9 p^3 = 0.3 Gflop; predicting the evaluation rows 2 x 80,360 x p x 2 =
0.06 Gflop. The judge's 45 regressions of cross-validation take 0.8 n p^2 each, the last one n p^2: 37 times as much.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np

from raysp.data.splits.population import Answers, Sizes, TrialArrays
from raysp.evaluation.nlb import benchmark_metrics

# Held-in, held-out, training trials, evaluation trials, bins of 5 ms, conditions; the validation phase.
SIZES = {
    "mc_maze": (137, 45, 1721, 574, 140, 108),
    "mc_rtt": (98, 32, 810, 270, 120, 0),
    "area2_bump": (49, 16, 272, 92, 120, 16),
    "dmfc_rsg": (40, 14, 741, 248, 300, 40),
    "mc_maze_large": (122, 40, 375, 125, 140, 27),
    "mc_maze_medium": (114, 38, 188, 62, 140, 27),
    "mc_maze_small": (107, 35, 75, 25, 140, 27),
}
FORMS = ("nlb_tools", "fast")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", choices=SIZES, default="mc_maze")
    parser.add_argument("--bin", type=int, choices=(5, 20), default=5, help="bin width, ms")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--form", choices=FORMS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.form:
        print(json.dumps(measure(args.form, args.dataset, args.bin)))
        return
    print(f"{args.dataset}, {args.bin} ms bins: CPU seconds, one thread, best of {args.repeats}")
    results = {form: best_of_children(form, args) for form in FORMS}
    for form, result in results.items():
        metrics = ", ".join(f"{name} {value:.6f}" for name, value in sorted(result["metrics"].items()))
        print(f"{form:>10} {result['cpu_s']:8.3f} s   peak {result['peak_mb']:5.0f} MB   {metrics}")
    theirs, ours = (results[form] for form in FORMS)
    difference = max(abs(ours["metrics"][name] - value) for name, value in theirs["metrics"].items())
    print(f"{'ratio':>10} {theirs['cpu_s'] / ours['cpu_s']:8.1f} x   largest difference {difference:.1e}")


def best_of_children(form: str, args: argparse.Namespace) -> dict:
    command = [sys.executable, __file__, "--dataset", args.dataset, "--bin", str(args.bin), "--form", form]
    one_thread = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    runs = [
        json.loads(subprocess.run(command, env=one_thread, check=True, stdout=subprocess.PIPE).stdout)
        for _ in range(args.repeats)
    ]
    return min(runs, key=lambda run: run["cpu_s"])


def measure(form: str, dataset: str, bin_ms: int) -> dict:
    targets, train, rates = problem(dataset, bin_ms)
    if form == "fast":
        started = time.process_time()
        wanted = benchmark_metrics(
            targets, rates["eval"], rates["eval_forward"], train=train, train_rates=rates.get("train")
        )
        metrics = {name: compute() for name, compute in wanted.items()}
    else:
        from nlb_tools.evaluation import evaluate

        group = dataset + ("_20" if bin_ms == 20 else "")
        truth, submission = nlb_form(targets, train, rates)
        started = time.process_time()
        verdict = evaluate({group: truth}, {group: submission})
        metrics = {name.rpartition("] ")[2]: float(value) for name, value in next(iter(verdict[0].values())).items()}
    cpu_s = time.process_time() - started
    return {"cpu_s": cpu_s, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "metrics": metrics}


def problem(dataset: str, bin_ms: int) -> tuple[Answers, TrialArrays, dict[str, np.ndarray]]:
    heldin, heldout, n_train, n_eval, bins, conditions = SIZES[dataset]
    bins, forward = bins * 5 // bin_ms, 200 // bin_ms
    rng = np.random.default_rng(0)
    interval = dataset == "dmfc_rsg"
    sizes = Sizes(dataset, bin_ms, bins, heldin, heldout, forward, 5 if interval else 2)

    def rates(trials: int, length: int) -> np.ndarray:
        return rng.gamma(2.0, 0.02 * bin_ms / 5, (trials, length, sizes.units)).astype(np.float32)

    def behavior(trials: int, latent: np.ndarray) -> np.ndarray:
        if interval:
            return np.column_stack([rng.integers(0, 2, (trials, 3)), rng.uniform(400, 1200, (trials, 2))])
        return latent[..., :8].sum(axis=-1, keepdims=True) + rng.standard_normal((trials, bins, 2)) * 0.1

    def part(trials: int, observed: np.ndarray, **more: np.ndarray | None) -> TrialArrays:
        counts = rng.poisson(observed).astype(np.float32)
        return TrialArrays(counts[..., :heldin], counts[..., heldin:], behavior=behavior(trials, observed), **more)

    predicted = {"train": rates(n_train, bins), "eval": rates(n_eval, bins), "eval_forward": rates(n_eval, forward)}
    ahead = rng.poisson(predicted["eval_forward"]).astype(np.float32)
    answers = part(
        n_eval,
        predicted["eval"],
        heldin_forward=ahead[..., :heldin],
        heldout_forward=ahead[..., heldin:],
        condition=np.arange(n_eval) % conditions if conditions else None,
    )
    psth = rng.gamma(2.0, 0.02, (conditions, bins, sizes.units)) if conditions else None
    return Answers(dataset, sizes, answers, psth), part(n_train, predicted["train"]), predicted


def nlb_form(targets: Answers, train: TrialArrays, rates: dict[str, np.ndarray]) -> tuple[dict, dict]:
    """Return the same as nlb_tools' dictionaries of answers and submission."""
    trials, heldin = targets.trials, targets.sizes.heldin
    truth = {
        "eval_spikes_heldout": trials.heldout,
        "eval_spikes_heldin_forward": trials.heldin_forward,
        "eval_spikes_heldout_forward": trials.heldout_forward,
        "train_behavior": train.behavior,
        "eval_behavior": trials.behavior,
    }
    if targets.psth is not None:
        members = np.empty(len(targets.psth), dtype=object)
        for index in range(len(members)):
            members[index] = np.flatnonzero(trials.condition == index)
        truth |= {"psth": targets.psth, "eval_cond_idx": members}
    submission = {}
    for name, array in rates.items():
        part, _, forward = name.partition("_")
        suffix = "_forward" if forward else ""
        submission[f"{part}_rates_heldin{suffix}"] = array[..., :heldin]
        submission[f"{part}_rates_heldout{suffix}"] = array[..., heldin:]
    return truth, submission


if __name__ == "__main__":
    main()
