"""Kinds of files of a sweep: the space that a person writes, and what the search writes down."""

from __future__ import annotations

import os
from typing import Any

from raysp.io import files
from raysp.io.yaml_files import dump_yaml
from raysp.runs.folder import RunFolder
from raysp.search.outcome import outcome, read_rungs
from raysp.search.result import read_result
from raysp.search.settings_file import read_settings, write_settings
from raysp.search.space_file import read_space, spell_space
from raysp.search.study import read_studies
from raysp.search.table import read_table, write_table
from tests.fuzz import parquet_changes, text_changes
from tests.fuzz.kinds import Kind, Read
from tests.search import made_up

SPLIT = "mc_maze_small-20ms-val"
STUDY = f"studies/sae/{SPLIT}"


def _space(folder: str, seed: int) -> None:
    found = {"model": "sae", "space": made_up.SPACE, "start": [{"model.hidden": 32 + seed}]}
    files.write_text(os.path.join(folder, "space.yaml"), dump_yaml(found))


SPACE = Kind(
    "search space", "space.yaml", _space,
    {"space": lambda folder: Read(spell_space(read_space(os.path.join(folder, "space.yaml"))))}, text_changes.YAML,
)  # fmt: skip


def _sweep(folder: str, seed: int) -> None:
    study = made_up.study(folder, split=SPLIT, seed=seed, sampler="random")
    active = made_up.active(study, 4)
    made_up.work(active)
    active.finish()
    result = read_result(study)
    write_table(study.run, [result])
    write_settings(study.run, [result], "abc")
    trial = study.run.trial(study.trial(study.candidates()[0], 0).id)
    files.write_json(os.path.join(folder, "trials", "one", "rungs.json"), {"1": 0.5, "3": 0.25 + seed})
    files.write_json(os.path.join(folder, "trials", "one", "done.json"), files.read_json(trial.done) | {"trial": "one"})


def _result(folder: str) -> Read:
    found = read_result(read_studies(RunFolder(folder))[0])
    return Read((found.candidates, found.scores, found.order, found.winner, found.finished))


def _study(folder: str) -> Read:
    return Read([study.definition.plain() for study in read_studies(RunFolder(folder))])


def _settings(folder: str) -> Read:
    return Read(read_settings(os.path.join(folder, "settings.yaml")).models)


def _trial(folder: str) -> Any:
    return RunFolder(folder).trial("one")


SETTINGS = Kind(
    "settings.yaml", "settings.yaml", _sweep, {"settings": _settings}, text_changes.YAML, ours=True
)  # fmt: skip
DEFINITION = Kind(
    "study.yaml", f"{STUDY}/study.yaml", _sweep, {"study": _study, "result": _result}, text_changes.YAML, ours=True
)
CANDIDATE = Kind(
    "candidate", f"{STUDY}/candidates/000001.json", _sweep, {"result": _result}, text_changes.JSON, ours=True
)
FINISHED = Kind("finished.json", f"{STUDY}/finished.json", _sweep, {"result": _result}, text_changes.JSON, ours=True)
RUNGS = Kind(
    "rungs.json", "trials/one/rungs.json", _sweep,
    {"rungs": lambda folder: Read(read_rungs(_trial(folder))), "outcome": lambda folder: Read(outcome(_trial(folder)))},
    text_changes.JSON, ours=True,
)  # fmt: skip
TABLE = Kind(
    "sweep.parquet", "sweep.parquet", _sweep, {"table": lambda folder: Read(read_table(RunFolder(folder)).to_dicts())},
    parquet_changes.CHANGES, ours=True,
)  # fmt: skip
KINDS = (SPACE, SETTINGS, DEFINITION, CANDIDATE, FINISHED, RUNGS, TABLE)
