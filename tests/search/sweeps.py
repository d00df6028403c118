"""Made-up sweeps: studies and candidates by the real classes, trials that only say what they came to."""

from __future__ import annotations

import math
import random

from raysp.config import settings
from raysp.config.experiment import Training
from raysp.io import files
from raysp.io.yaml_files import dump_yaml
from raysp.models import catalog
from raysp.runs.curve import write_curve
from raysp.runs.folder import RunFolder
from raysp.search.proposer import Proposer
from raysp.search.result import finished_path
from raysp.search.space_check import flat
from raysp.search.space_file import parse_space
from raysp.search.study import Candidate, Definition, Study, read_studies

SPACE = {
    "model": "sae",
    "space": {
        "training.learning_rate": {"loguniform": [1e-4, 1e-1]},
        "training.weight_decay": {"loguniform": [1e-3, 1.0]},
        "training.optimizer": {"choice": ["adamw", "adam"]},
        "training.schedule": {"choice": ["constant", "cosine", "plateau"]},
        "training.plateau_patience": {"int": [5, 40], "when": {"training.schedule": "plateau"}},
        "training.batch_size": {"int": [16, 128], "step": 16},
    },
    "start": [{"training.learning_rate": 0.002, "training.weight_decay": 0.02}],
}
SPLIT = "mc_maze_small-20ms-val"
TRACEBACK = (
    'Traceback (most recent call last):\n  File "x.py", line 1, in fit\nFloatingPointError: <b>loss</b> is nan\n'
)


def make_sweep(folder, *, splits=(SPLIT,), name="made-up-sweep", **study):
    """Write a sweep with one study per split; return its run folder. See `make_study`."""
    run = RunFolder(str(folder / "runs" / name))
    record = {
        "name": run.name,
        "kind": "sweep",
        "submissions": [
            {
                "time": "2026-07-01T10:00:00+0000",
                "command": "raysp sweep experiments/nlb_sweep.py --space search_spaces/sae.yaml --samples 40",
                "commit": "c0ffee" * 6 + "c0ff",
                "changed": True,
                "versions": {"python": "3.11", "optuna": "5.0.0", "torch": "2.13"},
                "asked": {"samples": study.get("count", 12)},
                "ended": "finished",
            }
        ],
        "data": {split: {"fingerprint": "ab" * 32, "notes": ["2 of 8 units were left out"]} for split in splits},
        "trials": [],
    }
    files.write_text(run.experiment, dump_yaml(record))
    for split in splits:
        make_study(run, split, **study)
    return run


def make_study(
    run, split=SPLIT, *, count=12, seeds=(0,), space=None, halving=None, finals=(), final_seeds=(), finished=True,
    objectives=("validation_loss",), end=None, curves=False, patience=60,
):  # fmt: skip
    """Write a study of random candidates; `end(number, seed, params)` says what a trial comes to (`loss` otherwise)."""
    parsed = parse_space(space or SPACE, "space", empty=True)
    training = Training(epochs=120, patience=patience) if parsed.model == "sae" else None
    base = flat(settings.plain(catalog.config(parsed.model, {})), training)
    definition = Definition(split, "ab" * 32, base, parsed, objectives, "random", seeds=seeds, halving=halving)
    study = Study(run, definition)
    study.write()
    proposer = Proposer(definition)
    candidates: list[Candidate] = []
    for _ in range(count):
        candidates.append(proposer.propose(candidates, {}))
        study.add(candidates[-1])
        for seed in (*seeds, *(final_seeds if candidates[-1].number in finals else ())):
            params = definition.space.complete(candidates[-1].params, base)
            ended = (end or loss)(candidates[-1].number, seed, params)
            write_trial(study, candidates[-1], seed, ended, curves=curves)
    if finished:
        result = {"candidates": count, "ended_by": "samples", "finalists": list(finals)}
        files.write_json(finished_path(study), result | {"final_seeds": list(final_seeds)})
    return study


def loss(number, seed, params):
    """A bowl over the learning rate, a bit of weight decay, a worse optimiser, and chance from the seed."""
    chance = random.Random(f"{number} {seed}").gauss(0, 0.0006)
    rate = math.log10(params.get("training.learning_rate", 1e-3)) + 2.7
    decay = math.log10(max(params.get("training.weight_decay", 0.1), 1e-6)) + 2
    adam = 0.006 if params.get("training.optimizer") == "adam" else 0.0
    value = 0.31 + 0.01 * rate**2 + 0.002 * decay**2 + adam + chance
    if rate > 1.5:
        value += 40 * rate
    return {"validation_loss": value, "co-bps": 0.35 - 2 * (min(value, 1) - 0.31) + 0.3 * chance + 0.004 * decay}


def write_trial(study, candidate, seed, ended, *, curves=False):
    """Write what a trial's folder shall say: None nothing, a text its traceback, numbers a done.json.

    `stopped_at` among the numbers says where ASHA ended it.
    """
    trial = study.trial(candidate, seed)
    folder = study.run.trial(trial.id)
    if ended is None:
        return
    if isinstance(ended, str):
        files.write_text(folder.error, ended)
        return
    values = {name: value for name, value in ended.items() if name != "stopped_at"}
    stopped = ended.get("stopped_at")
    epochs = stopped or 110
    record = {"validation": values, "stopped_at": stopped, "epochs": epochs, "best_epoch": epochs, "seconds": 12.5}
    files.write_json(folder.done, record | {"device": "cpu", "trial": trial.id})
    if curves:
        rows = [
            {"epoch": k, **{n: v + 0.1 * math.exp(-k / 20) - 0.1 * math.exp(-epochs / 20) for n, v in values.items()}}
            for k in range(0, epochs + 1, 2)
        ]
        write_curve(folder.curve, rows)


def studies(run):
    """Return the studies of a sweep's folder."""
    return read_studies(run)
