"""What raysp writes of a run and reads again, name by name; files of earlier versions may lack any of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from raysp.config.settings import Plain


class PlainTrial(TypedDict, total=False):
    """A trial as YAML and JSON hold it; see `config.experiment.Trial`."""

    id: str
    model: str
    hyperparameters: Mapping[str, Plain]
    training: Mapping[str, Plain] | None
    split: str
    data: str
    seed: int
    units: list[int] | None
    follows: str | None
    label: str
    code: str
    plugins: Mapping[str, str] | None
    bred: str


class Done(TypedDict, total=False):
    """done.json.

    Attributes:
        trial: id of the run's trial.
        data: fingerprint of its split.
        validation: numbers of the validation part at the best epoch, by name.
        selected_on: what the weights were selected on, in words.
        diverged: numbers of the units that did.
        weights: of a network's rates against the mean rates, by what was hidden.
        stopped_at: epoch at which ASHA ended a trial of a sweep.
        out_of_time: training ended before its epochs, since a trial had no more time.
        units_best_validation_loss: mean of each unit's lowest, where each has weights of an epoch of its own.
        units_failed: how many have no fit.
        ended: when, s since 1970.
    """

    trial: str
    data: str
    best_epoch: int
    epochs: int
    validation_loss: float | None
    unseen_loss: float | None
    validation: Mapping[str, float]
    parameters: int
    learning_rates: list[float]
    steps_per_epoch: int
    selected_on: str
    diverged: list[int]
    weights: Mapping[str, float]
    stopped_at: int | None
    out_of_time: bool
    units_best_validation_loss: float
    units_failed: int
    device: str
    seconds: float
    training_seconds: float
    ended: float
    standin: bool
    raysp: str
    python: str
    torch: str
    numpy: str
    code: str
    commit: str
    host: str


class Submission(TypedDict, total=False):
    """One command that worked on a run: when, what was typed, from which versions; of a sweep, how it ended."""

    time: str
    command: str
    commit: str
    changed: bool | None
    code: str
    versions: Mapping[str, str]
    asked: Mapping[str, Any]
    ended: str


OtherCode = TypedDict("OtherCode", {"model": str, "from": str, "to": str})
"""A change of a model's code: digests before and after."""


class Said(TypedDict):
    """Who said something, and when."""

    time: str
    who: str


class Accepted(OtherCode, Said):
    """A change of code of which a person said that it changed no result, and which files differ."""

    files: list[str]


class PreparedSplit(TypedDict, total=False):
    """What a record says of a prepared split; see `data.splits.header`, and `data.splits.store.answers_digest`."""

    kind: str
    fingerprint: str
    code: str
    answers: str
    recordings: list[list[str]]
    builder: str
    standin: bool
    notes: list[str]
    start_ms: float | None
    decode_history: int
    behavior: list[list[str]]
    unit_names: list[list[object]]
    role: Mapping[str, object]


class Record(TypedDict, total=False):
    """experiment.yaml.

    Attributes:
        name: of the run.
        kind: "sweep" of one, "ensemble" of one, "pbt" of populations.
        standin: some of its data were generated.
        experiment: as it was asked for, with changes of the command line.
        form: the same as its file has it.
        root: the data root.
        submissions: commands, oldest first.
        data: prepared splits by name.
        left_out: (model, split, reason) of what was not planned.
        code: digest -> file -> its hash.
        plugins: a person's own code -> its path below the run's code/.
        models: name -> what tables need to know of it, `Kind.about`.
        accepted: changes of code.
        trials: of the present form.
        earlier: left from before.
        populations: id of a best member's trial -> name of its population's folder.
        members: of an ensemble: id of its trial -> run folder, id and predictions' digest of each member.
    """

    name: str
    kind: str
    standin: bool
    experiment: Mapping[str, Any]
    form: Mapping[str, object]
    root: str
    submissions: list[Submission]
    data: Mapping[str, PreparedSplit]
    left_out: list[list[str]]
    code: Mapping[str, Mapping[str, str]]
    plugins: Mapping[str, str]
    models: Mapping[str, Any]
    accepted: list[Accepted]
    trials: list[PlainTrial]
    earlier: list[PlainTrial]
    members: Mapping[str, list[dict[str, str]]]
    populations: Mapping[str, str]
