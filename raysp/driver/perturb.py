"""What models of a finished run do while units are silenced or driven: a table beside the run, and lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars
from polars import col

from raysp.config.experiment import Trial
from raysp.errors import NotReady, unknown
from raysp.io import files, tables
from raysp.io.words import number
from raysp.kinds import catalog as kinds
from raysp.kinds.perturbation import Perturbation
from raysp.runs.folder import RunFolder
from raysp.runs.trial_log import Setting
from raysp.training.process_limits import limited
from raysp.trials.fitted_again import fitted_again

FOLDER, SHOWN = "perturbations", 12
"""Where the tables lie in a run folder; and units of a model of which a line is printed."""


def perturb(setting: Setting, how: Perturbation, only: Sequence[str] = ()) -> tuple[str, polars.DataFrame]:
    """Let the finished models of a run run on freely, with and without; return the table's path, and the table.

    This runs the models' code. Nothing is trained but a model that fits itself and left no checkpoint.

    Args:
        setting: the run, its data and the device.
        how: what is done to which units.
        only: ids of trials, or names of models; all finished ones by default.

    Raises:
        NotReady: no trial is finished, or one cannot be read again.
        BadInput: there is no such trial, unit or bin, or models of that kind of data do not run on freely.
    """
    run = RunFolder(setting.run)
    found = [_perturbed(trial, setting, how) for trial in _chosen(run, only)]
    table, path = polars.concat(found, how="diagonal"), files.join(run.path, FOLDER, f"{how.words}.parquet")
    tables.write_table(path, table, {"perturbation": how.words, "trials": how.trials})
    return path, table


def lines(table: polars.DataFrame) -> Iterator[str]:
    """Yield for each model and split the units that change most, means over seeds and movies."""
    own = table.group_by("split", "model", "unit", maintain_order=True).agg(col("push", "usual_rate", "rate").mean())
    for (split, model), part in own.group_by("split", "model", maintain_order=True):
        yield f"{model} on {split}: spikes a bin without -> with"
        most = part.sort((col("rate") - col("usual_rate")).abs(), descending=True)
        for row in most.head(SHOWN).iter_rows(named=True):
            done = f"  pushed by {number(row['push'], 'short', signed=True)}" if row["push"] else ""
            change = number(row["rate"] - row["usual_rate"], signed=True)
            yield f"  unit {row['unit']:<5} {number(row['usual_rate'])} -> {number(row['rate'])}  {change}{done}"
        if len(most) > SHOWN:
            yield f"  and {len(most) - SHOWN} units that change less"


def _chosen(run: RunFolder, only: Sequence[str]) -> list[Trial]:
    trials = run.trials()
    for name in only:
        if not any(name in (one.id, one.shown) for one in trials):
            raise unknown(
                f"trial or model of {run.path}", name, {text for one in trials for text in (one.id, one.shown)}
            )
    found = [one for one in run.finished_of(trials) if not only or {one.id, one.shown} & set(only)]
    if not found:
        raise NotReady(f"{run.path} has no finished trial of these; run the experiment first")
    return found


def _perturbed(trial: Trial, setting: Setting, how: Perturbation) -> polars.DataFrame:
    with limited(1):
        job, fitted, split = fitted_again(trial, setting)
        return kinds.of(split.kind).perturb(job, fitted, split, how)
