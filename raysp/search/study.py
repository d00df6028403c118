"""One study: a model's settings searched on one split. What defines it and what it proposed lie in plain files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from raysp import files, settings
from raysp.config import Trial
from raysp.errors import BadInput, NotReady
from raysp.runs import RunFolder
from raysp.search.objective import check_names
from raysp.search.space import Space
from raysp.search.space_check import build
from raysp.search.space_file import parse_space, spell_space
from raysp.yaml_files import dump_yaml, read_yaml

Sampler = Literal["tpe", "random", "grid"]
Source = Literal["defaults", "start", "tpe", "random", "grid"]


@dataclass(frozen=True)
class Halving:
    """Asynchronous successive halving (Li et al. 2020): poor trials end at a rung.

    Attributes:
        grace: epochs that every trial gets; the first rung.
        reduction: one in so many trials goes on from a rung; each rung lies so many times further.
    """

    grace: int
    reduction: int = 3

    def __post_init__(self) -> None:
        if self.grace < 1 or self.reduction < 2:
            raise BadInput(f"ASHA expected grace >= 1 and reduction >= 2, got {self.grace} and {self.reduction}")

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return the epochs at which trials are compared; raises BadInput when even the first lies too late."""
        if self.grace >= epochs:
            raise BadInput(f"ASHA's grace period expected less than the {epochs} epochs of a trial, got {self.grace}")
        found, rung = [], self.grace
        while rung < epochs:
            found.append(rung)
            rung *= self.reduction
        return tuple(found)


@dataclass(frozen=True)
class Definition:
    """What a study is: everything that changes which candidates it proposes and how they are judged.

    Attributes:
        split: full name of the prepared split.
        data: its fingerprint.
        base: every setting of the model (`model.X`, `training.X`) as the experiment has it: the first candidate.
        space: what varies.
        objectives: names from `search.objective`; the first decides where one must.
        sampler: how candidates are proposed.
        seed: of the proposals.
        seeds: each candidate is trained once per seed and scored by the mean.
        in_flight: candidates at work at once. Candidate n is proposed from the results of all candidates up to
            n - in_flight, whatever has finished by then, so that the same study proposes the same candidates on any
            number of workers and however often it was killed.
        halving: ASHA; None lets every trial end by itself.
        neurons: the cell subset; None for all.
    """

    split: str
    data: str
    base: Mapping[str, Any]
    space: Space
    objectives: tuple[str, ...] = ("validation_loss",)
    sampler: Sampler = "tpe"
    seed: int = 0
    seeds: tuple[int, ...] = (0,)
    in_flight: int = 4
    halving: Halving | None = None
    neurons: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check_names(self.objectives)
        if self.in_flight < 1:
            raise BadInput(f"in_flight expected at least 1, got {self.in_flight}")
        if self.halving is not None:
            if len(self.objectives) > 1:
                raise BadInput("ASHA expected one objective, got " + ", ".join(self.objectives))
            if "training.epochs" not in self.base:
                raise BadInput(f"ASHA stops training early, and model {self.model} fits itself: it has no epochs")
            if any(entry.name == "training.epochs" for entry in self.space.entries):
                raise BadInput("ASHA expected the same epochs for every trial, got training.epochs in the space")
            self.halving.rungs(self.base["training.epochs"])

    @property
    def model(self) -> str:
        """The model that is searched."""
        return self.space.model

    @property
    def rungs(self) -> tuple[int, ...]:
        """Epochs at which ASHA compares trials; none without it."""
        return () if self.halving is None else self.halving.rungs(self.base["training.epochs"])

    def trial(self, params: Mapping[str, Any], seed: int) -> Trial:
        """Return the trial of a candidate's settings and a seed. Raises BadInput where Config refuses them."""
        chosen, training = build(self.model, self.space.complete(params, self.base), f"candidate {dict(params)}")
        return Trial(self.model, chosen, training, self.split, self.data, seed, self.neurons)

    def plain(self) -> dict[str, Any]:
        """Return the definition as dictionaries and plain values."""
        found = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: settings.plain(value) for name, value in found.items()} | {"space": spell_space(self.space)}


@dataclass(frozen=True)
class Candidate:
    """One proposal.

    Attributes:
        number: from 0, in the order of proposal.
        source: defaults (the experiment's own settings), start (a warm-start point), or the sampler.
        params: the settings that were chosen, by name; coupled and inactive ones are not among them.
        inside: whether `params` lie in the space, so that the sampler may learn from them.
    """

    number: int
    source: Source
    params: Mapping[str, Any]
    inside: bool = True


@dataclass(frozen=True)
class Study:
    """A study in its run folder."""

    run: RunFolder
    definition: Definition

    @property
    def name(self) -> str:
        """Model and split."""
        return f"{self.definition.model} {self.definition.split}"

    @property
    def path(self) -> str:
        """The study's folder."""
        return study_path(self.run, self.definition.model, self.definition.split)

    def check(self) -> None:
        """Raise BadInput when the folder holds another study of the same model and split."""
        path = files.join(self.path, "study.yaml")
        if files.exists(path):
            there, mine = settings.plain(read_yaml(path)), settings.plain(self.definition.plain())
            if there != mine:
                raise BadInput(_differs(there, mine, self.path))

    def write(self) -> None:
        """Write study.yaml. Raises as `check` does."""
        self.check()
        path = files.join(self.path, "study.yaml")
        if not files.exists(path):
            files.write_text(path, dump_yaml(settings.plain(self.definition.plain())))

    def candidates(self) -> list[Candidate]:
        """Return the candidates proposed so far, in order. Raises BadInput when a file is damaged or missing."""
        found = []
        for i, name in enumerate(files.listing(files.join(self.path, "candidates"))):
            if name.startswith("."):
                continue
            values = files.read_json(files.join(self.path, "candidates", name))
            found.append(settings.build(Candidate, values, f"candidate {name}"))
            if found[-1].number != len(found) - 1:
                raise BadInput(f"{self.path}: candidate {len(found) - 1} is missing; start over with --force ({i})")
        return found

    def add(self, candidate: Candidate) -> None:
        """Write a candidate, before any of its trials starts. Raises OSError when the disk is full."""
        path = files.join(self.path, "candidates", f"{candidate.number:06d}.json")
        files.write_json(path, settings.plain(candidate))

    def trial(self, candidate: Candidate, seed: int) -> Trial:
        """Return a candidate's trial of a seed."""
        return self.definition.trial(candidate.params, seed)


def study_path(run: RunFolder, model: str, split: str) -> str:
    """Return where the study of a model on a split lies."""
    return files.join(run.path, "studies", model, split)


def read_studies(run: RunFolder) -> list[Study]:
    """Return all studies of a sweep's run folder.

    Raises:
        NotReady: the folder holds no sweep.
        BadInput: a study.yaml is damaged.
    """
    root = files.join(run.path, "studies")
    found = [
        read_study(run, model, split)
        for model in files.listing(root)
        for split in files.listing(files.join(root, model))
        if files.exists(files.join(root, model, split, "study.yaml"))
    ]
    if not found:
        raise NotReady(f"{run.path} holds no sweep; run: raysp sweep EXPERIMENT --space SPACE --samples N")
    return found


def read_study(run: RunFolder, model: str, split: str) -> Study:
    """Return one study of a run folder. Raises BadInput when its study.yaml is damaged."""
    path = files.join(study_path(run, model, split), "study.yaml")
    found = read_yaml(path)
    if not isinstance(found, dict) or "space" not in found:
        raise BadInput(f"{path} is damaged; start the sweep over with --force")
    values = {**found, "space": parse_space(found["space"], path)}
    halving = values.get("halving")
    values["halving"] = None if halving is None else settings.build(Halving, halving, f"{path}, halving")
    return Study(run, settings.build(Definition, values, path))


def _differs(there: dict[str, Any], mine: dict[str, Any], path: str) -> str:
    changed = [name for name in {**there, **mine} if there.get(name) != mine.get(name)]
    shown = []
    for name in changed[:3]:
        old, new = there.get(name), mine.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
            shown += [f"{name} {key}: {old.get(key)} there, {new.get(key)} now" for key in keys[:3]]
        else:
            shown.append(f"{name}: {old} there, {new} now")
    return (
        f"{path} is another study ({'; '.join(shown)}); its results cannot be mixed with these. Give this sweep a "
        "folder of its own with --name, or throw the old one away with --force"
    )
