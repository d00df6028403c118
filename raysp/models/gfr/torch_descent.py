"""Adam through torch, on any device: the same steps as `descent` takes, for machines whose accelerator does them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import torch

from raysp.models.gfr.descent import EPS, FIRST, SECOND, Plan, State
from raysp.models.gfr.lanes import Lanes
from raysp.models.gfr.neuron import Neurons
from raysp.models.gfr.parameters import Parameters


def on(device: torch.device) -> Callable[[Lanes, Lanes, Plan, State, int], State]:
    """Return what trains on a device as `descent.train` does."""

    def train(lanes: Lanes, held: Lanes, plan: Plan, state: State, count: int) -> State:
        """Return the state after so many more epochs."""
        training = _Training(lanes, held, plan, state, device)
        for _ in range(count):
            training.epoch()
        return training.state(state)

    return train


@dataclasses.dataclass(frozen=True)
class _Group:
    """Lanes of an optimiser step, side by side: (bins, lanes) each, and each lane's row."""

    current: torch.Tensor
    counts: torch.Tensor
    weight: torch.Tensor
    row: torch.Tensor

    @classmethod
    def of(cls, lanes: Lanes, group: int, device: torch.device) -> _Group:
        tiles = range(lanes.group_ptr[group], lanes.group_ptr[group + 1])
        longest = max((int(lanes.tile_ptr[tile + 1] - lanes.tile_ptr[tile]) for tile in tiles), default=0)
        kept = [lanes.row[tile] >= 0 for tile in tiles]

        def side_by_side(flat: np.ndarray) -> torch.Tensor:
            found = [np.zeros((longest, 0), flat.dtype)]
            for tile, mine in zip(tiles, kept, strict=True):
                values = flat[lanes.tile_ptr[tile] : lanes.tile_ptr[tile + 1], mine]
                found.append(np.pad(values, ((0, longest - len(values)), (0, 0))))
            return torch.from_numpy(np.concatenate(found, axis=1)).to(device)

        rows = [np.zeros(0, np.int64), *(lanes.row[tile][mine] for tile, mine in zip(tiles, kept, strict=True))]
        current, counts, weight = (side_by_side(one) for one in (lanes.current, lanes.counts, lanes.weight))
        return cls(current, counts, weight, torch.from_numpy(np.concatenate(rows)).to(device))


class _Training:
    def __init__(self, lanes: Lanes, held: Lanes, plan: Plan, state: State, device: torch.device) -> None:
        self.plan, self.device, self.done = plan, device, len(state.losses)
        self.groups = [_Group.of(lanes, group, device) for group in range(len(lanes.group_ptr) - 1)]
        self.held = _Group.of(held, 0, device) if held.group_ptr[-1] else None
        self.sigma = torch.from_numpy(plan.sigma).to(device)
        self.normal, self.free = plan.normal, torch.from_numpy(plan.free).to(device)
        names = ("theta", "anchor", "moments", "squares", "steps", "same", "last", "stopped")
        self.now = {name: torch.from_numpy(getattr(state, name).copy()).to(device) for name in names}
        self.losses: list[np.ndarray] = []
        self.held_losses: list[np.ndarray] = []

    def epoch(self) -> None:
        logged = torch.zeros(len(self.sigma), dtype=torch.float64, device=self.device)
        for group, one in enumerate(self.groups):
            normal = torch.from_numpy(self.normal[group]).to(self.device)
            loss, gradient = self._gradient(one)
            logged += loss * normal
            self._step(gradient, (normal != 0) & (self.now["stopped"] == 0))
        held = np.full(len(self.sigma), np.nan)
        if self.held is not None:
            with torch.no_grad():
                held = self._loss(self.held, self.now["theta"]).cpu().numpy() * self.normal[-1]
        self.losses.append(logged.cpu().numpy())
        self.held_losses.append(held)
        now = self.now
        now["same"] = torch.where(logged == now["last"], now["same"] + 1, 0)
        now["last"] = logged
        ended = (now["same"] >= 2) & (now["stopped"] == 0)
        now["stopped"] = torch.where(ended, self.done + len(self.losses), now["stopped"])

    def state(self, before: State) -> State:
        arrays = {name: values.cpu().numpy() for name, values in self.now.items()}
        losses = np.concatenate([before.losses, np.array(self.losses)])
        return State(
            losses=losses, held_losses=np.concatenate([before.held_losses, np.array(self.held_losses)]), **arrays
        )

    def _loss(self, group: _Group, theta: torch.Tensor) -> torch.Tensor:
        """Return each row's loss, (rows,) float64."""
        terms, bin_ms, eps = len(self.plan.decay), self.plan.bin_ms, self.plan.eps
        mean = _rates(group.current, theta[group.row], self.sigma[group.row], self.plan, terms) * bin_ms
        each = (group.weight * (mean - group.counts * torch.log(mean + eps))).sum(0, dtype=torch.float64)
        return torch.zeros(len(theta), dtype=torch.float64, device=self.device).index_add(0, group.row, each)

    def _gradient(self, group: _Group) -> tuple[torch.Tensor, torch.Tensor]:
        theta = self.now["theta"].detach().requires_grad_()
        loss = self._loss(group, theta)
        (gradient,) = torch.autograd.grad(loss.sum(), theta)
        return loss.detach(), gradient

    def _step(self, gradient: torch.Tensor, taken: torch.Tensor) -> None:
        now, plan, terms = self.now, self.plan, len(self.plan.decay)
        lasso, ridge, rates = (
            torch.from_numpy(one).to(self.device)[:, None] for one in (plan.lasso, plan.ridge, plan.rates)
        )
        gradient = gradient + ridge * (now["theta"] - now["anchor"])
        gradient[:, : 2 * terms] += lasso * now["theta"][:, : 2 * terms].sign()
        steps = now["steps"] + taken
        moments = FIRST * now["moments"] + (1 - FIRST) * gradient
        squares = SECOND * now["squares"] + (1 - SECOND) * gradient**2
        first, second = 1 - FIRST ** steps[:, None].double(), 1 - SECOND ** steps[:, None].double()
        theta = now["theta"] - rates / first * moments / ((squares / second).sqrt() + EPS)
        where = taken[:, None] & self.free
        for name, values in (("theta", theta), ("moments", moments), ("squares", squares)):
            now[name] = torch.where(where, values, now[name])
        now["steps"] = steps


def _rates(current: torch.Tensor, theta: torch.Tensor, sigma: torch.Tensor, plan: Plan, terms: int) -> torch.Tensor:
    """Return rates, (bins, lanes), in the precision of the currents; differentiable in theta (lanes, parameters)."""
    alpha, beta, poly, rest = theta.to(current.dtype).tensor_split((terms, 2 * terms, theta.shape[1] - 2), dim=1)
    few = np.zeros((1, 1))
    neurons = Neurons(Parameters(few, few, few, few, few, few, plan.decay, plan.feedback), current.dtype)
    weights = {
        "alpha": alpha, "beta": beta, "poly": poly, "threshold": rest[:, 0] * sigma.to(current.dtype),
        "gamma": rest[:, 1].exp(), "sigma": sigma.to(current.dtype), "decay": neurons.decay.to(current.device),
    }  # fmt: skip
    return torch.func.functional_call(neurons, weights, (current,))
