"""Figures of classifiers: accuracy of each readout, how they learned, and which classes are taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import LogFormatter, MaxNLocator

from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.errors import NotReady
from raysp.evaluation.classification import confusion
from raysp.kinds.labelled_sequences.logits_file import read_logits
from raysp.kinds.labelled_sequences.metrics import ACCURACY, VALIDATION_ACCURACY, VOTE
from raysp.report.run_data import RunData, Task
from raysp.report.style import INK, Picture, canvas, colorbar, model_colours, picture, shared_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEGEND = 4
"""Columns of a legend of models."""

MOST_WRITTEN = 12
"""Classes of which each cell's count is written into it."""


def readouts(data: RunData, task: Task) -> Picture:
    """Draw the accuracy at each step with zero input, and that of the vote; mean over seeds, and each seed faint.

    Raises:
        NotReady: nothing was scored.
    """
    names = [name for name in data.metrics(task) if name.partition(" (")[0] == ACCURACY]
    names.sort(key=lambda name: (name.endswith(f"({VOTE})"), len(name), name))
    models = data.ordered(task.models)
    found = {model: points for model in models if (points := _accuracies(data, task, model, names))}
    if not found:
        raise NotReady("no accuracy of readouts: nothing was scored yet")
    paint, last = model_colours(list(found), data.floor, data.ceiling), len(names)
    with canvas(7.4, 3.8) as figure:
        axes = figure.subplots()
        for model, points in found.items():
            steps = sorted(points)[:-1]
            for seed in set.intersection(*({*points[step]} for step in steps)):
                axes.plot(steps, [100 * points[step][seed] for step in steps], color=paint[model], alpha=0.25, lw=0.8)
            means = {step: 100 * float(np.mean(list(points[step].values()))) for step in points}
            axes.plot(steps, [means[step] for step in steps], "o-", color=paint[model], label=model, markersize=3.5)
            axes.plot([last], [means[last]], "D", color=paint[model], markersize=5)
        axes.set_xticks(range(1, last + 1), [*map(str, range(1, last)), VOTE])
        axes.set_xlabel("step with zero input")
        axes.set_ylabel("right answers (%)")
        axes.grid(axis="y")
        shared_legend(figure, loc="outside upper center", ncols=LEGEND)
        return picture(figure, __name__, "readouts", last=last - 1)


def learning(data: RunData, task: Task) -> Picture:
    """Draw loss and accuracy over epochs of the trained models.

    Raises:
        NotReady: no trained model is finished.
    """
    trials = [trial for trial in data.finished(task) if trial.training is not None]
    curves = [(trial, rows) for trial in trials if (rows := data.curve(trial))]
    if not curves:
        raise NotReady("no training curves: none of the finished models was trained by gradient descent")
    paint = model_colours(list(dict.fromkeys(trial.shown for trial, _ in curves)), data.floor, data.ceiling)
    with canvas(9.6, 3.4) as figure:
        left, middle, right = figure.subplots(1, 3)
        middle.sharey(right)
        shown: set[str] = set()
        for trial, rows in curves:
            colour, label = paint[trial.shown], None if trial.shown in shown else trial.shown
            shown.add(trial.shown)
            _line(left, rows, "train_loss", color=colour, linestyle=(0, (1, 2)), linewidth=1.0)
            _line(left, rows, "unseen_loss", color=colour, label=label, linewidth=1.4)
            for axes, over in ((middle, "epoch"), (right, "seconds")):
                _line(axes, rows, VALIDATION_ACCURACY, over, color=colour, linewidth=1.2)
        left.set_yscale("log")
        # Less than a decade is labelled 2.3, not 2.3 times a power of ten.
        left.yaxis.set_major_formatter(LogFormatter())
        left.yaxis.set_minor_formatter(LogFormatter())
        left.set_ylabel("cross-entropy (nats)")
        middle.set_ylabel("right answers, validation part")
        right.set_xlabel("seconds of training")
        for axes in (left, middle):
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes in (left, middle, right):
            axes.grid(axis="y")
        shared_legend(figure, loc="outside upper center", ncols=LEGEND)
        return picture(figure, __name__, "learning")


def confusions(data: RunData, trial: Trial) -> Picture:
    """Draw how many samples of each class are taken for which, by the first readout of one trial.

    Raises:
        NotReady: the split or its labels are not below the data root any more, or nothing was predicted.
        BadInput: they are others than the trial was trained on.
    """
    sizes = store.same_data(data.root, trial).sizes
    labels = store.load_answers(data.root, trial.split).arrays()["test/labels"]
    answers = read_logits(data.run.trial(trial.id).predictions)[:, 0].argmax(axis=-1)
    counts = confusion(answers, labels, sizes.classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with canvas(5.2, 4.6) as figure:
        axes = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(counts.shape) if sizes.classes <= MOST_WRITTEN else ():
            if counts[row, column]:
                ink = "white" if shares[row, column] > 0.5 else INK
                axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", fontsize=7, color=ink)
        for axis, label in ((axes.xaxis, "answer"), (axes.yaxis, "class")):
            axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axis.set_label_text(label)
        colorbar(figure, image, axes, "share of the class")
        return picture(figure, __name__, "confusions", trial=trial, wrong=int(counts.sum() - np.trace(counts)))


def _accuracies(data: RunData, task: Task, model: str, names: list[str]) -> dict[int, dict[int, float]]:
    """Return step -> seed -> accuracy, the vote one step behind the last of any model."""
    found = {}
    for step, name in enumerate(names, 1):
        values = data.values.get((task.slug, model, name), {})
        if known := {seed: value for seed, value in values.items() if value is not None}:
            found[step] = known
    return found


def _line(axes: Axes, rows: list[dict[str, float | None]], name: str, over: str = "epoch", **look: Any) -> None:
    points = [(row[over], row[name]) for row in rows if row.get(name) is not None]
    if points:
        axes.plot(*zip(*points, strict=True), marker="o" if len(points) == 1 else None, markersize=3, **look)
