"""How the networks of a recording were fitted: a table of models, and their losses with each unit's best epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from matplotlib.ticker import MaxNLocator

from raysp.config import settings
from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.report import provenance
from raysp.report.run_data import RunData, Task
from raysp.report.style import CORAL, GREY, PALETTE, Look, Picture, canvas, panels, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 4
MOST_MODELS = 12
LOSSES = ("train_loss", "validation_loss")


Learned = tuple[np.ndarray, list[int]]
"""(training and validation, trials, epochs) losses, NaN where a trial has none, and each unit's best epoch."""


def unit_fits(data: RunData, task: Task) -> Iterator[tuple[provenance.Fit, float | None]]:
    """Yield how each model was fitted to the units of a recording, the floor first, and its hours of all trials.

    Parameters are those of one unit's network, epochs the units' median best one with its range, of epochs run.
    """
    for fit in provenance.fits(data, task):
        done = [trial for trial in task.trials if trial.shown == fit.model and trial.id in data.done]
        records = [data.done[trial.id] for trial in done]
        seconds = [found["seconds"] for found in records if found.get("seconds") is not None]
        pairs = zip(done, records, strict=True)
        sizes = [found["parameters"] // len(one.units) for one, found in pairs if "parameters" in found and one.units]
        best = [epoch for trial in done if trial.training for epoch in best_epochs(data, trial).values()]
        spread = f" ({min(best)}–{max(best)})" if len(best) > 1 else ""
        epochs = f"{np.median(best):g}{spread} of {max(one.get('epochs') or 0 for one in records)}" if best else ""
        fit = dataclasses.replace(fit, parameters=sizes[0] if sizes else None, epochs=epochs)
        yield fit, sum(seconds) / 3600 if seconds else None


def learning(data: RunData, task: Task) -> Picture:
    """Draw training and validation loss of every trained model.

    Raises:
        NotReady: no trained model of the recording is finished.
    """
    models = data.ordered(task.models)
    found = {model: one for model in models if (one := learned(data, task, model)) is not None}
    if not found:
        raise NotReady("no training curves: none of the finished models was trained by gradient descent")
    shown = list(found)[:MOST_MODELS]
    columns = min(len(shown), COLUMNS)
    with canvas(1.2 + 2.1 * columns, 0.7 + 1.75 * -(-len(shown) // columns)) as figure:
        grid = panels(figure, len(shown), columns, sharex=True)
        for axes, model in zip(grid, shown, strict=True):
            _panel(axes, *found[model])
            axes.set_title(model)
        for axes in grid[-columns:]:
            axes.set_xlabel("epoch")
            axes.tick_params(labelbottom=True)
        figure.supylabel("loss (each model's own)")
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
        several = any(losses.shape[1] > 1 for losses, _ in found.values())
        return picture(figure, __name__, "learning", models=len(found), shown=len(shown), several=several)


def learned(data: RunData, task: Task, model: str) -> Learned | None:
    """Return how a model learned; None where no trial of it has a training curve."""
    trials = [trial for trial in data.finished(task) if trial.shown == model and trial.training is not None]
    curves = [rows for trial in trials if (rows := data.curve(trial))]
    if not curves:
        return None
    losses = np.full((len(LOSSES), len(curves), max(int(rows[-1]["epoch"] or 0) for rows in curves)), np.nan)
    for i, rows in enumerate(curves):
        for row in rows:
            losses[:, i, int(row["epoch"] or 0) - 1] = [row.get(name) for name in LOSSES]
    return losses, [epoch for trial in trials for epoch in best_epochs(data, trial).values()]


def best_epochs(data: RunData, trial: Trial) -> dict[int, int]:
    """Return the best epoch of each unit of a finished trial; none where they were not written."""
    folder = data.run.trial(trial.id)
    try:
        known = folder.read_metrics() if files.exists(folder.metrics) else {}
        # Earlier versions say cells.
        units = known.get("units", known.get("cells"))
        found = settings.coerce(Mapping | None, units, f"{folder.metrics}, units") or {}
        return {int(unit): int(one["best epoch"]) for unit, one in found.items()}
    except (BadInput, ValueError, TypeError, KeyError):
        return {}


def _panel(axes: Axes, both: np.ndarray, best: Sequence[int]) -> None:
    for losses, colour, name in zip(both, (GREY, PALETTE[0]), ("training", "validation"), strict=True):
        epochs = np.arange(1, losses.shape[1] + 1)
        if len(losses) > 1:
            axes.plot(epochs, losses.T, color=colour, alpha=0.25, linewidth=0.8)
        known = np.isfinite(losses).any(axis=0)
        if known.any():
            look: Look = {"linewidth": 1.6, "marker": "o" if known.sum() == 1 else None, "label": name}
            axes.plot(epochs[known], np.nanmean(losses[:, known], axis=0), color=colour, **look)
    if best:
        low = axes.get_ylim()[0]
        look = {"linestyle": "none", "marker": "|", "markersize": 9, "color": CORAL, "alpha": 0.7, "clip_on": False}
        axes.plot(best, [low] * len(best), label="a unit's best epoch", **look)
        axes.set_ylim(bottom=low)
    axes.grid(axis="y")
    cast(MaxNLocator, axes.xaxis.get_major_locator()).set_params(integer=True)
