"""The numbers of a run: each finished trial's predictions against its split's answers, as one tidy table."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import numpy as np

from raysp import files
from raysp.config import STANDIN, Trial
from raysp.data import split_file
from raysp.data.split import PopulationSplit, Targets
from raysp.errors import BadInput, NotReady
from raysp.evaluation.live import live_metrics
from raysp.evaluation.nlb import fast_metrics, judge
from raysp.evaluation.rates import against_truth
from raysp.evaluation.trains import trains_rows
from raysp.models.prediction import Prediction
from raysp.runs import RunFolder, TrialFolder, trial_from

SCHEMA = {
    "trial_id": "String",
    "model": "String",
    "split": "String",
    "dataset": "String",
    "phase": "String",
    "bin_ms": "Float64",
    "seed": "Int64",
    "part": "String",
    "decoding": "String",
    "unit": "Int64",
    "metric": "String",
    "parameter": "String",
    "value": "Float64",
    "judge": "String",
    "standin": "Boolean",
}


def phase_of(split: str) -> str:
    """Return "test" for a benchmark split of the test phase, else "val"."""
    return "test" if is_nlb(split) and split.endswith("-test") else "val"


def is_nlb(split: str) -> bool:
    """Tell whether a split is one of the benchmark's 28 (or its stand-in)."""
    from raysp.data.nlb_sets import SPLITS

    return split.removeprefix(STANDIN) in SPLITS


def wanted(run: RunFolder, phase: str) -> list[Trial]:
    """Return the finished trials of a phase, in the plan's order.

    Raises:
        NotReady: none is finished.
    """
    trials = [trial for trial in run.trials() if phase_of(trial.split) == phase]
    states = run.states(trials)
    finished = [trial for trial in trials if states[trial.id] == "done"]
    if not finished:
        raise NotReady(f"{run.path} has no finished trial of the {phase} phase; run the experiment first")
    return finished


def evaluate_trial(run: str, root: str, plain: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of one trial: over all units, and co-bps of each held-out unit.

    Args:
        run: the run folder's path.
        root: the data root.
        plain: the trial in its plain form.

    Raises:
        NotReady: the answers are not known, or nlb_tools is missing.
        BadInput: predictions and answers do not fit each other.
    """
    from raysp.collection.predictions import read_rates

    trial = trial_from(plain)
    if split_file.kind_of(split_file.header(root, trial.split)) == "stimulus":
        return trains_rows(trial, split_file.load(root, trial.split), RunFolder(run).trial(trial.id))
    split, targets = split_file.load(root, trial.split), split_file.load_targets(root, trial.split)
    if trial.neurons is not None:
        split, targets = split.select(trial.neurons), targets.select(trial.neurons)
    path = RunFolder(run).trial(trial.id).predictions
    parts = {part: Prediction(*read_rates(path, part)) for part in ("train", "eval")}
    whole = is_nlb(trial.split) and trial.neurons is None
    values = _judged(split, targets, parts) if whole else _own(split, targets, parts)
    judged = set(values) if whole else set()
    # What the trial measured itself, with the model at hand.
    path = RunFolder(run).trial(trial.id).metrics
    own = files.read_json(path).get("evaluation", {}) if files.exists(path) else {}
    values = {**_beside(targets, parts["eval"]), **own, **values}
    common = _common(trial, split)
    rows = [{**common, **row, "judge": "raysp"} for row in _states(split, targets, RunFolder(run).trial(trial.id))]
    rows += [
        {**common, "unit": None, "metric": name, "value": value, "judge": "nlb_tools" if name in judged else "raysp"}
        for name, value in values.items()
    ]
    return rows + [{**common, **row, "judge": "raysp"} for row in _per_unit(split, targets, parts["eval"])]


def scored(run: RunFolder) -> set[str]:
    """Return the ids of the trials that the run's table of metrics holds."""
    if not files.exists(run.metrics):
        return set()
    import polars

    return set(polars.read_parquet(files.source(run.metrics), columns=["trial_id"])["trial_id"])


def forget(run: RunFolder, trials: Collection[str]) -> None:
    """Take the scores of trials that are about to be run from the run's table: none outlives what it was taken from.

    A table that cannot be read stays as it is; scoring tells of it.

    Args:
        run: the run folder.
        trials: their ids.
    """
    import polars

    try:
        if set(trials).isdisjoint(scored(run)):
            return
        table = polars.read_parquet(files.source(run.metrics))
    except polars.exceptions.PolarsError:
        return
    with files.replacing(run.metrics) as path:
        table.filter(~polars.col("trial_id").is_in(list(trials))).write_parquet(path)


def write_metrics(run: RunFolder, rows: list[dict[str, Any]]) -> None:
    """Write the table: these rows in place of the same trials' earlier ones; rows of trials no longer planned go."""
    import polars

    schema = {name: getattr(polars, kind) for name, kind in SCHEMA.items()}
    table = polars.DataFrame(rows, schema=schema)
    if files.exists(run.metrics):
        earlier = polars.read_parquet(files.source(run.metrics))
        planned = [trial.id for trial in run.trials()]
        keep = polars.col("trial_id").is_in(planned) & ~polars.col("trial_id").is_in(
            table["trial_id"].unique().implode()
        )
        # Tables of earlier versions lack columns that came later.
        table = polars.concat([earlier.filter(keep), table], how="diagonal").select(list(schema))
    with files.replacing(run.metrics) as path:
        table.write_parquet(path)


def count_test_score(run: RunFolder, trials: list[Trial]) -> int:
    """Note in the run folder that the test answers were looked at; return how often that has been."""
    path = test_scores_path(run)
    earlier = files.read_json(path) if files.exists(path) else []
    now = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "trials": [trial.id for trial in trials]}
    files.write_json(path, [*earlier, now])
    return len(earlier) + 1


def test_scores_path(run: RunFolder) -> str:
    """Return where the run counts its looks at the test answers."""
    return files.join(run.path, "test-scores.json")


def _judged(split: PopulationSplit, targets: Targets, parts: dict[str, Prediction]) -> dict[str, float]:
    from raysp.data.nlb import targets_dict

    answers = targets_dict(targets, split)
    (group,) = answers
    heldin = split.sizes.heldin
    rates = {}
    for part, prediction in parts.items():
        rates |= _halves(f"{part}_rates", prediction.rates, heldin)
    if parts["eval"].rates_forward is not None:
        for name, array in _halves("eval_rates", parts["eval"].rates_forward, heldin).items():
            rates[f"{name}_forward"] = array
    return judge(answers, {group: rates})[group]


def _halves(stem: str, rates: np.ndarray, heldin: int) -> dict[str, np.ndarray]:
    return {f"{stem}_heldin": rates[..., :heldin], f"{stem}_heldout": rates[..., heldin:]}


def _own(split: PopulationSplit, targets: Targets, parts: dict[str, Prediction]) -> dict[str, float]:
    train = split.train if split.train.behavior is not None else None
    return fast_metrics(
        targets, parts["eval"].rates, parts["eval"].rates_forward, train=train, train_rates=parts["train"].rates
    )


def _beside(targets: Targets, prediction: Prediction) -> dict[str, float]:
    # Reconstruction of the input neurons and closeness to known truth: beside the benchmark's numbers, never as them.
    values = live_metrics(prediction, targets.trials)
    if targets.trials.rates is not None:
        values |= against_truth(prediction.rates, targets.trials.rates[:, : targets.sizes.bins])
    return values


def _states(split: PopulationSplit, targets: Targets, folder: TrialFolder) -> list[dict[str, Any]]:
    from raysp.collection.latents import read_latents
    from raysp.evaluation.state import state_r2

    if split.train.states is None or targets.trials.states is None or not files.exists(folder.latents):
        return []
    latents = (read_latents(folder.latents, "train"), read_latents(folder.latents, "eval"))
    found = state_r2(latents[0], split.train.states, latents[1], targets.trials.states)
    each = [
        {"unit": None, "metric": "state R2", "parameter": f"dimension {index}", "value": float(value)}
        for index, value in enumerate(found)
    ]
    return [{"unit": None, "metric": "state R2", "value": float(found.mean())}, *each]


def _per_unit(split: PopulationSplit, targets: Targets, prediction: Prediction) -> list[dict[str, Any]]:
    from raysp.evaluation.bits_per_spike import bits_per_spike

    counts, rows = targets.trials.heldout, []
    for unit in range(split.sizes.heldout if counts is not None else 0):
        column = counts[..., unit : unit + 1]
        if np.nansum(column) > 0:
            rates = prediction.rates[..., split.sizes.heldin + unit, None]
            value = bits_per_spike(rates, column)
            rows.append({"unit": split.sizes.heldin + unit, "metric": "co-bps", "value": value})
    return rows


def _common(trial: Trial, split: PopulationSplit) -> dict[str, Any]:
    return {
        "trial_id": trial.id,
        "model": trial.shown,
        "split": trial.split,
        "dataset": split.sizes.dataset,
        "phase": phase_of(trial.split),
        "bin_ms": float(split.sizes.bin_ms),
        "seed": trial.seed,
        "part": "eval",
        "decoding": None,
        "parameter": None,
        "standin": split.provenance.standin,
    }


def check_phase(phase: str) -> None:
    """Raise BadInput unless the phase is val or test."""
    if phase not in ("val", "test"):
        raise BadInput(f"phase expected val or test, got {phase!r}")
