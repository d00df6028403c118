"""CPU seconds of an epoch of the sequential autoencoder: raysp's loop against a bare PyTorch loop.

    python benchmarks/sae_epoch.py [--trials 60] [--bins 35] [--epochs 10] [--rounds 3]

Both train the same model on the same tensors with the same batches, optimiser and clipping, and compute the validation
loss after each epoch; the bare loop does nothing else: no checkpoint, curve, best weights, random state or reports. The
two take turns in one process with one thread; the median epoch of each, and the ratio. The bare loop is the floor: what
is above 1 is what the platform costs.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import statistics
import tempfile
import time

import numpy as np
import torch

from raysp.config.experiment import Training, Trial
from raysp.data.splits.batch import to_device
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.kinds.population import learner
from raysp.models import catalog
from raysp.training.job import Job
from raysp.training.validation import validation_mask

SETTINGS: dict = {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=75, help="training trials, every fifth for validation")
    parser.add_argument("--bins", type=int, default=35, help="observed bins; 10 forward bins come on top")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    split = problem(args.trials, args.bins)
    training = Training(epochs=args.epochs + 1, measure_every=0)
    ours, bare = [], []
    for _ in range(args.rounds):
        ours += raysp_epochs(split, training)
        bare += bare_epochs(split, training)
    fast, slow = statistics.median(bare), statistics.median(ours)
    print(f"sae, {args.trials} trials x {args.bins} + 10 bins x {split.sizes.units} neurons, CPU, one thread")
    print(f"bare loop {fast * 1e3:8.1f} ms per epoch   raysp {slow * 1e3:8.1f} ms   ratio {slow / fast:.3f}")


def problem(trials: int, bins: int, forward: int = 10, heldin: int = 107, heldout: int = 35) -> PopulationSplit:
    rng = np.random.default_rng(0)
    sizes = Sizes("made_up", 20.0, bins, heldin, heldout, forward)
    counts = rng.poisson(0.1, (trials, bins + forward, sizes.units)).astype(np.float32)
    train = TrialArrays(
        counts[:, :bins, :heldin], counts[:, :bins, heldin:], counts[:, bins:, :heldin], counts[:, bins:, heldin:]
    )
    return PopulationSplit("made_up", sizes, train, TrialArrays(counts[:, :bins, :heldin]))


def raysp_epochs(split: PopulationSplit, training: Training) -> list[float]:
    """Return CPU seconds of each epoch but the first, with a checkpoint as in real trials."""
    ends: list[float] = []
    trial = Trial("sae", SETTINGS, training, split.name, "0" * 64)
    with tempfile.TemporaryDirectory() as folder:
        job = Job(
            trial,
            device="cpu",
            checkpoint=lambda stage: f"{folder}/checkpoint.pt",
            report=lambda note: ends.append(time.process_time()),
        )
        learner.fit(job, split)
    return np.diff(ends).tolist()


def bare_epochs(split: PopulationSplit, training: Training) -> list[float]:
    torch.manual_seed(0)
    model = catalog.build("sae", SETTINGS, split.sizes)
    aside = validation_mask(split.train, training)
    train, validation = to_device(split.train.take(~aside), "cpu"), to_device(split.train.take(aside), "cpu")
    generator = torch.Generator().manual_seed(0)
    train = dataclasses.replace(train, generator=generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)
    ends = []
    for _ in range(training.epochs):
        model.train()
        for rows in torch.randperm(len(train), generator=generator).tensor_split(
            math.ceil(len(train) / training.batch_size)
        ):
            optimizer.zero_grad(set_to_none=True)
            loss = model.loss(train.take(rows, generator)).total
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), training.clip_norm)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            model.loss(validation).total.item()
        ends.append(time.process_time())
    return np.diff(ends).tolist()


if __name__ == "__main__":
    main()
