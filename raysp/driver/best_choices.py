"""What a search for the best model of a recording tries: models, their spaces, and what they are compared by."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence

from raysp.config import shipped
from raysp.config.experiment import Experiment, ModelChoice
from raysp.data.sources import at_hand
from raysp.data.splits.header import Header
from raysp.data.splits.split import Split
from raysp.driver.plan import check_shapes, too_few, unfit
from raysp.errors import BadInput, expect, unknown
from raysp.io.words import counted, named
from raysp.kinds import catalog as kinds
from raysp.kinds.kind import Kind
from raysp.models import catalog
from raysp.search.objective import OWN_LOSS, UNSEEN_LOSS
from raysp.search.space import Space
from raysp.search.space_file import read_space


def of_recording(data: str, settings: Mapping[str, object], *, source: str = "", name: str = "") -> Experiment:
    """Return an experiment of all models, as they come, on a file, a split that a source knows, or a source's own data.

    Args:
        data: path of the file, the split's name, or that of a source that reads no file.
        settings: of the source.
        source, name: see `data.sources.at_hand.recording`.
    """
    path, models = os.path.expanduser(data), tuple(ModelChoice(one) for one in catalog.names())
    source = source or (path if at_hand.generates(path) else "")
    if not source and at_hand.is_split(path):
        at_hand.check_no_settings(path, settings)
        return Experiment(name or path, models, splits=(path,))
    recording = at_hand.recording(path, settings, source=source, name=name)
    return Experiment(recording.name, models, recordings=(recording,))


def of_experiment(
    experiment: Experiment, settings: Mapping[str, object], *, source: str = "", name: str = ""
) -> Experiment:
    """Return an experiment under another name, its recording with other settings.

    Args:
        experiment: of one recording of its own, where settings are given.
        settings: of its source, before those that it has.
        source: none: the experiment says it.
        name: of experiment and recording; a recording with other settings needs one, since it is another.

    Raises:
        BadInput: a source is given, settings without a name, or settings for splits or several recordings.
    """
    expect(not source, f"the experiment {experiment.name} says what reads its recording: leave out the source {source}")
    if not settings:
        return dataclasses.replace(experiment, name=name or experiment.name)
    given = named(list(settings))
    expect(
        len(experiment.recordings) == 1 and not experiment.splits,
        f"{given} would change the recording of an experiment that has one of its own, and {experiment.name} has "
        f"{counted(len(experiment.recordings), 'recording')} and {counted(len(experiment.splits), 'split')}; change "
        "the experiment's file",
    )
    expect(name, f"{given} makes another recording of {experiment.recordings[0].name}: give it a name (--name)")
    changed = dataclasses.replace(
        experiment.recordings[0], name=name, settings={**experiment.recordings[0].settings, **settings}
    )
    return dataclasses.replace(experiment, name=name, recordings=(changed,))


def choices(
    experiment: Experiment, names: Sequence[str], header: Header
) -> tuple[tuple[ModelChoice, ...], dict[str, str]]:
    """Return the models that are tried, those that fit themselves first, and why others are not.

    Args:
        experiment: whose models have the settings to begin with; a search has each model once, the first with its name.
        names: only these models; none for all.
        header: of the split.

    Raises:
        BadInput: a model that was asked for is unknown, does not go with the data, or is no candidate.
    """
    given = {choice.name: choice for choice in reversed(experiment.models)}
    known = {name: given.get(name, ModelChoice(name)) for name in {**dict.fromkeys(catalog.names()), **given}}
    for name in names:
        if name not in known:
            raise unknown("model", name, known)
        expect(catalog.is_candidate(name), f"model {name} knows the answers or is made of others: it is not searched")
    found, left_out = [], {}
    for name in names or [name for name in known if catalog.is_candidate(name)]:
        if (why := _unfit(experiment, known[name], header)) is None:
            found.append(known[name])
        elif names:
            raise BadInput(f"model {name} does not go with {header.name}: {why}; leave it out of --models")
        elif catalog.kind(name) == header.kind:
            left_out[name] = why
    expect(found, f"expected a model for the {header.kind} data of {header.name}, found none")
    return tuple(sorted(found, key=lambda choice: not catalog.fits_itself(choice.name))), left_out


def _unfit(experiment: Experiment, choice: ModelChoice, header: Header) -> str | None:
    if (why := unfit(choice.name, header)) is not None:
        return why
    if (why := too_few(experiment, choice, header)) is not None:
        return why
    try:
        check_shapes(experiment, choice, header, kinds.of(header.kind))
    except BadInput as error:
        return str(error)
    return None


def spaces(models: Sequence[str], paths: Sequence[str]) -> list[Space]:
    """Return the space of each model: a person's own, or what ships for it; of others, one where nothing varies.

    Args:
        models: that are tried.
        paths: of spaces of one's own, one for a model.

    Raises:
        BadInput: a space cannot be read, is for a model that is not tried, or is the second for one.
    """
    own: dict[str, Space] = {}
    for path in paths:
        space = read_space(path)
        if space.model not in models:
            raise BadInput(
                f"{path} is a space for {space.model}, which is not tried here: expected one for {', '.join(models)}"
            )
        expect(space.model not in own, f"{path} is the second space for {space.model}: expected one for each model")
        own[space.model] = space
    ships = shipped.names("search_spaces", ".yaml")
    return [own.get(name) or (read_space(ships[name]) if name in ships else Space(name, ())) for name in models]


def objective(kind: Kind[Split], header: Header, units: tuple[int, ...] | None, models: Sequence[str]) -> str:
    """Return the number of validation trials that models are compared by.

    Raises:
        BadInput: the data lack what it needs, or these models have no number in common.
    """
    metric = kind.metrics.get(UNSEEN_LOSS)
    if metric is not None and metric.searched:
        if (why := kind.lacks(UNSEEN_LOSS, header, units)) is not None:
            raise BadInput(
                f"models are compared by {UNSEEN_LOSS}, which {why}: let the source hold some out (a recording's file: "
                "--data heldout=1 or more, or --data forward_ms=100)"
            )
        return UNSEEN_LOSS
    networks = [name for name in models if not catalog.fits_itself(name)]
    if len(models) > 1 or not networks:
        raise BadInput(
            f"models of {kind.name} data have no loss in common, so that nothing says which is the best: give one of "
            f"{', '.join(networks)} with --models, to search its settings"
        )
    return OWN_LOSS
