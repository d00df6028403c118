"""What differs between a run folder that was disturbed and one that was not; nothing may."""

from __future__ import annotations

import collections
import os
from typing import Any

import h5py
import numpy
import polars

from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.search.population_folder import read_populations
from raysp.search.result import read_result
from raysp.search.study import read_studies

OF_THE_CLOCK = {"seconds", "training_seconds", "ended", "commit", "host"}
"""What no two runs need have in common; the hash of the code they must."""


def differences(quiet: str, disturbed: str, store: str | None = None) -> list[str]:
    """Return one line for each thing that is missing, there twice, or not equal to the last bit.

    Args:
        quiet: the run folder of the undisturbed run.
        disturbed: the other one.
        store: the tracking store; None for the run's own.
    """
    one, two = RunFolder(quiet), RunFolder(disturbed)
    names = [files.listing(files.join(run.path, "trials")) for run in (one, two)]
    found = [f"trial {name} is in one of both only" for name in sorted(set(names[0]) ^ set(names[1]))]
    for name in sorted(set(names[0]) & set(names[1])):
        found += [f"{name}: {line}" for line in trial_differences(one.trial(name).path, two.trial(name).path)]
    compare = _sweeps if files.listing(files.join(one.path, "studies")) else _collected
    found += compare(one, two) + genealogies(one, two)
    return found + tracked(two, names[0], store)


def trial_differences(quiet: str, disturbed: str) -> list[str]:
    """Return what differs between two folders of one trial."""
    done = [os.path.join(folder, "done.json") for folder in (quiet, disturbed)]
    if not os.path.exists(done[1]):
        return ["it is not finished"]
    found = ["an error is left"] if os.path.exists(os.path.join(disturbed, "error.txt")) else []
    records = [files.read_json(path) for path in done]
    for key in sorted((set(records[0]) | set(records[1])) - OF_THE_CLOCK):
        values = [record.get(key) for record in records]
        if values[0] != values[1]:
            found.append(f"{key} of done.json: {values[0]} and {values[1]}")
    for name in ("curve.parquet", "predictions.parquet"):
        paths = [os.path.join(folder, name) for folder in (quiet, disturbed)]
        if os.path.exists(paths[0]):
            found += [] if os.path.exists(paths[1]) and _same_table(*paths) else [f"{name} differs"]
    return found


def _same_table(one: str, two: str, sort: bool = False) -> bool:
    tables = [polars.read_parquet(path).drop(OF_THE_CLOCK, strict=False) for path in (one, two)]
    if sort:
        tables = [table.sort(table.columns) for table in tables]
    return tables[0].equals(tables[1])


def _collected(one: RunFolder, two: RunFolder) -> list[str]:
    if not os.path.exists(two.metrics):
        return ["there is no metrics.parquet"]
    found = [] if _same_table(one.metrics, two.metrics, sort=True) else ["metrics.parquet differs"]
    for name in files.listing(one.path):
        if name.endswith(".h5"):
            arrays = [_arrays(files.join(run.path, name)) for run in (one, two)]
            if arrays[0].keys() != arrays[1].keys():
                found.append(f"{name} holds other arrays")
            found += [
                f"{name}: {key}" for key in arrays[0] if not numpy.array_equal(arrays[0][key], arrays[1].get(key))
            ]
    rows = [
        polars.scan_parquet(f"{run.predictions}/**/*.parquet").select(polars.len()).collect().item()
        for run in (one, two)
    ]
    return found + ([] if rows[0] == rows[1] else [f"predictions: {rows[0]} and {rows[1]} rows"])


def _arrays(path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        file.visititems(lambda key, item: found.update({key: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def _sweeps(one: RunFolder, two: RunFolder) -> list[str]:
    if not os.path.exists(two.table):
        return ["there is no sweep.parquet"]
    told = []
    for run in (one, two):
        results = [read_result(study) for study in read_studies(run)]
        told.append(
            {
                result.study.name: {
                    "candidates": [(c.number, c.source, dict(c.params)) for c in result.candidates],
                    "scores": {number: dict(score.values) for number, score in result.scores.items()},
                    "winner": result.winner,
                    "finished": result.finished,
                }
                for result in results
            }
        )
    found = []
    for study in told[0]:
        for key, value in told[0][study].items():
            if value != told[1].get(study, {}).get(key):
                found.append(f"{study}, {key}: {value} and {told[1].get(study, {}).get(key)}")
    rows = [
        polars.read_parquet(run.table).select("candidate", "seed", "stage", "run_trial").sort(polars.all())
        for run in (one, two)
    ]
    return found + ([] if rows[0].equals(rows[1]) else ["sweep.parquet holds other rows"])


def genealogies(one: RunFolder, two: RunFolder) -> list[str]:
    """Return what differs between the histories of two runs' populations, digests of all weights included."""
    known = [{population.name: history.rows for population, history in read_populations(run)} for run in (one, two)]
    found = [f"population {name} is in one of both only" for name in sorted(known[0].keys() ^ known[1].keys())]
    for name in sorted(known[0].keys() & known[1].keys()):
        rows = [known[0][name], known[1][name]]
        if len(rows[0]) != len(rows[1]):
            found.append(f"{name}: {len(rows[0])} and {len(rows[1])} members' generations")
        found += [f"{name}: {a} and {b}" for a, b in zip(*rows, strict=False) if a != b]
    return found


def tracked(run: RunFolder, trials: list[str], store: str | None) -> list[str]:
    """Return which trials are not in the tracking store exactly once, finished."""
    from mlflow import MlflowClient

    client = MlflowClient(store or f"sqlite:///{run.mlflow}")
    experiment = client.get_experiment_by_name(run.name)
    if experiment is None:
        return ["the tracking store does not know the run"]
    runs = client.search_runs([experiment.experiment_id], "tags.`raysp.kind` = 'trial'", max_results=10_000)
    times = collections.Counter(one.data.tags["raysp.trial"] for one in runs)
    found = [f"the store has trial {name} {times[name]} times" for name in trials if times[name] != 1]
    return found + [
        f"the store has a run {one.info.run_name} {one.info.status}" for one in runs if one.info.status != "FINISHED"
    ]
