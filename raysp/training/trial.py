"""One trial in one process: from a split to a fitted model, resumed from its checkpoint where there is one."""

from __future__ import annotations

from collections.abc import Callable, Collection

from torch import nn

from raysp.config.experiment import Training, Trial
from raysp.data.splits.batch import to_device
from raysp.data.splits.population import PopulationSplit, Targets, TrainingPart, Trials
from raysp.data.splits.stimulus import StimulusSplit
from raysp.errors import BadInput
from raysp.models import catalog
from raysp.training import device as devices
from raysp.training.attempt import Attempt, Measure, Report
from raysp.training.cell_trial import fit_cells
from raysp.training.closed_form import fit_itself
from raysp.training.descent import Descent, Diverged, Follow
from raysp.training.fitted import Fitted
from raysp.training.memory import check_fits
from raysp.training.predict import predict
from raysp.training.randomness import seeded
from raysp.training.validation import validation_mask

__all__ = ["Diverged", "Fitted", "Follow", "fit_trial", "predict"]


def fit_trial(
    trial: Trial,
    split: PopulationSplit | TrainingPart | StimulusSplit,
    *,
    checkpoint: str | None,
    device: str = "auto",
    report: Report | None = None,
    targets: Targets | None = None,
    follow: Follow | None = None,
    measure: Measure | None = None,
    keep_going: Callable[[], bool] | None = None,
    enough: Callable[[int], bool] | None = None,
    measure_at: Collection[int] = (),
    search: bool = False,
) -> Fitted:
    """Fit a trial's model; the same trial on the same kind of device gives the same numbers.

    Args:
        trial: what to fit.
        split: its data, the trial's neurons already selected.
        checkpoint: file to resume from, written every 30 s and at the end; None keeps nothing.
        device: "auto", "cpu", "cuda" or "cuda:<number>".
        report: called with each epoch's row, and with a "warning" when a checkpoint could not be used.
        targets: the evaluation trials' answers, for `validate_on="eval"` alone.
        follow: train on all training trials, for so many epochs at these learning rates, without validation.
        measure: live metrics of a prediction against validation trials.
        keep_going: asked after each epoch; False saves the state and stops.
        enough: asked with the number of epochs done; True ends training there, as if the epochs were over.
        measure_at: epochs with live metrics, beside those that the training settings ask for.
        search: only the numbers of the validation trials are wanted: a model that fits itself is not fitted again
            to all training trials afterwards.

    Raises:
        BadInput: the checkpoint is another trial's, a setting is wrong, or there are too few trials.
        Diverged: the loss became infinite or NaN.
        Interrupted: `keep_going` said stop.
        NotReady: a GPU was asked for and there is none.
    """
    place = devices.choose(device)
    report = report or (lambda note: None)

    def make() -> nn.Module:
        settings = dict(trial.settings)
        check_fits(catalog.on_paper(trial.model, settings, split.sizes), place, f"model {trial.model}")
        return catalog.build(trial.model, settings, split.sizes).to(place)

    with seeded(trial.seed, place):
        if isinstance(split, StimulusSplit):
            return fit_cells(trial, split, make, place, checkpoint, report, keep_going, enough)
        if catalog.fits_itself(trial.model):
            return fit_itself(make, split.train, place, report, measure, final=not search)
        training = _training(trial)
        train, validation = _parts(split, training, targets, follow)
        descent = Descent(
            make(),
            training,
            to_device(train, place),
            None if validation is None else to_device(validation, place),
            trial.seed,
            place,
            follow,
        )
        if hasattr(descent.model, "start"):
            descent.model.start(train)
        attempt = Attempt(trial.id, descent, validation, checkpoint, report, measure, measure_at)
        attempt.resume()
        attempt.finish(keep_going or (lambda: True), enough or (lambda epoch: False))
        return attempt.fitted("nothing" if validation is None else _selected_on(training))


def _training(trial: Trial) -> Training:
    if trial.training is None:
        raise BadInput(f"model {trial.model} is fitted by gradient descent: expected training settings, got none")
    return trial.training


def _parts(
    split: PopulationSplit | TrainingPart, training: Training, targets: Targets | None, follow: Follow | None
) -> tuple[Trials, Trials | None]:
    if follow is not None:
        return split.train, None
    if training.validate_on == "eval":
        if targets is None:
            raise BadInput(f"validate_on eval needs the answers of {split.name}'s evaluation trials, got none")
        return split.train, targets.trials
    aside = validation_mask(split.train, training)
    return split.train.take(~aside), split.train.take(aside)


def _selected_on(training: Training) -> str:
    return "eval" if training.validate_on == "eval" else "validation"
