"""A run of made-up trials, and what MLflow's store of it holds."""

import sqlite3

from raysp.config.experiment import Training, Trial
from raysp.driver.tracking import Tracker, default_uri
from raysp.io import files
from raysp.io.yaml_files import dump_yaml
from raysp.runs.curve import write_curve
from raysp.runs.folder import trial_to

TRIALS = [
    Trial("sae", {"hidden": 8}, Training(epochs=3), f"standin-mc_maze-20ms-{phase}", "d" * 64, seed=seed)
    for phase in ("val", "test")
    for seed in (0, 1)
]


def rows(epochs):
    return [
        {"epoch": e, "train_loss": 1.0 / e, "validation_loss": 2.0 / e, "learning_rate": 1e-3, "seconds": 0.1}
        for e in range(1, epochs + 1)
    ]


def finish(run, trial, epochs=3):
    folder = run.trial(trial.id)
    files.make_folder(folder.path)
    write_curve(folder.curve, rows(epochs))
    files.write_json(
        folder.done,
        {
            "validation": {"validation_loss": 0.5, "co-bps": 0.1},
            "seconds": 1.0,
            "parameters": 10,
            "best_epoch": 3,
            "selected_on": "validation trials of the training part",
        },
    )


def children(run):
    from mlflow import MlflowClient

    client = MlflowClient(default_uri(run))
    experiment = client.get_experiment_by_name(run.name).experiment_id
    found = client.search_runs([experiment], "tags.`raysp.kind` = 'trial'")
    return client, {item.data.tags["raysp.trial"]: item for item in found}


def track(run, trials, events=(), uri=None):
    tracker = Tracker(run, trials, uri, {"commit": "abc", "run": run.name})
    tracker.events(list(events))
    tracker.close()
    return tracker


def content(run):
    """All that the store holds of runs, but when it was written, less the runs that were deleted."""
    with sqlite3.connect(run.mlflow) as database:
        runs = dict(database.execute("SELECT run_uuid, status FROM runs WHERE lifecycle_stage = 'active'"))
        trials = dict(database.execute("SELECT run_uuid, value FROM tags WHERE key = 'raysp.trial'"))
        found = set()
        for table in ("tags", "params", "metrics"):
            step = "step" if table == "metrics" else "0"
            for run_id, key, value, at in database.execute(f"SELECT run_uuid, key, value, {step} FROM {table}"):
                value = "an id" if key == "mlflow.parentRunId" else value
                if run_id in runs:
                    found.add((trials.get(run_id, "parent"), runs[run_id], table, key, value, at))
    database.close()
    return found


def record(run, **submission):
    record = {"trials": [trial_to(trial) for trial in TRIALS], "submissions": [{"commit": "abc", **submission}]}
    files.write_text(run.experiment, dump_yaml(record))


def sql(run, *statements):
    with sqlite3.connect(run.mlflow) as database:
        for statement in statements:
            database.execute(statement)
    database.close()
