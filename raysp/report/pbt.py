"""Populations on their run's page: who copied whom, how scores fell, how settings moved over the generations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from raysp.config.experiment import Trial
from raysp.errors import NotReady
from raysp.io import files
from raysp.report.pages import Pages, render
from raysp.report.run_data import RunData
from raysp.report.section import Drawn, Section
from raysp.report.style import FAINT, GREY, INK, PALETTE, Picture, canvas, colorbar, panels, picture
from raysp.runs.genealogy import Genealogy, Row, best_row, lineage, path_of, read_genealogy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE_SETS, OPEN, COLUMNS = 24, 2, 3
"""Populations with figures, those that are open, and settings side by side."""
DECADE = 10.0
COPIED, WINNER = PALETTE[4], PALETTE[0]


@dataclass(frozen=True)
class Shown:
    """One population: its best member's trial, its history, what its file says of it, and the best member's line."""

    trial: Trial
    genealogy: Genealogy
    about: Mapping[str, Any]
    line: Sequence[Row]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The members of all finished generations."""
        return tuple(row for row in self.genealogy.rows if row.state != "waiting")


def section(data: RunData, pages: Pages, say: Callable[[str], None]) -> Section | None:
    """Return what the page shows of a run's populations; None where it has none."""
    known = data.record.get("populations", {})
    splits: list[dict[str, object]] = []
    for trial in data.trials:
        path = path_of(files.join(data.run.path, "populations", known.get(trial.id, "")))
        if trial.id not in known or not files.exists(path):
            continue
        say(f"drawing the population of {trial.id}")
        found = read_genealogy(path)
        best = best_row(found.rows)
        if best is None:
            continue
        shown = Shown(trial, found, found.note.get("pbt", {}), lineage(found.rows, best))
        # Not by split and seed alone: populations of several models share both.
        drawn = Drawn(f"{trial.id}-population-")
        if len(splits) < FIGURE_SETS:
            for figure in (ancestry, scores, course):
                drawn.add(figure, shown)
        splits.append(_said(shown, [pages.image(one) for one in drawn.pictures], drawn.notes))
    if not splits:
        return None
    html = render("report/pbt.html", splits=splits, open=OPEN)
    return Section(title="Populations", html=html, links=(("populations", "Populations"),))


def ancestry(shown: Shown) -> Picture:
    """Draw who descends from whom: a dot for each member of each generation, by score."""
    rows, on_line = shown.rows, {(row.generation, row.member) for row in shown.line}
    with canvas(9.2, min(2.0 + 0.22 * shown.about["members"], 6.0)) as figure:
        axes = figure.subplots()
        for row in rows:
            if row.parent is not None:
                places = ([row.generation - 1, row.generation], [row.parent, row.member])
                best = (row.generation, row.member) in on_line
                colour = WINNER if best else COPIED if row.source == "copied" else FAINT
                axes.plot(*places, color=colour, linewidth=2.2 if best else 1.0, zorder=2 if best else 1)
        known = [row for row in rows if row.score is not None]
        # A first generation that has learnt nothing would take all the colours.
        values = np.array([row.score for row in known])
        dots = axes.scatter(
            [row.generation for row in known], [row.member for row in known], c=values, cmap="viridis", s=16, zorder=3,
            vmin=values.min(), vmax=np.quantile(values, 0.9),
        )  # fmt: skip
        lost = [row for row in rows if row.score is None]
        axes.plot([row.generation for row in lost], [row.member for row in lost], "x", color=INK, markersize=5)
        axes.plot(shown.line[-1].generation, shown.line[-1].member, "o", fillstyle="none", color=WINNER, markersize=9)
        colorbar(figure, dots, axes, shown.about["objective"], extend="max")
        _label(axes, "member")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        return picture(figure, __name__, "ancestry", judge=shown.about["objective"], lost=len(lost))


def scores(shown: Shown) -> Picture:
    """Draw each member's score in each generation, the best of each, and the line of the best member."""
    known = [row for row in shown.rows if row.score is not None]
    if not known:
        raise NotReady("no member has a score")
    best = [best_row(shown.genealogy.generation(number)) for number in range(1, shown.genealogy.finished + 1)]
    with canvas(9.2, 3.0) as figure:
        axes = figure.subplots()
        axes.plot(*_points(known), ".", color=GREY, label="members")
        axes.plot(*_points([row for row in best if row is not None]), color=INK, label="best of each")
        axes.plot(*_points(shown.line), color=WINNER, linewidth=2.0, label="line of the best member")
        values = np.array([row.score for row in known])
        high, low = np.quantile(values, 0.95), values.min()
        axes.set_ylim(low - 0.06 * (high - low or 1.0), high + 0.06 * (high - low or 1.0))
        _label(axes, shown.about["objective"])
        axes.legend()
        above = int((values > axes.get_ylim()[1]).sum())
        return picture(figure, __name__, "scores", judge=shown.about["objective"], above=above)


def _points(rows: Sequence[Row]) -> tuple[list[int], list[float]]:
    """Return generations and scores of the members that have one."""
    found = [(row.generation, row.score) for row in rows if row.score is not None]
    return [generation for generation, _ in found], [score for _, score in found]


def course(shown: Shown) -> Picture:
    """Draw how settings moved: every member's, and those that the best member's weights were trained with."""
    names = [name for name in shown.rows[0].settings if _numbers(shown.rows, name)]
    if not names:
        raise NotReady("no setting that changes is a number")
    tall = -(-len(names) // COLUMNS)
    with canvas(9.2, 0.4 + 2.1 * tall) as figure:
        for axes, name in zip(panels(figure, len(names), COLUMNS, sharex=True), names, strict=True):
            points = [(row.generation, float(row.settings[name])) for row in shown.rows]  # type: ignore[arg-type]
            axes.plot(*zip(*points, strict=True), ".", color=GREY, markersize=3)
            line = [(row.generation, float(row.settings[name])) for row in shown.line]  # type: ignore[arg-type]
            axes.plot(*zip(*line, strict=True), color=WINNER, linewidth=2.0, drawstyle="steps-mid")
            values = np.array([value for _, value in points])
            if values.min() > 0 and values.max() / values.min() > DECADE:
                axes.set_yscale("log")
            axes.set_title(name.partition(".")[2])
            # A short last row would leave the panels above its gap without numbers.
            axes.tick_params(labelbottom=True)
            _label(axes, "")
        return picture(figure, __name__, "course", names=len(names))


def _label(axes: Axes, what: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("generation")
    axes.set_ylabel(what)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _numbers(rows: Sequence[Row], name: str) -> bool:
    values = [row.settings.get(name) for row in rows]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _said(shown: Shown, images: list[dict[str, str]], notes: list[str]) -> dict[str, object]:
    about, first, last = shown.about, shown.line[0], shown.line[-1]
    return {
        "model": shown.trial.shown,
        "split": shown.trial.split,
        "seed": shown.trial.seed,
        "judge": about["objective"],
        "members": about["members"],
        "epochs": about["epochs"],
        "generations": shown.genealogy.finished,
        "copies": sum(row.source == "copied" for row in shown.rows),
        "diverged": sum(row.state == "diverged" for row in shown.rows),
        "best": last,
        "settings": [(name, first.settings[name], value) for name, value in last.settings.items()],
        "held": list(shown.genealogy.note.get("held", {}).items()),
        "images": images,
        "notes": notes,
    }
