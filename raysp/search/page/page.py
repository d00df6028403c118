"""The page of a sweep: what was searched, what won and by how much, drawn from the run folder alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raysp.config.experiment import STANDIN
from raysp.errors import BadInput
from raysp.io import files
from raysp.report.failures import grouped
from raysp.report.pages import Pages, frame
from raysp.report.section import Drawn
from raysp.runs.folder import RunFolder, use_settings
from raysp.runs.records import Record
from raysp.search.page.course import history, learning, pareto
from raysp.search.page.parallel import parallel
from raysp.search.page.settings import importances, measures, slices
from raysp.search.page.tables import best_settings, line, snippet, top
from raysp.search.page.view import view
from raysp.search.result import Result, read_result
from raysp.search.study import Study, read_studies

OPEN = 2
"""Studies whose figures are unfolded."""

FIGURE_SETS = 60
"""Studies that get figures of their own; the tables are of all."""


def write_sweep_report(run: RunFolder, report: Callable[[str], None] = lambda text: None) -> str:
    """Write a sweep's report.html and its PNGs into its report folder, from what lies on disk alone.

    Args:
        run: the sweep's folder.
        report: called with what is being drawn.

    Returns:
        The page's path.

    Raises:
        NotReady: the folder holds no sweep.
        BadInput: its record or a study.yaml is damaged. A damaged trial or candidate is told on the page.
    """
    record, pages, sections = run.record(), Pages(run), []
    for i, study in enumerate(read_studies(run)):
        report(f"drawing {study.name}")
        sections.append(_section(study, pages, record, figures=i < FIGURE_SETS))
    lines = [section["line"] for section in sections if section["line"]]
    finished = sum(section["finished"] for section in sections)
    standin = [section["definition"].split.startswith(STANDIN) for section in sections]
    failed = {trial: path for section in sections for trial, path in section["failed"].items()}
    failures = grouped((trial, path, False) for trial, path in failed.items())
    return pages.write(
        "search/page/sweep.html",
        **frame(run, record, standin=standin, failures=failures, what="sweep"),
        use_settings=use_settings(run, record),
        sections=sections,
        open=OPEN,
        without_figures=max(len(sections) - FIGURE_SETS, 0),
        counts={state: sum(one[state] for one in lines) for state in ("done", "stopped", "failed")},
        candidates=sum(one[state] for one in lines for state in ("done", "stopped", "failed", "waiting")),
        finished=finished,
        usable=finished == len(sections) and files.exists(run.settings),
        preparation={name: one["notes"] for name, one in record.get("data", {}).items() if one.get("notes")},
    )


def draw_study(result: Result, prefix: str = "") -> Drawn:
    """Return a study's figures, and why others are missing; what cannot be drawn stops nothing else."""
    seen, drawn = view(result), Drawn(prefix)
    one, several = len(seen.definition.space.free) == 1, len(seen.definition.objectives) > 1
    ends = [*[pareto] * several, *[learning] * (seen.definition.halving is not None)]
    for figure in (history, importances, *[measures] * one, slices, parallel, *ends):
        drawn.add(figure, seen)
    return drawn


def _section(study: Study, pages: Pages, record: Record, *, figures: bool) -> dict[str, Any]:
    text = f"{study.definition.model}-{study.definition.split}"
    slug = "".join(c if c.isalnum() or c in "-_." else "-" for c in text)
    section = {"slug": slug, "definition": study.definition, "problem": "", "finished": False, "failed": {}}
    try:
        result = read_result(study)
    except (BadInput, OSError) as reason:
        return section | {"problem": str(reason), "line": None, "settings": []}
    drawn = draw_study(result, f"{slug}-") if figures and result.candidates else Drawn("")
    started = any(score.state != "waiting" for score in result.scores.values())
    return section | {
        "line": line(result, _asked(record)),
        "finished": bool(result.finished),
        "failed": _failed(study, result),
        "ended_by": result.finished.get("ended_by"),
        "finals": result.finals,
        "ended": [one.record for one in result.trials.values() if one.record],
        "images": [pages.image(picture) for picture in drawn.pictures],
        "notes": drawn.notes if started else [],
        "accepted": study.accepted,
        "settings": best_settings(result),
        "top": top(result),
        "snippet": snippet(result) if result.winner is not None else "",
    }


def _failed(study: Study, result: Result) -> dict[str, str]:
    """Return the ids of the trials that failed, and where each one's error stands."""
    keys = [key for key, how in result.trials.items() if how.state == "failed"]
    trials = [study.trial(result.candidates[number], *part) for number, *part in keys]
    return {trial.id: study.run.trial(trial.id).error for trial in trials}


def _asked(record: Record) -> int | None:
    """Return how many candidates per study the last command asked for; None for a grid without a limit."""
    submitted = record.get("submissions") or [{}]
    return (submitted[-1].get("asked") or {}).get("samples")
