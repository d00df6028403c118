"""The chaotic network's rates, from its spikes, by whoever knows the network: how near a model can come.

    PYTHONPATH=. python benchmarks/chaotic_oracle.py [--conditions 130] [--to FOLDER]

The network's weights are known; a trial's initial state is not, and nothing else decides its rates. It is inferred from
spikes: the posterior under the draw that it came from (standard normal). First its peak: of trajectories that may leave
the dynamics by less and less, then by steps of Levenberg and Marquardt. Then samples of it, by Hamiltonian Monte Carlo
in coordinates in which the peak is round. What is scored is the mean of the rates over the samples: no other estimate
from the same spikes has a smaller squared error on average. Evaluation trials are those of the benchmark's split.

- own spikes: what is possible of a condition that was never seen; at least that, since of a share of the trials, which
  is printed, no peak was found that explains the spikes as well as the truth does.
- training trials, and both: those of its condition, whose initial state is the same. Which condition that is, the
  likelihoods of an unlabelled trial's spikes under each condition's rates say; how often rightly, is printed.

A part of 13 conditions is kept in FOLDER when it is done; the same command again goes on.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from raysp.data.sources.chaotic_rnn import DT_S, GAIN, TAU_S, Config, generate
from raysp.evaluation.rates import r2_per_unit, r2_pooled
from raysp.io import files

AT_ONCE = 13
"""Conditions whose states are inferred together."""

FLOOR = 1e-4
"""Least expected spikes per bin: each unit's rate is zero in one bin of a trial, where a spike would have no slope."""

LEAPS, ACCEPTED = 8, 0.8

ENOUGH = 0.05
"""Nats: a peak is reached when four steps in turn have gained less."""

SHARE = DT_S / TAU_S

WAYS = ("own spikes, peak", "own spikes", "training trials", "both")
"""What rates are inferred from: means over a posterior, but for the first."""


class Network(NamedTuple):
    """What is known: the (units, units) weights, and expected spikes per bin of a unit at its highest."""

    weights: torch.Tensor
    most: float

    def trajectory(self, start: torch.Tensor, bins: int) -> torch.Tensor:
        """Return tanh of the states after each bin, (states, bins, units), from (states, units)."""
        x, fired, found = start, torch.tanh(start), []
        for _ in range(bins):
            x = (1.0 - SHARE) * x + SHARE * GAIN * (fired @ self.weights.T)
            fired = torch.tanh(x)
            found.append(fired)
        return torch.stack(found, dim=1)

    def rates(self, fired: torch.Tensor) -> torch.Tensor:
        """Return expected spikes per bin, each unit stretched over a trial's bins."""
        low, high = fired.amin(dim=1, keepdim=True), fired.amax(dim=1, keepdim=True)
        return FLOOR + self.most * (fired - low) / (high - low)


class Seen(NamedTuple):
    """Spikes that states are inferred from: (states, bins, units) counts summed over trials, and (states,) how many."""

    counts: torch.Tensor
    trials: torch.Tensor

    def log_likelihood(self, rates: torch.Tensor) -> torch.Tensor:
        """Return nats of each state, (states,), but for what no rate changes."""
        return (self.counts * rates.log() - self.trials[:, None, None] * rates).sum(dim=(1, 2))

    def log_posterior(self, network: Network, start: torch.Tensor) -> torch.Tensor:
        """Return it for (states, units) initial states, but for a constant."""
        rates = network.rates(network.trajectory(start, self.counts.shape[1]))
        return self.log_likelihood(rates) - 0.5 * start.square().sum(dim=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--conditions", type=int, default=130, help="the first so many")
    parser.add_argument(
        "--samples", type=int, default=60, help="of each posterior, after half as many that only settle"
    )
    parser.add_argument("--to", default="", help="folder that parts are kept in")
    args = parser.parse_args()
    torch.set_num_threads(1)
    config = Config()
    counts, rates, weights = generate(config)
    shape = (config.conditions, config.replications, config.bins, config.units)
    spikes, true = torch.as_tensor(counts.reshape(shape)).double(), rates.reshape(shape)[:, 0].astype(np.float64)
    network, trained, found = Network(torch.as_tensor(weights), config.max_hz * DT_S), int(0.8 * shape[1]), []
    with tempfile.TemporaryDirectory() as own:
        for first in range(0, args.conditions, AT_ONCE):
            chosen, start = slice(first, min(first + AT_ONCE, args.conditions)), time.process_time()
            path = Path(args.to or own) / f"{first}-{chosen.stop}-{args.samples}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                with files.replacing(str(path)) as name, open(name, "wb") as file:
                    np.save(file, inferred(network, spikes[chosen], trained, args.samples))
            found.append(np.load(path))
            print(f"conditions {first} to {chosen.stop - 1}: {time.process_time() - start:.0f} CPU s", flush=True)
    tell(np.concatenate(found, axis=1), spikes[: args.conditions, trained:].numpy(), true[: args.conditions])


def inferred(network: Network, spikes: torch.Tensor, trained: int, samples: int) -> np.ndarray:
    """Return rates of evaluation trials of some conditions, (ways, conditions, evaluation trials, bins, units).

    Args:
        network: that made them.
        spikes: (conditions, trials, bins, units).
        trained: trials of each condition, the first ones, that train.
        samples: of each posterior.

    Returns:
        In the order of `WAYS`.
    """
    generator = torch.Generator().manual_seed(0)
    count, trials = len(spikes), spikes.shape[1] - trained
    own = spikes[:, trained:].flatten(0, 1)
    together = spikes[:, :trained].sum(dim=1)
    both = own + together.repeat_interleave(trials, dim=0)
    groups = [
        Seen(counts, torch.full((len(counts),), float(times)).double())
        for counts, times in ((own, 1), (together, trained), (both, trained + 1))
    ]
    of_own, of_trained = (peaks(network, seen, generator) for seen in groups[:2])
    of_both = climbed(network, groups[2], of_trained.repeat_interleave(trials, dim=0))
    found = [network.rates(network.trajectory(of_own, spikes.shape[2]))]
    for seen, top in zip(groups, (of_own, of_trained, of_both), strict=True):
        found.append(sampled(network, seen, top, samples, generator))
    return np.stack([one.unflatten(0, (count, -1)).expand(-1, trials, -1, -1).numpy() for one in found])


def peaks(network: Network, seen: Seen, generator: torch.Generator, starts: int = 6) -> torch.Tensor:
    """Return the highest peaks found of the posteriors, (states, units).

    One is looked for again, from elsewhere, where spikes are less likely under its rates than spikes of such rates are:
    by half a standard deviation, so that about a third of the best ones are doubted too.
    """
    best, rows = torch.zeros(len(seen.counts), seen.counts.shape[2]).double(), torch.arange(len(seen.counts))
    height = torch.full((len(rows),), -torch.inf).double()
    for _ in range(starts):
        part = Seen(seen.counts[rows], seen.trials[rows])
        top = climbed(network, part, settled(network, part, generator))
        better = (then := part.log_posterior(network, top)) > height[rows]
        best[rows[better]], height[rows[better]] = top[better], then[better]
        rates = network.rates(network.trajectory(best[rows], seen.counts.shape[1]))
        mean = part.trials[:, None, None] * rates
        spread = (mean * rates.log().square()).sum(dim=(1, 2)).sqrt()
        rows = rows[((part.counts - mean) * rates.log()).sum(dim=(1, 2)) < -0.5 * spread]
        if not len(rows):
            break
    return best


def settled(network: Network, seen: Seen, generator: torch.Generator, steps: int = 800) -> torch.Tensor:
    """Return initial states, (states, units), of trajectories that come to obey the dynamics more and more.

    Of a chaotic network, rates late in a trial are too steep a function of its beginning to climb from anywhere. With
    every bin's state free, and held to what the bin before it leads to, spikes pull on the states next to them.
    """
    count, bins, units = seen.counts.shape
    states = 0.3 * torch.randn(count, bins + 1, units, generator=generator, dtype=torch.float64)
    states.requires_grad_()
    optimizer = torch.optim.Adam([states], lr=0.1)
    for step in range(steps):
        optimizer.zero_grad()
        stiffness = 10.0 ** (3.0 * step / steps)
        optimizer.param_groups[0]["lr"] = 0.1 * (1.0 - step / steps)
        fired = torch.tanh(states)
        apart = states[:, 1:] - (1.0 - SHARE) * states[:, :-1] - SHARE * GAIN * (fired[:, :-1] @ network.weights.T)
        loss = 0.5 * (stiffness * apart.square().sum() + states[:, 0].square().sum())
        (loss - seen.log_likelihood(network.rates(fired[:, 1:])).sum()).backward()
        optimizer.step()
    return states[:, 0].detach()


def climbed(network: Network, seen: Seen, start: torch.Tensor, steps: int = 40) -> torch.Tensor:
    """Return the peaks of the posteriors, (states, units), that damped Gauss-Newton steps lead to."""
    now, damping = seen.log_posterior(network, start), torch.ones(len(start)).double()
    still = torch.zeros(len(start), dtype=torch.int64)
    for _ in range(steps):
        slope, curvature = expanded(network, seen, start)
        damped = curvature + torch.diag_embed(damping[:, None] * curvature.diagonal(dim1=1, dim2=2))
        there = start + torch.linalg.solve(damped, slope)
        then = seen.log_posterior(network, there)
        better = then > now
        gain = torch.where(better, then - now, 0.0)
        start, now = torch.where(better[:, None], there, start), now + gain
        damping = torch.where(better, damping * 0.3, damping * 5.0).clamp(1e-6, 1e6)
        still = torch.where(gain > ENOUGH, 0, still + 1)
        if (still >= 4).all():
            break
    return start


def expanded(network: Network, seen: Seen, start: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the slope of the log posterior, (states, units), and its expected curvature, (states, units, units)."""
    units, bins = start.shape[1], seen.counts.shape[1]
    x, fired = start, torch.tanh(start)
    moved = torch.eye(units, dtype=torch.float64).expand(len(start), -1, -1)
    values, slopes = [], []
    for _ in range(bins):
        driven = network.weights @ ((1.0 - fired.square())[:, :, None] * moved)
        moved = (1.0 - SHARE) * moved + SHARE * GAIN * driven
        x = (1.0 - SHARE) * x + SHARE * GAIN * (fired @ network.weights.T)
        fired = torch.tanh(x)
        values.append(fired)
        slopes.append((1.0 - fired.square())[:, :, None] * moved)
    trace, change = torch.stack(values, dim=1), torch.stack(slopes, dim=1)
    ends = [at(trace, dim=1, keepdim=True) for at in (torch.argmin, torch.argmax)]
    low, high = (trace.gather(1, end) for end in ends)
    of_low, of_high = (change.gather(1, end[..., None].expand(-1, -1, -1, units)) for end in ends)
    stretched = ((trace - low) / (high - low))[..., None]
    change = network.most * (change - of_low - stretched * (of_high - of_low)) / (high - low)[..., None]
    rates, trials = network.rates(trace), seen.trials[:, None, None]
    slope = torch.einsum("sbu,sbuk->sk", seen.counts / rates - trials, change) - start
    # Bins of almost no rate would decide the curvature, and have no say in how far it holds.
    weight = (trials / rates.clamp(min=0.01 * network.most)).sqrt()[..., None] * change
    weight = weight.flatten(1, 2)
    return slope, weight.mT @ weight + torch.eye(units, dtype=torch.float64)


def sampled(network: Network, seen: Seen, top: torch.Tensor, samples: int, generator: torch.Generator) -> torch.Tensor:
    """Return the means of rates over samples of the posteriors, (states, bins, units).

    Args:
        network: that made the spikes.
        seen: the spikes.
        top: (states, units) peaks, from which the chains go out.
        samples: that count; half as many before them set each chain's step.
        generator: of the chains.
    """
    _, curvature = expanded(network, seen, top)
    # Rows of z in which the peak is round: x = top + z L^-1, with L L^T the curvature.
    back = torch.linalg.inv(torch.linalg.cholesky(curvature))
    z, bins = torch.zeros_like(top), seen.counts.shape[1]
    size, total = torch.full((len(top), 1), 0.1).double(), torch.zeros_like(seen.counts)

    def place(z: torch.Tensor) -> torch.Tensor:
        return top + torch.einsum("sk,skj->sj", z, back)

    def height(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        z = z.detach().requires_grad_()
        value = seen.log_posterior(network, place(z))
        (slope,) = torch.autograd.grad(value.sum(), z)
        return value.detach(), slope

    now, slope = height(z)
    settling = samples // 2
    for turn in range(settling + samples):
        momentum = torch.randn(z.shape, generator=generator, dtype=torch.float64)
        there, pull, push, value = z, slope, momentum, now
        for _ in range(LEAPS):
            push = push + 0.5 * size * pull
            there = there + size * push
            value, pull = height(there)
            push = push + 0.5 * size * pull
        gain = value - now - 0.5 * (push.square() - momentum.square()).sum(dim=1)
        taken = torch.rand(len(z), generator=generator).log() < gain
        z, slope = (torch.where(taken[:, None], *pair) for pair in ((there, z), (pull, slope)))
        now = torch.where(taken, value, now)
        if turn < settling:
            size = (size * torch.where(taken, 1.1, 1.1 ** (-ACCEPTED / (1 - ACCEPTED)))[:, None]).clamp(1e-4, 0.5)
        else:
            total += network.rates(network.trajectory(place(z), bins)) / samples
    return total


def tell(found: np.ndarray, spikes: np.ndarray, true: np.ndarray) -> None:
    """Print how near the oracle came.

    Args:
        found: see `inferred`, of all conditions.
        spikes: (conditions, evaluation trials, bins, units).
        true: (conditions, bins, units) expected spikes per bin.
    """
    truth = np.broadcast_to(true[:, None], spikes.shape)
    print(f"R2 of true rates, {truth.shape[0]} conditions, {truth.shape[1]} evaluation trials of each")
    for name, rates in zip(WAYS, found, strict=True):
        each = r2_per_unit(rates, truth)
        of_units = f"mean over units {each.mean():.3f}   median {np.median(each):.3f}   lowest {each.min():.3f}"
        print(f"{name:<18} {of_units}   pooled {r2_pooled(rates, truth):.3f}")
    top, least = (spikes * np.log(one) - one for one in (found[0], np.maximum(truth, FLOOR)))
    as_well = float((top.sum(axis=(2, 3)) >= least.sum(axis=(2, 3))).mean())
    print(f"trials whose peak explains their spikes at least as well as the truth does: {as_well:.1%}")
    rates = found[WAYS.index("training trials")][:, 0]
    nats = np.einsum("ctbu,kbu->ctk", spikes, np.log(rates)) - rates.sum(axis=(1, 2))
    right = float((nats.argmax(axis=2) == np.arange(len(rates))[:, None]).mean())
    print(f"trials whose condition their spikes tell, of {len(rates)}: {right:.1%}")


if __name__ == "__main__":
    main()
