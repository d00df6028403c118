"""The run folder: where each file of an experiment and of its trials lies, and what state a trial is in."""

from __future__ import annotations

import functools
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from raysp.config import settings
from raysp.config.experiment import STANDIN, Training, Trial, check_name, in_present_words
from raysp.errors import BadInput, NotReady, damaged, expect
from raysp.io import files
from raysp.io.nearest import near
from raysp.io.yaml_files import read_yaml
from raysp.runs.records import Accepted, Done, PlainTrial, Record

State = Literal["done", "failed", "started", "missing"]


AGAIN = "remove it and run the experiment again: finished trials are kept"
FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,254}")
RECORD = {
    **dict.fromkeys(("name", "kind", "root"), str),
    **dict.fromkeys(("experiment", "data", "code", "plugins", "models"), Mapping),
    **dict.fromkeys(("submissions", "accepted", "trials", "earlier"), tuple[Mapping[str, object], ...]),
    "left_out": tuple[tuple[str, str, str], ...],
}
"""What readers of experiment.yaml rely on."""

INSIDE: dict[str, dict[str, object]] = {
    "experiment": {"floor": str, "ceiling": str},
    "submissions": {
        **dict.fromkeys(("time", "command", "commit", "ended"), str),
        **dict.fromkeys(("versions", "asked"), Mapping),
    },
    "data": {
        **dict.fromkeys(("kind", "fingerprint", "builder"), str),
        **{"recordings": tuple[tuple[str, str], ...], "notes": tuple[str, ...]},
    },
    "models": {"kind": str},
    "accepted": {"from": str, "to": str},
}
"""And in its parts."""
BY_NAME = ("data", "models")
"""Parts that hold such values by a name."""

DONE = {
    **dict.fromkeys(("best_epoch", "epochs", "steps_per_epoch", "parameters"), int),
    **dict.fromkeys(("seconds", "training_seconds", "ended"), float),
    **dict.fromkeys(("selected_on", "commit"), str),
    **{"validation": Mapping, "validation_loss": float | None, "learning_rates": tuple[float, ...]},
    **{"stopped_at": int | None, "standin": bool},
}
"""The same of done.json."""


class _Inside:
    """The path of a file in a folder, as an attribute of the folder."""

    def __init__(self, name: str, what: str) -> None:
        self._name, self.__doc__ = name, what

    def __get__(self, folder: TrialFolder | RunFolder, kind: type) -> str:
        return files.join(folder.path, self._name)


@dataclass(frozen=True)
class TrialFolder:
    """The files of one trial. `done` is written last: its presence is what "finished" means."""

    path: str

    config = _Inside("config.yaml", "The trial, as YAML.")
    curve = _Inside("curve.parquet", "One row per epoch; columns: see `raysp.runs.curve`.")

    @property
    def checkpoint(self) -> str:
        """Best and last weights, optimiser, schedule and random state."""
        return self.checkpoint_of("fit")

    def checkpoint_of(self, stage: str) -> str:
        """The same of a stage of the fit: "fit" itself, or "refit" on all trials after selection."""
        return files.join(self.path, "checkpoint.pt" if stage == "fit" else f"checkpoint-{stage}.pt")

    predictions = _Inside("predictions.parquet", "Rates of the training and evaluation trials, by trial and unit.")
    judged = _Inside(
        "validation-predictions.parquet",
        "Rates of the validation trials before the model was fitted to them too; for models that were.",
    )
    latents = _Inside("latents.h5", "Latents of the evaluation trials, for models that have them.")
    kernels = _Inside("kernels.parquet", "First-layer kernels of networks of windows.")
    metrics = _Inside("metrics.json", "Numbers on the validation trials, at the best epoch.")
    rungs = _Inside("rungs.json", "What a trial of a sweep reached at each rung of ASHA so far: epoch -> objective.")
    stop = _Inside("stop.json", "Written by a sweep's driver when ASHA ends the trial: the epoch after which it stops.")
    log = _Inside("log.txt", "What the trial printed.")
    done = _Inside("done.json", "What came out, with provenance; written last.")
    error = _Inside("error.txt", "The whole traceback of a trial that failed.")

    def read_done(self, *needed: str) -> Done:
        """Return what done.json says.

        Args:
            needed: names that must be there.

        Raises:
            BadInput: it is damaged, or another trial's.
        """
        found = files.read_object(self.done)
        try:
            settings.check_kinds(found, DONE, "record")
            missing = [name for name in needed if name not in found]
            expect(not missing, f"it lacks {', '.join(missing)}")
        except BadInput as error:
            raise damaged(self.done, error, "remove it and run the experiment again") from error
        self.check_own(self.done, found)
        return cast("Done", found)

    def read_metrics(self) -> dict[str, object]:
        """Return what metrics.json says. Raises BadInput where it is damaged, or another trial's."""
        found = files.read_object(self.metrics, "validation")
        self.check_own(self.metrics, found)
        return found

    def check_own(self, path: str, found: Mapping[str, object]) -> None:
        """Raise BadInput where a file says that it is another trial's; those of earlier versions do not say whose."""
        mine = os.path.basename(self.path)
        if (whose := found.get("trial", mine)) != mine:
            raise BadInput(
                f"{path} expected that of {mine}, got that of {whose}; remove {self.path} and run the experiment again"
            )

    def state(self) -> State:
        """Return what the folder says of its trial."""
        # One listing, since each question is a request where the folder lies in a store of objects.
        there = set(files.listing(self.path))
        empty = not there and files.is_local(self.path) and files.exists(self.path)
        return self.state_of(there if there or empty else None)

    def state_of(self, there: set[str] | None) -> State:
        """Return what the names in the folder say of its trial; None where there is no folder."""
        if there is None:
            return "missing"
        if os.path.basename(self.done) in there:
            return "done"
        return "failed" if os.path.basename(self.error) in there else "started"


@dataclass(frozen=True)
class RunFolder:
    """The files of one experiment's run."""

    path: str

    @property
    def name(self) -> str:
        """The run's name: the last part of its path."""
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def typed(self) -> str:
        """The path as a person types it: quoted where a shell would take it for something else."""
        return shlex.quote(self.path)

    experiment = _Inside("experiment.yaml", "The experiment, its trials, each submission's commit, versions and data.")
    code = _Inside("code", "Copies of the plug-ins that its trials compute with, a folder for each by its hash.")
    lock = _Inside(".lock", "Held by the one driver that is running.")
    holder = _Inside(".lock-holder", "Beside the lock of a run on a disk: which process holds it, and since when.")

    @property
    def mlflow(self) -> str:
        """The default tracking store, SQLite; of a run at an address it lies on the driver's machine."""
        return files.join(self.own, "mlflow.db")

    @property
    def own(self) -> str:
        """Where files lie that only a disk can hold: in the run folder, or for an address in the user's cache."""
        return self.path if files.is_local(self.path) else self.cache

    @property
    def cache(self) -> str:
        """A folder of the user's own on this machine for this run."""
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        return files.join(cache, "raysp", f"{self.name}-{files.digest(self.path.rstrip('/'))[:10]}")

    predictions = _Inside("predictions", "The collected Parquet dataset, partitioned by model and split.")
    metrics = _Inside("metrics.parquet", "Tidy metrics: trial, model, split, seed, unit, metric, parameter, value.")
    finished = _Inside("finished.json", "Which trials the dataset, scores and report were made from; written last.")
    report = _Inside("report", "The report's folder: report.html and its PNGs.")
    table = _Inside("sweep.parquet", "Of a sweep: a row per trial of each candidate: settings, numbers, provenance.")
    settings = _Inside("settings.yaml", "Of a finished sweep: each split's best settings, for `raysp run --settings`.")

    def submission(self, phase: str, *, standin: bool) -> str:
        """The submission of a phase ("val" or "test"); one made from generated data says so in its name."""
        return files.join(self.path, f"{'standin-' if standin else ''}submission-{phase}.h5")

    def trial(self, trial_id: str) -> TrialFolder:
        """The folder of one trial."""
        return TrialFolder(files.join(self.path, "trials", trial_id))

    def states(self, trials: Iterable[Trial]) -> dict[str, State]:
        """Return the state of each trial by its id, as `TrialFolder.state` tells it, for all of them at once."""
        there = files.listings(files.join(self.path, "trials"))
        return {trial.id: self.trial(trial.id).state_of(there.get(trial.id)) for trial in trials}

    def lost(self, trials: Iterable[Trial]) -> list[Trial]:
        """Return the trials that say they are finished, and whose predictions are gone."""
        there = files.listings(files.join(self.path, "trials"))
        done, predictions = (os.path.basename(path) for path in (self.trial("").done, self.trial("").predictions))
        found = [(trial, there.get(trial.id, set())) for trial in trials]
        return [trial for trial, names in found if done in names and predictions not in names]

    def finished_of(self, trials: Iterable[Trial]) -> list[Trial]:
        """Return those of some trials that say they are finished, and whose predictions are there."""
        trials = list(trials)
        states, lost = self.states(trials), {trial.id for trial in self.lost(trials)}
        return [trial for trial in trials if states[trial.id] == "done" and trial.id not in lost]

    def is_sweep(self) -> bool:
        """Tell whether the folder holds a sweep. Raises as `record` does."""
        return self.record().get("kind") == "sweep"

    def record(self) -> Record:
        """Return the run's record.

        Raises:
            NotReady: nothing was ever run there.
            BadInput: it is damaged; or there is no such bucket.
        """
        if not files.exists(self.experiment):
            files.check(self.path)
            if files.exists(self.holder):
                told = (
                    f"{self.path} holds no run yet: one was begun by {files.read_text(self.holder)}, and had no trials"
                )
                raise NotReady(f"{told} planned; wait for it, or if it was stopped run it again")
            beside = os.path.dirname(self.path.rstrip("/"))
            places = [os.path.join(at, name) for at in (beside, "runs") for name in (self.name, STANDIN + self.name)]
            within = files.join(self.path, "final")
            meant = f"what was trained anew lies in {within}" if files.exists(within) else ""
            meant = meant or next((found for place in places if (found := near(place, _is_run))), "")
            raise NotReady(
                f"{self.path} is not a run folder (no experiment.yaml); {meant or 'run: raysp run EXPERIMENT'}"
            )
        found = read_yaml(self.experiment)
        try:
            expect(isinstance(found, dict) and "trials" in found, "it holds no trials")
            settings.check_kinds(found, RECORD, "record")
            for name, kinds in INSIDE.items():
                part = found.get(name, {})
                for one in part if isinstance(part, list) else part.values() if name in BY_NAME else [part]:
                    settings.check_kinds(one, kinds, name)
        except BadInput as error:
            raise damaged(self.experiment, error, AGAIN) from error
        known: Record = found
        return {"submissions": [], "data": {}, "experiment": {}, **known}

    def trials(self) -> list[Trial]:
        """Return the trials of the present form of the run's experiment, in order. Raises as `record` does.

        What differs in anything but the seed is never averaged: of a model on a split only those are given that are
        like the newest one.
        """
        if not files.exists(self.experiment):
            self.record()
        return list(_trials(self.path, tuple(files.stamp(self.experiment).values()))[0])

    def left_behind(self) -> frozenset[str]:
        """Return the ids of recorded trials of an earlier form of the experiment: no number of theirs is the run's.

        None where nothing was ever run there. Raises BadInput as `record` does.
        """
        if not files.exists(self.experiment):
            return frozenset()
        return _trials(self.path, tuple(files.stamp(self.experiment).values()))[1]


def _is_run(path: str) -> bool:
    return files.exists(RunFolder(path).experiment)


@functools.lru_cache(maxsize=4)
def _trials(path: str, stamp: tuple[object, ...]) -> tuple[tuple[Trial, ...], frozenset[str]]:
    """Return a run's trials, and the ids of those left behind: of many, reading them takes seconds."""
    record = RunFolder(path).record()
    try:
        trials = [trial_from(item) for item in record["trials"]]
    except BadInput as error:
        raise damaged(RunFolder(path).experiment, error, AGAIN) from error
    present = tuple(alike(trials, record.get("accepted", ())))
    known = {trial.id for trial in trials} | {str(one.get("id")) for one in record.get("earlier", ())}
    return present, frozenset(known - {trial.id for trial in present})


def alike(trials: Sequence[Trial], accepted: Iterable[Accepted] = ()) -> list[Trial]:
    """Return the trials that are like the last one of their model, split and units in all but the seed.

    Args:
        trials: of a run, those planned last behind.
        accepted: changes of code, "from" and "to", of which a person said that they changed no result.
    """
    one_code: dict[str, str] = {}
    for pair in accepted:
        old, new = (one_code.get(code, code) for code in (pair["from"], pair["to"]))
        one_code |= {name: new for name, known in one_code.items() if known == old} | {old: new, new: new}
    newest = {(trial.shown, trial.split, trial.units): trial for trial in trials}

    def like(trial: Trial) -> bool:
        other = newest[trial.shown, trial.split, trial.units]
        if trial.bred and other.bred:
            # Populations end with settings of their own; what they are is the same but for the seed.
            return (trial.model, trial.data) == (other.model, other.data)
        if any(getattr(trial, name) != getattr(other, name) for name in ("model", "training", "data", "inputs")):
            return False
        if trial.code == other.code:
            return trial.hyperparameters == other.hyperparameters
        same = one_code.get(trial.code, trial.code) == one_code.get(other.code, other.code)
        return same and linked(trial.hyperparameters, other.hyperparameters)

    return [trial for trial in trials if like(trial)]


def left_out(record: Record) -> list[str]:
    """Return what trials of an earlier form are called: their ids, with the code where a model has another one now."""
    now = {one.get("label") or one.get("model"): one.get("code") for one in record.get("trials", ())}

    def called(one: PlainTrial) -> str:
        code, present = one.get("code"), now.get(one.get("label") or one.get("model"))
        return f"{one['id']}" + (
            f" [code {code[:8]}, now {present[:8]}]" if code and present and code != present else ""
        )

    return [called(one) for one in record.get("earlier", ())]


def use_settings(run: RunFolder, record: Record) -> str:
    """Return what to type to train with the best settings of a sweep.

    Args:
        run: the sweep's folder.
        record: its record, whose last command names the experiment.
    """
    submitted = record.get("submissions") or [{}]
    words = _words(str(submitted[-1].get("command", "")))
    # `raysp sweep NAME` of an experiment that ships with raysp; options may stand before a file.
    given = words[2] if words[1:2] == ["sweep"] and len(words) > 2 and not words[2].startswith("-") else "EXPERIMENT"
    file = next((word for word in words if word.endswith(".py")), given)
    folder = run.path.rstrip("/").rpartition("/")[0] or "."
    # Without a name of its own, the sweep has the folder that the run would have.
    named = any(word.partition("=")[0] == "--name" for word in words)
    root = ["--root", record["root"]] if record.get("root") else []
    runs = folder if named else f"{folder}-best"
    return shlex.join(["raysp", "run", file, *root, "--runs", runs, "--settings", run.path])


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        # Earlier versions wrote no quotes, and a path may have one.
        return command.split()


def linked(before: Mapping[str, object], now: Mapping[str, object]) -> bool:
    """Tell whether settings of two versions of a model's code are the same, as far as both know them."""
    return all(before[name] == now[name] for name in before.keys() & now.keys())


def trial_from(plain: PlainTrial) -> Trial:
    """Return a trial from its plain form, under the id it has there.

    Raises:
        BadInput: unknown, missing or wrong fields; or a name that cannot be a folder's.
    """
    values = in_present_words(settings.check_kinds(plain, {"id": str}, "trial"))
    name = values.pop("id", "")
    if isinstance(values.get("training"), dict):
        values["training"] = settings.build(Training, values["training"], "training")
    trial = settings.build(Trial, values, "trial")
    check_name("split", trial.split)
    check_name("model", trial.model)
    if trial.label:
        check_name("label", trial.label)
    for folder in filter(None, (name, trial.follows)):
        if not FOLDER.fullmatch(folder):
            raise BadInput(f"trial expected an id of letters, digits, '.', '_', '+' and '-', got {folder[:80]!r}")
    object.__setattr__(trial, "recorded", name)
    return trial


def trial_to(trial: Trial) -> PlainTrial:
    """Return a trial's plain form, its id in front."""
    plain: PlainTrial = settings.plain(trial)
    return {"id": trial.id, **plain}
