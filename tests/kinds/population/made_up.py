"""A small made-up run: rotating latents drive spikes and a velocity; the floor knows nothing, the ceiling is true."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars
import yaml

from raysp.config.experiment import Training, Trial
from raysp.data.nlb.sets import role_of
from raysp.data.splits import store
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit, Sizes, TrialArrays
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.evaluation.live import live_metrics
from raysp.evaluation.nlb import benchmark_metrics
from raysp.io import files, tables
from raysp.kinds.population.latents_file import write_latents
from raysp.kinds.population.rates_file import write_predictions
from raysp.models.prediction import Prediction
from raysp.runs.curve import write_curve
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.metrics_table import SCHEMA

SPLITS = ("mc_maze_small-20ms-val", "mc_maze_small-20ms-test")
CONDITIONS = 4
MIX = np.random.default_rng(8).normal(0, 1, (3, 8))
FLOOR_ROW = {"epoch": 0, "train_loss": None, "validation_loss": None, "unseen_loss": 0.4125, "learning_rate": None}


@dataclasses.dataclass(frozen=True)
class MadeUp:
    """A run folder, its data root and its trials."""

    run: RunFolder
    root: str
    trials: list[Trial]

    def trial(self, model: str, split: int = 0, seed: int = 0) -> Trial:
        names = list(dict.fromkeys(trial.split for trial in self.trials))
        return next(t for t in self.trials if (t.model, t.split, t.seed) == (model, names[split], seed))


def make_run(
    folder, *, splits=SPLITS, models=("mean_rate", "sae", "true_rates"), seeds=(0, 1), units=None, without=(), **sizes
):
    """Write a finished, scored run; `without` names arrays the data shall lack."""
    root, run = str(folder / "data"), RunFolder(str(folder / "runs" / "made-up"))
    trials, rows = [], []
    for k, name in enumerate(splits):
        split, targets, truth = make_split(name, seed=k, **sizes)
        split, targets = strip(split, targets, without)
        store.save(split, targets, root, {"made": "up"})
        fingerprint = split.fingerprint()
        if units is not None:
            split, targets = split.select(units), targets.select(units)
            truth = {part: (latents, rates[..., list(units)]) for part, (latents, rates) in truth.items()}
        for model in models:
            training = Training(epochs=40) if model == "sae" else None
            for seed in seeds:
                trial = Trial(model, {}, training, name, fingerprint, seed, units)
                trials.append(trial)
                rows += finish(run, trial, split, targets, truth, len(trials))
    record = {
        "name": run.name,
        "experiment": {"floor": "mean_rate", "ceiling": "true_rates"},
        "submissions": [
            {
                "time": "2026-01-05T10:00:00",
                "command": "raysp run made_up.py",
                "commit": "c0ffee" * 6,
                "changed": True,
                "versions": {"python": "3.11", "torch": "2.13"},
            }
        ],
        "data": {
            name: {
                **dataclasses.asdict(store.load(root, name).provenance),
                "fingerprint": store.header(root, name).fingerprint,
                "role": dataclasses.asdict(store.header(root, name).role),
            }
            for name in splits
        },
        "trials": [trial_to(trial) for trial in trials],
    }
    files.write_text(run.experiment, yaml.safe_dump(record))
    write_scores(run, rows)
    return MadeUp(run, root, trials)


def make_split(name, seed=0, trials=(60, 24), bins=35, forward=10, heldin=18, heldout=6, bin_ms=20.0):
    rng = np.random.default_rng(seed)
    dataset = name.rsplit("-", 2)[0]
    sizes = Sizes(dataset, bin_ms, bins, heldin, heldout, forward, behavior=2)
    readout = rng.normal(0, 0.6, (3, heldin + heldout))
    level = np.log(rng.uniform(3, 30, heldin + heldout) * bin_ms / 1000)
    parts, truth = [], {}
    for part, count in zip(("train", "eval"), trials, strict=True):
        whole, truth[part] = _trials(rng, sizes, count, readout, level)
        parts.append(whole)
    train, answers = parts
    seen = TrialArrays(heldin=answers.heldin, condition=answers.condition)
    rates, condition = np.concatenate([p.rates for p in parts]), np.concatenate([p.condition for p in parts])
    psth = np.stack([rates[condition == c, :bins].mean(axis=0) for c in range(CONDITIONS)])
    notes = ("2 of 8 units were left out",)
    made = Provenance((("made_up.nwb", "ab" * 32),), "made-up-1", name.startswith("standin-"), notes)
    return (
        PopulationSplit(name, sizes, train, seen, made, role=role_of(name)),
        Answers(name, sizes, answers, psth),
        truth,
    )


def strip(split, targets, names):
    """Return the data without the arrays of these names."""
    none = dict.fromkeys(names)
    train, known = (dataclasses.replace(part, **none) for part in (split.train, targets.trials))
    seen = dataclasses.replace(split.eval, **none)
    psth = None if "condition" in names else targets.psth
    return (
        dataclasses.replace(split, train=train, eval=seen),
        dataclasses.replace(targets, trials=known, psth=psth),
    )


def _trials(rng, sizes, count, readout, level):
    condition = np.arange(count) % CONDITIONS
    time = np.linspace(0, 1.6 * np.pi, sizes.bins + sizes.forward)
    angle = time[None] + 2 * np.pi * condition[:, None] / CONDITIONS + rng.normal(0, 0.15, (count, 1))
    ramp = np.broadcast_to(np.linspace(-1, 1, len(time)), angle.shape)
    latents = np.stack([np.cos(angle), np.sin(angle), ramp], axis=2)
    rates = np.exp(latents @ readout + level)
    counts = rng.poisson(rates).astype(np.float32)
    velocity = 200 * latents[:, : sizes.bins, :2] + rng.normal(0, 10, (count, sizes.bins, 2))
    b, n = sizes.bins, sizes.heldin
    found = TrialArrays(
        heldin=counts[:, :b, :n],
        heldout=counts[:, :b, n:],
        heldin_forward=counts[:, b:, :n],
        heldout_forward=counts[:, b:, n:],
        behavior=velocity,
        condition=condition,
        rates=rates,
    )
    return found, (latents, rates)


def finish(run, trial, split, targets, truth, seed):
    rng, folder, sizes = np.random.default_rng(seed), run.trial(trial.id), split.sizes
    parts = {
        "train": predict(rng, trial.model, sizes, *truth["train"]),
        "eval": predict(rng, trial.model, sizes, *truth["eval"]),
    }
    write_predictions(folder.predictions, trial, sizes, parts)
    if parts["eval"].latents is not None:
        write_latents(folder.latents, parts["eval"].latents, parts["train"].latents)
    write_curve(folder.curve, curve(rng) if trial.training is not None else [FLOOR_ROW])
    files.write_json(
        folder.done,
        {
            "trial": trial.id,
            "best_epoch": 30,
            "epochs": 40,
            "parameters": 4321,
            "seconds": 2.5,
            "device": "cpu",
            "validation": {},
            "standin": split.provenance.standin,
            "data": trial.data,
            "selected_on": "validation trials of the training part" if trial.training else "nothing",
        },
    )
    common = {
        "run_trial": trial.id,
        "model": trial.model,
        "split": trial.split,
        "dataset": sizes.dataset,
        "phase": split.role.phase,
        "bin_ms": sizes.bin_ms,
        "seed": trial.seed,
        "part": "eval",
        "unit": None,
        "unit_index": None,
        "parameter": None,
        "standin": split.provenance.standin,
        "judge": "raysp",
    }
    wanted = benchmark_metrics(
        targets, parts["eval"].rates, parts["eval"].rates_forward, train=split.train, train_rates=parts["train"].rates
    )
    values = live_metrics(parts["eval"], targets.trials) | {name: compute() for name, compute in wanted.items()}
    units = [
        {
            **common,
            "unit": 500 + unit,
            "unit_index": unit,
            "metric": "co-bps",
            "value": bits_per_spike(parts["eval"].rates[..., [unit]], counts),
        }
        for unit in range(sizes.heldin, sizes.units)
        if (counts := targets.trials.heldout[..., [unit - sizes.heldin]]).sum() > 0
    ]
    return [{**common, "metric": name, "value": value} for name, value in values.items()] + units


def predict(rng, model, sizes, latents, rates):
    if model == "mean_rate":
        rates = np.broadcast_to(rates.mean(axis=(0, 1)), rates.shape)
    elif model != "true_rates":
        rates = rates * np.exp(rng.normal(0, 0.2, rates.shape))
        latents = latents @ MIX + rng.normal(0, 0.03, (*latents.shape[:2], 8))
    rates = np.ascontiguousarray(rates, dtype=np.float32)
    b = sizes.bins
    return Prediction(rates[:, :b], rates[:, b:], latents if model == "sae" else None).numpy()


def curve(rng):
    epochs = np.arange(1, 41)
    loss = 0.3 + 0.4 * np.exp(-epochs / 8) + rng.normal(0, 0.004, 40)
    return [
        {
            "epoch": int(e),
            "train_loss": float(x),
            "validation_loss": float(x + 0.02 + 0.00005 * (e - 30) ** 2),
            "unseen_loss": float(x - 0.03 + 0.00005 * (e - 30) ** 2),
            "learning_rate": 1e-3 * 0.5 ** (e // 15),
            "seconds": 0.1,
            "co-bps": float(0.2 - 0.2 * np.exp(-e / 8)) if e % 5 == 0 else None,
        }
        for e, x in zip(epochs, loss, strict=True)
    ]


def write_scores(run, rows):
    tables.write_table(run.metrics, polars.DataFrame(rows, schema=SCHEMA))
