"""One generation of a member of a population: from another's weights and optimiser on, for some epochs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from raysp.config.experiment import Trial
from raysp.config.note import CurveRow
from raysp.errors import BadInput
from raysp.training.batches import Learner
from raysp.training.descent import Descent, Diverged, Progress, State
from raysp.training.job import Job
from raysp.training.randomness import Streams, seeded

NEWEST = 0.7
"""Weight of the newest epoch in a smoothed score (Keshtkaran et al. 2022)."""


class Saved(State):
    """A member's state after a generation: what going on needs, its smoothed score, and the digest of its weights."""

    score: float
    weights: str


@dataclass(frozen=True)
class Trained:
    """What a generation made of a member.

    Attributes:
        state: that the next generation goes on from; None where it diverged.
        score: smoothed over epochs, less is better; None where it diverged.
        loss: the same at the last epoch.
        epochs: of its weights, those of the members that it descends from counted.
        weights: SHA-256 of weights and optimiser.
        why: it diverged; empty where it did not.
    """

    state: State | None = None
    score: float | None = None
    loss: float | None = None
    epochs: int = 0
    weights: str | None = None
    why: str = ""


def train_generation(
    job: Job,
    learner: Learner,
    *,
    seed: int,
    epochs: int,
    judge: str,
    before: State | None = None,
    score: float | None = None,
) -> Trained:
    """Train a member for a generation; the same arguments on the same kind of device give the same bits.

    Args:
        job: of the member's trial. Its seed is the population's: all members are judged on the same draws.
        learner: gives a new model and its data.
        seed: of the generation's own draws: first weights, order, masks, dropout.
        epochs: to train.
        judge: name of the loss in an epoch's row that members are judged by.
        before: state to go on from; None for a new model.
        score: smoothed so far; None to begin anew.

    Raises:
        BadInput: the model reports no such loss, or the state is of another model.
    """
    with seeded(seed, job.place):
        model, batches = learner(job)
        descent = Descent(model, batches, job)
        if before is not None:
            _take_over(descent, before)
        descent.streams = Streams(seed, job.place)
        torch.manual_seed(seed)
        loss = None
        try:
            for _ in range(epochs):
                row = descent.step()
                job.report({**row})  # type: ignore[typeddict-item]
                loss = _judged(descent, row, judge)
                score = smoothed(loss, score)
        except Diverged as error:
            return Trained(epochs=descent.progress.epoch, why=str(error))
    if not bool(descent.progress.alive.all()):
        # Without its worst lanes its mean would be better than that of members that kept all of theirs.
        return Trained(epochs=descent.progress.epoch, why="units of its own diverged, see above")
    if batches.units:
        # A unit's loss is that of the weights that go on, not of its best epoch in this generation.
        with descent.shown():
            descent.progress.best_losses = descent.losses()
    state = slim(descent.state())
    return Trained(state, score, loss, descent.progress.epoch, fingerprint(state))


def smoothed(loss: float, score: float | None) -> float:
    """Return a score that takes in the loss of one more epoch; None for the score of none before."""
    return loss if score is None else NEWEST * loss + (1.0 - NEWEST) * score


def slim(state: State) -> State:
    """Return a state without a second copy of the weights: a population goes on from the last epoch's."""
    return {**state, "progress": {**state["progress"], "best": {}}}


def chosen(state: State, epochs: int) -> State:
    """Return a state whose weights were chosen as they are, so that a fit that resumes from it is over and gives them.

    Args:
        state: of the winner of a population.
        epochs: of its weights.
    """
    progress = state["progress"]
    best = torch.full_like(progress["best_epochs"], epochs)
    known = {"best": state["model"], "best_epochs": best, "chosen": epochs}
    return {**state, "progress": {**progress, **known}}


def fingerprint(state: State) -> str:
    """Return the SHA-256 of a state's weights and of its optimiser's, whatever device they are on."""
    total = hashlib.sha256()
    for name, value in _tensors({"model": state["model"], "optimizer": state["optimizer"]["state"]}, ""):
        total.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        total.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def _tensors(found: Mapping[Any, Any], at: str) -> Iterator[tuple[str, torch.Tensor]]:
    for name in sorted(found, key=str):
        value, path = found[name], f"{at}/{name}"
        if isinstance(value, torch.Tensor):
            yield path, value
        elif isinstance(value, Mapping):
            yield from _tensors(value, path)


def _take_over(descent: Descent, state: State) -> None:
    if not descent.fits(state):
        raise BadInput(
            f"model {descent.job.trial.model}: a member's weights do not fit the settings of the one that copied them"
        )
    descent.model.load_state_dict(state["model"])
    # Rates and decays are settings, which may have changed since; moments are what is copied.
    descent.optimizer.take_over([state["optimizer"]["state"]])
    descent.progress = Progress.of(descent.lanes or 1)
    descent.progress.curve = list(state["progress"]["curve"])


def _judged(descent: Descent, row: CurveRow, judge: str) -> float:
    """Return what a member is judged by. Raises Diverged where it is not finite, BadInput where there is none."""
    value, trial = row.get(judge), descent.job.trial
    if value is not None:
        return value
    with descent.shown():
        if judge == "validation_loss" or (judge == "unseen_loss" and descent.batches.unseen(descent.model) is not None):
            raise Diverged(f"{judge} became infinite or NaN in epoch {row['epoch']}")
    raise unjudged(trial, judge)


def unjudged(trial: Trial, judge: str) -> BadInput:
    """Return the error where a trial's epochs do not have what members are judged by."""
    return BadInput(
        f"model {trial.model} on {trial.split} reports no {judge} that members could be judged by; choose the model's "
        "own: --objective validation_loss"
    )
