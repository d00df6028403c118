"""One study: a model's settings searched on one split. What defines it and what it proposed lie in plain files."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from raysp.config import code_hash, plugins, settings
from raysp.config.experiment import Trial, in_present_words
from raysp.config.ranges import Count
from raysp.errors import BadInput, NotReady, expect
from raysp.io import files
from raysp.io.yaml_files import read_yaml, write_yaml
from raysp.kinds import catalog as kinds
from raysp.models import catalog as models
from raysp.runs import inputs
from raysp.runs.folder import RunFolder
from raysp.runs.records import Said
from raysp.search.objective import check_names
from raysp.search.space import Space, Values
from raysp.search.space_check import build
from raysp.search.space_file import parse_space, spell_space

Sampler = Literal["tpe", "random", "grid"]
Source = Literal["defaults", "start", "tpe", "random", "grid"]

LONG = 80
"""Characters of a value in a message."""

Part = tuple[int, int]
"""What of a candidate is one trial: a seed, and the number of a chunk of units."""


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
        units: a subset of units; None for all.
        chunks: the same units shared out over several trials of a candidate, which is scored by the mean over units;
            none where a trial has all of them.
        code: the files that its first candidate computes with (`raysp.config.code_hash`); empty where nobody knows.
    """

    split: str
    data: str
    base: Values
    space: Space
    objectives: tuple[str, ...] = ("validation_loss",)
    sampler: Sampler = "tpe"
    seed: int = 0
    seeds: tuple[int, ...] = (0,)
    in_flight: Count = 4
    halving: Halving | None = None
    units: tuple[int, ...] | None = None
    chunks: tuple[tuple[int, ...], ...] = ()
    code: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings.check(self, f"study of {self.model}")
        check_names(self.objectives)
        if self.halving is not None:
            expect(len(self.objectives) <= 1, "ASHA expected one objective, got " + ", ".join(self.objectives))
            if "training.epochs" not in self.base:
                raise BadInput(f"ASHA stops training early, and model {self.model} fits itself: it has no epochs")
            if any(entry.name == "training.epochs" for entry in self.space.entries):
                raise BadInput("ASHA expected the same epochs for every trial, got training.epochs in the space")
            self.halving.rungs(self.epochs)
            expect(not self.chunks, "ASHA compares trials: expected all units of a candidate in one, got chunks")

    @property
    def model(self) -> str:
        """The model that is searched."""
        return self.space.model

    @property
    def epochs(self) -> int:
        """Epochs of a trial, of a model that has them."""
        return settings.coerce(int, self.base["training.epochs"], "training.epochs")

    @property
    def rungs(self) -> tuple[int, ...]:
        """Epochs at which ASHA compares trials; none without it."""
        return () if self.halving is None else self.halving.rungs(self.epochs)

    @property
    def weights(self) -> tuple[int, ...]:
        """Units of each chunk; a single number where a trial has all."""
        return tuple(len(chunk) for chunk in self.chunks) or (1,)

    def parts(self, seeds: Iterable[int]) -> Iterator[Part]:
        """Yield what the trials of a candidate are, seed by seed."""
        return itertools.product(seeds, range(len(self.weights)))

    def trial(self, params: Values, seed: int, chunk: int = 0) -> Trial:
        """Return the trial of a candidate's settings and a part. Raises BadInput where Config refuses them."""
        chosen, training = build(self.model, self.space.complete(params, self.base), f"candidate {dict(params)}")
        code = code_hash.digest(code_hash.of_model(self.model, chosen)) if self.code else ""
        units, own = self.chunks[chunk] if self.chunks else self.units, plugins.of_model(self.model, chosen)
        given = inputs.digests(kinds.of(models.kind(self.model)).inputs(self.model, chosen))
        return Trial(
            self.model, chosen, training, self.split, self.data, seed, units, code=code, plugins=own, inputs=given
        )

    def plain(self) -> dict[str, Any]:
        """Return the definition as dictionaries and plain values."""
        return settings.plain(self) | {"space": settings.plain(spell_space(self.space))}


@dataclass(frozen=True)
class Candidate:
    """One proposal.

    Attributes:
        number: from 0, in the order of proposal.
        source: defaults (the experiment's own settings), start (a warm-start point), or the sampler.
        params: the settings that were chosen, by name; coupled and inactive ones are not among them.
        inside: whether `params` lie in the space, so that the sampler may learn from them.
        trials: seed, as text, and behind a slash the number of the chunk where there are several -> id of the trial
            that was made of it, so that nobody has to work it out again.
    """

    number: int
    source: Source
    params: Values
    inside: bool = True
    trials: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """A study in its run folder.

    Attributes:
        run: the sweep's folder.
        definition: what it is.
        accepted: changes of its code of which a person said that they changed no result: who, when, which files.
    """

    run: RunFolder
    definition: Definition
    accepted: tuple[Mapping[str, object], ...] = ()

    @property
    def name(self) -> str:
        """Model and split."""
        return f"{self.definition.model} {self.definition.split}"

    @property
    def path(self) -> str:
        """The study's folder."""
        return study_path(self.run, self.definition.model, self.definition.split)

    def check(self, *, accept: bool = False) -> None:
        """Refuse to go on in a folder that holds another study of the same model and split.

        Args:
            accept: a person says that what was changed in the code changed no result.

        Raises:
            BadInput: its definition differs, or its candidates were computed by other code.
        """
        if not files.exists(files.join(self.path, "study.yaml")):
            return
        there = read_study(self.run, self.definition.model, self.definition.split).definition
        if changed := differences(there, self.definition):
            raise BadInput(
                f"{self.path} is another study ({'; '.join(changed[:3])}); its results cannot be mixed with these. "
                "Give this sweep a folder of its own with --name, or throw the old one away with --force"
            )
        if (other := code_hash.differing(there.code, self.definition.code)) and not accept:
            raise BadInput(
                f"{self.path}: its candidates were computed by other code ({code_hash.named(there.code, other)}), and "
                "cannot be mixed with new ones. Say --accept-code where these changes change no result, give this "
                "sweep a folder of its own with --name, or throw the old one away with --force"
            )

    def write(self, *, accept: Said | None = None) -> None:
        """Write study.yaml.

        Args:
            accept: who says when that changes of the code changed no result; None where nobody does. Trials that had
                not ended under the code before are named anew, as those of the code that will end them.

        Raises:
            BadInput: see `check`.
        """
        self.check(accept=accept is not None)
        path, accepted = files.join(self.path, "study.yaml"), []
        if files.exists(path):
            there = read_study(self.run, self.definition.model, self.definition.split)
            changed = code_hash.differing(there.definition.code, self.definition.code)
            if not changed:
                return
            for candidate in self.candidates():
                self._name_anew(candidate)
            accepted = [*there.accepted, {**(accept or {}), "files": changed, "before": dict(there.definition.code)}]
        write_yaml(path, {**self.definition.plain(), "accepted": accepted})

    def candidates(self) -> list[Candidate]:
        """Return the candidates proposed so far, in order. Raises BadInput when a file is damaged or missing."""
        found = []
        for i, name in enumerate(files.listing(files.join(self.path, "candidates"))):
            if name.startswith("."):
                continue
            values = files.read_object(files.join(self.path, "candidates", name))
            found.append(settings.build(Candidate, values, f"candidate {name}"))
            if found[-1].number != len(found) - 1:
                raise BadInput(f"{self.path}: candidate {len(found) - 1} is missing; start over with --force ({i})")
        return found

    def add(self, candidate: Candidate) -> None:
        """Write a candidate, before any of its trials starts. Raises OSError when the disk is full."""
        path = files.join(self.path, "candidates", f"{candidate.number:06d}.json")
        files.write_json(path, settings.plain(candidate))

    def named(self, candidate: Candidate, seeds: tuple[int, ...]) -> Candidate:
        """Return a candidate with the ids of its trials of some seeds, written down where they were not."""
        parts = {self._spelled(*part): part for part in self.definition.parts(seeds)}
        ids = {name: self.trial(candidate, *part).id for name, part in parts.items() if name not in candidate.trials}
        if not ids:
            return candidate
        candidate = dataclasses.replace(candidate, trials={**candidate.trials, **ids})
        self.add(candidate)
        return candidate

    def trial_id(self, candidate: Candidate, seed: int, chunk: int = 0) -> str:
        """Return the id of a candidate's trial of a seed, as it was written down."""
        return candidate.trials.get(self._spelled(seed, chunk)) or self.trial(candidate, seed, chunk).id

    def trial(self, candidate: Candidate, seed: int, chunk: int = 0) -> Trial:
        """Return a candidate's trial of a seed. Raises BadInput where the model's Config refuses its settings."""
        trial = self.definition.trial(candidate.params, seed, chunk)
        inputs.keep(self.run, kinds.of(models.kind(trial.model)).inputs(trial.model, trial.hyperparameters))
        name = candidate.trials.get(self._spelled(seed, chunk)) or ("" if self.definition.code else earlier_id(trial))
        object.__setattr__(trial, "recorded", name)
        return trial

    def _spelled(self, seed: int, chunk: int) -> str:
        return f"{seed}/{chunk}" if self.definition.chunks else str(seed)

    def _name_anew(self, candidate: Candidate) -> None:
        ended = {part: name for part, name in candidate.trials.items() if files.exists(self.run.trial(name).done)}
        self.add(dataclasses.replace(candidate, trials=ended))


def earlier_id(trial: Trial) -> str:
    """Return a trial's id as it was before code was part of it: all fields counted, at their defaults too."""
    counted = {name: value for name, value in settings.plain(trial).items() if name not in ("label", "code", "bred")}
    return f"{trial.front}_{files.digest(counted)[:10]}"


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
    expect(isinstance(found, dict) and "space" in found, f"{path} is damaged; start the sweep over with --force")
    values = {**in_present_words(found), "space": parse_space(found["space"], path, empty=True)}
    halving = values.get("halving")
    values["halving"] = None if halving is None else settings.build(Halving, halving, f"{path}, halving")
    accepted = settings.coerce(tuple[Mapping[str, object], ...], values.pop("accepted", []), f"{path}, accepted")
    definition = settings.build(Definition, values, path)
    if (definition.model, definition.split) != (model, split):
        raise BadInput(f"{path} is the study of {definition.model} on {definition.split}; start over with --force")
    return Study(run, definition, accepted)


def differences(there: Definition, mine: Definition) -> list[str]:
    """Return what two studies differ in that their candidates depend on, in words; their code apart."""
    # A candidate's score is a mean over its seeds, whatever their order.
    old, new = ({**one.plain(), "seeds": sorted(one.seeds)} for one in (there, mine))
    shown = []
    for name in [name for name in new if name != "code" and old[name] != new[name]]:
        if name == "in_flight" and mine.sampler != "tpe":
            # Only candidates that learn from others depend on which of those have ended.
            continue
        if isinstance(old[name], dict) and isinstance(new[name], dict):
            keys = [key for key in {**old[name], **new[name]} if old[name].get(key) != new[name].get(key)]
            shown += [f"{name} {key}: {old[name].get(key)} there, {new[name].get(key)} now" for key in keys[:3]]
        else:
            shown.append(f"{name}: {_brief(old[name])} there, {_brief(new[name])} now")
    # Values are drawn one after another: in another order, the same seed draws others.
    orders = [", ".join(entry.name for entry in one.space.free) for one in (there, mine)]
    if not shown and orders[0] != orders[1]:
        shown.append(f"the order of the space's lines: {orders[0]} there, {orders[1]} now")
    return shown


def _brief(value: object) -> str:
    """Return a value in words; of thousands of units the first ones."""
    text = str(value)
    return text if len(text) <= LONG else f"{text[:LONG]}..."
