"""What a split's latents are worth: few-shot co-bps by the number of trials, and how well models read each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.data.splits.units import spell_units
from raysp.errors import NotReady
from raysp.io import files
from raysp.io.words import number
from raysp.kinds.population.latents_table import FEW_SHOT, path_of, read_worth
from raysp.kinds.population.latents_words import FLOOR, few_shot, matrix
from raysp.report.run_data import RunData, Task
from raysp.report.style import FAINT, GREY, Look, Picture, canvas, model_colours, picture

if TYPE_CHECKING:
    import polars
    from matplotlib.axes import Axes

MOST_MODELS = 16
"""In the matrix; of more, the names cannot be read."""


def worth(data: RunData, task: Task) -> Picture:
    """Draw few-shot co-bps against the number of trials, and the R2 of each model's latents read from each other's.

    Raises:
        NotReady: nobody asked yet, or what was asked is of trials that are not there any more.
        BadInput: the table is damaged.
    """
    table = _own(data, task)
    curves, read = few_shot(table), matrix(table)
    if not read and len(curves) < 2:
        raise NotReady(f"what latents are worth was not asked; run: raysp latents {data.run.typed}")
    models = list(dict.fromkeys([*(name for name in curves if name != FLOOR), *(name for name, _ in read)]))
    with canvas(9.6, 3.2 + 0.14 * max(len(models) - 4, 0)) as figure:
        left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": (1, 1.1)})
        _curves(left, table, curves, model_colours(models, FLOOR, ""))
        _matrix(right, models[:MOST_MODELS], read)
        return picture(figure, __name__, "worth", curves=len(curves) > 1, read=bool(read))


def asked(data: RunData) -> bool:
    """Tell whether it was asked what latents are worth."""
    return files.exists(path_of(data.run))


def can_be_asked(data: RunData) -> bool:
    """Tell whether any task has two finished trials with latents, and nobody asked yet."""
    return not asked(data) and any(
        sum(files.exists(data.run.trial(one.id).latents) for one in data.finished(task)) > 1 for task in data.tasks
    )


def _own(data: RunData, task: Task) -> polars.DataFrame:
    from polars import col

    units = None if task.units is None else spell_units(task.units)
    finished = [one.id for one in data.finished(task)]
    mine = col("run_trial").is_null() | col("run_trial").is_in(finished)
    return read_worth(data.run).filter((col("split") == task.split) & col("units").eq_missing(units) & mine)


def _curves(axes: Axes, table: polars.DataFrame, curves: dict[str, dict[int, float]], paint: dict[str, str]) -> None:
    from polars import col

    if len(curves) < 2:
        axes.set_visible(False)
        return
    spread = table.filter(measure=FEW_SHOT).with_columns(col("model").fill_null(FLOOR))
    ends = {
        (model, shots): (low, high)
        for model, shots, low, high in spread.group_by("model", "shots", maintain_order=True)
        .agg(col("value").quantile(0.1, "linear").alias("low"), col("value").quantile(0.9, "linear").alias("high"))
        .iter_rows()
    }
    for model, found in curves.items():
        shots = sorted(found)
        colour = GREY if model == FLOOR else paint[model]
        axes.plot(shots, [found[k] for k in shots], "o-", color=colour, markersize=3.5, linewidth=1.2, label=model)
        low, high = zip(*(ends[model, k] for k in shots), strict=True)
        axes.fill_between(shots, low, high, color=colour, alpha=0.12, linewidth=0)
    every = sorted({k for found in curves.values() for k in found})
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    # Where a few trials' readouts come out far below zero, the rest must still be told apart.
    axes.set_ylim(bottom=max(axes.get_ylim()[0], -1.0))
    axes.set_xscale("log", base=2)
    axes.set_xticks(every, [str(k) for k in every])
    axes.minorticks_off()
    axes.set_xlabel("training trials that the readout is fitted to")
    axes.set_ylabel("few-shot co-bps (bits per spike)")
    axes.legend(fontsize=7)


def _matrix(axes: Axes, models: list[str], read: dict[tuple[str, str], float]) -> None:
    if not read:
        axes.set_visible(False)
        return
    values = np.array([[read.get((model, source), np.nan) for model in models] for source in models])
    axes.imshow(np.clip(values, 0, 1), cmap="Blues", vmin=0, vmax=1.7, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            axes.text(column, row, number(float(value), "brief"), ha="center", va="center", fontsize=7.5)
    slanted: Look = {"rotation": 30, "ha": "right"} if len(models) > 3 else {}
    axes.set_xticks(range(len(models)), models, **slanted)
    axes.set_yticks(range(len(models)), models)
    axes.tick_params(length=0)
    axes.set_xlabel("whose latents are read")
    axes.set_ylabel("from whose")
