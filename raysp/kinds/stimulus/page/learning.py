"""How the networks of a recording learned: loss by epoch, model beside model, and each cell's own best epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from raysp.config import settings
from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.report.run_data import RunData, Task
from raysp.report.style import CORAL, FAINT, GREY, PALETTE, Picture, canvas, png
from raysp.runs.curve import read_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 4
MOST_MODELS = 12


@dataclass(frozen=True)
class Learned:
    """One model's training, all trials together.

    Attributes:
        model: as it is called.
        epochs: (epochs,) all that any trial has.
        train: (trials, epochs) loss; NaN where a trial has none.
        validation: likewise.
        best: each cell's best epoch.
    """

    model: str
    epochs: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    best: tuple[int, ...]


def learning(material: RunData, task: Task) -> Picture:
    """Draw training and validation loss of every trained model.

    Raises:
        NotReady: no trained model of the recording is finished.
    """
    found = [one for model in material.ordered(task.models) if (one := learned(material, task, model)) is not None]
    if not found:
        raise NotReady("no training curves: none of the finished models was trained by gradient descent")
    shown = found[:MOST_MODELS]
    columns = min(len(shown), COLUMNS)
    rows = -(-len(shown) // columns)
    with canvas(1.2 + 2.1 * columns, 0.7 + 1.75 * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
        for axes, one in zip(grid.ravel(), shown, strict=False):
            _panel(axes, one)
        for axes in grid.ravel()[len(shown) :]:
            axes.set_visible(False)
        for i in range(len(shown)):
            if i + columns >= len(shown):
                grid.ravel()[i].set_xlabel("epoch")
                grid.ravel()[i].tick_params(labelbottom=True)
        figure.supylabel("loss (each model's own)", fontsize=9.5)
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
        return Picture("learning", "Training", _caption(found, len(shown)), png(figure))


def learned(material: RunData, task: Task, model: str) -> Learned | None:
    """Return how a model learned; None where no trial of it has a training curve."""
    trials = [t for t in material.finished(task) if t.shown == model and t.training is not None]
    curves = [rows for trial in trials if (rows := _curve(material, trial))]
    if not curves:
        return None
    epochs = np.arange(1, max(int(rows[-1]["epoch"]) for rows in curves) + 1)
    losses = np.full((2, len(curves), len(epochs)), np.nan)
    for i, rows in enumerate(curves):
        for row in rows:
            for j, name in enumerate(("train_loss", "validation_loss")):
                losses[j, i, int(row["epoch"]) - 1] = np.nan if row.get(name) is None else row[name]
    best = tuple(epoch for trial in trials for epoch in best_epochs(material, trial).values())
    return Learned(model, epochs, losses[0], losses[1], best)


def best_epochs(material: RunData, trial: Trial) -> dict[int, int]:
    """Return the best epoch of each cell of a finished trial; none where they were not written."""
    folder = material.run.trial(trial.id)
    try:
        cells = folder.read_metrics().get("cells") if files.exists(folder.metrics) else None
        found = settings.coerce(Mapping[str, Any] | None, cells, f"{folder.metrics}, cells") or {}
        return {int(cell): int(one["best epoch"]) for cell, one in found.items()}
    except (BadInput, ValueError, TypeError, KeyError):
        return {}


def _curve(material: RunData, trial: Trial) -> list[dict[str, float | None]]:
    path = material.run.trial(trial.id).curve
    return read_curve(path, trial) if files.exists(path) else []


def _panel(axes: Axes, one: Learned) -> None:
    for losses, colour, name in ((one.train, GREY, "training"), (one.validation, PALETTE[0], "validation")):
        if len(losses) > 1:
            axes.plot(one.epochs, losses.T, color=colour, alpha=0.25, linewidth=0.8)
        known = np.isfinite(losses).any(axis=0)
        if known.any():
            mean = np.nanmean(losses[:, known], axis=0)
            alone = known.sum() == 1
            axes.plot(one.epochs[known], mean, color=colour, linewidth=1.6, marker="o" if alone else None, label=name)
    if one.best:
        low = axes.get_ylim()[0]
        axes.plot(
            one.best,
            np.full(len(one.best), low),
            linestyle="none",
            marker="|",
            markersize=9,
            color=CORAL,
            alpha=0.7,
            label="a cell's best epoch",
            clip_on=False,
        )
        axes.set_ylim(bottom=low)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(one.model)


def _caption(found: Sequence[Learned], shown: int) -> str:
    more = f" The first {shown} of {len(found)} trained models." if len(found) > shown else ""
    several = any(len(one.train) > 1 for one in found)
    faint = " (faint: trials of a few cells each; strong: their mean)" if several else ""
    return (
        f"Loss by epoch{faint}; coral: the epoch from which each cell's predictions come. Look whether validation loss "
        f"still falls at the end, or has turned.{more}"
    )
