"""From an experiment to its trials: names resolved, settings checked, what follows what, before anything starts."""

from __future__ import annotations

import dataclasses
import fnmatch
import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from raysp.config import code_hash, plugins, settings
from raysp.config.experiment import Experiment, ModelChoice, Training, Trial
from raysp.config.sets import apply_sets, values
from raysp.config.settings import Plain
from raysp.data.sources import catalog as sources
from raysp.data.splits import store
from raysp.data.splits.header import Header
from raysp.data.splits.split import Split
from raysp.errors import BadInput, unknown
from raysp.io.words import counted
from raysp.kinds import catalog as kinds
from raysp.kinds.kind import Kind, Units
from raysp.models import catalog
from raysp.runs import inputs

TOO_LARGE = "Storage size calculation overflowed"
"""What torch says of a tensor of more bytes than there are numbers for."""


@dataclass(frozen=True)
class Plan:
    """The trials of an experiment, each after those it follows.

    Attributes:
        trials: in the order in which workers take them.
        left_out: (model, split, reason) of pairs that do not go together, e.g. a ceiling without known truth.
    """

    trials: tuple[Trial, ...]
    left_out: tuple[tuple[str, str, str], ...] = ()


def with_sets(experiment: Experiment, sets: tuple[str, ...]) -> Experiment:
    """Return an experiment with the command line's changes; those of models that it leaves out are checked as well.

    Raises:
        BadInput: as `apply_sets` and `check_settings`.
    """
    experiment = apply_sets(experiment, sets)
    named = {key.partition(".")[0] for key in values(sets)}
    if models := tuple(one.shown for one in experiment.models if one.shown in named):
        check_settings(experiment.choose(models))
    return experiment


def check_settings(experiment: Experiment) -> None:
    """Build every model's Config and Training once, for all its patterns.

    Raises:
        BadInput: an unknown model or setting, or a value of the wrong type.
    """
    for choice in experiment.models:
        for part in ({}, *choice.per_split.values()):
            chosen = _hyperparameters(choice.name, {**choice.hyperparameters, **part.get("hyperparameters", {})})
            _training(experiment, {**choice.training, **part.get("training", {})}, choice.name, chosen)


def check_names(experiment: Experiment) -> None:
    """Refuse names in a whole experiment that mean nothing, and would silently change nothing.

    Raises:
        BadInput: a floor or ceiling is neither one of its models nor any other, or a pattern of `per_split` matches no
            split that there is.
    """
    models = [choice.shown for choice in experiment.models]
    for what, name in (("floor", experiment.floor), ("ceiling", experiment.ceiling)):
        if name and name not in models and name not in (known := catalog.names()):
            raise unknown(f"{what} of experiment {experiment.name}", name, [*models, *known])
    splits = list(sources.recordings(experiment.recordings))
    for choice in experiment.models:
        for pattern in choice.per_split:
            if not fnmatch.filter(splits, pattern):
                raise unknown(f"split in per_split of model {choice.shown}", pattern, splits)


def make_plan(experiment: Experiment, splits: list[str], root: str) -> Plan:
    """Return the trials of an experiment on prepared splits.

    A test-phase split is trained with what the validation phase selected, so the validation-phase trial of the same
    model and seed comes with it even where it was not asked for.

    Args:
        experiment: what to run.
        splits: full names of prepared splits.
        root: the data root.

    Raises:
        BadInput: see `check_settings`; or a test-phase split whose validation-phase split is not prepared.
        NotReady: a split is not prepared.
    """
    check_settings(experiment)
    headers = {name: store.header(root, name) for name in splits}
    partners = dict.fromkeys(header.role.selects_with for header in headers.values())
    return plan_of(
        experiment,
        headers | {name: store.header(root, name) for name in partners if name and name not in headers},
        splits,
    )


def plan_of(experiment: Experiment, headers: Mapping[str, Header], splits: Collection[str]) -> Plan:
    """Return the trials of an experiment on splits whose headers are known.

    Args:
        experiment: what to run, its settings checked.
        headers: of these splits by name, and of the validation-phase splits that they select with.
        splits: those that are asked for.

    Raises:
        BadInput: a model's settings do not go with a split.
    """
    trials: dict[str, Trial] = {}
    left_out = []
    kind_of = {name: kinds.of(header.kind) for name, header in headers.items()}
    for name in sorted(headers, key=lambda n: (headers[n].role.selects_with != "", -kind_of[n].work(headers[n]))):
        header, kind = headers[name], kind_of[name]
        for choice in experiment.models:
            if (reason := unfit(choice.name, header) or too_few(experiment, choice, header)) is not None:
                left_out.append((choice.shown, name, reason))
                continue
            check_shapes(experiment, choice, header, kind)
            for seed, units in itertools.product(experiment.seeds, kind.cuts(experiment, header)):
                trial = _trial(experiment, choice, header, headers, seed, units)
                if name in splits or trial.training is not None:
                    trials[trial.id] = trial
    return Plan(tuple(trials.values()), tuple(left_out))


def check_shapes(experiment: Experiment, choice: ModelChoice, header: Header, kind: Kind[Split]) -> None:
    """Raise BadInput where a model's settings do not go with a split."""
    chosen, training = settings_on(experiment, choice, header.name)
    try:
        kind.check(catalog.on_paper(choice.name, chosen, header.sizes), training, header)
    except BadInput as error:
        raise BadInput(f"{header.name}: {error}") from error
    except RuntimeError as error:
        if TOO_LARGE not in str(error):
            raise
        told = f"{header.name}: model {choice.shown} expected weights that fit into a machine, got more"
        raise BadInput(f"{told} ({str(error).splitlines()[0]}); make its layers smaller") from error


def settings_on(experiment: Experiment, choice: ModelChoice, split: str) -> tuple[dict[str, Plain], Training | None]:
    """Return a model's whole settings on a split, and how it is fitted there (None when it fits itself).

    Raises:
        BadInput: an unknown setting, or a value of the wrong type.
    """
    chosen, changes = choice.for_split(split)
    training = _training(experiment, changes, choice.name, chosen)
    return _hyperparameters(choice.name, chosen), None if catalog.fits_itself(choice.name) else training


def _trial(
    experiment: Experiment, choice: ModelChoice, header: Header, headers: Mapping[str, Header], seed: int, units: Units
) -> Trial:
    chosen, training = settings_on(experiment, choice, header.name)
    code, data = code_hash.digest(code_hash.of_model(choice.name, chosen)), header.fingerprint
    own = plugins.of_model(choice.name, chosen)
    given = inputs.digests(kinds.of(header.kind).inputs(choice.name, chosen))
    trial = Trial(
        choice.name, chosen, training, header.name, data, seed, units, label=choice.label, code=code, plugins=own,
        inputs=given,
    )  # fmt: skip
    if not header.role.selects_with or training is None:
        return trial
    followed = _trial(experiment, choice, headers[header.role.selects_with], headers, seed, units)
    return dataclasses.replace(trial, follows=followed.id)


def _hyperparameters(name: str, values: dict[str, Plain]) -> dict[str, Plain]:
    return settings.plain(catalog.config(name, values))


def _training(experiment: Experiment, changes: dict[str, Plain], model: str, chosen: dict[str, Plain]) -> Training:
    given = settings.plain(experiment.training) if experiment.training is not None else _usual(model, chosen, changes)
    return settings.build(Training, {**given, **changes}, f"training of model {model}")


def _usual(model: str, chosen: dict[str, Plain], changes: Collection[str]) -> Mapping[str, Plain]:
    """Return how a model is trained where an experiment does not say it: who counts epochs or steps counts himself."""
    if {"epochs", "steps_per_epoch"}.intersection(changes):
        return {}
    own = getattr(catalog.module(model).Model, "usual", None)
    return {**kinds.of(catalog.kind(model)).training, **({} if own is None else own(catalog.config(model, chosen)))}


def unfit(model: str, header: Header) -> str | None:
    """Return why a model does not go with a prepared split; None when it does."""
    reads, kind = catalog.kind(model), header.kind
    if reads != kind:
        return f"the model reads {reads} splits, this is a {kind} split"
    applies = getattr(catalog.module(model), "applies", None)
    return None if applies is None else applies(header)


def too_few(experiment: Experiment, choice: ModelChoice, header: Header) -> str | None:
    """Return why a split has too few data to fit a model by gradient descent; None where it has enough."""
    _, training = settings_on(experiment, choice, header.name)
    fewest = kinds.of(header.kind).fewest
    # For a split of a test phase, that of the validation phase has selected.
    selects = training is not None and training.validate_on == "train" and not header.role.selects_with
    if not selects or header.trials.get("train", fewest) >= fewest:
        return None
    return (
        f"{counted(header.trials['train'], 'training trial')}, of which none can be set aside to select a network by; "
        "models that fit themselves need none: give more trials, of a recording without trials as windows"
    )


def check_not_empty(plan: Plan) -> None:
    """Raise BadInput when nothing is left to run."""
    if not plan.trials:
        reasons = "; ".join(f"{model} on {split}: {reason}" for model, split, reason in plan.left_out[:5])
        raise BadInput(f"expected at least one trial, got none ({reasons or 'no split matched'})")
