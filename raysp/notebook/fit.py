"""One model fitted in this process: no Ray, no run folder, and the numbers that a run's trial has."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping

from raysp.config import own_code, plugins
from raysp.config.experiment import Experiment, ModelChoice, Training, Trial
from raysp.config.note import Report
from raysp.config.ranges import Count
from raysp.config.settings import Plain, coerce
from raysp.driver.plan import check_not_empty, check_settings, plan_of
from raysp.errors import BadInput, expect, unknown
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.notebook.fitted_model import FittedModel
from raysp.notebook.loaded_split import LoadedSplit, check_loaded
from raysp.runs.inputs import columns
from raysp.training.job import Follow, Job
from raysp.training.process_limits import limited


def fit(
    model: str | FittedModel,
    split: LoadedSplit,
    *,
    seed: int = 0,
    units: str | tuple[int, ...] = "all",
    hyperparameters: Mapping[str, Plain] | None = None,
    training: Mapping[str, Plain] | None = None,
    device: str | None = None,
    threads: int = 1,
    progress: bool = True,
    **settings: Plain,
) -> FittedModel:
    """Fit a model to a split, in this process.

    The numbers are those of a run's trial with the same settings, to the last bit.

    Args:
        model: its name, see `raysp models`, or the path of one's own: "models/lstm.py". For a split of the test phase,
            what was fitted to that of the validation phase: its settings, and as many epochs as were best, on all
            training trials.
        split: what `raysp.load_split` gives.
        seed: of initial weights, batches and dropout.
        units: which units, as an experiment has it: numbers, or "1,5,20-40", "first 12", "every 5", "all".
        hyperparameters: fields of the model's Config that differ from their defaults.
        training: likewise of `raysp.Training`.
        device: "auto", "cpu", "cuda" or "cuda:<number>"; None for "auto".
        threads: CPU threads. More of them may be faster, and round otherwise.
        progress: show epoch and losses.
        settings: hyperparameters and training settings by their names alone, e.g. `epochs=50`; of a name that both
            have, say which is meant by one of the two above.

    Returns:
        The fitted model.

    Raises:
        BadInput: an unknown model or setting, or one that does not go with the split; or a fitted model that was not
            fitted to the split's validation phase; nothing was trained.
        NotReady: a GPU was asked for, and there is none.
        Diverged: the loss became infinite or NaN.

    Examples:
        >>> import numpy as np, raysp
        >>> split = raysp.load_split(np.random.default_rng(0).poisson(0.3, size=(40, 50, 12)), bin_ms=20)
        >>> fitted = raysp.fit("sae", split, epochs=2, hidden=8, seed=3, progress=False)
        >>> fitted
        sae fitted to counts, seed 3, best of 2 epochs: 2
        >>> fitted.curve.columns[:3]
        ['epoch', 'train_loss', 'validation_loss']
        >>> fitted.predict(split.eval).rates.shape
        (10, 50, 12)
    """
    check_loaded(split)
    threads = coerce(Count, threads, "threads")
    for what, values in (("hyperparameters", hyperparameters), ("training", training)):
        expect(isinstance(values, Mapping | None), f"{what} expected settings by name, got {values!r}")
    if isinstance(model, FittedModel):
        given = {**settings, **(hyperparameters or {}), **(training or {})}
        expect(not given, f"{model} has its settings: expected none beside it, got {', '.join(given)}")
        job = _following(model, split, device)
    else:
        expect(isinstance(model, str), f"model expected a name or a fitted model, got {type(model).__name__}")
        model = own_code.taken("models", model)
        own, how = _sorted(model, settings, hyperparameters or {}, training or {})
        choice = ModelChoice(model, own, how)
        job = Job(_trial(Experiment("notebook", (choice,), (split.name,), (seed,), units), split), device or "auto")
    trial = job.trial
    part = split.of_units(trial.units)
    selects_on_eval = job.follow is None and trial.training is not None and trial.training.validate_on == "eval"
    answers = part.answers if selects_on_eval else None
    tables = kinds.of(split.kind).inputs(trial.model, trial.hyperparameters)
    starts = {name: columns(table) for name, table in tables.items()}
    job = dataclasses.replace(job, inputs=starts.__getitem__)
    with limited(threads), _shown(f"{trial.shown} on {trial.split}", progress) as report:
        fitted = kinds.of(split.kind).fit(dataclasses.replace(job, report=report), part.split, answers)
    return FittedModel(trial, job, fitted, threads, part.header)


def _trial(experiment: Experiment, split: LoadedSplit) -> Trial:
    """Return the one trial of an experiment, as a run would plan it."""
    check_settings(experiment)
    known = split.header
    if known.role.selects_with:
        raise BadInput(
            f"a trial on {known.name} takes its epochs from the one on {known.role.selects_with}: fit to that one, and "
            "give what was fitted in place of the model here; or let raysp.run do both"
        )
    plan = plan_of(experiment, {known.name: known}, [known.name])
    check_not_empty(plan)
    return plan.trials[0]


def _following(fitted: FittedModel, split: LoadedSplit, device: str | None) -> Job:
    """Return the job of a model on the split of the test phase, after it was fitted to that of the validation phase."""
    known, before, found = split.header, fitted.trial, fitted.fitted
    if known.role.selects_with != before.split:
        selects = f"the one on {known.role.selects_with}" if known.role.selects_with else "no other"
        raise BadInput(
            f"a trial on {known.name} takes its epochs from {selects}, got a model fitted to {before.split}; give the "
            f"model's name to fit it anew: {before.shown!r}"
        )
    plugins.use(before.plugins, "")
    trial = dataclasses.replace(before, split=known.name, data=known.fingerprint)
    if before.training is None:
        return Job(trial, device or fitted.job.device)
    weights = {} if found.calibration is None else found.calibration.weights
    follow = Follow(found.best_epoch, tuple(found.learning_rates), found.steps, weights=weights)
    return Job(dataclasses.replace(trial, follows=before.id), device or fitted.job.device, follow=follow)


def _sorted(
    model: str, given: Mapping[str, Plain], hyperparameters: Mapping[str, Plain], training: Mapping[str, Plain]
) -> tuple[dict[str, Plain], dict[str, Plain]]:
    """Return hyperparameters and training settings, those that were given by name alone put where they belong."""
    known = [{one.name for one in dataclasses.fields(kind)} for kind in (catalog.module(model).Config, Training)]
    both = (dict(hyperparameters), dict(training))
    for name, value in given.items():
        places = [place for place, names in zip(both, known, strict=True) if name in names]
        if not places:
            raise unknown(f"setting of model {model} or of training", name, set().union(*known))
        if len(places) > 1:
            raise BadInput(f"{name} is a setting of model {model} and of training: say hyperparameters= or training=")
        if name in places[0]:
            raise BadInput(f"{name} expected once, got it twice")
        places[0][name] = value
    return both


@contextlib.contextmanager
def _shown(title: str, wanted: bool) -> Iterator[Report]:
    if not wanted:
        yield lambda note: None
        return
    from raysp.notebook.progress import FitProgress

    with FitProgress(title) as progress:
        yield progress.take
