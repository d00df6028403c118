"""How models of injected currents are fitted: by themselves, or by the one loop; all choose on the validation part."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from raysp.config.experiment import Training
from raysp.config.note import CurveRow
from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.data.splits.header import Header
from raysp.errors import BadInput
from raysp.kinds.current_clamp.batches import CurrentBatches, rates_of
from raysp.kinds.current_clamp.repeats import validated
from raysp.models import catalog
from raysp.training import trial as training
from raysp.training.closed_form import fit_itself
from raysp.training.fitted import Fitted
from raysp.training.job import Job

if TYPE_CHECKING:
    from raysp.models.base import Model


def learner(job: Job, split: CurrentClampSplit, answers: None = None) -> tuple[Model, CurrentBatches]:
    """Return a new model that starts from the training currents, and its data.

    Args:
        job: what to fit and where.
        split: the trial's units already selected; its test part is not touched.
        answers: there are none.
    """
    model = training.new_model(job, split.sizes)
    batches = CurrentBatches(split, job.place, job.trial.seed, whole=job.follow is not None)
    if hasattr(model, "start"):
        model.start(batches.train)
    return model, batches


def fit(job: Job, split: CurrentClampSplit, answers: None = None) -> Fitted:
    """Fit a trial's model: a network of all its units by the one loop, or each unit by itself.

    Args:
        job: what to fit, where, and whom to ask and tell.
        split: the trial's units already selected. Only a model that fits itself, logs its loss on the test part, and
            chooses nothing by it, is shown that part.
        answers: there are none.

    Raises:
        Interrupted: the job does not keep going; what a stage gave before is not computed again.
    """
    if not catalog.fits_itself(job.trial.model):
        seen = split.training()
        return training.fit(job, lambda job: learner(job, seen))
    on_paper = catalog.on_paper(job.trial.model, dict(job.trial.hyperparameters), split.sizes)
    shown = split if getattr(on_paper, "logs_test", False) else split.training()
    fitted = fit_itself(job, split.sizes, shown)
    metrics = validated(fitted.model, shown, rates_of(fitted.model, shown, fitted.device, job.trial.seed))
    unknown = dict.fromkeys(("train_loss", "validation_loss", "unseen_loss", "learning_rate"))
    row: CurveRow = {**unknown, "epoch": 0, "seconds": round(fitted.seconds, 3), **metrics}
    return dataclasses.replace(fitted, curve=[row] if metrics else [], selected_on="validation")


def check(model: Model, training: Training | None, header: Header) -> None:
    """Refuse, before anything is trained, a model that cannot be fitted or asked for rates.

    Args:
        model: may be without memory for its weights.
        training: how it is fitted; None where it fits itself.
        header: of the recording.

    Raises:
        BadInput: it lacks what it needs; or it is to be selected on the test part.
    """
    needs = ("fit", "rates") if training is None else ("loss", "predict")
    if missing := [name for name in needs if not hasattr(model, name)]:
        name = type(model).__module__.removesuffix(".model").rpartition(".")[2]
        how = "fits itself" if training is None else "gradient descent fits"
        raise BadInput(
            f"model {name}: one of injected currents that {how} expected {', '.join(needs)}, got no "
            f"{' and no '.join(missing)}; raysp/models/base.py says what they take and give"
        )
    if training is not None and training.validate_on != "train":
        raise BadInput(
            "a recording of injected currents has a validation part of its own: expected training.validate_on "
            f"'train', got {training.validate_on!r}"
        )
