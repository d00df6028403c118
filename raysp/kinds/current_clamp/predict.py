"""What a fitted model of injected currents gives: rates of the test part, and the parameters of each unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from raysp.config.experiment import Trial
from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.kinds.current_clamp.parameters_file import PROTOCOLS, write_parameters
from raysp.kinds.current_clamp.rates_file import write_rates
from raysp.kinds.current_clamp.repeats import poisson_loss, repeats_of
from raysp.kinds.kind import Products
from raysp.training.fitted import Fitted
from raysp.training.job import Job

PAPER = "paper"


def predict(job: Job, fitted: Fitted, split: CurrentClampSplit) -> Products:
    """Run the model once on every current of the test part.

    Args:
        job: of the trial.
        fitted: its model.
        split: the recording, the trial's units already selected.
    """
    job.report({"phase": "predicting"})
    trial, model = job.trial, fitted.model
    rates = model.rates(split)
    found = list(repeats_of(split, rates, "test"))
    sees_counts = bool(getattr(model, "sees_counts", False))
    known, logged = _known(split), training_losses(split, rates)
    rows = [_with_loss({**row, **known[int(row["unit"])]}, trial, logged) for row in model.rows()]
    failed = {row["unit"] for row in rows if row["status"] == "failed"}
    files = {"predictions.parquet": lambda path: write_rates(path, trial, split, found, sees_counts=sees_counts)}
    if rows:
        files["parameters.parquet"] = lambda path: write_parameters(path, trial, split.sizes, rows)
    done = {"selected_on": "validation part, each unit by itself", "units_failed": len(failed)}
    return Products(files, {"units_failed": sorted(failed)}, done)


def training_losses(split: CurrentClampSplit, rates: np.ndarray) -> dict[int, float]:
    """Return each unit's training loss as the published protocol logs it, nats per bin.

    That is, of each stimulus the mean over its sweeps of the sum over their bins, over the bins of the longest, and of
    that the mean over stimuli.

    Args:
        split: the recording.
        rates: flat as `split.current`, spikes/ms.
    """
    found: dict[int, dict[str, list[tuple[int, int, float]]]] = {}
    for one in repeats_of(split, rates, "train"):
        sums = one.counts.size * poisson_loss(one.counts, one.rates.astype(np.float64) * split.sizes.bin_ms)
        found.setdefault(one.unit, {}).setdefault(one.stimulus, []).append((*one.counts.shape, sums))
    return {unit: float(np.mean([_of_stimulus(own) for own in stimuli.values()])) for unit, stimuli in found.items()}


def _of_stimulus(currents: Sequence[tuple[int, int, float]]) -> float:
    sweeps, bins, sums = zip(*currents, strict=True)
    return sum(sums) / (sum(sweeps) * max(bins))


def _with_loss(row: dict[str, Any], trial: Trial, logged: Mapping[int, float]) -> dict[str, Any]:
    """Return a row whose training loss can be compared with that of any other protocol; its own is its objective."""
    row["protocol"] = _protocol(trial, row)
    if row["protocol"] == PAPER or row["protocol"].startswith("activation"):
        return row
    return {**row, "objective": row.get("train_loss"), "train_loss": logged.get(row["unit"]) if row["chosen"] else None}


def _protocol(trial: Trial, row: Mapping[str, Any]) -> str:
    """Return how a unit was fitted: floors that derive from neurons are fits too, and no candidates of neurons."""
    known = str(row.get("protocol", trial.model))
    return known if known not in PROTOCOLS or "protocol" in trial.hyperparameters else trial.model


def _known(split: CurrentClampSplit) -> dict[int, dict[str, str]]:
    """Return what is known of each unit beside its sweeps, by its number."""
    return {
        unit: {name: texts[place] for name, texts in split.metadata.items()}
        for place, unit in enumerate(split.unit_ids.tolist())
    }
