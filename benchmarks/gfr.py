"""CPU seconds of fits of generalised firing rate neurons: raysp's against a plain torch loop, cell by cell.

    python benchmarks/gfr.py [--bins 10,20,100] [--cells 1,16,256] [--fitted 20] [--rounds 3]

The cells are the stand-in's. An epoch is a step per group of sweeps, and a pass over the test sweeps; both do the same,
in one process with one thread, and the shortest of some rounds counts. The plain loop goes through bins in Python, as
one writes it in torch. Then whole fits by both protocols: the published one as the plain loop would take it and as the
compiled one does; the better one with all its starts and candidates; and whose logged
loss is lower where both train on the same sweeps, with stimuli alike and nothing to choose by but the loss.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from raysp.data.sources import clamp_standin
from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.models import catalog
from raysp.models.gfr import activation, clean, descent
from raysp.models.gfr.groups import TESTS, TRAINED, Groups, published, stimulus
from raysp.models.gfr.lanes import lay_out
from raysp.models.gfr.parameters import FEEDBACK, Parameters, lambdas, untrained
from raysp.objectives.explained_variance import published_ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bins", default="10,20,100", help="widths, ms")
    parser.add_argument("--cells", default="1,16,256", help="side by side")
    parser.add_argument("--fitted", type=int, default=20, help="cells that are fitted whole")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    epochs = {}
    for bin_ms in map(int, args.bins.split(",")):
        plain = min(seconds(plain_epoch(cells(1, bin_ms))) for _ in range(args.rounds))
        epochs[bin_ms] = plain
        print(f"bins of {bin_ms} ms: an epoch of the plain loop {plain:.3f} s a cell", flush=True)
        for count in map(int, args.cells.split(",")):
            ours = compiled_epoch(cells(count, bin_ms), args.rounds) / count
            print(f"  {count:3d} cells: {1e3 * ours:.3f} ms a cell, {plain / ours:,.0f} times", flush=True)
    activations(cells(64, 20), args.rounds)
    for bin_ms in map(int, args.bins.split(",")):
        whole(cells(args.fitted, bin_ms), epochs[bin_ms])


def cells(count: int, bin_ms: int) -> CurrentClampSplit:
    return clamp_standin.build(clamp_standin.Config(count=count, bin_ms=bin_ms), f"standin-{count}")[0]


def seconds(action: Callable[[], object]) -> float:
    started = time.process_time()
    action()
    return time.process_time() - started


def begun(split: CurrentClampSplit) -> Parameters:
    """Return neurons before training, with an activation that fires."""
    units = split.sizes.units
    sigma = np.full(units, 250.0)
    gamma = np.nan_to_num(split.gamma, nan=0.1)
    return untrained(np.tile([0.1, 1.5], (units, 1)), 0.4 * sigma, sigma, gamma, 1 - lambdas(split.sizes.bin_ms))


class PlainNeuron(nn.Module):
    """The neuron as one writes it in torch."""

    def __init__(self, one: Parameters) -> None:
        super().__init__()
        tensors = {name: torch.tensor(getattr(one, name)[0], dtype=torch.float32) for name in ("alpha", "beta", "poly")}
        self.alpha, self.beta = nn.Parameter(tensors["alpha"]), nn.Parameter(tensors["beta"])
        self.poly, self.lost = tensors["poly"], 1 - torch.tensor(one.decay, dtype=torch.float32)
        self.threshold, self.sigma, self.gamma = float(one.threshold[0]), float(one.sigma[0]), float(one.gamma[0])

    def activation(self, drive: torch.Tensor) -> torch.Tensor:
        x = (drive - self.threshold) / self.sigma
        inner = sum(root**2 * x**k for k, root in enumerate(self.poly))
        return self.gamma * torch.relu(torch.tanh(inner))

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        state, rate, rates = torch.zeros(len(current), len(self.lost)), torch.zeros(len(current)), []
        for t in range(current.shape[1]):
            heard = self.alpha * current[:, t, None] + FEEDBACK * self.beta * rate[:, None]
            state = (1 - self.lost) * state + heard
            rate = self.activation(state.mean(1))
            rates.append(rate)
        return torch.stack(rates, dim=1)


def tensors(split: CurrentClampSplit, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    sweeps = split.sweeps_of(0, name).tolist()
    current = np.stack([split.current_of(one) for one in sweeps])
    counts = np.stack([split.counts_of(one) for one in sweeps])
    return torch.from_numpy(current), torch.from_numpy(counts.astype(np.float32))


def plain_epoch(split: CurrentClampSplit) -> Callable[[], None]:
    neuron, bin_ms = PlainNeuron(begun(split)), split.sizes.bin_ms
    groups, test = [tensors(split, name) for name in TRAINED], tensors(split, TESTS)
    adam, poisson = torch.optim.Adam(neuron.parameters(), 1e-2), nn.PoissonNLLLoss(log_input=False, reduction="none")

    def loss(group: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return poisson(neuron(group[0]) * bin_ms, group[1]).sum(1).mean()

    def epoch() -> None:
        for group in groups:
            adam.zero_grad()
            loss(group).backward()
            adam.step()
        with torch.no_grad():
            loss(test)

    return epoch


def compiled_epoch(split: CurrentClampSplit, rounds: int) -> float:
    start, units, count = begun(split), np.arange(split.sizes.units), max(2, 200 // split.sizes.units)
    groups, held = published(split, 0), stimulus(split, TESTS)
    free = np.zeros(start.theta().shape[1], bool)
    free[: 2 * len(start.decay)] = True
    plan = descent.Plan(
        start.sigma, start.decay, FEEDBACK, split.sizes.bin_ms, np.full(len(units), 1e-2), free,
        np.concatenate([groups.normal, held.normal]), np.zeros(len(units)), np.zeros(len(units)),
    )  # fmt: skip
    lanes = lay_out(groups.sequences, units, groups.count), lay_out(held.sequences, units)
    state = descent.State.begin(start.theta())
    descent.train(*lanes, plan, state, 1)
    return min(seconds(lambda: descent.train(*lanes, plan, state, count)) for _ in range(rounds)) / count


def activations(split: CurrentClampSplit, rounds: int) -> None:
    points = split.first_bins(20)
    ptr = np.searchsorted(points.unit, np.arange(split.sizes.units + 1))
    for second_order in (False, True):

        def fit(second_order: bool = second_order) -> activation.Activations:
            return activation.fit(
                points.current, points.rate, ptr, split.gamma, 20, split.unit_ids, 0, second_order=second_order
            )

        fit()
        took = min(seconds(fit) for _ in range(rounds)) / split.sizes.units
        how = "Levenberg-Marquardt" if second_order else "1000 epochs of Adam"
        print(f"an activation, 3 starts, {how}: {1e3 * took:.2f} ms a cell", flush=True)


class Stages:
    """Stages that nothing stops."""

    def report(self, note: dict) -> None: ...

    def once(self, name: str, make: Callable) -> object:
        return make()


def whole(split: CurrentClampSplit, epoch_s: float) -> None:
    bin_ms, units = split.sizes.bin_ms, split.sizes.units
    shown, found, ratio = {}, {}, {}
    ways = {
        "paper": {"protocol": "paper", "activation_bin_ms": max(20, bin_ms)},
        "clean": {},
        "clean, all sweeps": {"weigh": "stimuli", "softness": (0.0,)},
    }
    for name, way in ways.items():
        sweeps = split if name != "clean, all sweeps" else unvalidated(split)
        for chosen in (sweeps.select(split.unit_ids[:1].tolist()), sweeps):
            torch.manual_seed(0)
            model = catalog.build("gfr", way, chosen.sizes)
            shown[name] = seconds(lambda model=model, chosen=chosen: model.fit(chosen, Stages())) / units
        found[name] = logged(model, published(split, 0))
        ratio[name] = tested(model, split)
    plain = 600 * epoch_s
    print(f"bins of {bin_ms} ms, whole fits of {units} cells; 600 epochs of the plain loop {plain:,.0f} s a cell")
    for name, took in shown.items():
        print(f"  {name}: {took:.3f} s a cell, {plain / took:,.0f} times; mean logged loss {found[name].mean():.4f}, "
              f"median test EVR {np.median(ratio[name]):.3f}")  # fmt: skip
    for name in list(ways)[1:]:
        lower = found[name] <= found["paper"]
        print(f"  {name}: its logged loss is at or below paper's in {lower.sum()} of {units} cells", flush=True)


def unvalidated(split: CurrentClampSplit) -> CurrentClampSplit:
    """Return the split whose validation part is trained on, as the published protocol does."""
    return dataclasses.replace(split, sweep_parts=split.sweep_parts[:, [1, 1]].copy())


def logged(model: nn.Module, groups: Groups) -> np.ndarray:
    """Return the loss that the published protocol logs of each unit, on the sweeps that it trains on, padding aside."""
    theta, sigma = model.theta.numpy(), model.sigma.numpy()
    total = np.full(len(theta), np.nan)
    for unit in np.flatnonzero(np.isfinite(theta).all(axis=1)):
        own, row = [one for one in groups.sequences if one.unit == unit], slice(unit, unit + 1)
        total[unit] = clean.logged(own, theta[row], sigma[row], model.filters, model.sizes.bin_ms)[0]
    return total


def tested(model: nn.Module, split: CurrentClampSplit) -> np.ndarray:
    rates, found = model.rates(split), []
    for unit in range(split.sizes.units):
        sweeps = split.sweeps_of(unit, TESTS)
        bins = slice(*split.current_ptr[split.sweep_current[sweeps[0]] + np.arange(2)])
        counts = np.stack([split.counts_of(int(one)) for one in sweeps])
        found.append(published_ratio(counts, rates[bins], split.sizes.bin_ms))
    return np.array(found)


if __name__ == "__main__":
    main()
