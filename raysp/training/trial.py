"""One trial's fit in one process: from a new model to a fitted one, resumed from its checkpoint where there is one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from raysp.config.note import Note
from raysp.models import catalog
from raysp.training.attempt import Attempt
from raysp.training.batches import Learner
from raysp.training.descent import Descent, Diverged
from raysp.training.fitted import Fitted
from raysp.training.job import Follow, Job
from raysp.training.memory import check_fits
from raysp.training.predict import predict
from raysp.training.randomness import seeded

if TYPE_CHECKING:
    from raysp.models.base import Model

__all__ = ["Diverged", "Fitted", "Follow", "Job", "fit", "new_model", "predict"]


def fit(job: Job, learner: Learner) -> Fitted:
    """Fit a trial's model by gradient descent; the same job on the same kind of device gives the same numbers.

    Where `training.refit` asks for it, the model is then fitted anew to all training data, for the selected epochs at
    their learning rates: that is the model returned, with the numbers of the one that was selected.

    Args:
        job: what to fit, where, and whom to ask and tell.
        learner: gives a new model and its data.

    Raises:
        BadInput: the checkpoint is another trial's, a setting is wrong, or there are too few data.
        Diverged: the loss became infinite or NaN.
        Interrupted: the job does not keep going.
        NotReady: a GPU was asked for and there is none.
    """
    fitted = _descended(job, learner, "fit")
    if not job.training.refit or job.follow is not None or job.purpose == "search":
        return fitted

    def report(note: Note) -> None:
        job.report({"phase": f"refit {note['epoch']}/{note['epochs']}"} if "epoch" in note else note)

    job.report({"log": f"training anew on all training data for {fitted.follow.epochs} epochs"})
    again = dataclasses.replace(job, follow=fitted.follow, report=report, enough=lambda epoch: False)
    final = _descended(again, learner, "refit")
    diverged = tuple(dict.fromkeys([*fitted.diverged, *final.diverged]))
    return dataclasses.replace(fitted, model=final.model, selected=fitted.model, diverged=diverged)


def new_model(job: Job, sizes: object) -> Model:
    """Return a trial's model on the job's device, for data of these sizes. Raises BadInput where memory is short."""
    name, values, place, members = job.trial.model, dict(job.trial.hyperparameters), job.place, job.members
    check_fits(catalog.on_paper(name, values, sizes), place, f"model {name}", len(members) or 1)
    if members:
        each, seeds = [one.trial.hyperparameters for one in members], [one.seed for one in members]
        return catalog.side_by_side(name, each, sizes, seeds).to(place)
    return catalog.build(name, values, sizes).to(place)


def _descended(job: Job, learner: Learner, stage: str) -> Fitted:
    with seeded(job.trial.seed, job.place):
        attempt = Attempt(job, Descent(*learner(job), job), stage)
        attempt.resume()
        attempt.finish()
        return attempt.fitted()
