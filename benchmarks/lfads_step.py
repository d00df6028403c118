"""CPU time and memory of a training step of LFADS: raysp's, against its equations in torch's own operations.

    PYTHONPATH=. python benchmarks/lfads_step.py [--trials 4] [--bins 100] [--units 29] [--rounds 5] [--members 16]

The size is that of NLB2's run on its Lorenz set: 100 bins, 4 trials a step, 151,000 parameters, which took NLB2 320
CPU ms (quiet machine). Both forms have the same weights, draws and loss; first, losses and all gradients of one step
are compared. Then they take turns in one process with one thread: medians of CPU milliseconds for loss, backward and
Adam, and the median of the rounds' ratios. Then a population of so many members as one model: CPU milliseconds per
member and step. Peak memory is that of three steps in a process of its own for each form, beyond what was there before.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import torch

from raysp.data.splits.batch import Batch
from raysp.data.splits.population import Sizes
from raysp.layers import clipped_gru
from raysp.models import catalog
from raysp.models.lfads import loop
from raysp.models.lfads.model import Model
from tests.models.plain_lfads import plain_gru, plain_loop

SETTINGS = {
    "encoder_hidden": 64, "input_encoder_hidden": 64, "controller": 64, "inputs": 1, "initial": 64, "generator": 80,
    "factors": 16,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=4, help="of a step")
    parser.add_argument("--bins", type=int, default=100)
    parser.add_argument("--units", type=int, default=29)
    parser.add_argument("--rounds", type=int, default=5, help="of ten steps each")
    parser.add_argument("--members", type=int, default=16)
    parser.add_argument("--memory", choices=("plain", "fast", "members"), help="print peak MB of a few steps and end")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.memory:
        print(f"{peak(args):.0f}")
        return
    batch, model = counts(args), made(args)
    print(
        f"lfads, {sum(one.numel() for one in model.parameters()):,} parameters, {args.trials} trials x {args.bins} bins"
    )
    compare(model, batch)
    plain, fast = [], []
    for _ in range(args.rounds):
        with written_plainly():
            plain.append(milliseconds(made(args), batch, 10))
        fast.append(milliseconds(made(args), batch, 10))
    ratio = statistics.median(one / other for one, other in zip(plain, fast, strict=True))
    slow, quick = statistics.median(plain), statistics.median(fast)
    print(f"plain form {slow:8.1f} CPU ms a step   raysp {quick:8.1f} ms   ratio {ratio:.2f}")
    population = Model.side_by_side([model.config] * args.members, model.sizes, range(args.members))
    each = [milliseconds(population, batch, 2) / args.members for _ in range(args.rounds)]
    print(f"{args.members} members as one model: {statistics.median(each):.1f} CPU ms a member and step")
    for form in ("plain", "fast", "members"):
        print(f"peak memory of a step, {form}: {measured(form)} MB")


def made(args: argparse.Namespace) -> Model:
    torch.manual_seed(0)
    return catalog.build("lfads", SETTINGS, Sizes("made_up", 10.0, args.bins, args.units, 0, 0))


def counts(args: argparse.Namespace) -> Batch:
    generator = torch.Generator().manual_seed(0)
    return Batch(torch.poisson(torch.full((args.trials, args.bins, args.units), 0.3), generator=generator))


@contextlib.contextmanager
def written_plainly() -> Iterator[None]:
    with mock.patch.object(clipped_gru, "run", plain_gru), mock.patch.object(loop, "run", plain_loop):
        yield


def compare(model: Model, batch: Batch) -> None:
    found = []
    for form in (contextlib.nullcontext(), written_plainly()):
        with form:
            model.zero_grad()
            total = model.train().loss(seeded(batch)).total
            total.backward()
        found.append([total.detach(), *(one.grad.clone() for one in model.parameters())])
    apart = max(((one - other).norm() / other.norm()).item() for one, other in zip(*found, strict=True) if other.any())
    print(f"losses and gradients of one step are the same to {apart:.1e} of their norms")


def seeded(batch: Batch) -> Batch:
    return Batch(batch.heldin, generator=torch.Generator().manual_seed(0))


def milliseconds(model: Model, batch: Batch, steps: int) -> float:
    """Return the median CPU milliseconds of a step, after two that do not count."""
    optimizer, each, batch = torch.optim.Adam(model.parameters(), fused=True), [], seeded(batch)
    model.train()
    for _ in range(steps + 2):
        start = time.process_time()
        optimizer.zero_grad()
        model.loss(batch).total.backward()
        optimizer.step()
        each.append(time.process_time() - start)
    return statistics.median(each[2:]) * 1e3


def peak(args: argparse.Namespace) -> float:
    """Return by how many MB three steps of a form raise this process's peak."""
    batch, model = counts(args), made(args)
    if args.memory == "members":
        model = Model.side_by_side([model.config] * args.members, model.sizes, range(args.members))
    # Linux lets a process begin to count its peak anew.
    Path("/proc/self/clear_refs").write_text("5")
    before = resident()
    with written_plainly() if args.memory == "plain" else contextlib.nullcontext():
        milliseconds(model, batch, 1)
    return resident() - before


def resident() -> float:
    """Return the largest resident size of this process since its peak was last reset, MB."""
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def measured(form: str) -> str:
    command = [sys.executable, *sys.argv, "--memory", form]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
