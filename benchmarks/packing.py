"""Trials side by side on one device against throughput: epochs/s of 1, 2, 4 ... processes, and what to do with it.

    python benchmarks/packing.py [--synthetic mc_maze_small|mc_maze] [--bin-ms 5|20] [--device auto] [--seconds 20]
    python benchmarks/packing.py --root data --split mc_maze_small-20ms-val --model sae --counts 1,2,4 --set hidden=64

Every process trains the same trial; the total of a row is what that many workers of the pool would do together on a
quiet machine. The floor is the bare loop of benchmarks/sae_epoch.py's kind, alone in one process on the same data,
device and threads: epochs/s without checkpoint, curve, best weights and reports. The last line is raysp's row of one
process against that floor: what is below 1 is what the platform costs. Needs torch, numpy, h5py and fsspec alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

from raysp.config import settings
from raysp.config.experiment import Training, Trial
from raysp.data.splits import store
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.driver import packing
from raysp.errors import BadInput, NotReady

SHAPES = {"mc_maze_small": (100, 107, 35), "mc_maze": (2295, 137, 45)}
"""Training trials of the test phase, held-in and held-out neurons."""
OBSERVED_MS, FORWARD_MS = 700, 200
WARM_UP = 3


def main() -> None:
    args = arguments()
    if args.floor:
        print(json.dumps(floor(settings.build(Trial, json.loads(args.floor), "trial"), args)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if args.root is None:
            args.root, args.split = folder, f"synthetic-{args.synthetic}-{args.bin_ms}ms"
            store.save(synthetic(args.split, args.synthetic, args.bin_ms), None, folder, {})
        try:
            measure(args)
        except (BadInput, NotReady) as error:
            sys.exit(f"error: {error}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", help="data root; without it counts are drawn at random")
    parser.add_argument("--split", help="prepared split below the root")
    parser.add_argument("--synthetic", choices=sorted(SHAPES), default="mc_maze_small", help="size of drawn data")
    parser.add_argument("--bin-ms", type=int, choices=(5, 20), default=5, help="bin width of drawn data")
    parser.add_argument("--model", default="sae")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="MODEL SETTING or training.X")
    parser.add_argument(
        "--counts", type=numbers, help="numbers of processes, e.g. 1,2,4; default: up to what the machine holds"
    )
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of each process")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, default=20.0, help="measured time of a row")
    parser.add_argument("--floor", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.root is not None and args.split is None:
        parser.error("--root needs --split")
    return args


def numbers(text: str) -> list[int]:
    """Return the whole numbers of "1,2,4"."""
    return [int(number) for number in text.split(",")]


def measure(args: argparse.Namespace) -> None:
    chosen, changes = sets(args.set)
    training = settings.build(Training, changes, "training")
    trial = packing.trial_of(args.model, args.root, args.split, chosen, training)
    options = {"counts": args.counts, "threads": args.threads, "device": args.device, "seconds": args.seconds}
    rows = packing.measure(trial, args.root, **options, report=lambda text: print(text, file=sys.stderr, flush=True))
    print("\n".join(packing.lines(rows)))
    bare = floor_in_its_own_process(trial, args)
    one = next((row.total for row in rows if (row.processes, row.threads) == (1, args.threads)), None)
    ratio = f"; raysp's one process: {one / bare:.3f} of it" if one else ""
    print(f"floor, a bare loop in one process: {bare:.3g} epochs/s{ratio}")


def sets(texts: list[str]) -> tuple[dict, dict]:
    """Return (model settings, training settings) of KEY=VALUE texts; values are read as JSON, else as text."""
    chosen: dict = {}
    changes: dict = {}
    for text in texts:
        key, equals, raw = text.partition("=")
        if not equals:
            raise BadInput(f"--set expected KEY=VALUE, got {text!r}")
        try:
            value = json.loads(raw)
        except json.JSONDecodeError:
            value = raw
        (changes if key.startswith("training.") else chosen)[key.removeprefix("training.")] = value
    return chosen, changes


def synthetic(name: str, size: str, bin_ms: int) -> PopulationSplit:
    trials, heldin, heldout = SHAPES[size]
    bins, forward = OBSERVED_MS // bin_ms, FORWARD_MS // bin_ms
    rng = np.random.default_rng(0)
    sizes = Sizes(name, float(bin_ms), bins, heldin, heldout, forward)
    counts = rng.poisson(0.005 * bin_ms, (trials, bins + forward, sizes.units)).astype(np.float32)
    seen, later = counts[:, :bins], counts[:, bins:]
    train = TrialArrays(seen[..., :heldin], seen[..., heldin:], later[..., :heldin], later[..., heldin:])
    return PopulationSplit(name, sizes, train, TrialArrays(seen[..., :heldin]), Provenance(standin=True))


def floor_in_its_own_process(trial: Trial, args: argparse.Namespace) -> float:
    """Return epochs/s of the bare loop, in a process with the same environment as the measured ones."""
    command = [sys.executable, os.path.abspath(__file__), "--root", args.root, "--split", args.split]
    command += ["--device", args.device, "--seconds", str(args.seconds), "--threads", str(args.threads)]
    command += ["--floor", json.dumps(settings.plain(trial))]
    done = subprocess.run(command, env=packing.environment(args.threads), stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def floor(trial: Trial, args: argparse.Namespace) -> float:
    """Train the trial with nothing but the loop; return epochs/s after warming up."""
    import torch

    from raysp.data.splits.batch import to_device
    from raysp.models import catalog
    from raysp.training.device import choose, precision
    from raysp.training.randomness import seeded
    from raysp.training.validation import validation_mask

    torch.set_num_threads(args.threads)
    place, training = choose(args.device), trial.training
    split = store.load(args.root, trial.split)
    aside = validation_mask(split.train, training)
    with seeded(trial.seed, place):
        model = catalog.build(trial.model, dict(trial.hyperparameters), split.sizes).to(place)
        if hasattr(model, "start"):
            model.start(split.train.take(~aside))
        validation = to_device(split.train.take(aside), place)
        generator = torch.Generator(place).manual_seed(0)
        train = dataclasses.replace(to_device(split.train.take(~aside), place), generator=generator, rates=None)
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[training.optimizer]
        optimizer = kind(model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)
        steps, ends = math.ceil(len(train) / training.batch_size), [time.monotonic()]
        while len(ends) < WARM_UP + 4 or ends[-1] - ends[WARM_UP] < args.seconds:
            model.train()
            for rows in torch.randperm(len(train), device=place).tensor_split(steps):
                optimizer.zero_grad(set_to_none=True)
                with precision(place, training.precision):
                    loss = model.loss(train.take(rows, generator)).total
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), training.clip_norm or math.inf)
                optimizer.step()
            model.eval()
            with torch.no_grad():
                model.loss(validation).total.item()
            ends.append(time.monotonic())
    return (len(ends) - 1 - WARM_UP) / (ends[-1] - ends[WARM_UP])


if __name__ == "__main__":
    main()
