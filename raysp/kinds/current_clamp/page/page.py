"""What a run's page shows of cells with injected currents: explained variance beside its ceiling, and single cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from raysp.data.splits import store
from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.errors import BadInput, NotReady, present
from raysp.io.words import counted
from raysp.kinds.current_clamp.page import tables
from raysp.kinds.current_clamp.page.analyses import cluster_lines, importances, read_analyses
from raysp.kinds.current_clamp.page.cell import cell, shown_cells
from raysp.kinds.current_clamp.page.numbers import Numbers, read_numbers
from raysp.kinds.current_clamp.page.scores import histograms, pairs
from raysp.kinds.current_clamp.page.spread import validated, violins
from raysp.kinds.current_clamp.page.trees import trees
from raysp.report import provenance
from raysp.report.pages import Pages, render
from raysp.report.run_data import RunData, Task
from raysp.report.section import Drawn, Section

FIGURE_SETS = 8
"""Recordings that get figures of their own; the tables are of all."""

OPEN = 2


def section(data: RunData, pages: Pages, say: Callable[[str], None], at: str = "") -> Section:
    """Return what the page shows of a run's cells.

    Args:
        data: of these recordings' trials.
        pages: takes the figures.
        say: told what is being drawn.
        at: begins the names of places on the page.
    """
    found = [(task, read_numbers(data, task)) for task in data.tasks]
    overview = Drawn("cells-")
    for over_cells in (histograms, violins, validated):
        overview.add(over_cells, found)
    analyses = read_analyses(data.run)
    drawn = Drawn("cells-")
    for figure in (importances, cluster_lines, trees) if analyses else ():
        drawn.add(figure, analyses)
    recordings = []
    for i, (task, numbers) in enumerate(found):
        say(f"drawing {task.name}")
        recordings.append(_recording(data, task, numbers, pages, figures=i < FIGURE_SETS))
    html = render(
        "kinds/current_clamp/page/page.html",
        run=data.run,
        at=at,
        recordings=recordings,
        overview=[pages.image(picture) for picture in overview.pictures],
        analyses=analyses,
        analysed=[pages.image(picture) for picture in drawn.pictures],
        open=OPEN,
        tables=tables,
    )
    size = f"{len(data.models)} × {len(data.tasks)} × {len(data.seeds)}"
    return Section(
        title="Cells with injected currents",
        html=html,
        facts=(("models × recordings × seeds", size),),
        links=((f"{at}scores", "Explained variance"), (f"{at}cells", "Cells"), (f"{at}analyses", "Analyses")),
        problems=data.incomplete("medians below are over the cells of those that are"),
    )


def draw(data: RunData, task: Task, numbers: Numbers) -> Drawn:
    """Draw the figures of one recording; what cannot be drawn becomes a note and stops nothing else."""
    drawn = Drawn(f"{task.slug}-")
    drawn.add(pairs, numbers)
    cells = shown_cells(numbers)
    try:
        store.same_data(data.root, task.trials[0])
        units = [one.unit for one in cells]
        split = cast(CurrentClampSplit, store.load_units(data.root, task.split, units)) if cells else None
    except (BadInput, NotReady, OSError) as reason:
        drawn.notes.append(f"no figures of single cells: {reason}")
        return drawn
    for one in cells:
        drawn.add(cell, numbers, present(split), one, _predictions(data, task, numbers, one.unit))
    return drawn


def about(data: RunData, task: Task) -> str:
    """Say what a recording is: cells, bin width, what is left out; what is known without it where it is gone."""
    if (header := data.header(task)) is None:
        return f"the recording is no longer prepared below {data.root}"
    bins = ", ".join(
        f"{'test' if name == 'eval' else name} {count * header.sizes.bin_ms / 60_000:,.0f} min"
        for name, count in header.trials.items()
    )
    gone = f"; {counted(header.left_out, 'cell')} left out by its filters" if header.left_out else ""
    return f"{counted(header.sizes.units, 'cell')}; bins of {header.sizes.bin_ms} ms; {bins}{gone}"


def left_out(data: RunData, task: Task) -> dict[str, list[int]]:
    """Return the cells that were left out by reason, a reason goes on after "it"."""
    found: dict[str, list[int]] = {}
    header = data.header(task)
    for unit, reason in () if header is None else header.left_out:
        found.setdefault(reason, []).append(unit)
    return found


def _predictions(data: RunData, task: Task, numbers: Numbers, unit: int) -> str:
    having = (t for t in data.finished(task) if t.shown == numbers.main and (t.units is None or unit in t.units))
    trial = next(having, None)
    return "" if trial is None else data.run.trial(trial.id).predictions


def _recording(data: RunData, task: Task, numbers: Numbers, pages: Pages, *, figures: bool) -> dict[str, object]:
    drawn = draw(data, task, numbers) if figures and numbers.models else Drawn("")
    return {
        **data.progress(task),
        "task": task,
        "about": about(data, task),
        "left_out": left_out(data, task),
        "numbers": numbers,
        "fits": provenance.fits(data, task),
        "images": [pages.image(picture) for picture in drawn.pictures],
        "notes": drawn.notes,
    }
