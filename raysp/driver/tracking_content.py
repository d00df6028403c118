"""What MLflow should hold of a run's trial, as the run folder has it: label, tags, parameters, numbers, curve."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping

from raysp.config import settings
from raysp.config.experiment import Trial
from raysp.errors import NotReady
from raysp.io import files
from raysp.runs.folder import RunFolder

COMPLETE, TRIAL, PARENT, ERROR = "raysp.complete", "raysp.trial", "mlflow.parentRunId", "raysp.error"
KIND, NOTE = "raysp.kind", "mlflow.note.content"
COMMIT, LEFT_OUT = "commit", "raysp.left_out"
LONGEST = 6000
"""Characters of a parameter."""
LONGEST_NAME = 240
"""Of a metric: MLflow takes 250, and a number may stand behind it."""
NO_METRIC = ("epoch", "epochs", "seconds", "phase", "best_loss")
OF_DONE = ("seconds", "parameters", "best_epoch", "stopped_at")
CURVE, BEST = "curve/", "validation/"
"""What stands before an epoch's numbers, and before those of the validation trials at the best epoch.

Scores of the evaluation trials have the name of their part before them.
"""
EARLIER = ("train_loss", "final/validation_loss", "final/unseen_loss")
"""Names that earlier versions gave: a run that has one is written anew, so that nothing stands there twice."""
BENCHMARK = re.compile(r"(?P<dataset>.+)-(?P<bin_ms>[1-9]\d*)ms-(?P<phase>val|test)")
"""What a split of the benchmark is called; a person's own may end in -rhythms-val."""
ONLY_A_COURSE = ("train_loss",)
"""Numbers that say something beside those of other epochs alone."""


def label(trial: Trial, own: dict[str, str]) -> str:
    """Return what MLflow's pages call a trial; `own` are tags of its own, such as a sweep's."""
    number = f" #{own['candidate']}" if "candidate" in own else ""
    return f"{trial.shown} {trial.split}{number} s{trial.seed}"


def tags_of(trial: Trial, parent: str) -> dict[str, str]:
    """Return the tags that follow from the trial itself; `parent` is MLflow's id of the whole run."""
    tags = {KIND: "trial", TRIAL: trial.id, PARENT: parent, "model": trial.shown, "split": trial.split}
    tags |= {"seed": str(trial.seed), "data": trial.data, "standin": str(trial.standin).lower()}
    if found := BENCHMARK.fullmatch(trial.split):
        tags |= {"phase": found["phase"], "dataset": found["dataset"], "bin_ms": found["bin_ms"]}
    return tags


def params_of(trial: Trial) -> dict[str, str]:
    """Return the trial's hyperparameters and training settings; "model.seed" is one that the model has of its own."""
    training = {} if trial.training is None else settings.plain(trial.training)
    params = {"model": trial.shown, "split": trial.split, "seed": trial.seed, **training}
    own = {f"model.{name}" if name in params else name: value for name, value in trial.hyperparameters.items()}
    return {name: str(value)[:LONGEST] for name, value in {**params, **own}.items()}


def numbers_of(run: RunFolder, trial: Trial) -> tuple[dict[str, float], dict[str, str]]:
    """Return a finished trial's numbers and the tags that come with them."""
    folder = run.trial(trial.id)
    done = folder.read_done("validation", "selected_on")
    best = {name: value for name, value in done["validation"].items() if name not in ONLY_A_COURSE}
    numbers: dict[str, object] = {_spelled(f"{BEST}{name}"): value for name, value in best.items()}
    numbers |= {name: done.get(name) for name in OF_DONE}
    if trial.training is None:
        # A model that fits itself has no epochs.
        numbers.pop("best_epoch", None)
    tags = {"raysp.selected_on": done["selected_on"]}
    if done.get("commit", "unknown") != "unknown":
        tags[COMMIT] = done["commit"]
    if files.exists(folder.predictions):
        # Seen from the run folder, which may be moved, where the store lies in it.
        beside = f"trials/{trial.id}/predictions.parquet"
        tags["raysp.predictions"] = beside if files.is_local(folder.predictions) else folder.predictions
    return {name: float(value) for name, value in numbers.items() if isinstance(value, int | float)}, tags


def curves_of(run: RunFolder, trial: Trial) -> dict[str, dict[int, float]]:
    """Return the metrics of a finished trial's training curve by name and epoch, none where it has no curve.

    One epoch is no curve: a model that fits itself has the same numbers as its best.
    """
    from raysp.runs.curve import read_curve

    path = run.trial(trial.id).curve
    rows = [(int(row["epoch"] or 0), points(row)) for row in read_curve(path, trial)] if files.exists(path) else []
    names = dict.fromkeys(name for _, row in rows for name in row) if len(rows) > 1 else ()
    return {name: {epoch: row[name] for epoch, row in rows if name in row} for name in names}


def points(row: Mapping[str, object]) -> dict[str, float]:
    """Return the metrics of one epoch, by name."""
    found = {name: value for name, value in row.items() if name not in NO_METRIC}
    return {CURVE + name: float(value) for name, value in found.items() if isinstance(value, int | float)}


def times_of(run: RunFolder, trial: Trial) -> tuple[int | None, int | None]:
    """Return when a finished trial began and ended, ms since 1970; None where its record is older than that."""
    done = run.trial(trial.id).read_done()
    ended, took = done.get("ended"), done.get("seconds")
    if ended is None or took is None:
        return None, None
    return round(1000 * (ended - took)), round(1000 * ended)


def began(run: RunFolder) -> int | None:
    """Return when a run's first command was typed, ms since 1970; None where its record does not say."""
    try:
        return round(1000 * datetime.datetime.fromisoformat(run.record()["submissions"][0]["time"]).timestamp())
    except (LookupError, ValueError, NotReady):
        return None


def scores_of(run: RunFolder) -> dict[str, dict[str, float]]:
    """Return the scores over all units, by trial and by what MLflow calls them."""
    if not files.exists(run.metrics):
        return {}
    from polars import col

    from raysp.runs.metrics_table import read_metrics

    whole = col("unit").is_null() & col("unit_index").is_null()
    found: dict[str, dict[str, float]] = {}
    for row in read_metrics(run, whole, col("decoding").is_null(), col("value").is_finite()).to_dicts():
        mine, name = found.setdefault(row["run_trial"], {}), _name(row["part"], row["metric"], row["parameter"])
        # Variables of behaviour may differ in signs alone that MLflow has not.
        again = (f"{name} {place}" for place in range(2, len(mine) + 3))
        mine[name if name not in mine else next(one for one in again if one not in mine)] = row["value"]
    return found


def same(there: float | None, value: float) -> bool:
    """Tell whether a number is there; MLflow keeps an infinite one as the largest that it can hold."""
    if there is None:
        return False
    return there == value or (math.isnan(there) and math.isnan(value)) or (math.isinf(value) and abs(there) > 1e308)


def _name(part: str, metric: str, parameter: str | None) -> str:
    """Return what MLflow calls a score: part, metric and parameter, in the characters that it allows."""
    return _spelled(f"{part}/{metric}" if parameter is None else f"{part}/{metric} {parameter}")


def _spelled(name: str) -> str:
    parts = (part.strip() for part in re.sub(r"[^\w.\- :/]", "", name).split("/"))
    return "/".join(part for part in parts if part not in ("", ".", ".."))[:LONGEST_NAME]
