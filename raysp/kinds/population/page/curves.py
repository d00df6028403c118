"""Training curves of a task: own loss, the loss models are compared by, co-bps and learning rate, model by model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysp.config.experiment import Training, Trial
from raysp.config.note import CurveRow
from raysp.errors import NotReady
from raysp.report.run_data import RunData, Task
from raysp.report.style import (
    CORAL,
    GREY,
    PALETTE,
    Look,
    Picture,
    canvas,
    model_colours,
    outer_ticks,
    picture,
    shared_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = list[CurveRow]
MOST_MODELS = 4
OWN, UNSEEN, RATE = "validation_loss", "unseen_loss", "learning_rate"
LIVE = ("co-bps", "reconstruction bits/spike")
PANELS = {
    OWN: ("the model's own loss", 2.0, PALETTE[0]),
    UNSEEN: ("unseen loss\n(nats per entry)", 2.0, PALETTE[0]),
    "co-bps": ("co-bps\n(validation trials)", 1.3, PALETTE[2]),
    "reconstruction bits/spike": ("reconstruction\nbits/spike", 1.3, PALETTE[2]),
    RATE: ("learning\nrate", 0.9, GREY),
}
"""Label, height (inches) and colour of each panel."""


def curves(data: RunData, task: Task) -> Picture:
    """Draw the training curves of up to four trained models of a task; all seeds, the first one strong.

    Raises:
        NotReady: no trained model of the task is finished.
    """
    found: dict[str, list[tuple[Trial, Curve]]] = {}
    for trial in data.finished(task):
        if trial.training is not None and (rows := data.curve(trial)):
            found.setdefault(trial.shown, []).append((trial, rows))
    if not found:
        raise NotReady("no training curves: none of the finished models was trained by gradient descent")
    models = list(found)[:MOST_MODELS]
    drawn = [rows for model in models for _, rows in found[model]]
    there = [name for name in PANELS if any(_points(rows, name) for rows in drawn)]
    references = _references(data, task) if UNSEEN in there else None
    names = [OWN, *[UNSEEN] * (UNSEEN in there), *[name for name in LIVE if name in there][:1], RATE]
    heights = [PANELS[name][1] for name in names]
    with canvas(min(9.6, 1.2 + 4.2 * len(models)), 0.5 + sum(heights)) as figure:
        ratios = {"height_ratios": heights}
        grid = figure.subplots(len(heights), len(models), squeeze=False, sharex="col", gridspec_kw=ratios)
        for column, model in zip(grid.T, models, strict=True):
            _model(dict(zip(names, column, strict=True)), data, found[model], references or {})
            column[0].set_title(model)
            column[-1].set_xlabel("epoch")
        for axes, name in zip(grid[:, 0], names, strict=True):
            axes.set_ylabel(PANELS[name][0])
        outer_ticks(list(grid.ravel()), y=False)
        shared_legend(figure, loc="outside upper center", ncols=6 if len(models) > 1 else 3)
        seeds = max(len(trials) for trials in found.values())
        facts = {"models": len(found), "shown": len(models), "seeds": seeds, "references": references}
        return picture(figure, __name__, "curves", **facts)


def _references(data: RunData, task: Task) -> dict[str, float]:
    """Return the unseen loss of floor and ceiling on the validation trials; each is the same for every seed."""
    bounds = [t for t in data.finished(task) if t.shown in (data.floor, data.ceiling) and t.training is None]
    return {trial.shown: known[0][1] for trial in bounds if (known := _points(data.curve(trial), UNSEEN))}


def _comparable(trial: Trial) -> bool:
    """Tell whether a trial's validation trials are those on which models are measured that fit themselves."""
    chosen, usual = trial.training, Training()
    same = ("validate_on", "validation_every", "validation_seed")
    return chosen is not None and all(getattr(chosen, name) == getattr(usual, name) for name in same)


def _points(rows: Curve, name: str) -> list[tuple[int, float]]:
    return [(int(row["epoch"] or 0), value) for row in rows if (value := row.get(name)) is not None]


def _model(
    panels: dict[str, Axes], data: RunData, trials: list[tuple[Trial, Curve]], references: dict[str, float]
) -> None:
    for i, (trial, rows) in reversed(list(enumerate(trials))):
        strong = i == 0
        look: Look = {"alpha": 1.0 if strong else 0.28, "linewidth": 1.5 if strong else 0.9}
        _line(panels[OWN], rows, "train_loss", color=GREY, label="training" if strong else None, **look)
        for name, axes in panels.items():
            label = "validation" if strong and name in (OWN, UNSEEN) else None
            _line(axes, rows, name, color=PANELS[name][2], label=label, **look)
        if strong:
            _best(panels, rows, data.done.get(trial.id, {}).get("best_epoch"))
    if _comparable(trials[0][0]):
        paint = model_colours(list(references), data.floor, data.ceiling)
        for name, value in references.items():
            look = {"color": paint[name], "linewidth": 1.2, "linestyle": (0, (6, 2)), "label": name}
            panels[UNSEEN].axhline(value, **look)
    rates = [rate for _, rows in trials for _, rate in _points(rows, RATE)]
    panels[RATE].set_yscale("log" if all(rate > 0 for rate in rates) else "linear")
    for axes in panels.values():
        axes.grid(axis="y")


def _best(panels: dict[str, Axes], rows: Curve, epoch: int | None) -> None:
    if epoch is None:
        return
    for axes in panels.values():
        axes.axvline(epoch, color=CORAL, linewidth=1.0, linestyle=(0, (3, 2)))
    if (loss := dict(_points(rows, OWN)).get(epoch)) is not None:
        look: Look = {
            "marker": "o",
            "markersize": 5,
            "color": CORAL,
            "linestyle": "none",
            "label": "best epoch",
        }
        panels[OWN].plot([epoch], [loss], **look)


def _line(axes: Axes, rows: Curve, name: str, **look: Any) -> None:
    if points := _points(rows, name):
        axes.plot(*zip(*points, strict=True), marker="o" if len(points) == 1 else None, markersize=3, **look)
