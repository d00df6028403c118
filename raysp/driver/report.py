"""One self-contained page per run: no network, no script, readable in ten years and on paper."""

from __future__ import annotations

from collections.abc import Callable

from raysp.driver.compare import compare
from raysp.io import files
from raysp.kinds import catalog as kinds
from raysp.report import ensemble, pbt, provenance
from raysp.report.failures import failures
from raysp.report.pages import PAGE, Pages, frame
from raysp.report.run_data import RunData, read_run_data
from raysp.runs.folder import RunFolder
from raysp.runs.jobs import Jobs, in_turn


def write_report(
    run: RunFolder, root: str, report: Callable[[str], None] = lambda text: None, jobs: Jobs = in_turn
) -> str:
    """Write a run's report.html and its PNGs into runs/<run>/report/, from what lies on disk alone.

    Args:
        run: the run folder.
        root: the data root, for the splits and their answers.
        report: called with what is being drawn.
        jobs: draws figures of many splits side by side.

    Returns:
        The page's path.

    Raises:
        NotReady: nothing was ever run there.
        BadInput: the run's record is damaged.
    """
    data, pages = open_run(run, root), Pages(run, jobs)
    there = {task.kind for task in data.tasks}
    several, sections = len(there) > 1, []
    for kind in (one for one in kinds.known() if one.name in there):
        mine = data.only(kind.name)
        sections.append(kind.section(mine, pages, report, at=f"{kind.name}-" if several else ""))
    for room in (ensemble, pbt):
        if (own := room.section(data, pages, report)) is not None:
            sections.append(own)
    _forward(run)
    splits, states = provenance.splits(data), list(data.states.values())
    return pages.write(
        "report/report.html",
        **frame(run, data.record, standin=[one["standin"] for one in splits], failures=failures(data), what="report"),
        sections=sections,
        counts={state: states.count(state) for state in ("done", "failed", "started", "missing")},
        total=len(states),
        problems=data.problems,
        data=splits,
        seeds=data.seeds,
    )


def _forward(run: RunFolder) -> None:
    """Let a second page, which earlier versions wrote beside the first, say where its content is now."""
    if files.exists(old := files.join(run.report, "spike-trains.html")):
        files.write_text(old, f'<!doctype html>\n<p>Moved to <a href="{PAGE}">{PAGE}</a>.</p>\n')


def open_run(run: RunFolder, root: str) -> RunData:
    """Return what a run's page is made from, its comparisons up to date. Raises as `write_report` does."""
    compare(run, root)
    return read_run_data(run, root, kinds.of_run(run, root))
