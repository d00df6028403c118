"""Training curves of a task: loss, live co-bps where it was measured, and learning rate, model beside model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysp import files
from raysp.collection.curve import read_curve
from raysp.config import Trial
from raysp.errors import NotReady
from raysp.report.material import Material, Task
from raysp.report.style import CORAL, FAINT, GREY, PALETTE, Picture, canvas, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = list[dict[str, Any]]
MOST_MODELS = 4
LIVE = ("co-bps", "reconstruction bits/spike")


def curves(material: Material, task: Task) -> Picture:
    """Draw the training curves of up to four trained models of a task; all seeds, the first one strong.

    Raises:
        NotReady: no trained model of the task is finished.
    """
    found = _curves(material, task)
    if not found:
        raise NotReady("no training curves: none of the finished models was trained by gradient descent")
    models = list(found)[:MOST_MODELS]
    live = next((name for name in LIVE if any(_has(rows, name) for m in models for _, rows in found[m])), None)
    heights = [2.6, *([1.3] if live else []), 0.9]
    width = min(9.6, 1.2 + 4.2 * len(models))
    with canvas(width, 0.5 + sum(heights)) as figure:
        axes = figure.subplots(
            len(heights), len(models), squeeze=False, sharex="col", gridspec_kw={"height_ratios": heights}
        )
        for j, model in enumerate(models):
            _model(axes[:, j], material, found[model], live)
            axes[0, j].set_title(model)
            axes[-1, j].set_xlabel("epoch")
        axes[0, 0].set_ylabel("loss")
        axes[-1, 0].set_ylabel("learning\nrate")
        if live:
            axes[1, 0].set_ylabel(f"{live}\n(validation trials)" if live == "co-bps" else "reconstruction\nbits/spike")
        axes[0, -1].legend(loc="upper right")
        return Picture("curves", "Training", _caption(found, len(models)), png(figure))


def _curves(material: Material, task: Task) -> dict[str, list[tuple[Trial, Curve]]]:
    found: dict[str, list[tuple[Trial, Curve]]] = {}
    for trial in material.finished(task):
        path = material.run.trial(trial.id).curve
        if trial.training is not None and files.exists(path) and (rows := read_curve(path)):
            found.setdefault(trial.shown, []).append((trial, rows))
    return found


def _model(axes: list[Axes], material: Material, trials: list[tuple[Trial, Curve]], live: str | None) -> None:
    for i, (trial, rows) in reversed(list(enumerate(trials))):
        strong = i == 0
        look = {"alpha": 1.0 if strong else 0.28, "linewidth": 1.5 if strong else 0.9}
        _line(axes[0], rows, "train_loss", color=GREY, label="training" if strong else None, **look)
        _line(axes[0], rows, "validation_loss", color=PALETTE[0], label="validation" if strong else None, **look)
        if live:
            _line(axes[1], rows, live, color=PALETTE[2], **look)
        _line(axes[-1], rows, "learning_rate", color=GREY, **look)
        if strong:
            _best(axes, rows, material.done.get(trial.id, {}).get("best_epoch"))
    axes[-1].set_yscale("log" if _positive(trials) else "linear")
    for one in axes:
        one.grid(axis="y", color=FAINT, linewidth=0.5)


def _best(axes: list[Axes], rows: Curve, epoch: int | None) -> None:
    if epoch is None:
        return
    for one in axes:
        one.axvline(epoch, color=CORAL, linewidth=1.0, linestyle=(0, (3, 2)))
    loss = next((row.get("validation_loss") for row in rows if row["epoch"] == epoch), None)
    if loss is not None:
        axes[0].plot([epoch], [loss], marker="o", markersize=5, color=CORAL, linestyle="none", label="best epoch")


def _line(axes: Axes, rows: Curve, name: str, **look: Any) -> None:
    points = [(row["epoch"], row[name]) for row in rows if row.get(name) is not None]
    if points:
        axes.plot(*zip(*points, strict=True), marker="o" if len(points) == 1 else None, markersize=3, **look)


def _has(rows: Curve, name: str) -> bool:
    return any(row.get(name) is not None for row in rows)


def _positive(trials: list[tuple[Trial, Curve]]) -> bool:
    return all(row["learning_rate"] > 0 for _, rows in trials for row in rows if row.get("learning_rate") is not None)


def _caption(found: dict[str, list[tuple[Trial, Curve]]], shown: int) -> str:
    more = f" The first {shown} of {len(found)} trained models." if len(found) > shown else ""
    seeds = max(len(trials) for trials in found.values())
    others = f" The first seed is drawn strong, {seeds - 1} more faint." if seeds > 1 else ""
    return f"Loss of training and validation trials; coral: the epoch the predictions come from.{others}{more}"
