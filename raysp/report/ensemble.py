"""An ensemble on its run's page: how scores grow with members, their weights, which of them err alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars
from polars import col

from raysp.config.experiment import Trial
from raysp.errors import NotReady
from raysp.io import files, tables
from raysp.io.words import named
from raysp.report.pages import Pages, render
from raysp.report.run_data import RunData
from raysp.report.section import Drawn, Section
from raysp.report.style import FAINT, GREY, INK, PALETTE, Look, Picture, canvas, colorbar, picture
from raysp.runs.ensemble_tables import AGAIN, CHOICES, CORRELATIONS, members_path, read_members

FIGURE_SETS, OPEN, ROWS = 24, 2, 12
"""Splits with figures, those that are open, and members that a table shows."""
COLOURS = {"equal": PALETTE[0], "greedy": PALETTE[1], "em": PALETTE[2]}


@dataclass(frozen=True)
class Shown:
    """One ensemble: its trial, the score that chose it, its members, and what was chosen from (none of one that
    follows another).
    """

    trial: Trial
    by: str
    members: polars.DataFrame
    choices: polars.DataFrame | None
    correlations: polars.DataFrame | None


def section(data: RunData, pages: Pages, say: Callable[[str], None]) -> Section | None:
    """Return what the page shows of a run's ensembles; None where it has none."""
    there = [trial for trial in data.trials if files.exists(members_path(data.run.trial(trial.id)))]
    if not there:
        return None
    splits = []
    for place, trial in enumerate(there):
        say(f"drawing the members of {trial.id}")
        shown, drawn = _shown(data, trial), Drawn(f"{trial.split}-ensemble-")
        if place < FIGURE_SETS:
            drawn.add(growth, shown)
            drawn.add(weights, shown)
        splits.append(
            {
                "split": trial.split,
                "by": shown.by,
                "members": shown.members.sort("weight", descending=True).head(ROWS).to_dicts(),
                "count": len(shown.members),
                "weighed": len(shown.members.filter(col("weight") > 0)),
                "ways": [] if shown.choices is None else shown.choices.filter("chosen").to_dicts(),
                "follows": trial.follows,
                "way": trial.hyperparameters.get("way"),
                "given": "given" in trial.hyperparameters,
                "images": [pages.image(one) for one in drawn.pictures],
                "notes": drawn.notes,
            }
        )
    runs = dict.fromkeys(run for trial in there for run in read_members(data.run.trial(trial.id))["run"])
    return Section(
        title="Members",
        html=render("report/ensemble.html", splits=splits, runs=named(list(runs)), open=OPEN),
        links=(("members", "Members"),),
    )


def growth(shown: Shown) -> Picture:
    """Draw the score of validation trials against the number of members. Raises NotReady where nothing was chosen."""
    from matplotlib.ticker import MaxNLocator

    if shown.choices is None or shown.choices.is_empty():
        raise NotReady(
            f"nothing was chosen from on {shown.trial.split}: weights are those of what it follows, or equal"
        )
    with canvas(7.2, 3.2) as figure:
        axes = figure.subplots()
        for (way,), rows in shown.choices.group_by("way", maintain_order=True):
            look = {"color": COLOURS[str(way)], "label": way}
            if way == "em":
                axes.axhline(float(rows["score"].to_numpy().max()), linewidth=1.1, **look)
                continue
            across = rows["members"] if way == "equal" else rows["row"] + 1
            axes.plot(across, rows["score"], "o-", markersize=3, linewidth=1.1, **look)
            chosen = int(rows["chosen"].to_numpy().argmax())
            axes.plot(across[chosen], rows["score"][chosen], "o", markersize=8, fillstyle="none", color=look["color"])
        best = shown.members["score"].to_numpy().max()
        axes.axhline(float(best), color=GREY, linewidth=1.0, linestyle=(0, (4, 3)), label="best member")
        axes.set_xlabel("members (equal), picks (greedy)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel(f"{shown.by}, validation trials")
        axes.legend()
        return picture(figure, __name__, "growth", by=shown.by)


def weights(shown: Shown) -> Picture:
    """Draw each member's own score beside its weight, and correlations of errors where they were computed."""
    from matplotlib.ticker import MaxNLocator

    known = shown.correlations is not None and len(shown.members) > 1
    order = shown.members.with_row_index("place").sort("weight", "score", descending=True)
    with canvas(9.2, 3.6) as figure:
        left, *right = figure.subplots(1, 2 if known else 1, squeeze=False)[0]
        places = np.arange(1, len(order) + 1)
        left.bar(places, order["weight"], color=FAINT, edgecolor=INK, linewidth=0.4)
        left.set_xlabel("member, the heaviest first")
        left.set_ylabel("weight")
        left.xaxis.set_major_locator(MaxNLocator(integer=True))
        if order["score"].null_count() == 0:
            beside = left.twinx()
            beside.plot(places, order["score"], "o", color=PALETTE[0], markersize=3)
            beside.set_ylabel(f"{shown.by} by itself", color=PALETTE[0])
        for axes in right:
            look: Look = {"vmax": 1.0, "extent": (0.5, len(order) + 0.5, len(order) + 0.5, 0.5)}
            drawn = axes.imshow(_matrix(shown, order["place"].to_numpy()), cmap="viridis", **look)
            colorbar(figure, drawn, axes, shrink=0.8)
            axes.set_title("correlation of errors")
            axes.set_xlabel("member")
        return picture(figure, __name__, "weights", by=shown.by, known=known)


def _matrix(shown: Shown, order: np.ndarray) -> np.ndarray:
    found = np.eye(len(shown.members))
    if shown.correlations is not None:
        first, second, value = (shown.correlations[name].to_numpy() for name in ("first", "second", "correlation"))
        found[first, second] = found[second, first] = value
    return found[np.ix_(order, order)]


def _shown(data: RunData, trial: Trial) -> Shown:
    folder = data.run.trial(trial.id)

    def table(name: str) -> polars.DataFrame | None:
        path = files.join(folder.path, name)
        return tables.read_table(path, again=AGAIN) if files.exists(path) else None

    by = str(trial.hyperparameters.get("by", "score"))
    return Shown(trial, by, read_members(folder), table(CHOICES), table(CORRELATIONS))
