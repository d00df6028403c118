"""CPU milliseconds of a training step of a network of GFR neurons: the compiled layer against a plain torch loop.

    python benchmarks/gfr_network.py [--hidden 256] [--batch 128] [--steps 28] [--rounds 20]

Both are given the same weights and the same batch, in one process with one thread: loss, gradient, clipping, and a step
of Adam. Rounds alternate, and the median of each counts. The plain loop is the network as one writes it in torch; its
losses and those of the compiled layer are compared too. Matrix products alone are what neither can go below.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import time

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from raysp.data.splits.labelled_batch import LabelledBatch
from raysp.data.splits.labelled_sequences import SequenceSizes
from raysp.models.gfr_network.model import Config, Model

CLASSES = 10


class PlainNetwork(nn.Module):
    """The network as one writes it: a layer for each map, a state for each neuron and filter, a loop over steps."""

    def __init__(self, sizes: SequenceSizes, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(sizes.features, hidden), nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, sizes.classes)
        lost = torch.tensor([1.0, *(1 - np.exp(-1 / np.array([1.0, 2.0, 5.0])))], dtype=torch.float32)
        self.register_buffer("kept", 1 - lost)
        self.alpha = nn.Parameter(torch.tensor([4.0, 0, 0, 0]).repeat(hidden, 1))
        self.beta = nn.Parameter(torch.zeros(hidden, 4))
        for name, value in (("a", torch.tensor([0.0, 1.0]).repeat(hidden, 1)), ("b", torch.zeros(hidden))):
            self.register_buffer(name, value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        f = x.new_zeros(len(x), len(self.b))
        h = x.new_zeros(len(x), len(self.b), len(self.kept))
        for t in range(x.shape[1] + 1):
            now = x[:, t] if t < x.shape[1] else torch.zeros_like(x[:, 0])
            drive = self.fc1(now) + self.fc2(f)
            h = self.kept * h + self.alpha * drive[..., None] + self.beta * f[..., None]
            z = h.mean(-1) - self.b
            f = torch.relu(torch.tanh(sum(self.a[:, k] ** 2 * z**k for k in range(self.a.shape[1]))))
        return self.fc3(f)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=28)
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sizes = SequenceSizes("random", args.steps, 28, CLASSES)
    sequences, labels = torch.rand(args.batch, args.steps, 28), torch.randint(CLASSES, (args.batch,))
    ours, plain = Model(Config(hidden=args.hidden), sizes), PlainNetwork(sizes, args.hidden)
    with torch.no_grad():
        for mine, theirs in ((ours.inward, plain.fc1), (ours.recurrent, plain.fc2), (ours.outward, plain.fc3)):
            theirs.load_state_dict(mine.state_dict())
    batch = LabelledBatch(sequences, labels)
    ways = {
        "plain torch loop": (plain, lambda: nn.functional.cross_entropy(plain(sequences), labels)),
        "compiled layer": (ours, lambda: ours.loss(batch).total),
    }
    optimizers = {name: torch.optim.Adam(model.parameters(), lr=1e-3, fused=True) for name, (model, _) in ways.items()}
    taken, losses = {name: [] for name in (*ways, "matrix products alone")}, {name: [] for name in ways}
    for _ in range(args.rounds + 2):
        for name, (model, loss) in ways.items():
            started = time.process_time()
            optimizers[name].zero_grad()
            found = loss()
            found.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizers[name].step()
            taken[name].append(time.process_time() - started)
            losses[name].append(found.item())
        taken["matrix products alone"].append(products(args.hidden, args.batch, args.steps + 1))
    middle = {name: 1e3 * float(np.median(times[2:])) for name, times in taken.items()}
    for name, ms in middle.items():
        print(f"{name}: {ms:.1f} CPU ms a step, {middle['plain torch loop'] / ms:.1f} times")
    apart = np.max(np.abs(np.subtract(*losses.values())) / np.array(losses["plain torch loop"]))
    print(f"largest relative difference of {args.rounds + 2} losses: {apart:.1e}")


def products(hidden: int, batch: int, steps: int) -> float:
    """Return CPU seconds of the matrix products of a step: forward, back through time, and of the weights."""
    rates, weight, out = torch.rand(steps, batch, hidden), torch.rand(hidden, hidden), torch.empty(batch, hidden)
    started = time.process_time()
    for one in rates:
        torch.mm(one, weight.T, out=out)
        torch.mm(one, weight, out=out)
    rates.flatten(0, 1).T @ rates.flatten(0, 1)
    return time.process_time() - started


if __name__ == "__main__":
    main()
