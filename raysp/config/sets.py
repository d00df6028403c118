"""--set KEY=VALUE: an experiment with changes of the command line."""

from __future__ import annotations

import dataclasses
import re

from raysp.config import settings
from raysp.config.experiment import Experiment, ModelChoice, Resources, Training
from raysp.config.settings import Plain
from raysp.errors import BadInput, expect, unknown
from raysp.io.yaml_files import parse_yaml

OWN = {"seeds": tuple[int, ...], "units": str | tuple[int, ...], "units_per_trial": int}
"""Fields of the experiment itself that may be changed."""

NO_YAML = ("*", "&", "!", "%", "@", "`")
"""A value that begins so is text, such as a name with a star in front."""
NOT_HERE = {
    "splits": "narrow them with --splits",
    "models": "narrow them with --models",
    "per_split": "write it into the experiment's file",
}


def apply_sets(experiment: Experiment, sets: tuple[str, ...]) -> Experiment:
    """Apply `--set key=value` to an experiment.

    Keys: `training.X` for all models, `resources.X`, `seeds`, and `MODEL.X` or `MODEL.training.X` for one model, which
    goes before what is for all. Values are read as YAML.

    Raises:
        BadInput: a key is unknown (the nearest right one is given) or comes twice with different values, or a value
            has the wrong type.
    """
    for key, value in sorted(values(sets).items(), key=lambda item: not item[0].startswith("training.")):
        experiment = _set(experiment, key, value)
    return experiment


def values(sets: tuple[str, ...], option: str = "--set") -> dict[str, Plain]:
    """Return what `--set KEY=VALUE` gives, by key; read as YAML, or as text where it can be none.

    Raises:
        BadInput: as `apply_sets`.
    """
    given: dict[str, str] = {}
    for text in sets:
        key, equals, raw = text.partition("=")
        expect(equals, f"{option} expected key=value, got {text!r}")
        expect(given.setdefault(key, raw) == raw, f"{option} {key} expected one value, got {given[key]} and {raw}")
    return {
        key: raw if raw.startswith(NO_YAML) else parse_yaml(raw, f"{option} {key}: the value {raw!r}")
        for key, raw in given.items()
    }


def _set(experiment: Experiment, key: str, value: Plain) -> Experiment:
    head, _, rest = key.partition(".")
    models = {choice.shown for choice in experiment.models}
    if head == "resources" and rest:
        own = settings.build(Resources, {**settings.plain(experiment.resources), rest: value}, head)
        return dataclasses.replace(experiment, resources=own)
    if head == "training" and rest:
        choices = tuple(_set_model(_without(one, rest), f"training.{rest}", value) for one in experiment.models)
        return dataclasses.replace(experiment, models=choices)
    if head in models and rest:
        choices = tuple(_set_model(one, rest, value) if one.shown == head else one for one in experiment.models)
        return dataclasses.replace(experiment, models=choices)
    if head in OWN and not rest:
        value = _numbers(value) if head == "seeds" else str(value) if head == "units" else value
        return dataclasses.replace(experiment, **{head: settings.coerce(OWN[head], value, head)})
    if head in NOT_HERE:
        raise BadInput(f"--set {key}: {head} cannot be set here; {NOT_HERE[head]}")
    if head in models:
        raise BadInput(f"--set {key} expected a setting of model {head}: {head}.SETTING or {head}.training.FIELD")
    if rest:
        known = [*models, "training", "resources"]
        raise BadInput(f"--set {key}: {unknown('model or part of the experiment', head, known)}")
    if inside := [one for one in _keys(experiment) if one.endswith(f".{key}")]:
        raise BadInput(f"unknown setting {key!r}: did you mean {inside[0]!r}?")
    raise unknown("setting", key, _keys(experiment))


def _numbers(value: Plain) -> Plain:
    """Return what a person means by one number, or by numbers with commas between them."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d+\s*(,\s*-?\d+\s*)*", value):
        return [int(part) for part in value.split(",")]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


def _without(choice: ModelChoice, name: str) -> ModelChoice:
    """Return a model without its own value of a field of Training, so that the one for all models holds."""
    training = {key: value for key, value in choice.training.items() if key != name}
    per_split = {
        pattern: {
            part: {key: value for key, value in values.items() if (part, key) != ("training", name)}
            for part, values in changes.items()
        }
        for pattern, changes in choice.per_split.items()
    }
    return dataclasses.replace(choice, training=training, per_split=per_split)


def _set_model(choice: ModelChoice, rest: str, value: Plain) -> ModelChoice:
    part, _, name = rest.rpartition(".")
    expect(rest != "training", f"--set {choice.shown}.training expected a field of it: {choice.shown}.training.FIELD")
    if part == "training":
        settings.build(Training, {name: value}, "training")
        return dataclasses.replace(choice, training={**choice.training, name: value})
    return dataclasses.replace(choice, hyperparameters={**choice.hyperparameters, rest: value})


def _keys(experiment: Experiment) -> list[str]:
    parts = {"training": Training, "resources": Resources}
    fields = [f"{part}.{item.name}" for part, cls in parts.items() for item in dataclasses.fields(cls)]
    return [*fields, *OWN, *(f"{choice.shown}.SETTING" for choice in experiment.models)]
