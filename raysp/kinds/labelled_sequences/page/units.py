"""Figures of a network's units: what they give, step by step, and what training made of neurons."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator

from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.kinds.labelled_sequences import activity_file, neurons_file
from raysp.report.run_data import RunData
from raysp.report.style import CORAL, PALETTE, Picture, canvas, colorbar, legend, picture

SAMPLES = 3
"""Drawn side by side."""
CROWDED = 5
"""More filters than this have slanted labels."""


def activity(data: RunData, trial: Trial) -> Picture:
    """Draw what each unit of a network gives over the steps of a few test samples.

    Raises:
        NotReady: the model leaves no activity.
        BadInput: the file is damaged.
    """
    path = files.join(data.run.trial(trial.id).path, activity_file.NAME)
    found = activity_file.read_activity(path, trial)[:, :SAMPLES]
    # Units that fire at the same time side by side.
    order = np.argsort(found.mean(axis=1).argmax(axis=0), kind="stable")
    with canvas(9.2, 3.4) as figure:
        grid = figure.subplots(1, found.shape[1], squeeze=False, sharey=True)[0]
        for sample, axes in enumerate(grid):
            image = axes.imshow(found[:, sample, order].T, aspect="auto", cmap="magma", vmin=0, interpolation="nearest")
            if (end := _input_steps(data, trial)) is not None:
                axes.axvline(end - 0.5, color=CORAL, linewidth=1.2)
            axes.set_title(f"test sample {sample}")
            axes.set_xlabel("step")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        grid[0].set_ylabel("unit, in order of its peak")
        grid[0].yaxis.set_major_locator(MaxNLocator(integer=True))
        colorbar(figure, image, list(grid), "activity")
        return picture(figure, __name__, "activity", trial=trial)


def neurons(data: RunData, trial: Trial) -> Picture:
    """Draw the gains of a network's neurons, filter by filter, before and after training.

    Raises:
        NotReady: the model has no such neurons.
        BadInput: the file is damaged.
    """
    path = files.join(data.run.trial(trial.id).path, neurons_file.NAME)
    rows = neurons_file.read_neurons(path, trial)
    lost = rows[0]["lambda"]
    gains = {
        "alpha": ([row["alpha"] for row in rows], [row["initial_alpha"] for row in rows]),
        "beta": ([row["beta"] for row in rows], [row["initial_beta"] for row in rows]),
    }
    with canvas(9.2, 3.4) as figure:
        for axes, (name, own) in zip(figure.subplots(1, 2), gains.items(), strict=True):
            after, before = map(np.array, own)
            beside = np.linspace(-0.28, 0.28, len(rows))
            for i in range(len(lost)):
                axes.plot(i + beside, np.sort(after[:, i]), ".", color=PALETTE[0], markersize=3)
                axes.plot(i + beside, np.sort(before[:, i]), "-", color=CORAL, linewidth=1.4)
            axes.set_xticks(range(len(lost)), [f"{one:.2g}" for one in lost], rotation=45 if len(lost) > CROWDED else 0)
            axes.set_xlabel("lost per step, λ")
            axes.set_ylabel({"alpha": "gain of the drive, α", "beta": "gain of the own rate, β"}[name])
            axes.grid(axis="y")
        marks = {"trained": {"color": PALETTE[0], "marker": ".", "linestyle": "none"}, "before": {"color": CORAL}}
        legend(figure, marks, loc="outside upper center")
        return picture(figure, __name__, "neurons", trial=trial, neurons=len(rows))


def _input_steps(data: RunData, trial: Trial) -> int | None:
    try:
        return int(store.header(data.root, trial.split).sizes.steps)
    except (BadInput, NotReady, OSError):
        return None
