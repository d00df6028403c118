"""One loop for every model that gradient descent fits: epochs, validation, best weights of each lane, exact resume."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import torch
from torch import nn

from raysp.config.experiment import Training
from raysp.config.note import CurveRow
from raysp.errors import BadInput, expect, present
from raysp.objectives.loss import checked
from raysp.training.averaging import Averaged, Averaging
from raysp.training.batches import Batches
from raysp.training.device import precision
from raysp.training.job import Job
from raysp.training.lanes import by_lane, check_lanes, clip_lanes, in_front
from raysp.training.one_cycle import one_cycle
from raysp.training.optimizer import LaneOptimizer
from raysp.training.randomness import Drawn, Streams, looking
from raysp.training.schedule import is_over, learning_rate

if TYPE_CHECKING:
    from raysp.models.base import Model


FEWEST = 4
"""Trials of a step, however long they are."""


def finite(loss: float | None) -> float | None:
    """Return a loss, None where it is not finite, which files cannot hold."""
    return loss if loss is not None and math.isfinite(loss) else None


def all_finite(metrics: dict[str, float]) -> dict[str, float | None]:
    """Return metrics with None for those that are not finite, see `finite`."""
    return {name: finite(value) for name, value in metrics.items()}


class Diverged(BadInput):
    """The loss of every lane became infinite or NaN."""


@dataclass
class Progress:
    """How far training has come; all of it goes into the checkpoint.

    Attributes:
        best_epochs: (lanes,) the epoch of each lane's lowest validation loss (the model's own), the last one without
            validation; 0 before there is one.
        best_losses: (lanes,) that loss.
        diverged: (lanes,) the epoch in which a lane's loss became infinite or NaN, 0 for none. From then on it keeps
            its best weights, and counts in no mean.
        unsettled: the last epoch in which the model minimised something that it did not go on to minimise: so far its
            last weights are kept, and no loss is the best one.
        best: each lane's weights after its best epoch; zeros where it has none.
        curve: one row per epoch, losses being means over lanes.
        chosen: the epoch whose weights were chosen by something else than these losses; 0 for none.
    """

    best_epochs: torch.Tensor
    best_losses: torch.Tensor
    diverged: torch.Tensor
    unsettled: int = 0
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    curve: list[CurveRow] = field(default_factory=list)
    chosen: int = 0

    @staticmethod
    def of(lanes: int) -> Progress:
        """Return where so many lanes begin."""
        nothing = torch.zeros(lanes, dtype=torch.int64)
        return Progress(nothing, torch.full((lanes,), math.inf), nothing)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.curve)

    @property
    def best_loss(self) -> float:
        """The validation loss: the lowest mean over lanes; infinite without any."""
        return min((loss for loss in self._losses() if loss is not None), default=math.inf)

    @property
    def best_epoch(self) -> int:
        """The epoch of that loss, the last one without any; or the one that was chosen."""
        if self.chosen:
            return self.chosen
        losses = self._losses()
        before = self.epoch - len(losses)
        return before + losses.index(self.best_loss) + 1 if self.best_loss in losses else self.epoch

    def _losses(self) -> list[float | None]:
        """Return the losses of the epochs whose weights may be kept; the last epoch's are, where there is none."""
        return (
            [row["validation_loss"] for row in self.curve[min(self.unsettled, self.epoch - 1) :]] if self.curve else []
        )

    @property
    def alive(self) -> torch.Tensor:
        """(lanes,) True for those that have not diverged."""
        return self.diverged == 0


class State(TypedDict):
    """Everything that going on exactly needs: weights, optimiser, random state, progress."""

    model: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    random: Drawn
    averaging: Averaged
    progress: dict[str, Any]
    seconds: NotRequired[float]


class Descent:
    """A model being fitted by minibatch gradient descent, an epoch at a time.

    A model may hold several lanes, independent copies of its weights (`model.lanes`): all draws are made once for all
    of them, and the loss is their sum. Each lane's weights come out as if it were trained alone, but for the rounding
    of sums that are ordered otherwise when there are more of them. Which lanes the others are changes no bit.

    Args:
        model: on the device; changed in place.
        batches: its data.
        job: how it is trained, and from which seed; lanes that diverge are reported to it.

    Attributes:
        each: of the last epoch, (lanes,) losses by name, as they stand in its row of the curve as means.
    """

    def __init__(self, model: Model, batches: Batches, job: Job) -> None:
        check_lanes(model, job)
        self.model, self.batches, self.job, self.training = model, batches, job, job.training
        self.device, self.follow = job.place, job.follow
        self.lanes = getattr(model, "lanes", None)
        self.streams = Streams(job.trial.seed, self.device)
        self.progress = Progress.of(self.lanes or 1)
        self.averaging = Averaging(model, self.training)
        self.each: dict[str, torch.Tensor] = {}
        self._trainings = job.lanes or (self.training,)
        self.optimizer = LaneOptimizer(model, self._trainings, batches.betas)
        if hasattr(model, "begin_training"):
            model.begin_training(self.training.epochs * self.steps)

    @property
    def steps(self) -> int:
        """Optimiser steps per epoch; those of a pass share examples out evenly: a batch of one would only add noise."""
        if self.training.steps_per_epoch:
            return self.training.steps_per_epoch
        wanted = self.follow.steps if self.follow else 0
        return min(wanted, self.batches.size) or self._steps_of_a_pass

    @property
    def _steps_of_a_pass(self) -> int:
        batch, bins = self.training.batch_size, getattr(self.batches, "bins", 0)
        if self.training.batch_bins and bins:
            batch = min(batch, max(self.training.batch_bins // bins, FEWEST))
        return min(math.ceil(self.batches.size / batch), self.batches.size)

    @property
    def epochs(self) -> int:
        """Epochs at most."""
        return self.follow.epochs if self.follow else self.training.epochs

    def over(self) -> bool:
        """Tell whether training has ended: for every lane, where patience ends it."""
        if self.follow:
            return self.progress.epoch >= self.follow.epochs
        best = self.progress.best_epochs[self.progress.alive]
        return is_over(self.training, self.progress.epoch, int(best.max()))

    def step(self) -> CurveRow:
        """Train one epoch, validate, keep each lane's best weights; return the epoch's row of the curve.

        Raises:
            Diverged: the loss of the last lane that was left became infinite or NaN.
        """
        epoch = self.progress.epoch + 1
        trained, rate = self._train(epoch)
        self.averaging.after_epoch(epoch)
        validated = self.batches.selected_on != "nothing"
        losses, names = {"train_loss": trained}, ("epoch", "train_loss", "validation_loss", "unseen_loss")
        row: CurveRow = {**dict.fromkeys(names), "epoch": epoch, "learning_rate": rate}
        if self.averaging.begins(epoch) and validated:
            row["last_weights_loss"] = self._mean(self.losses())
        with self.shown():
            if validated:
                losses["validation_loss"], parts = self._validated()
                if (unseen := self.unseen()) is not None:
                    parts["unseen_loss"] = unseen
                row |= {name: finite(value.mean().item()) for name, value in parts.items()}
                self.each = losses | parts
            self._mask_diverged(epoch, rate, losses)
            row |= {name: self._mean(each) for name, each in losses.items()}
            self.progress.curve.append(row)
            self._keep(epoch, losses.get("validation_loss"))
        return row

    def shown(self) -> contextlib.AbstractContextManager[None]:
        """Return a block in which the model has the weights that are validated and kept: averaged ones, if any."""
        return self.averaging.in_place(self.batches)

    def losses(self) -> torch.Tensor:
        """Return each lane's mean loss on what validates, (lanes,), in eval mode and float32."""
        return self._validated()[0]

    def _validated(self) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the same, and the means of the loss's parts by name."""
        total = torch.zeros((), device=self.device)
        weights: torch.Tensor | int = 0
        parts: dict[str, torch.Tensor] = {}
        with looking(self.model, self.device, self.job.trial.seed):
            for piece in self.batches.validation():
                found = self.model.loss(piece)
                weight = len(piece) if found.known is None else found.known
                total, weights = total + found.each.float() * weight, weights + weight
                parts |= {name: parts.get(name, 0) + part.float() * weight for name, part in found.parts.items()}
        means = {f"validation {name} loss": (part / weights).cpu() for name, part in parts.items()}
        return by_lane(total / weights), means

    def unseen(self) -> torch.Tensor | None:
        """Return the loss that models are compared by, (lanes,) of members side by side, else (1,); None for none."""
        found = self.batches.unseen(self.model)
        return None if found is None else torch.as_tensor(found, dtype=torch.float64).reshape(-1)

    def state(self) -> State:
        """Return what going on needs."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.adam.state_dict(),
            "random": self.streams.state(),
            "averaging": self.averaging.state(),
            "progress": {item.name: getattr(self.progress, item.name) for item in dataclasses.fields(Progress)},
        }

    def fits(self, state: Mapping[str, object]) -> bool:
        """Tell whether a saved state is of this model: the same weights by name and shape."""
        ours, theirs = self.model.state_dict(), state.get("model")
        if not isinstance(theirs, dict) or not all(isinstance(value, torch.Tensor) for value in theirs.values()):
            return False
        return {name: value.shape for name, value in ours.items()} == {n: value.shape for n, value in theirs.items()}

    def restore(self, state: State) -> bool:
        """Go on from a saved state; False when it came from another kind of device, so that draws differ."""
        self.model.load_state_dict(state["model"])
        self.optimizer.adam.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
        self.averaging.restore(state["averaging"])
        return self.streams.restore(state["random"])

    def draws(self) -> tuple[torch.Tensor, ...]:
        """Draw the examples of one epoch, in batches."""
        if not self.training.steps_per_epoch:
            return self.batches.draw(self.streams.order, self.steps)
        whole, steps = self._steps_of_a_pass, self.steps
        passes = (self.batches.draw(self.streams.order, whole) for _ in range(math.ceil(steps / whole)))
        return tuple(itertools.islice(itertools.chain.from_iterable(passes), steps))

    def one_step(self, chosen: torch.Tensor, rate: float) -> float:
        """Take one optimiser step on some examples at a learning rate; return the loss before it."""
        self.model.train()
        self.optimizer.set_rates([rate], self.batches.betas[0])
        return self._mean(by_lane(self._descend(chosen)))

    def _train(self, epoch: int) -> tuple[torch.Tensor, float]:
        """Return each lane's mean loss over the epoch, and the epoch's last learning rate."""
        self.model.train()
        if hasattr(self.model, "begin_epoch"):
            self.model.begin_epoch(epoch)
        total, rate, seen = torch.zeros((), device=self.device), 0.0, 0
        for step, chosen in enumerate(self.draws()):
            rate, momentum = self._rate(self.training, epoch, step)
            self.optimizer.set_rates([self._rate(one, epoch, step)[0] for one in self._trainings], momentum)
            total, seen = total + self._descend(chosen) * len(chosen), seen + len(chosen)
        return by_lane(total / seen), rate

    def _rate(self, training: Training, epoch: int, step: int) -> tuple[float, float]:
        """Return the learning rate and the momentum of a step of an epoch."""
        if self.batches.by_step and training.schedule == "one_cycle":
            done = (epoch - 1) * self.steps + step
            return one_cycle(done, self.steps * training.epochs, training.learning_rate)
        if self.follow and not self.job.lanes:
            return self.follow.learning_rates[epoch - 1], self.batches.betas[0]
        losses = [row["validation_loss"] for row in self.progress.curve]
        return learning_rate(training, epoch, losses), self.batches.betas[0]

    def _descend(self, chosen: torch.Tensor) -> torch.Tensor:
        batch = self.batches.batch(chosen, self.streams.masks)
        self.model.zero_grad(set_to_none=True)
        with precision(self.device, self.training.precision):
            found = self.model.loss(batch)
        if self.progress.epoch == 0:
            where = f"model {self.job.trial.model}: loss(batch)"
            follows = checked(found, where).total.requires_grad
            expect(follows, f"{where} expected a total that follows from the weights, got one without a gradient")
        # Memory is at its peak when gradients begin; what they need of the batch is kept for them.
        del batch
        found.total.backward()
        if self.training.clip_norm:
            self._clip(self.training.clip_norm)
        self.optimizer.step()
        self.averaging.after_step(self.progress.epoch + 1)
        return found.each.detach().float()

    def _clip(self, largest: float) -> None:
        """Clip the gradient by its norm; where there are lanes each by its own, so that none knows of another's."""
        weights = [one for one in self.model.parameters() if one.grad is not None]
        for group in [[one] for one in weights] if self.training.clip_each else [weights]:
            if self.lanes is None:
                nn.utils.clip_grad_norm_(group, largest)
            else:
                clip_lanes([present(one.grad) for one in group], largest)

    def _mean(self, losses: torch.Tensor) -> float:
        return losses[self.progress.alive].mean().item()

    def _keep(self, epoch: int, losses: torch.Tensor | None) -> None:
        progress = self.progress
        if losses is None:
            follow = present(self.follow)
            better = epoch <= torch.tensor(follow.lanes or (follow.epochs,))
            losses = progress.best_losses
        elif not getattr(self.model, "settled", True):
            progress.unsettled = epoch
            better, losses = torch.ones_like(progress.alive), progress.best_losses
        else:
            better = losses < progress.best_losses
            if self.training.patience:
                # Alone, a lane's training would have ended here; that of others may go on.
                better &= epoch - 1 - progress.best_epochs < self.training.patience
        better &= progress.alive
        progress.best_losses = torch.where(better, losses, progress.best_losses)
        progress.best_epochs = torch.where(better, epoch, progress.best_epochs)
        if better.any():
            progress.best = self._weights_of(better.to(self.device))

    def _weights_of(self, better: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the weights as they are in these lanes, (lanes,) booleans, and the best ones so far in the others."""
        now = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        if self.lanes is not None and not better.all():
            for name, value in now.items():
                before = self.progress.best.get(name, torch.zeros_like(value)).to(value.device)
                now[name] = torch.where(in_front(better, value), value, before)
        return now

    def _mask_diverged(self, epoch: int, rate: float, losses: dict[str, torch.Tensor]) -> None:
        """Set aside the lanes that have a loss which is not finite, and name them; refuse to go on without any."""
        progress = self.progress
        wrong = {name: ~torch.isfinite(each) & progress.alive for name, each in losses.items()}
        dead = torch.stack(list(wrong.values())).any(dim=0)
        if torch.equal(dead, progress.alive):
            name = next(name for name, lanes in wrong.items() if lanes.any())
            of_all = "" if len(dead) == 1 else f", and none of {len(dead)} lanes is left"
            raise Diverged(
                f"training diverged in epoch {epoch} at learning rate {rate:.3g} ({name} {self._mean(losses[name])}"
                f"{of_all}); try a lower training.learning_rate, some training.warmup_epochs, a smaller "
                f"training.clip_norm (now {self.training.clip_norm:g}), or training.precision float32"
            )
        for lane in dead.nonzero()[:, 0].tolist():
            kept, whose = int(progress.best_epochs[lane]), self.batches.units[lane : lane + 1]
            name = f"unit {whose[0]}" if whose else f"lane {lane}"
            keeps = f"it keeps its weights of epoch {kept}" if kept else "it has none to keep, and is not predicted"
            where = f"in epoch {epoch} at learning rate {rate:.3g}"
            self.job.report({"warning": f"{name} diverged {where}: {keeps}; the others are trained on"})
        progress.diverged = torch.where(dead, epoch, progress.diverged)
