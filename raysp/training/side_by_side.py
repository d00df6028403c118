"""One generation of several members of a population at once: each is a lane of one model."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from raysp.config.note import CurveRow, Note
from raysp.errors import BadInput, present
from raysp.training.batches import Learner
from raysp.training.descent import Descent, Diverged, State, finite
from raysp.training.generation import Trained, fingerprint, slim, smoothed, unjudged
from raysp.training.job import Job, Member
from raysp.training.randomness import Streams, seeded


@dataclass(frozen=True)
class Beginning:
    """What a member begins a generation with.

    Attributes:
        member: its trial, and the seed of its first weights.
        before: state to go on from; None for a new model.
        score: smoothed so far; None to begin anew.
    """

    member: Member
    before: State | None = None
    score: float | None = None


@dataclass
class _Lane:
    """How far a lane has come: its score, the loss of its last epoch, its curve, and why it is over before the end."""

    score: float | None
    curve: list[CurveRow]
    loss: float | None = None
    why: str = ""
    epochs: int = 0
    rate: float = field(default=0.0)


def train_side_by_side(
    job: Job, learner: Learner, members: Sequence[Beginning], *, seed: int, epochs: int, judge: str
) -> list[Trained]:
    """Train members for a generation as lanes of one model: what `generation.train_generation` makes of each.

    Order, masks and noise are drawn once for all. A member comes out as it would alone with the same draws, but for
    rounding; whether others diverge changes no bit of it. The same members on the same kind of device give the same
    bits.

    Args:
        job: whose trial says what all of them share: their settings differ in those that lanes may have of their own.
        learner: gives the model and its data.
        members: as they begin; all of them with a state to go on from, or none.
        seed: of the generation's draws.
        epochs: to train.
        judge: name of the loss of an epoch that members are judged by.

    Raises:
        BadInput: the model reports no such loss, a state is of another model, or settings differ that lanes share.
    """
    beginning = [one.member for one in members]
    lanes = tuple(present(one.trial.training) for one in beginning)
    # What it tells of lanes by number is told of members here.
    job = dataclasses.replace(job, members=tuple(beginning), lanes=lanes, report=_quiet)
    found = [_Lane(one.score, list(one.before["progress"]["curve"]) if one.before else []) for one in members]
    with seeded(seed, job.place):
        descent = Descent(*learner(job), job)
        if all(one.before is not None for one in members):
            _take_over(descent, [present(one.before) for one in members])
        descent.streams = Streams(seed, job.place)
        torch.manual_seed(seed)
        for _ in range(epochs):
            try:
                row = descent.step()
            except Diverged as error:
                _end(found, descent, str(error))
                break
            _take_in(found, descent, row, judge)
            if all(lane.why for lane in found):
                break
    return [_trained(descent, lane, number) for number, lane in enumerate(found)]


def _quiet(note: Note) -> None:
    pass


def _take_over(descent: Descent, states: Sequence[State]) -> None:
    """Stack the states of members along the axis of lanes."""
    whole = {name: torch.cat([one["model"][name].cpu() for one in states]) for name in states[0]["model"]}
    if not descent.fits({"model": whole}):
        raise BadInput(
            f"model {descent.job.trial.model}: members' weights do not fit the settings of those that copied them"
        )
    descent.model.load_state_dict(whole)
    descent.optimizer.take_over([one["optimizer"]["state"] for one in states])
    # All have come as far; each one's own curve is kept beside.
    descent.progress.curve = list(states[0]["progress"]["curve"])


def _take_in(found: Sequence[_Lane], descent: Descent, row: CurveRow, judge: str) -> None:
    """Take an epoch into each lane's curve and score."""
    if judge not in descent.each:
        raise unjudged(descent.job.trial, judge)
    rates = [group["lr"] for group in descent.optimizer.adam.param_groups]
    for number, lane in enumerate(found):
        if lane.why:
            continue
        own = {name: finite(each[number].item()) for name, each in descent.each.items()}
        loss, diverged = descent.each[judge][number].item(), int(descent.progress.diverged[number])
        lane.epochs = len(lane.curve) if diverged else len(lane.curve) + 1
        if diverged or not math.isfinite(loss):
            name = next((name for name, value in own.items() if value is None), judge)
            lane.why = f"{name} became infinite or NaN in epoch {row['epoch']} at learning rate {rates[number]:.3g}"
            continue
        lane.curve.append({**row, **own, "learning_rate": rates[number]})
        lane.loss, lane.score = loss, smoothed(loss, lane.score)


def _end(found: Sequence[_Lane], descent: Descent, why: str) -> None:
    for lane in found:
        if not lane.why:
            lane.why, lane.epochs = why, descent.progress.epoch


def _trained(descent: Descent, lane: _Lane, number: int) -> Trained:
    if lane.why:
        return Trained(epochs=lane.epochs, why=lane.why)
    state = slim(_state(descent, lane, number))
    return Trained(state, lane.score, lane.loss, lane.epochs, fingerprint(state))


def _state(descent: Descent, lane: _Lane, number: int) -> State:
    """Return the state of a lane as that of a model of one."""
    whole, part = descent.state(), slice(number, number + 1)
    of_lanes = ("best_epochs", "best_losses", "diverged")
    own = {name: whole["progress"][name][part].clone() for name in of_lanes}
    return {
        **whole,
        "model": {name: value[part].clone() for name, value in whole["model"].items()},
        "optimizer": descent.optimizer.lane_state(number),
        "progress": {**whole["progress"], **own, "curve": lane.curve},
    }
