"""The optimiser: one for all weights, or with rates and decays of each lane's own."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from raysp.config.experiment import Training

KINDS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


class LaneOptimizer:
    """Adam with one parameter group for all weights, or one for each lane.

    A lane's group holds views of its part of every weight, so that each lane's step is the one it would take alone.

    Args:
        model: on the device; where there are lanes, every weight has them in front.
        trainings: one for all, or one for each lane.
        betas: of Adam.
    """

    def __init__(self, model: nn.Module, trainings: Sequence[Training], betas: tuple[float, float]) -> None:
        self._weights = list(model.parameters())
        self._views = []
        if len(trainings) > 1:
            self._views = [[nn.Parameter(w.detach()[i]) for w in self._weights] for i in range(len(trainings))]
        groups = [
            {"params": weights, "lr": training.learning_rate, "weight_decay": training.weight_decay}
            for weights, training in zip(self._views or [self._weights], trainings, strict=True)
        ]
        # One kernel for all weights: of models this small, the loop over them takes a tenth of a step.
        fused = {"fused": True} if self._weights[0].device.type in ("cpu", "cuda") else {}
        self.adam = KINDS[trainings[0].optimizer](groups, betas=betas, eps=trainings[0].adam_epsilon, **fused)

    def set_rates(self, rates: Sequence[float], momentum: float) -> None:
        """Set the learning rate of each group, and Adam's first beta."""
        for group, rate in zip(self.adam.param_groups, rates, strict=True):
            group["lr"], group["betas"] = rate, (momentum, group["betas"][1])

    def lane_state(self, lane: int) -> dict[str, Any]:
        """Return the state dict that the optimiser of one lane alone would have."""
        whole, count = self.adam.state_dict(), len(self._weights)
        if not self._views:
            return copy.deepcopy(whole)
        first = lane * count
        found = {
            number: {name: value.clone() if name == "step" else value[None].clone() for name, value in known.items()}
            for number in range(count)
            if (known := whole["state"].get(first + number)) is not None
        }
        return {"state": found, "param_groups": [{**whole["param_groups"][lane], "params": list(range(count))}]}

    def take_over(self, states: Sequence[Mapping[int, Mapping[str, torch.Tensor]]]) -> None:
        """Go on from the moments of others, and keep rates and decays.

        Args:
            states: of each lane, or of the one optimiser of all, the "state" of its state dict.
        """
        # Copies, since Adam goes on in the very tensors that it is given.
        found: dict[int, Any] = copy.deepcopy(dict(states[0]))
        if self._views:
            found = {
                lane * len(self._weights) + number: {
                    n: v.clone() if n == "step" else v[0].clone() for n, v in one.items()
                }
                for lane, state in enumerate(states)
                for number, one in state.items()
            }
        self.adam.load_state_dict({"state": found, "param_groups": self.adam.state_dict()["param_groups"]})

    def step(self) -> None:
        """Take one step along the gradients that the weights have."""
        for lane, views in enumerate(self._views):
            for view, weights in zip(views, self._weights, strict=True):
                view.grad = None if weights.grad is None else weights.grad[lane]
        self.adam.step()
