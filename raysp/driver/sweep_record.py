"""experiment.yaml of a sweep: each command that worked on it, what it asked for, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Mapping

from raysp.config import plugins, settings
from raysp.config.experiment import STANDIN, Experiment
from raysp.driver.record import data, submission
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.yaml_files import write_yaml
from raysp.runs.folder import RunFolder
from raysp.runs.records import Record, Submission
from raysp.search.study import Definition, Study


def check_folder(run: RunFolder) -> None:
    """Raise BadInput when the folder holds a run that is no sweep."""
    if files.exists(run.experiment) and not run.is_sweep():
        raise BadInput(f"{run.path} holds a run, not a sweep; give this sweep a folder of its own with --name")


def begin(
    run: RunFolder, experiment: Experiment, definitions: list[Definition], root: str, asked: Mapping[str, object]
) -> None:
    """Add a command to the record; one before it that did not say how it ended was killed.

    Args:
        run: the sweep's folder.
        experiment: with all changes of the command line.
        definitions: the studies that this command works on.
        root: the data root.
        asked: how much was asked for.
    """
    try:
        earlier = run.record()
    except NotReady:
        earlier = {"submissions": [], "data": {}}
    before: list[Submission] = [{**one, "ended": one.get("ended", "killed")} for one in earlier["submissions"]]
    found = {one.split: data(root, one.split) for one in definitions}
    record: Record = {
        "name": run.name,
        "kind": "sweep",
        "standin": any(one.split.startswith(STANDIN) for one in definitions),
        "experiment": settings.plain(experiment),
        "root": root,
        "plugins": plugins.refs(),
        "submissions": [*before, {**submission(), "asked": asked}],
        "data": {**earlier["data"], **found},
        "left_out": [],
        "trials": [],
    }
    write_yaml(run.experiment, record)


def end(run: RunFolder, how: str) -> None:
    """Note how the last command ended: "finished", "interrupted", or the error's sentence."""
    record = run.record()
    record["submissions"][-1]["ended"] = how
    write_yaml(run.experiment, record)


def throw_away(study: Study) -> None:
    """Remove a study and its trials."""
    if files.exists(study.path):
        run = study.run
        prefix = f"{study.definition.model}_{study.definition.split}"
        sizes = {len(study.definition.units or ()), *study.definition.weights}
        # To the end: another split may be called as this one with "_s2" behind it.
        own = re.compile(rf"{re.escape(prefix)}(_({'|'.join(map(str, sizes))})n)?_s-?\d+_[0-9a-f]{{10}}")
        for name in files.listing(files.join(run.path, "trials")):
            if own.fullmatch(name):
                files.remove(run.trial(name).done)
                files.remove(run.trial(name).path)
        files.remove(study.path)
