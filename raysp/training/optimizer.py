"""The optimiser: one for all weights, or with rates and decays of each lane's own."""

from __future__ import annotations

from collections.abc import Sequence

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

    def step(self) -> None:
        """Take one step along the gradients that the weights have."""
        for lane, views in enumerate(self._views):
            for view, weights in zip(views, self._weights, strict=True):
                view.grad = None if weights.grad is None else weights.grad[lane]
        self.adam.step()
