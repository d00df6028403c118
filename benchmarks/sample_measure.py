"""CPU seconds of an iteration of sample-and-measure at the published size: raysp's model against plain torch.

    python benchmarks/sample_measure.py [--hidden 0] [--repeats 20] [--rounds 3]

Movie, spikes and weights are drawn, of the published sizes: 27 x 27 pixels, 750 frames, 74 units, 10 frames and 9 lags
seen. An iteration is loss and gradient, all statistics in it; one process, one thread, and the least of some rounds
counts. Plain torch goes from frame to frame as the equations are written: each trial's input and the history of all
neurons at every lag are multiplied anew. Both are given the same uniforms, and their losses are compared.
"""

from __future__ import annotations

import argparse
import pathlib
import resource
import sys
import time
from collections.abc import Callable

import torch
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from raysp.data.splits.movie import MovieSizes
from raysp.data.splits.movie_batch import MovieBatch
from raysp.layers.relu_pool import padding
from raysp.models.sample_measure import Config, Model

SIDE, FRAMES, UNITS, BIN_MS = 27, 750, 74, 40.0
PUBLISHED = {
    "standardised": False, "surrogate": "triangle", "noise_statistic": "published", "noise_scale": "absolute",
    "psth_weight": 0.1, "noise_weight": 50.0, "rate_weight": 0.0,
}  # fmt: skip
WEIGHTS = {"likelihood": 0.4, "psth": 0.1, "noise": 50.0, "hidden": 0.001}


class Spike(torch.autograd.Function):
    """A sample whose gradient is a triangle's."""

    @staticmethod
    def forward(ctx, v, uniform):
        ctx.save_for_backward(v)
        return (torch.sigmoid(v) > uniform).to(v)

    @staticmethod
    def backward(ctx, given):
        (v,) = ctx.saved_tensors
        return given * 0.3 * (1 - v.abs()).clamp(min=0), None


def plain_latent(model: Model, movie: torch.Tensor) -> torch.Tensor:
    x = movie.unfold(0, model.config.frames, 1).permute(0, 3, 1, 2).contiguous()
    for layer in model.trunk.convolutions:
        x = functional.relu(functional.conv2d(x, layer.weight.contiguous(), layer.bias, padding="same"))
        pads = [one for size in (x.shape[3], x.shape[2]) for one in padding(size, 3, 2)]
        x = functional.max_pool2d(functional.pad(x, pads, value=-torch.inf), 3, 2)
    return x.permute(0, 2, 3, 1).flatten(1)


def plain_run(model: Model, latent: torch.Tensor, uniforms: torch.Tensor, past: torch.Tensor, given: torch.Tensor):
    """The cell, frame by frame; `past` (trials, neurons, lags) newest first, `given` (trials, frames, visible)."""
    visible, spikes, voltages = given.shape[2], [], []
    for t in range(len(latent)):
        x = latent[t].expand(len(past), -1)
        u = x @ model.inputs + torch.einsum("ril,jil->rj", past, model.recurrent) + model.bias
        v = (u - 0.4) / 0.4
        z = Spike.apply(v[:, visible:], uniforms[:, t])
        past = torch.cat([torch.cat([given[:, t], z], 1)[..., None], past[..., :-1]], 2)
        spikes.append(z)
        voltages.append(v)
    return torch.stack(spikes, 1), torch.stack(voltages, 1)


def plain_covariances(a: torch.Tensor, lags: int) -> torch.Tensor:
    a = a - a.mean(0)
    found = [torch.einsum("rti,rtj->ij", a, a.roll(lag, 1)) for lag in range(lags)]
    return torch.stack(found) / (a.shape[0] * a.shape[1])


def plain_parts(model: Model, batch: MovieBatch, free: torch.Tensor, clamped: torch.Tensor) -> dict[str, torch.Tensor]:
    lags, units, first = model.config.lags, model.units, model.sizes.first
    spikes, latent = batch.spikes[:, first:].float(), plain_latent(model, batch.frames)
    before = batch.spikes[:, first - lags : first].float().flip(1).transpose(1, 2)
    past = torch.zeros(len(batch), len(model.bias), lags)
    samples, voltages = plain_run(model, latent, free, past, spikes[..., :0])
    rates, samples = voltages[..., :units].sigmoid(), samples[..., units:]
    past = functional.pad(before, (0, 0, 0, len(model.bias) - units))
    _, voltages = plain_run(model, latent, clamped, past, spikes)
    mean, known = rates.mean(0), spikes.mean(0)
    noise = plain_covariances(rates, lags) - plain_covariances(spikes, lags)
    parts = {
        "likelihood": functional.binary_cross_entropy_with_logits(voltages[..., :units], spikes),
        "psth": -(known * mean.log() + (1 - known) * (1 - mean).log()).mean(),
        "noise": noise.square().mean(),
    }
    hidden = {"hidden": (samples.mean(dim=(0, 1)) - 0.17).square().mean()} if clamped.shape[2] else {}
    return parts | hidden


def iteration(model: Model, parts: Callable[[], dict[str, torch.Tensor]]) -> tuple[float, float]:
    """Return CPU seconds of a loss and its gradient, and the loss."""
    model.zero_grad()
    started = time.process_time()
    total = torch.stack([WEIGHTS[name] * part for name, part in parts().items()]).sum()
    total.backward()
    return time.process_time() - started, total.item()


def least(rounds: int, model: Model, parts: Callable[[], dict[str, torch.Tensor]]) -> tuple[float, float]:
    return min(iteration(model, parts) for _ in range(rounds))


def network(hidden: int, sizes: MovieSizes, **settings: bool) -> Model:
    torch.manual_seed(0)
    return Model(Config(hidden=hidden, **PUBLISHED, **settings), sizes)


def gigaflops(model: Model, bins: int) -> float:
    """Return those of the convolutions, forward and backward; the movie needs no gradient."""
    found, side = 0.0, SIDE
    for place, layer in enumerate(model.trunk.convolutions):
        found += 2e-9 * bins * side**2 * layer.weight.numel() * (3 if place else 2)
        side = -(-side // 2)
    return found


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hidden", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    sizes = MovieSizes("drawn", BIN_MS, SIDE, SIDE, UNITS, (FRAMES,), 9)
    movie = torch.rand(FRAMES, SIDE, SIDE)
    rates = 0.05 + 0.25 * torch.rand(1, 1, UNITS) + 0.2 * torch.rand(1, FRAMES, UNITS)
    batch = MovieBatch(0, movie, (torch.rand(args.repeats, FRAMES, UNITS) < rates).to(torch.uint8))
    bins, neurons = FRAMES - sizes.first, UNITS + args.hidden
    free, clamped = (torch.rand(args.repeats, bins, count) for count in (neurons, args.hidden))
    model, frozen = network(args.hidden, sizes), network(args.hidden, sizes, frozen_trunk=True)
    before = peak()
    # Compiled in the first round.
    ours, loss = least(args.rounds + 1, model, lambda: model.measured(batch, free, clamped))
    print(f"raysp: {ours:.3f} s, {peak() - before:.2f} GB above imports and data", flush=True)
    kept, _ = least(args.rounds + 1, frozen, lambda: frozen.measured(batch, free, clamped))
    print(f"  with the latent kept, so recurrent part and statistics: {kept:.3f} s")
    square, work = torch.randn(2000, 2000), gigaflops(model, bins)
    rate = 16 / min(timed(lambda: square @ square) for _ in range(5))
    print(f"  convolutions: {work:.1f} GFLOP, {work / rate:.3f} s at the {rate:.0f} GFLOP/s of a product of matrices")
    plain, other = least(args.rounds, model, lambda: plain_parts(model, batch, free, clamped))
    recurrent = plain - least(args.rounds, model, lambda: {"psth": plain_latent(model, movie).mean()})[0]
    print(
        f"plain torch: {plain:.2f} s, {plain / ours:.1f} times; without its convolutions {recurrent / kept:.1f} times"
    )
    print(f"losses {loss:.7f} and {other:.7f}")


def timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
