"""Training curves of a task: own loss, the loss models are compared by, co-bps and learning rate, model by model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysp.config.experiment import Training, Trial
from raysp.errors import NotReady
from raysp.io import files
from raysp.report.run_data import RunData, Task
from raysp.report.style import CORAL, GREY, PALETTE, Picture, canvas, model_colours, picture
from raysp.runs.curve import read_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = list[dict[str, Any]]
MOST_MODELS = 4
LIVE = {"co-bps": "co-bps\n(validation trials)", "reconstruction bits/spike": "reconstruction\nbits/spike"}
UNSEEN = "unseen_loss"


def curves(data: RunData, task: Task) -> Picture:
    """Draw the training curves of up to four trained models of a task; all seeds, the first one strong.

    Raises:
        NotReady: no trained model of the task is finished.
    """
    found: dict[str, list[tuple[Trial, Curve]]] = {}
    for trial in data.finished(task):
        if trial.training is not None and (rows := _curve(data, trial)):
            found.setdefault(trial.shown, []).append((trial, rows))
    if not found:
        raise NotReady("no training curves: none of the finished models was trained by gradient descent")
    models = list(found)[:MOST_MODELS]
    there = {
        name for model in models for _, rows in found[model] for row in rows for name in row if row[name] is not None
    }
    live = next((name for name in LIVE if name in there), None)
    references = _references(data, task) if UNSEEN in there else None
    names = ["loss", *([UNSEEN] if references is not None else []), *([live] if live else []), "learning_rate"]
    heights = [{"loss": 2.0, UNSEEN: 2.0, "learning_rate": 0.9}.get(name, 1.3) for name in names]
    labels = {"loss": "the model's own loss", UNSEEN: "unseen loss\n(nats per entry)"}
    labels |= {"learning_rate": "learning\nrate", **LIVE}
    with canvas(min(9.6, 1.2 + 4.2 * len(models)), 0.5 + sum(heights)) as figure:
        look = {"sharex": "col", "gridspec_kw": {"height_ratios": heights}}
        grid = figure.subplots(len(heights), len(models), squeeze=False, **look)
        for column, model in zip(grid.T, models, strict=True):
            _model(dict(zip(names, column, strict=True)), data, found[model], references)
            column[0].set_title(model)
            column[-1].set_xlabel("epoch")
        for axes, name in zip(grid[:, 0], names, strict=True):
            axes.set_ylabel(labels[name])
        grid[0, -1].legend(loc="upper right")
        if references is not None:
            grid[1, -1].legend(loc="best")
        seeds = max(len(trials) for trials in found.values())
        facts = {"models": len(found), "shown": len(models), "seeds": seeds, "references": references}
        return picture(figure, __name__, "curves", **facts)


def _references(data: RunData, task: Task) -> dict[str, float]:
    """Return the unseen loss of floor and ceiling on the validation trials; each is the same for every seed."""
    found: dict[str, float] = {}
    for trial in data.finished(task):
        if trial.shown in (data.floor, data.ceiling) and trial.training is None:
            values = [row[UNSEEN] for row in _curve(data, trial) if row.get(UNSEEN) is not None]
            found |= {trial.shown: values[0]} if values else {}
    return found


def _comparable(trial: Trial) -> bool:
    """Tell whether a trial's validation trials are those on which models are measured that fit themselves."""
    chosen, usual = trial.training, Training()
    same = ("validate_on", "validation_every", "validation_seed")
    return chosen is not None and all(getattr(chosen, name) == getattr(usual, name) for name in same)


def _curve(data: RunData, trial: Trial) -> Curve:
    path = data.run.trial(trial.id).curve
    return read_curve(path, trial) if files.exists(path) else []


def _model(
    panels: dict[str, Axes], data: RunData, trials: list[tuple[Trial, Curve]], references: dict[str, float] | None
) -> None:
    for i, (trial, rows) in reversed(list(enumerate(trials))):
        strong = i == 0
        look = {"alpha": 1.0 if strong else 0.28, "linewidth": 1.5 if strong else 0.9}
        for name, axes in panels.items():
            if name == "loss":
                _line(axes, rows, "train_loss", color=GREY, label="training" if strong else None, **look)
            label = "validation" if strong and name in ("loss", UNSEEN) else None
            colour = {"loss": PALETTE[0], UNSEEN: PALETTE[0], "learning_rate": GREY}.get(name, PALETTE[2])
            _line(axes, rows, "validation_loss" if name == "loss" else name, color=colour, label=label, **look)
        if strong:
            _best(panels, rows, data.done.get(trial.id, {}).get("best_epoch"))
    if references and _comparable(trials[0][0]):
        paint = model_colours(list(references), data.floor, data.ceiling)
        for name, value in references.items():
            look = {"color": paint[name], "linewidth": 1.2, "linestyle": (0, (6, 2)), "label": name}
            panels[UNSEEN].axhline(value, **look)
    rates = [row["learning_rate"] for _, rows in trials for row in rows if row.get("learning_rate") is not None]
    panels["learning_rate"].set_yscale("log" if all(rate > 0 for rate in rates) else "linear")
    for axes in panels.values():
        axes.grid(axis="y")


def _best(panels: dict[str, Axes], rows: Curve, epoch: int | None) -> None:
    if epoch is None:
        return
    for axes in panels.values():
        axes.axvline(epoch, color=CORAL, linewidth=1.0, linestyle=(0, (3, 2)))
    loss = next((row.get("validation_loss") for row in rows if row["epoch"] == epoch), None)
    if loss is not None:
        look = {"marker": "o", "markersize": 5, "color": CORAL, "linestyle": "none", "label": "best epoch"}
        panels["loss"].plot([epoch], [loss], **look)


def _line(axes: Axes, rows: Curve, name: str, **look: Any) -> None:
    points = [(row["epoch"], row[name]) for row in rows if row.get(name) is not None]
    if points:
        axes.plot(*zip(*points, strict=True), marker="o" if len(points) == 1 else None, markersize=3, **look)
