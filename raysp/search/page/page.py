"""The page of a sweep: what was searched, what won and by how much, drawn from the run folder alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raysp.config.experiment import STANDIN
from raysp.errors import BadInput
from raysp.io import files
from raysp.report.failures import Failure, grouped
from raysp.report.pages import Pages, frame
from raysp.report.section import Drawn
from raysp.report.style import Picture
from raysp.runs.folder import RunFolder, use_settings
from raysp.search.page.curves import learning
from raysp.search.page.front import pareto
from raysp.search.page.history import history
from raysp.search.page.importance import importances
from raysp.search.page.measures import measures
from raysp.search.page.parallel import parallel
from raysp.search.page.slices import slices
from raysp.search.page.tables import best_settings, line, snippet, top
from raysp.search.page.view import View, view
from raysp.search.result import Result, read_result
from raysp.search.study import Study, read_studies

OPEN = 2
"""Studies whose figures are unfolded."""

FIGURE_SETS = 60
"""Studies that get figures of their own; the tables are of all."""

FIGURES: tuple[tuple[Callable[[View], Picture], Callable[[Result], bool]], ...] = (
    (lambda seen: history(seen.result), lambda result: True),
    (importances, lambda result: True),
    (measures, lambda result: len(result.study.definition.space.free) == 1),
    (slices, lambda result: True),
    (parallel, lambda result: True),
    (lambda seen: pareto(seen.result), lambda result: len(result.study.definition.objectives) > 1),
    (learning, lambda result: result.study.definition.halving is not None),
)
"""The figures of a study, and which studies have them."""


@dataclass(frozen=True)
class Read:
    """One study as it was read: its result, or what stood in the way."""

    study: Study
    result: Result | None
    problem: str = ""

    @property
    def slug(self) -> str:
        """The name of its place on the page and of its PNGs."""
        text = f"{self.study.definition.model}-{self.study.definition.split}"
        return "".join(c if c.isalnum() or c in "-_." else "-" for c in text)


def write_sweep_report(run: RunFolder, report: Callable[[str], None] | None = None) -> str:
    """Write a sweep's report.html and its PNGs into its report folder, from what lies on disk alone.

    Args:
        run: the sweep's folder.
        report: told what is being drawn.

    Returns:
        The page's path.

    Raises:
        NotReady: the folder holds no sweep.
        BadInput: its record or a study.yaml is damaged. A damaged trial or candidate is told on the page.
    """
    record = run.record()
    found = [_read(study) for study in read_studies(run)]
    pages, sections = Pages(run), []
    for i, one in enumerate(found):
        if report is not None:
            report(f"drawing {one.study.name}")
        sections.append(_section(one, pages, record, figures=i < FIGURE_SETS))
    return pages.write("search/page/sweep.html", **_context(run, record, found, sections))


def draw_study(result: Result, prefix: str = "") -> Drawn:
    """Return a study's figures, and why others are missing; what cannot be drawn stops nothing else."""
    seen, drawn = view(result), Drawn(prefix)
    for figure, wanted in FIGURES:
        if wanted(result):
            drawn.add(figure, seen)
    return drawn


def _read(study: Study) -> Read:
    try:
        return Read(study, read_result(study))
    except (BadInput, OSError) as reason:
        return Read(study, None, str(reason))


def _section(one: Read, pages: Pages, record: dict[str, Any], *, figures: bool) -> dict[str, Any]:
    definition, result = one.study.definition, one.result
    section = {
        "slug": one.slug,
        "definition": definition,
        "problem": one.problem,
        "line": None,
        "images": [],
        "notes": [],
        "settings": [],
        "top": [],
        "snippet": "",
    }
    if result is None:
        return section
    prefix = f"{one.slug}-"
    drawn = draw_study(result, prefix) if figures and result.candidates else Drawn(prefix)
    return section | {
        "line": line(result, _asked(record)),
        "finished": bool(result.finished),
        "ended_by": result.finished.get("ended_by"),
        "finals": result.finals,
        "fits": _fits(result),
        "images": [pages.image(picture) for picture in drawn.pictures],
        "notes": [
            *(drawn.notes if any(s.state != "waiting" for s in result.scores.values()) else ()),
            *map(_accepted, one.study.accepted),
        ],
        "settings": best_settings(result),
        "top": top(result),
        "snippet": snippet(result) if result.winner is not None else "",
    }


def _accepted(one: Mapping[str, Any]) -> str:
    return (
        f"Candidates from before {one['time']} were computed by other code ({', '.join(one['files'])}), which "
        f"{one['who']} said changes no result"
    )


def _context(
    run: RunFolder, record: dict[str, Any], found: Sequence[Read], sections: list[dict[str, Any]]
) -> dict[str, Any]:
    lines = [section["line"] for section in sections if section["line"] is not None]
    finished = [section for section in sections if section["line"] is not None and section["finished"]]
    standin = [one.study.definition.split.startswith(STANDIN) for one in found]
    return {
        **frame(run, record, standin=standin, failures=_failures(found), what="sweep"),
        "use_settings": use_settings(run, record),
        "sections": sections,
        "open": OPEN,
        "without_figures": max(len(found) - FIGURE_SETS, 0),
        "counts": {state: sum(getattr(one, state) for one in lines) for state in ("done", "stopped", "failed")},
        "candidates": sum(one.done + one.stopped + one.failed + one.waiting for one in lines),
        "finished": len(finished),
        "usable": len(finished) == len(sections) and files.exists(run.settings),
        "preparation": {name: one["notes"] for name, one in record.get("data", {}).items() if one.get("notes")},
    }


def _failures(found: Sequence[Read]) -> list[Failure]:
    """Return the ways trials of all studies failed, the first one first."""
    failed = {}
    for one in found:
        for (number, seed), how in one.result.outcomes.items() if one.result else ():
            if how.state == "failed":
                trial = one.study.trial(one.result.candidates[number], seed)
                failed[trial.id] = one.study.run.trial(trial.id).error
    return grouped((name, path, False) for name, path in failed.items())


def _asked(record: dict[str, Any]) -> int | None:
    """Return how many candidates per study the last command asked for; None for a grid without a limit."""
    submitted = record.get("submissions") or [{}]
    return (submitted[-1].get("asked") or {}).get("samples")


def _fits(result: Result) -> str:
    """Say how long trials took, how many epochs, and where."""
    done = [one.record for one in result.outcomes.values() if one.record]
    seconds = [one["seconds"] for one in done if one.get("seconds") is not None]
    epochs = [one["epochs"] for one in done if one.get("epochs")]
    devices = sorted({str(one["device"]) for one in done if one.get("device")})
    parts = [f"{len(done)} trials ended"]
    if seconds:
        parts.append(f"{sum(seconds) / len(seconds):.1f} s per trial ({sum(seconds) / 3600:.2g} h in all)")
    if epochs:
        parts.append(f"{sum(epochs) / len(epochs):.0f} epochs on average")
    return ", ".join(parts) + (f", on {', '.join(devices)}" if devices else "")
