"""A figure of what a model's loss is made of, over epochs."""

from __future__ import annotations

from matplotlib.ticker import MaxNLocator

from raysp.config.note import CurveRow
from raysp.errors import NotReady
from raysp.report.run_data import RunData, Task
from raysp.report.style import Picture, canvas, model_colours, panels, picture, shared_legend

WHOLE, BEFORE, AFTER = "validation_loss", "validation ", " loss"


def parts(data: RunData, task: Task) -> Picture:
    """Draw the validation loss and its parts over epochs of the models that gradient descent fitted.

    Raises:
        NotReady: none is finished.
    """
    curves = [(trial, data.curve(trial)) for trial in data.finished(task) if trial.training is not None]
    names = list(dict.fromkeys(name for _, rows in curves for name in _parts(rows)))
    if not names:
        raise NotReady("no parts of a loss over epochs: none of the finished models was trained by gradient descent")
    paint = model_colours(list(dict.fromkeys(trial.shown for trial, _ in curves)), data.floor, data.ceiling)
    with canvas(9.2, 0.6 + 2.2 * -(-len(names) // 3)) as figure:
        for axes, name in zip(panels(figure, len(names), 3), names, strict=True):
            for trial, rows in curves:
                points = [(row["epoch"], row[name]) for row in rows if row.get(name) is not None]
                axes.plot(*zip(*points, strict=True), color=paint[trial.shown], linewidth=1.1, label=trial.shown)
            axes.set_title("the whole loss" if name == WHOLE else name.removeprefix(BEFORE).removesuffix(AFTER))
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(axis="y")
        shared_legend(figure, loc="outside upper center")
        return picture(figure, __name__, "parts")


def _parts(rows: list[CurveRow]) -> list[str]:
    """Return the columns of a loss and of its parts that have values."""
    there = dict.fromkeys(name for row in rows for name, value in row.items() if value is not None)
    return [name for name in there if name == WHOLE or (name.startswith(BEFORE) and name.endswith(AFTER))]
