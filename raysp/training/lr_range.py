"""A learning rate's range test: the loss while the rate grows step by step, and what that suggests (Smith 2017)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from raysp.errors import BadInput
from raysp.training.batches import Learner
from raysp.training.descent import Descent
from raysp.training.job import Job
from raysp.training.randomness import seeded

SMOOTHING, WORSE, SKIP_FIRST, SKIP_LAST = 0.98, 4.0, 10, 1
"""Of the moving average; how far above the best it may go; steps left out when the steepest fall is looked for."""


@dataclass(frozen=True)
class LrRange:
    """What a range test found.

    Attributes:
        rates: learning rate of each step.
        losses: of each step's batch, before the step.
        smooth: exponential moving average of the losses, without bias.
        suggested: see `suggestion`.
    """

    rates: list[float]
    losses: list[float]
    smooth: list[float]
    suggested: float | None


def lr_range(job: Job, learner: Learner, *, lowest: float = 1e-8, highest: float = 1.0, steps: int = 100) -> LrRange:
    """Train a trial's model anew while the learning rate grows from step to step, until the loss explodes.

    A model of its own is trained: no weights, optimiser or random state of any other are touched.

    Args:
        job: what would be fitted, and where.
        learner: gives a new model and its data, of which those set aside in the training part are left out.
        lowest, highest: learning rates at both ends, log-spaced between.
        steps: of the optimiser.

    Raises:
        BadInput: the model is not fitted by gradient descent, or the range is empty.
    """
    if job.trial.training is None:
        raise BadInput(
            f"model {job.trial.model} is not fitted by gradient descent: it has no learning rate to look for"
        )
    if not 0 < lowest < highest or steps < SKIP_FIRST + SKIP_LAST + 3:
        raise BadInput(
            f"a range test expected 0 < lowest < highest and {SKIP_FIRST + SKIP_LAST + 3} steps, got {lowest} to "
            f"{highest} in {steps}"
        )
    plain = dataclasses.replace(job.training, average="none", validate_on="train")
    job = dataclasses.replace(job, trial=dataclasses.replace(job.trial, training=plain))
    with seeded(job.trial.seed, job.place):
        return _test(Descent(*learner(job), job), lowest, highest, steps)


def _test(descent: Descent, lowest: float, highest: float, steps: int) -> LrRange:
    rates, losses, smooth, running = [], [], [], 0.0
    for step, chosen in zip(range(steps), _draws(descent), strict=False):
        rate = lowest * (highest / lowest) ** (step / (steps - 1))
        loss = descent.one_step(chosen, rate)
        if not math.isfinite(loss):
            break
        running = SMOOTHING * running + (1 - SMOOTHING) * loss
        rates.append(rate)
        losses.append(loss)
        smooth.append(running / (1 - SMOOTHING ** (step + 1)))
        if smooth[-1] - min(smooth) > (WORSE - 1) * abs(min(smooth)):
            break
    return LrRange(rates, losses, smooth, suggestion(rates, smooth))


def _draws(descent: Descent) -> Iterator[torch.Tensor]:
    while True:
        yield from descent.draws()


def suggestion(rates: list[float], smooth: list[float]) -> float | None:
    """Return the rate at which the smooth loss falls fastest over the log rate; None where it never falls.

    A fall is taken over a twentieth of the steps either way: from one step to the next it is mostly noise. The first
    steps, whose moving average is of few batches, and the last one are left out.
    """
    half = max(len(rates) // 20, 1)
    middle = range(SKIP_FIRST + half, len(rates) - SKIP_LAST - half)
    slopes = {i: (smooth[i + half] - smooth[i - half]) / math.log(rates[i + half] / rates[i - half]) for i in middle}
    steepest = min(slopes, key=slopes.__getitem__, default=None)
    return None if steepest is None or slopes[steepest] >= 0 else rates[steepest]
