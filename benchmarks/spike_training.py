"""CPU seconds of a training step of the spike-distance and Poisson networks: raysp's against torch's own layers.

    python benchmarks/spike_training.py [--batch 256] [--cells 1,2,4] [--rounds 5] [--device cpu]

Both have the same layers and windows; they take turns in one process with one thread, and the shortest step of each
counts. The baseline is one cell in torch's own layers, channels before bins, windows collated on the host in double
precision as a DataLoader would, without dropout. Beside it stands the floor: the multiplications and additions of the
matrix products at the speed at which a large product runs in the same process. Then several cells side by side. On a
GPU the clock is the wall's.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from raysp.data.splits.stimulus import StimulusSizes
from raysp.data.splits.windows import Tape
from raysp.models import catalog
from tests.models.plain_networks import PLAIN

BINS, CHANNELS = 60_000, 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batch", type=int, default=256, help="windows of a step")
    parser.add_argument("--cells", default="1,2,4", help="side by side")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device(args.device)
    speed = product_speed(device)
    print(f"a product of 1024 x 1024 matrices: {speed / 1e9:.0f} GFLOP/s on {device}")
    for name in PLAIN:
        compare(name, args.batch, args.rounds, device, speed)
        for cells in map(int, args.cells.split(",")):
            step = ours(name, args.batch, cells, device)
            took = min(seconds(step, device) for _ in range(args.rounds))
            memory = f", {torch.cuda.max_memory_reserved() / 2**30:.1f} GiB at most" if device.type == "cuda" else ""
            print(f"  {cells:3d} cells side by side: {took:.3f} s a step, {cells / took:.2f} cell-steps per s{memory}")


def compare(name: str, batch: int, rounds: int, device: torch.device, speed: float) -> None:
    base, one = plain(name, batch, device), ours(name, batch, 1, device)
    with FlopCounterMode(display=False) as counter:
        base()
    one()
    pairs = [(seconds(base, device), seconds(one, device)) for _ in range(rounds)]
    slow, fast = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    ratio = statistics.median(a / b for a, b in pairs)
    floor = counter.get_total_flops() / speed
    print(f"{name}, batch {batch}: plain {slow:.3f} s   raysp {fast:.3f} s   ratio {ratio:.2f}")
    print(
        f"  floor {floor:.3f} s ({counter.get_total_flops() / 1e9:.1f} GFLOP): raysp at {fast / floor:.1f} times that"
    )


def recording(cells: int, device: torch.device) -> Tape:
    rng = np.random.default_rng(0)
    stimulus = rng.integers(0, 2, (BINS, CHANNELS)).astype(np.float32)
    spikes = (rng.random((cells, BINS)) < 0.002).astype(np.float32)
    return Tape(torch.as_tensor(stimulus).to(device), torch.as_tensor(spikes).to(device), tuple(range(cells)))


def ours(name: str, batch: int, cells: int, device: torch.device) -> Callable[[], None]:
    """Return a step of raysp's network: gather windows, loss, gradients, optimiser."""
    torch.manual_seed(0)
    sizes = StimulusSizes("made_up", 1.0, CHANNELS, cells)
    model = catalog.build(name, {}, sizes).to(device)
    tape = recording(cells, device)
    model.start(tape, ((0, BINS),))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.3, fused=True)
    starts = torch.randint(2000, BINS - 2000, (batch,)).to(device)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        model.loss(tape.windows(starts, model.reach.before)).total.backward()
        optimizer.step()

    return step


def plain(name: str, batch: int, device: torch.device) -> Callable[[], None]:
    """Return a step in torch's own layers of one cell, its windows and targets collated one by one."""
    torch.manual_seed(0)
    sizes = StimulusSizes("made_up", 1.0, CHANNELS, 1)
    model = catalog.build(name, {}, sizes)
    tape = recording(1, torch.device("cpu"))
    model.start(tape, ((0, BINS),))
    network = PLAIN[name](model.config, CHANNELS).to(device).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-4, weight_decay=0.3)
    starts = torch.randint(2000, BINS - 2000, (batch,)).tolist()
    rows = torch.cat([tape.stimulus.T, tape.spikes]).double()

    def item(start: int) -> tuple[torch.Tensor, torch.Tensor]:
        windows = tape.windows(torch.tensor([start]), model.reach.before)
        target = model.targets(windows)[0, 0] if name == "distance_unet" else rows[-1, start : start + 80].sum()
        return rows[:, start - model.reach.before : start], target

    def step() -> None:
        seen, targets = (torch.stack(column).float().to(device) for column in zip(*map(item, starts), strict=True))
        optimizer.zero_grad(set_to_none=True)
        found = network(seen)
        loss = (found - targets).square() * 3 if name == "distance_unet" else found - targets * (found + 1e-8).log()
        loss.mean().backward()
        optimizer.step()

    return step


def product_speed(device: torch.device, size: int = 1024) -> float:
    """Return additions and multiplications per second of a large product of matrices in float32."""
    left, right = torch.rand(size, size, device=device), torch.rand(size, size, device=device)
    return 2 * size**3 / min(seconds(lambda: left @ right, device) for _ in range(10))


def seconds(work: Callable[[], object], device: torch.device) -> float:
    if device.type != "cuda":
        begin = time.process_time()
        work()
        return time.process_time() - begin
    torch.cuda.synchronize()
    begin = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
