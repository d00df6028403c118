"""Kinds of files in a run folder, which raysp writes and reads back."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from raysp.collection.gather import digest_of
from raysp.config.experiment import Experiment, ModelChoice, Training, Trial
from raysp.data.splits import store
from raysp.driver import score_table
from raysp.driver.plan import Plan
from raysp.driver.record import write_record
from raysp.io import files
from raysp.kinds.population import latents_file as latents
from raysp.kinds.population import rates_file, submission_check
from raysp.kinds.stimulus import spike_trains_file
from raysp.runs import curve, metrics_table
from raysp.runs.folder import RunFolder
from raysp.search.outcome import outcome
from raysp.training import checkpoint
from tests.collection.made_up import make_prediction, make_split, make_trial
from tests.fuzz import hdf5_changes, parquet_changes, text_changes, zip_changes
from tests.fuzz.kinds import Kind, Read
from tests.fuzz.prepared import SIZES, made_split
from tests.kinds.stimulus.test_spike_trains_file import made_up_trains
from tests.models.made_up_stimulus import made_up_recording

TRIAL = make_trial("sae", "mine", training=Training(epochs=3))
RUN = "runs/mine"
INSIDE = f"{RUN}/trials/{TRIAL.id}"


def _folder(folder: str) -> Any:
    return RunFolder(files.join(folder, RUN)).trial(TRIAL.id)


def _checkpoint(folder: str, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weights = {"encoder.weight": torch.randn(8, 5, generator=generator), "bias": torch.randn(8, generator=generator)}
    moments = {0: {"step": torch.tensor(12.0), "exp_avg": torch.randn(8, 5, generator=generator)}}
    state = {
        "model": weights,
        "best": {name: one + 1 for name, one in weights.items()},
        "optimizer": {"state": moments, "param_groups": [{"lr": 4e-3, "betas": (0.9, 0.999), "params": [0]}]},
        "epoch": 3,
        "curve": [{"epoch": 1, "train_loss": 0.5, "validation_loss": 0.25, "learning_rate": 4e-3, "seconds": None}],
        "random": generator.get_state(),
    }
    checkpoint.save(_folder(folder).checkpoint, TRIAL.id, state)


def _resume(folder: str) -> Read:
    found = checkpoint.load(_folder(folder).checkpoint, TRIAL.id)
    return Read(None, again=found) if isinstance(found, str) else Read(found)


CHECKPOINT = Kind(
    "checkpoint", f"{INSIDE}/checkpoint.pt", _checkpoint, {"resume": _resume}, zip_changes.CHECKPOINT, ours=True
)


def _curve(folder: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        {"epoch": epoch, "train_loss": rng.random(), "validation_loss": rng.random(), "learning_rate": 4e-3}
        | {"seconds": float(epoch), "co-bps": rng.random() if epoch % 2 else None}
        for epoch in range(1, 7)
    ]
    curve.write_curve(_folder(folder).curve, rows)


CURVE = Kind(
    "curve", f"{INSIDE}/curve.parquet", _curve, {"curve": lambda folder: Read(curve.read_curve(_folder(folder).curve))},
    parquet_changes.CHANGES, ours=True,
)  # fmt: skip


def _predictions(folder: str, seed: int) -> None:
    parts = {"train": make_prediction(SIZES, 9, seed, forward=False), "eval": make_prediction(SIZES, 6, 50 + seed)}
    split, _ = made_split(0)
    rates_file.write_predictions(_folder(folder).predictions, TRIAL, SIZES, parts, split)
    files.write_json(_folder(folder).done, {"trial": TRIAL.id})


def _rates(part: str) -> Callable[[str], Read]:
    return lambda folder: Read(rates_file.read_rates(_folder(folder).predictions, part))


def _digest(folder: str) -> Read:
    run = RunFolder(files.join(folder, RUN))
    path = _folder(folder).predictions
    return Read((digest_of(run, TRIAL), rates_file.read_header(path), [rates_file.read_rates(path, "eval")]))


PREDICTIONS = Kind(
    "predictions",
    f"{INSIDE}/predictions.parquet",
    _predictions,
    {"train": _rates("train"), "eval": _rates("eval"), "digest": _digest},
    parquet_changes.CHANGES,
    ours=True,
)


def _trains(folder: str, seed: int) -> None:
    split = made_up_recording(units=2)
    spike_trains_file.write_spike_trains(_folder(folder).predictions, TRIAL, split, made_up_trains(seed), 64)


TRAINS = Kind(
    "predicted spike trains",
    f"{INSIDE}/predictions.parquet",
    _trains,
    {
        "trains": lambda folder: Read(
            [vars(one) for one in spike_trains_file.read_spike_trains(_folder(folder).predictions)]
        )
    },
    parquet_changes.CHANGES,
    ours=True,
)


def _latents(folder: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrays = (rng.standard_normal((count, 8, 3)) for count in (6, 9))
    latents.write_latents(_folder(folder).latents, *arrays)


def _latent(part: str) -> Callable[[str], Read]:
    return lambda folder: Read(latents.read_latents(_folder(folder).latents, part))


LATENTS = Kind(
    "latents", f"{INSIDE}/latents.h5", _latents, {"eval": _latent("eval"), "train": _latent("train")},
    hdf5_changes.CHANGES, ours=True,
)  # fmt: skip


def _record(folder: str, seed: int) -> None:
    store.save(*made_split(seed), folder, {})
    data = store.header(folder, "mine").fingerprint
    models = (ModelChoice("mean_rate"), ModelChoice("sae", {"hidden": 8}))
    experiment = Experiment("mine", models, ("mine",), seeds=(seed, 7), training=Training(epochs=3 + seed))
    trials = tuple(
        Trial(
            model.name,
            dict(model.hyperparameters),
            Training(epochs=3) if model.name == "sae" else None,
            "mine",
            data,
            one,
        )
        for model in models
        for one in experiment.seeds
    )
    write_record(RunFolder(files.join(folder, RUN)), experiment, Plan(trials, (("ndt", "mine", "why"),)), folder)


def _trials(folder: str) -> Read:
    return Read([vars(trial) for trial in RunFolder(files.join(folder, RUN)).trials()])


RECORD = Kind(
    "experiment.yaml",
    f"{RUN}/experiment.yaml",
    _record,
    {"trials": _trials, "record": lambda folder: Read(RunFolder(files.join(folder, RUN)).record())},
    text_changes.YAML,
    ours=True,
)


def _done(folder: str, seed: int) -> None:
    measured = {"validation_loss": 0.25 + seed, "co-bps": 0.125}
    found = {"trial": TRIAL.id, "best_epoch": 2, "epochs": 3, "learning_rates": [4e-3, 4e-3], "validation": measured}
    found |= {"validation_loss": 0.25 + seed, "parameters": 48, "seconds": 1.5, "standin": False, "stopped_at": None}
    files.write_json(_folder(folder).done, {**found, "data": "0" * 64, "host": "here", "steps_per_epoch": 2})


DONE = Kind(
    "done.json",
    f"{INSIDE}/done.json",
    _done,
    {
        "outcome": lambda folder: Read(outcome(_folder(folder))),
        "plain": lambda folder: Read(files.read_object(_folder(folder).done, "validation")),
    },
    text_changes.JSON,
    ours=True,
)


def _metrics(folder: str, seed: int) -> None:
    values = {"validation": {"validation_loss": 0.5 + seed}, "evaluation": {"masked deviance": 0.75 + seed}}
    files.write_json(_folder(folder).metrics, values)


MEASURED = Kind(
    "metrics.json",
    f"{INSIDE}/metrics.json",
    _metrics,
    {"plain": lambda folder: Read(files.read_object(_folder(folder).metrics, "validation"))},
    text_changes.JSON,
    ours=True,
)


def _scores(folder: str, seed: int) -> None:
    _record(folder, 0)
    rng = np.random.default_rng(seed)
    run = RunFolder(files.join(folder, RUN))
    rows = [
        {
            "run_trial": trial.id,
            "model": trial.model,
            "split": "mine",
            "dataset": "mine",
            "phase": "val",
            "bin_ms": 20.0,
        }
        | {"seed": trial.seed, "part": "eval", "decoding": None, "unit": None, "unit_index": None, "metric": name}
        | {"parameter": None, "value": float(rng.random()), "judge": "raysp", "note": None, "standin": False}
        for trial in run.trials()
        for name in ("co-bps", "vel R2", "fp-bps")
    ]
    metrics_table.write_metrics(run, rows)


def _table(folder: str) -> Read:
    run = RunFolder(files.join(folder, RUN))
    return Read((sorted(metrics_table.scored(run)), metrics_table.read_metrics(run).to_dicts()))


def _shown(folder: str) -> Read:
    return Read(list(score_table.lines(RunFolder(files.join(folder, RUN)), "val")))


SCORES = Kind(
    "metrics.parquet",
    f"{RUN}/metrics.parquet",
    _scores,
    {"rows": _table, "table": _shown},
    parquet_changes.CHANGES,
    ours=True,
)


def _submission(folder: str, seed: int) -> None:
    from raysp.data.formats.hdf5 import new_hdf5, write_array

    split = make_split("mc_maze_small-20ms-val")
    store.save(split, None, folder, {})
    rng = np.random.default_rng(seed)
    sizes = split.sizes
    with new_hdf5(os.path.join(folder, "submission-val.h5")) as file:
        file.attrs.update({"phase": "val", "standin": False})
        for part, count in (("train", 7), ("eval", 5)):
            for half, neurons in (("heldin", sizes.heldin), ("heldout", sizes.heldout)):
                shape = (count, sizes.bins, neurons)
                write_array(file, f"mc_maze_small_20/{part}_rates_{half}", rng.gamma(1.0, 0.2, shape))


def _check(folder: str) -> Read:
    return Read(submission_check.check_submission(os.path.join(folder, "submission-val.h5"), folder))


SUBMISSION = Kind("submission", "submission-val.h5", _submission, {"check": _check}, hdf5_changes.FORM)
KINDS = (CHECKPOINT, CURVE, PREDICTIONS, TRAINS, LATENTS, RECORD, DONE, MEASURED, SCORES, SUBMISSION)
