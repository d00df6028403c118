"""What is run: an Experiment is models by splits by seeds; a Trial is one of them, named by what changes its result."""

from __future__ import annotations

import dataclasses
import fnmatch
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeVar

from annotated_types import Ge

from raysp.config import settings
from raysp.config.ranges import Count, Natural, NonNegative, Positive, Share
from raysp.config.settings import Plain
from raysp.errors import BadInput, expect, unknown
from raysp.io import files

T = TypeVar("T")


@settings.named
@dataclass(frozen=True)
class Training:
    """How a gradient-trained model is fitted. Everything here changes the result.

    Attributes:
        epochs: at most; each is a pass over the training trials, or `steps_per_epoch`.
        steps_per_epoch: optimiser steps of an epoch: several passes over few trials, part of one over many, so that
            ten trials and two thousand train alike, and epochs and patience mean as much for both; 0 for one pass.
        batch_size: trials per step, at most; an epoch's trials are shared out evenly.
        batch_bins: bins of all trials of a step together, at most, but for four trials: of long trials a step has
            fewer, and takes about as long as one of short ones. 0 for no bound; of trials of populations alone.
        learning_rate: of the optimiser at the schedule's peak.
        weight_decay: decoupled with optimizer "adamw"; an L2 penalty inside Adam with "adam", whose strength then
            depends on the scale of the loss, and so on the bin width: 1e-4 there is much, 1e-3 learns nothing.
        optimizer: "adamw" or "adam".
        schedule: learning rate over epochs: constant, cosine (to zero at the last epoch), plateau (halved when the
            validation loss has not fallen for `plateau_patience` epochs), or one_cycle (up, down, and far down; step by
            step, momentum with it, where a continuous recording is trained on; epoch by epoch elsewhere).
        warmup_epochs: epochs of linear rise before the schedule.
        plateau_patience: epochs.
        clip_norm: largest norm of the gradient; 0 for none.
        clip_each: that norm is each weight tensor's own, as of Keras' `clipnorm`; else it is of all of them together.
        adam_epsilon: what Adam adds to the root of its second moment; 1e-7 in Keras.
        patience: stop after so many epochs without a better validation loss; 0 for never.
        validate_on: "train" sets training trials aside to select the model. "eval" selects on the evaluation trials,
            as nlb-lightning does: its scores are not held out from selection, and the record says so.
        validation_every: each so-many-th training trial, in an order drawn from `validation_seed`, is set aside.
        validation_seed: separate from the trial's seed, so that seeds share their validation trials; None takes
            every n-th trial as recorded.
        refit: after selection, train anew on all training trials, validation trials included, for the selected
            epochs at their learning rates, and predict from that. Worth its time where trials are few.
        measure_every: epochs between live metrics (co-bps and others) on the validation trials; 0 for never.
        precision: "float32", or "bfloat16" for mixed precision on a GPU (ignored on CPU).
        average: validate, keep and predict from averaged weights: "swa", the mean over epochs (Izmailov et al. 2018),
            or "ema", an exponential moving average over optimiser steps; "none" from the weights as they are.
        average_from: share of the epochs before averaging begins.
        average_decay: of "ema", per step.
        average_rate: of "swa": within ten epochs of its beginning the learning rate goes to this share of
            `learning_rate`, and stays.
    """

    epochs: Count = 500
    steps_per_epoch: Natural = field(default=0, metadata={"before": 0})
    batch_size: Count = 64
    batch_bins: Natural = field(default=0, metadata={"before": 0})
    learning_rate: Positive = 4e-3
    weight_decay: NonNegative = 0.1
    optimizer: Literal["adam", "adamw"] = "adamw"
    schedule: Literal["constant", "cosine", "plateau", "one_cycle"] = "constant"
    warmup_epochs: Natural = 0
    plateau_patience: Count = 10
    clip_norm: NonNegative = 200.0
    clip_each: bool = field(default=False, metadata={"before": False})
    adam_epsilon: Positive = field(default=1e-8, metadata={"before": 1e-8})
    patience: Natural = 0
    validate_on: Literal["train", "eval"] = "train"
    validation_every: Annotated[int, Ge(2)] = 5
    validation_seed: Natural | None = 0
    refit: bool = False
    measure_every: Natural = 25
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    average: Literal["none", "swa", "ema"] = "none"
    average_from: Share = 0.8
    average_decay: Share = 0.999
    average_rate: Positive = 0.5

    def __post_init__(self) -> None:
        settings.check(self, "training")
        if self.refit and self.validate_on == "eval":
            raise BadInput("training, refit expected validate_on train: with eval no training trial is set aside")


@settings.named
@dataclass(frozen=True)
class Resources:
    """Where trials run. Nothing here changes a result.

    Attributes:
        workers: processes of the pool; None takes one per GPU where there are any, else one per CPU core.
        cpus_per_worker: cores, and threads of each trial.
        gpus_per_worker: GPUs or a share of one (0.25 packs four workers on each); None takes 1 where there are any.
        max_crashes: a trial whose process died so often within one command is set aside. On machines that are taken
            away at any moment (spot, preemptible) it is not the trial's fault: give more.
        machines_within_min: minutes after which a command gives up when no worker is alive, since no machine comes.
    """

    workers: Count | None = None
    cpus_per_worker: Count = 1
    gpus_per_worker: float | None = None
    max_crashes: Count = 3
    machines_within_min: Positive = 30.0

    def __post_init__(self) -> None:
        settings.check(self, "resources")
        if self.gpus_per_worker is not None:
            check_share(self.gpus_per_worker, "resources, gpus_per_worker")


def check_share(share: float, where: str = "share") -> None:
    """Raise BadInput unless a number of GPUs is 0, a whole number, or a share 1/n of one; `where` is for the error."""
    count = 1 / share if 0 < share < 1 else share
    # A share is a rounded 1/n; a number of GPUs is exact.
    slack = 1e-9 if share < 1 else 0
    if not (0 <= count < math.inf and abs(count - round(count)) <= slack):
        raise BadInput(f"{where} expected 0, whole GPUs or a share 1/n of one, got {share}")


@dataclass(frozen=True)
class _OfSplits:
    """What a model has of its own on splits that match a pattern."""

    hyperparameters: Mapping[str, Plain] = field(default_factory=dict)
    training: Mapping[str, Plain] = field(default_factory=dict)


@settings.named
@dataclass(frozen=True)
class ModelChoice:
    """A model with its settings, and with other settings for splits that match a pattern.

    Attributes:
        name: the model's file name in raysp/models, or the path of a file or package folder of one's own, beside the
            experiment's file: "models/lstm.py". Its name is then the stem.
        hyperparameters: fields of the model's Config.
        training: fields of Training that differ from the experiment's.
        per_split: glob of split names -> {"hyperparameters": ..., "training": ...}; later patterns win.
        label: what it is called in this experiment, where a model comes several times with different settings; empty
            for its own name.
    """

    name: str
    hyperparameters: Mapping[str, Plain] = field(default_factory=dict)
    training: Mapping[str, Plain] = field(default_factory=dict)
    per_split: Mapping[str, Mapping[str, Mapping[str, Plain]]] = field(default_factory=dict)
    label: str = ""

    def __post_init__(self) -> None:
        settings.check(self, f"model {self.name}")
        for pattern, changes in self.per_split.items():
            told = f"model {self.name}, per_split expected globs of names of splits, got {pattern!r}"
            expect(isinstance(pattern, str) and pattern, told)
            settings.build(_OfSplits, changes, f"per_split {pattern!r} of model {self.name}")
        if self.label:
            check_name(f"model {self.name}, label", self.label)
            # `--set LABEL.setting=value` has to find it.
            if "." in self.label or self.label in ("training", "resources"):
                raise BadInput(
                    f"model {self.name}, label expected no '.' in it, and neither 'training' nor 'resources', which "
                    f"--set takes for its own, got {self.label!r}"
                )

    @property
    def shown(self) -> str:
        """What it is called in tables and on the command line."""
        return self.label or self.name

    def for_split(self, split: str) -> tuple[dict[str, Plain], dict[str, Plain]]:
        """Return (hyperparameters, training overrides) for a split; a stand-in one matches the real one's patterns."""
        chosen, training = dict(self.hyperparameters), dict(self.training)
        for pattern, changes in self.per_split.items():
            if fnmatch.fnmatch(split.removeprefix(STANDIN), pattern):
                chosen.update(changes.get("hyperparameters", {}))
                training.update(changes.get("training", {}))
        return chosen, training


def _changing(trial: Trial) -> dict[str, Plain]:
    """Return what of a trial changes its result, as far as it is not what a missing value means."""
    given = {
        one.name: getattr(trial, one.name) for one in dataclasses.fields(trial) if one.init and one.name != "label"
    }
    defaults = {one.name: one.default for one in dataclasses.fields(trial)}
    found = {name: settings.plain(value) for name, value in given.items() if value != defaults[name]}
    if trial.training is not None:
        found["training"] = _of_training(trial.training)
    return found


def _of_training(training: Training) -> dict[str, Plain]:
    # All values count, so that another default is another trial. A field that came later says in its metadata which
    # value means what was done before ("before"); at that value, it is as if the field were not there.
    return {
        one.name: value
        for one in dataclasses.fields(training)
        if (value := settings.plain(getattr(training, one.name))) != one.metadata.get("before", dataclasses.MISSING)
    }


STANDIN = "standin-"


def in_present_words(values: Mapping[str, T]) -> dict[str, T]:
    """Return values by name, those of earlier versions under the names they have now."""
    return {settings.EARLIER_WORDS.get(name, name): value for name, value in values.items()}


@settings.named
@dataclass(frozen=True)
class Recording:
    """Data that have no name of their own yet: a source file of raysp/data with its settings.

    Attributes:
        name: what the split shall be called.
        source: the source's file name in raysp/data, e.g. "population", or a path as of a model.
        settings: fields of the source's Config.
        optional: it is left out where its files are not there.
    """

    name: str
    source: str
    settings: Mapping[str, object] = field(default_factory=dict)
    optional: bool = False

    def __post_init__(self) -> None:
        settings.check(self, f"recording {self.name}")
        check_name("recording", self.name)


@dataclass(frozen=True)
class Trial:
    """One model on one split from one seed. Its id carries a hash of exactly what changes the result.

    Attributes:
        model: the model's file name.
        hyperparameters: the model's whole Config, defaults included, so that a changed default changes the id.
        training: how it is fitted; None for models that fit themselves.
        split: the prepared split's name.
        data: the split's fingerprint (SHA-256 of its arrays).
        seed: of initial weights, batches and dropout.
        units: a subset of units; None for all.
        follows: id of the validation-phase trial whose number of epochs and learning rates this one takes over.
        label: what the model is called in this experiment; empty for its own name.
        code: digest of the files that compute it (`raysp.config.code_hash`); empty where nobody knows.
        plugins: a person's own code among them, e.g. "models/lstm" -> its path below the run's code/; None for none.
        inputs: tables of other runs that it starts from: name -> SHA-256 of the rows, of which the run's inputs/ has a
            copy; None for none.
        bred: digest of the population's history that its weights come from; empty for one that is trained by itself.
        recorded: its id where it was read from a record; empty for one that is planned now.
    """

    model: str
    hyperparameters: Mapping[str, Plain]
    training: Training | None
    split: str
    data: str
    seed: int = 0
    units: tuple[int, ...] | None = None
    follows: str | None = None
    label: str = ""
    code: str = ""
    plugins: Mapping[str, str] | None = None
    inputs: Mapping[str, str] | None = None
    bred: str = ""
    # What is on disk keeps its name, whatever a later version of raysp would call it. A changed copy is a new trial.
    recorded: str = field(default="", init=False, compare=False, repr=False)

    @property
    def id(self) -> str:
        """Return the trial's name: readable in front, the hash behind.

        A field at its default is left out of the hash, so that a new field, whose default means what was done before
        it came, gives no trial another name.
        """
        return self.recorded or f"{self.front}_{files.digest(_changing(self))[:10]}"

    @property
    def front(self) -> str:
        """The readable part of the name."""
        subset = "" if self.units is None else f"_{len(self.units)}n"
        return f"{self.shown}_{self.split}{subset}_s{self.seed}"

    @property
    def shown(self) -> str:
        """What the model is called in tables."""
        return self.label or self.model

    @property
    def standin(self) -> bool:
        """Tell whether the data were generated to stand in for a recording."""
        return self.split.startswith(STANDIN)


@settings.named
@dataclass(frozen=True)
class Experiment:
    """Models by splits by seeds, and how to train and where to run them.

    Attributes:
        name: the run folder's name.
        splits: names or globs of splits.
        models: what is trained on each of them.
        seeds: each model is trained once per seed on each split.
        units: which units of each split: numbers, or text of numbers and ranges ("1,5,20-40"), "first 12", "every 5",
            "all". Numbers are a continuous recording's own; of trials, positions, held-in units first.
        units_per_trial: so many units of a continuous recording make one trial, whose networks are trained side by
            side; 0 puts all into one.
        recordings: data that are prepared for this experiment; their names join `splits`.
        training: of all models; None for how models of their kind of data are trained as a rule.
        resources: where it runs.
        floor: the model every result is read against from below; empty for that of the kind of data.
        ceiling: likewise from above.
    """

    name: str
    models: tuple[ModelChoice, ...]
    splits: tuple[str, ...] = ()
    seeds: tuple[Natural, ...] = (0,)
    units: str | tuple[int, ...] = "all"
    units_per_trial: Natural = 0
    recordings: tuple[Recording, ...] = ()
    training: Training | None = None
    resources: Resources = Resources()
    floor: str = ""
    ceiling: str = ""

    def __post_init__(self) -> None:
        settings.check(self, f"experiment {self.name}")
        check_name("experiment", self.name)
        recordings = [recording.name for recording in self.recordings]
        models = [model.shown for model in self.models]
        given: dict[str, Sequence[str | int]] = {"models": models, "seeds": list(self.seeds), "recordings": recordings}
        for what in ("models", "seeds"):
            expect(given[what], f"experiment {self.name}: expected at least one of {what}, got none")
        if both := sorted({*self.splits} & {*recordings}):
            told = f"experiment {self.name}: {both[0]} is a recording of its own, and so one of its splits already"
            raise BadInput(f"{told}: leave it out of splits")
        for what, values in {**given, "splits": [*self.splits, *recordings]}.items():
            _check_each_once(f"experiment {self.name}: {what}", values)
        expect(self.splits or recordings, f"experiment {self.name}: expected splits or recordings, got neither")

    def choose(self, names: tuple[str, ...]) -> Experiment:
        """Return the experiment with these models only; raises BadInput for one it does not have."""
        known = {choice.shown: choice for choice in self.models}
        for name in names:
            if name not in known:
                raise unknown(f"model of experiment {self.name}", name, known)
        return dataclasses.replace(self, models=tuple(known[name] for name in known if name in names))


def _check_each_once(where: str, values: Sequence[str | int]) -> None:
    """Refuse a value that comes twice, and names that differ in case alone: on many disks, their folders are one."""
    folded = [value.casefold() if isinstance(value, str) else value for value in values]
    expect(len(set(values)) == len(values), f"{where} expected each once, got {values}")
    expect(len(set(folded)) == len(folded), f"{where} expected names that differ in more than case, got {values}")


def check_name(kind: str, name: str) -> None:
    """Raise BadInput unless a name can be a folder's name on any system."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", name):
        raise BadInput(f"{kind} name expected letters, digits, '.', '_', '+' and '-', at most 100, got {name!r}")
