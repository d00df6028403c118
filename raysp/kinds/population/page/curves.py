"""Training curves of a task: own loss, the loss models are compared by, co-bps and learning rate, model by model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysp.config.experiment import Training, Trial
from raysp.errors import NotReady
from raysp.io import files
from raysp.io.words import number
from raysp.report.run_data import RunData, Task
from raysp.report.style import CORAL, FAINT, GREY, PALETTE, Picture, canvas, model_colours, png
from raysp.runs.curve import read_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = list[dict[str, Any]]
MOST_MODELS = 4
LIVE = ("co-bps", "reconstruction bits/spike")
UNSEEN = "unseen_loss"


def curves(data: RunData, task: Task) -> Picture:
    """Draw the training curves of up to four trained models of a task; all seeds, the first one strong.

    Raises:
        NotReady: no trained model of the task is finished.
    """
    found = _curves(data, task)
    if not found:
        raise NotReady("no training curves: none of the finished models was trained by gradient descent")
    models = list(found)[:MOST_MODELS]
    drawn = [rows for model in models for _, rows in found[model]]
    live = next((name for name in LIVE if any(_has(rows, name) for rows in drawn)), None)
    references = _references(data, task) if any(_has(rows, UNSEEN) for rows in drawn) else None
    heights = [2.0, *([2.0] if references is not None else []), *([1.3] if live else []), 0.9]
    width = min(9.6, 1.2 + 4.2 * len(models))
    with canvas(width, 0.5 + sum(heights)) as figure:
        axes = figure.subplots(
            len(heights), len(models), squeeze=False, sharex="col", gridspec_kw={"height_ratios": heights}
        )
        for j, model in enumerate(models):
            _model(axes[:, j], data, found[model], live, references)
            axes[0, j].set_title(model)
            axes[-1, j].set_xlabel("epoch")
        axes[0, 0].set_ylabel("the model's own loss")
        axes[-1, 0].set_ylabel("learning\nrate")
        if live:
            name = f"{live}\n(validation trials)" if live == "co-bps" else "reconstruction\nbits/spike"
            axes[-2, 0].set_ylabel(name)
        axes[0, -1].legend(loc="upper right")
        if references is not None:
            axes[1, 0].set_ylabel("unseen loss\n(nats per entry)")
            axes[1, -1].legend(loc="best")
        return Picture("curves", "Training", _caption(found, len(models), references), png(figure))


def _references(data: RunData, task: Task) -> dict[str, float]:
    """Return the unseen loss of floor and ceiling on the validation trials; each is the same for every seed."""
    found: dict[str, float] = {}
    for trial in data.finished(task):
        path = data.run.trial(trial.id).curve
        if trial.shown in (data.floor, data.ceiling) and trial.training is None and files.exists(path):
            values = [row[UNSEEN] for row in read_curve(path, trial) if row.get(UNSEEN) is not None]
            found |= {trial.shown: values[0]} if values else {}
    return found


def _comparable(trial: Trial) -> bool:
    """Tell whether a trial's validation trials are those on which models are measured that fit themselves."""
    chosen, usual = trial.training, Training()
    same = ("validate_on", "validation_every", "validation_seed")
    return chosen is not None and all(getattr(chosen, name) == getattr(usual, name) for name in same)


def _curves(data: RunData, task: Task) -> dict[str, list[tuple[Trial, Curve]]]:
    found: dict[str, list[tuple[Trial, Curve]]] = {}
    for trial in data.finished(task):
        path = data.run.trial(trial.id).curve
        if trial.training is not None and files.exists(path) and (rows := read_curve(path, trial)):
            found.setdefault(trial.shown, []).append((trial, rows))
    return found


def _model(
    axes: list[Axes],
    data: RunData,
    trials: list[tuple[Trial, Curve]],
    live: str | None,
    references: dict[str, float] | None,
) -> None:
    for i, (trial, rows) in reversed(list(enumerate(trials))):
        strong = i == 0
        look = {"alpha": 1.0 if strong else 0.28, "linewidth": 1.5 if strong else 0.9}
        _line(axes[0], rows, "train_loss", color=GREY, label="training" if strong else None, **look)
        _line(axes[0], rows, "validation_loss", color=PALETTE[0], label="validation" if strong else None, **look)
        if references is not None:
            _line(axes[1], rows, UNSEEN, color=PALETTE[0], label="validation" if strong else None, **look)
        if live:
            _line(axes[-2], rows, live, color=PALETTE[2], **look)
        _line(axes[-1], rows, "learning_rate", color=GREY, **look)
        if strong:
            _best(axes, rows, data.done.get(trial.id, {}).get("best_epoch"))
    if references and _comparable(trials[0][0]):
        paint = model_colours(list(references), data.floor, data.ceiling)
        for name, value in references.items():
            axes[1].axhline(value, color=paint[name], linewidth=1.2, linestyle=(0, (6, 2)), label=name)
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


def _caption(found: dict[str, list[tuple[Trial, Curve]]], shown: int, references: dict[str, float] | None) -> str:
    more = f" The first {shown} of {len(found)} trained models." if len(found) > shown else ""
    seeds = max(len(trials) for trials in found.values())
    others = f" The first seed is drawn strong, {seeds - 1} more faint." if seeds > 1 else ""
    own = "Top: each model's own loss, which selects its best epoch and is another quantity for every model."
    unseen = (
        " Below: Poisson loss of held-out neurons and forward bins of the validation trials, the same quantity for "
        "every model" + "".join(f"; {name} {number(value)}" for name, value in references.items()) + "."
        if references is not None
        else ""
    )
    return f"{own}{unseen} Coral: the epoch the predictions come from.{others}{more}"
