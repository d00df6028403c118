"""experiment.yaml and settings.yaml of populations: their best members are the run's trials."""

from __future__ import annotations

import time
from collections.abc import Sequence

from raysp.config import plugins, settings
from raysp.config.experiment import STANDIN, Experiment, Trial
from raysp.driver.plan import Plan
from raysp.driver.record import data, submission
from raysp.errors import BadInput, NotReady, present
from raysp.io import files
from raysp.io.yaml_files import write_yaml
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.runs.folder import RunFolder, trial_from, trial_to
from raysp.runs.provenance import commit
from raysp.runs.records import Record
from raysp.search.population_folder import ActivePopulation
from raysp.search.settings_file import Best
from raysp.search.space_check import FIXED, flat, parted
from raysp.trials.winner_trial import trial_of

KIND = "pbt"


def check_folder(run: RunFolder) -> None:
    """Raise BadInput when the folder holds another kind of run."""
    if files.exists(run.experiment) and run.record().get("kind") != KIND:
        raise BadInput(f"{run.path} holds no populations but another run; give these a folder of their own with --name")


def begin(run: RunFolder, experiment: Experiment, plan: Plan, root: str) -> None:
    """Add a command to the record; one before it that did not say how it ended was killed.

    Args:
        run: the run folder.
        experiment: with all changes of the command line.
        plan: of the trials that populations begin with.
        root: the data root.
    """
    known = _known(run)
    splits = dict.fromkeys(trial.split for trial in plan.trials)
    before = [{**one, "ended": one.get("ended", "killed")} for one in known["submissions"]]
    models = {trial.model: catalog.module(trial.model).Model for trial in plan.trials}
    about = {name: {"kind": one.reads.kind, **kinds.of(one.reads.kind).about(one)} for name, one in models.items()}
    record: Record = {
        **known,
        "name": run.name,
        "kind": KIND,
        "standin": any(split.startswith(STANDIN) for split in splits),
        "experiment": settings.plain(experiment),
        "root": root,
        "submissions": [*before, submission()],  # type: ignore[list-item]
        "data": {**known.get("data", {}), **{split: data(root, split) for split in splits}},
        "left_out": [list(item) for item in plan.left_out],
        "plugins": plugins.refs(),
        "models": {**known.get("models", {}), **about},
    }
    write_yaml(run.experiment, record)


def finish(run: RunFolder, active: Sequence[ActivePopulation], trials: Sequence[Trial], root: str) -> None:
    """Write the trials of the best members into the record, and their settings as other runs take them.

    Args:
        run: the run folder.
        active: the populations of this command.
        trials: of the best members of those that are over.
        root: the data root.
    """
    record, present_ids = run.record(), {trial.id for trial in trials}
    before = [
        trial_from(one) for one in (*record.get("earlier", ()), *record["trials"]) if one["id"] not in present_ids
    ]
    there = run.states(before)
    names = {
        trial_of(one.population, one.genealogy, present(one.winner)).id: one.population.name
        for one in active
        if one.winner is not None
    }
    record["populations"] = {**record.get("populations", {}), **names}
    record["trials"] = [trial_to(trial) for trial in trials]
    record["earlier"] = [trial_to(trial) for trial in before if there[trial.id] != "missing"]
    write_yaml(run.experiment, record)
    if trials:
        _write_settings(run, active, trials)


def end(run: RunFolder, how: str) -> None:
    """Note how the last command ended: "finished", "interrupted", or "stopped by an error"."""
    record = run.record()
    record["submissions"][-1]["ended"] = how
    write_yaml(run.experiment, record)


def _write_settings(run: RunFolder, active: Sequence[ActivePopulation], trials: Sequence[Trial]) -> None:
    """Write each split's best settings: of several seeds' populations, those of the best."""
    over = [one for one in active if one.is_over and one.winner is not None]
    models: dict[str, dict[str, Best]] = {}
    for one in sorted(over, key=lambda one: -(present(one.winner).score or 0.0)):
        trial = one.population.trial
        models.setdefault(trial.model, {})[trial.split] = _best(one)
    found = {"sweep": run.name, "made": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "commit": commit()["commit"]}
    what = "settings of the best members at the end of their training; they were others before, see genealogy.parquet"
    write_yaml(run.settings, {**found, "what": what, "models": models})


def _best(one: ActivePopulation) -> Best:
    population, winner = one.population, present(one.winner)
    trial = population.trial_of(winner.settings)
    parts = parted(flat(trial.hyperparameters, trial.training))
    training = {name: value for name, value in parts["training"].items() if name not in FIXED}
    return {
        "objective": population.objective,
        "value": present(winner.score),
        "sd": None,
        "seeds": [trial.seed],
        "defaults": None,
        "candidate": winner.member,
        "of": population.members,
        "data": trial.data,
        "code": trial.code,
        "hyperparameters": parts["model"],
        "training": {**training, "epochs": winner.epochs},
        "searched": [entry.name for entry in population.space.entries],
    }


def _known(run: RunFolder) -> Record:
    try:
        return run.record()
    except NotReady:
        return {"submissions": [], "data": {}, "trials": [], "earlier": []}
