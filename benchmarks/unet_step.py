"""CPU time and memory of a training step of the U-Net: raysp's, against the plain form in the layout of unet-spikes.

    python benchmarks/unet_step.py [--trials 832] [--neurons 50] [--bins 100] [--batch 32] [--epochs 2] [--rounds 9]

The plain form is what one writes first: a DataLoader that indexes item by item, Conv1d and BatchNorm1d in (trials,
neurons, bins), a mask drawn on the host and a loss over boolean indices. raysp's form keeps the counts on the device as
one tensor, computes in (trials, bins, channels) and weights the loss. Both train the same network (U-Net of 3 inner
layers, width 20, the original's form) from the same weights with Adam; first, both losses and all gradients of one
batch under one mask are compared. They take turns in one process with one thread; medians of CPU milliseconds per step,
and the median of the rounds' ratios. Peak memory is the median of five processes of each form, which take turns.

On a machine with a GPU, steps per second with and without torch.compile are printed too, and how many such trials fit.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from raysp.config.experiment import Training, Trial
from raysp.data.splits.population import Sizes, TrialArrays
from raysp.kinds.population.learner import TrialBatches
from raysp.models import catalog
from raysp.training.descent import Descent
from raysp.training.job import Job

SETTINGS = {
    "layers": 3, "width": 20, "width_cap": 0, "doubling": "sum", "padding": "zeros", "mask": "timestep",
    "mask_ratio": 0.2,
}  # fmt: skip
RATE = 1e-2


class Down(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        out = 2 * channels
        self.grouped, self.norm1 = nn.Conv1d(channels, out, 3, padding=1, groups=channels), nn.BatchNorm1d(out)
        self.point, self.norm2 = nn.Conv1d(out, out, 1), nn.BatchNorm1d(out)
        self.strided, self.norm3 = nn.Conv1d(out, out, 3, stride=2, padding=1, groups=out), nn.BatchNorm1d(out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm1(self.grouped(x)))
        x = torch.relu(self.norm2(self.point(x)))
        return torch.relu(self.norm3(self.strided(x)))


class Up(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        out = channels // 2
        self.grouped, self.norm1 = nn.Conv1d(channels, out, 3, padding=1, groups=out), nn.BatchNorm1d(out)
        self.point, self.norm2 = nn.Conv1d(out, out, 1), nn.BatchNorm1d(out)
        self.full, self.norm3 = nn.Conv1d(out, out, 3, padding=1), nn.BatchNorm1d(out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm1(self.grouped(x)))
        x = torch.relu(self.norm2(self.point(x)))
        wide = x.new_zeros(*x.shape[:2], 2 * x.shape[2] - 1)
        wide[:, :, ::2] = x
        wide[:, :, 1::2] = x[:, :, 1:] + x[:, :, :-1]
        return torch.relu(self.norm3(self.full(wide)))


class Plain(nn.Module):
    """The network of unet-spikes, (trials, neurons, bins) in and out."""

    def __init__(self, neurons: int, width: int, layers: int) -> None:
        super().__init__()
        self.layers = layers
        self.embedding = nn.Conv1d(neurons, width, 1)
        self.down = nn.ModuleList([Down(width * 2**i) for i in range(layers)])
        self.up = nn.ModuleList([Up(width * 2 ** (layers - i)) for i in range(layers)])
        self.output = nn.Conv1d(width, neurons, 1)

    def forward(self, counts: torch.Tensor) -> torch.Tensor:
        bins, step = counts.shape[2], 2**self.layers
        extra = math.ceil((bins - 1) / step) * step + 1 - bins
        x = nn.functional.pad(self.embedding(counts), (extra // 2, extra - extra // 2))
        found = []
        for down in self.down:
            x = down(x)
            found.append(x)
        x = torch.zeros_like(x)
        for up in self.up:
            x = up(x + found.pop())
        return self.output(x[:, :, extra // 2 : extra // 2 + bins])


class Items(Dataset):
    def __init__(self, counts: np.ndarray) -> None:
        self.counts = counts

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.from_numpy(self.counts[index]).T


def plain_loss(model: Plain, counts: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    inputs = counts.clone()
    inputs[hidden] = 0.0
    log_rates, asked = model(inputs)[hidden], counts[hidden]
    return 2.0 * (torch.exp(log_rates) - asked * log_rates + torch.xlogy(asked, asked) - asked).mean()


def plain_epoch(model: Plain, counts: np.ndarray, batch: int, optimizer: torch.optim.Optimizer) -> int:
    steps = 0
    for items in DataLoader(Items(counts), batch_size=batch, shuffle=True):
        row = torch.rand(items.shape[2]) < SETTINGS["mask_ratio"]
        optimizer.zero_grad()
        plain_loss(model, items, row.expand(items.shape)).backward()
        optimizer.step()
        steps += 1
    return steps


def copy_weights(plain: Plain, ours: nn.Module) -> None:
    """Give raysp's network the plain one's weights."""
    state = {}
    for side, name in (("embedding", "embedding"), ("output", "output")):
        state[f"{name}.weight"] = getattr(plain, side).weight[:, :, 0]
        state[f"{name}.bias"] = getattr(plain, side).bias
    for kind, last in (("down", "strided"), ("up", "full")):
        for level, block in enumerate(getattr(plain, kind)):
            places = ("steps.0", "steps.1", "steps.2" if kind == "down" else "last")
            for place, conv, norm in zip(places, ("grouped", "point", last), ("norm1", "norm2", "norm3"), strict=True):
                here, source = f"{kind}.{level}.{place}", getattr(block, conv)
                order = _first_ones_first(source) if (kind, conv) == ("down", "grouped") else slice(None)
                inner = f"{here}.convolution.row" if conv == "full" else f"{here}.convolution"
                state[f"{inner}.weight"] = _kernel(conv, source.weight[order])
                state[f"{inner}.bias"] = source.bias[order]
                for part in ("weight", "bias"):
                    state[f"{here}.norm.norm.{part}"] = getattr(getattr(block, norm), part)[order]
            if kind == "down":
                # raysp's first outputs of all channels come first; what reads them has to follow.
                point = f"{kind}.{level}.steps.1.convolution.weight"
                state[point] = state[point][:, _first_ones_first(block.grouped)]
    missing, unexpected = ours.load_state_dict(state, strict=False)
    wrong = [name for name in missing if "running" not in name and "num_batches" not in name and name != "means"]
    if wrong or unexpected:
        raise SystemExit(f"weights without a place: {wrong} {unexpected}")


def _first_ones_first(conv: nn.Conv1d) -> torch.Tensor:
    return torch.arange(conv.out_channels).reshape(-1, 2).T.reshape(-1)


def _kernel(name: str, weight: torch.Tensor) -> torch.Tensor:
    """Turn a Conv1d's (out, in / groups, width) into what raysp's layer of the same place holds."""
    if name == "point":
        return weight[:, :, 0]
    if name == "full":
        return weight[:, :, None]
    return weight.permute(2, 0, 1).reshape(weight.shape[2], -1)


def problem(args: argparse.Namespace) -> tuple[np.ndarray, Sizes]:
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.15, (args.trials, args.bins, args.neurons)).astype(np.float32)
    return counts, Sizes("made_up", 10.0, args.bins, args.neurons)


def both(args: argparse.Namespace) -> tuple[Plain, nn.Module]:
    _, sizes = problem(args)
    torch.manual_seed(0)
    plain = Plain(args.neurons, SETTINGS["width"], SETTINGS["layers"])
    ours = catalog.build("unet", SETTINGS, sizes)
    copy_weights(plain, ours)
    return plain, ours


def descent(ours: nn.Module, counts: np.ndarray, batch: int, device: str = "cpu") -> Descent:
    training = Training(batch_size=batch, learning_rate=RATE, clip_norm=0.0, optimizer="adam", weight_decay=0.0)
    job = Job(Trial("unet", {}, training, "made_up", "0" * 64), device=device)
    return Descent(ours.to(device), TrialBatches(TrialArrays(heldin=counts), None, job.place, 0, "nothing"), job)


def compare(args: argparse.Namespace) -> None:
    """Print how far losses and gradients of one batch under one mask are apart."""
    # In double precision: through nine batch normalisations, float32's rounding grows to some thousandths.
    plain, ours = (network.double() for network in both(args))
    counts = torch.as_tensor(problem(args)[0][: args.batch]).double()
    hidden = (torch.rand(args.bins, generator=torch.Generator().manual_seed(0)) < 0.2)[None, :, None].expand(
        counts.shape
    )
    ours.train()
    output, _ = ours.network(torch.where(hidden, 0.0, counts), hidden)
    asked = counts[hidden]
    ours_loss = 2.0 * (output[hidden].exp() - asked * output[hidden] + torch.xlogy(asked, asked) - asked).mean()
    one = plain_loss(plain, counts.transpose(1, 2).contiguous(), hidden.transpose(1, 2))
    ours_loss.backward()
    one.backward()
    pairs = [
        (ours.embedding.weight.grad, plain.embedding.weight.grad[:, :, 0]),
        (
            ours.down[0].steps[0].convolution.weight.grad,
            _kernel("grouped", plain.down[0].grouped.weight.grad[_first_ones_first(plain.down[0].grouped)]),
        ),
        (ours.down[2].steps[2].convolution.weight.grad, _kernel("strided", plain.down[2].strided.weight.grad)),
        (ours.up[0].steps[0].convolution.weight.grad, _kernel("grouped", plain.up[0].grouped.weight.grad)),
        (ours.up[2].last.convolution.row.weight.grad, _kernel("full", plain.up[2].full.weight.grad)),
    ]
    apart = max(((a - b).abs().max() / b.abs().max()).item() for a, b in pairs)
    print(f"one batch: losses {one.item():.12f} and {ours_loss.item():.12f}; gradients differ by {apart:.1e} at most")


def ours_ms(args: argparse.Namespace, state: Descent) -> float:
    start, steps = time.process_time(), 0
    for _ in range(args.epochs):
        state._train(1)
        steps += state.steps
    return 1e3 * (time.process_time() - start) / steps


def plain_ms(args: argparse.Namespace, model: Plain, counts: np.ndarray, optimizer: torch.optim.Optimizer) -> float:
    start, steps = time.process_time(), 0
    for _ in range(args.epochs):
        steps += plain_epoch(model, counts, args.batch, optimizer)
    return 1e3 * (time.process_time() - start) / steps


def alone(args: argparse.Namespace, form: str) -> None:
    """Train one form alone; print the peak of this process above what it held with the data and the model, MB."""
    plain, ours = both(args)
    counts, _ = problem(args)
    held = _peak_mb()
    if form == "plain":
        plain_ms(args, plain, counts, torch.optim.Adam(plain.parameters(), lr=RATE))
    else:
        ours_ms(args, descent(ours, counts, args.batch))
    print(f"{_peak_mb() - held:.1f} {_peak_mb():.1f}")


def _peak_mb() -> float:
    # Not getrusage: what it says includes the process that started this one.
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def measured_alone(form: str) -> tuple[float, float]:
    command = [sys.executable, __file__, *sys.argv[1:], "--alone", form]
    grown, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(grown), float(peak)


def on_gpu(args: argparse.Namespace) -> None:
    """Print steps per second on a GPU, as it is and compiled, and the memory of one trial."""
    counts, _ = problem(args)
    for name, compiled in (("as it is", False), ("compiled", True)):
        _, ours = both(args)
        if compiled:
            ours.network = torch.compile(ours.network, mode="reduce-overhead")
        state = descent(ours, counts, args.batch, "cuda")
        torch.cuda.reset_peak_memory_stats()
        state._train(1)
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(5):
            state._train(1)
        torch.cuda.synchronize()
        rate = 5 * state.steps / (time.perf_counter() - start)
        peak = torch.cuda.max_memory_allocated() / 2**20
        print(f"GPU {torch.cuda.get_device_name()}, {name}: {rate:.0f} steps/s, peak {peak:.0f} MB of tensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=832)
    parser.add_argument("--neurons", type=int, default=50)
    parser.add_argument("--bins", type=int, default=100)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--alone", choices=("plain", "ours"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.alone:
        return alone(args, args.alone)
    compare(args)
    plain, ours = both(args)
    counts, _ = problem(args)
    optimizer, state = torch.optim.Adam(plain.parameters(), lr=RATE), descent(ours, counts, args.batch)
    found = [(plain_ms(args, plain, counts, optimizer), ours_ms(args, state)) for _ in range(args.rounds)]
    slow, fast = (statistics.median(column) for column in zip(*found, strict=True))
    ratio = statistics.median(b / a for a, b in found)
    print(f"CPU, one thread: plain {slow:.1f} ms per step   raysp {fast:.1f} ms   ratio {ratio:.2f}")
    peaks = [(measured_alone("plain"), measured_alone("ours")) for _ in range(5)]
    for form, runs in zip(("plain", "ours"), zip(*peaks, strict=True), strict=True):
        grown, peak = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"peak memory, {form:5}: {grown:.1f} MB above data and model, {peak:.1f} MB in all")
    if torch.cuda.is_available():
        on_gpu(args)
    return None


if __name__ == "__main__":
    main()
